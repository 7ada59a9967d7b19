"""One EM iteration of a hidden Markov model with full gaussian states, of hmmlearn.

Rows lie around centres of spread 3, the state staying with probability 0.9, as bench/hmm.cpp makes
them. The time of an iteration is the difference of two fits that do the same but for the number of
iterations, divided by that number.
"""

import time

from common import run_script


def hmmlearn_gaussian(implementation):
    def factory(args):
        import logging

        import numpy as np
        from hmmlearn import hmm

        logging.disable(logging.WARNING)  # a fit that is cut short says so
        rng = np.random.default_rng(1)
        k, n = args.states, args.steps
        centres = 3 * rng.normal(size=(k, args.width))
        leaves = rng.random(n) > 0.9
        z = np.zeros(n, int)
        jump = rng.integers(0, k, n)
        for i in range(1, n):
            z[i] = jump[i] if leaves[i] else z[i - 1]
        x = rng.normal(size=(n, args.width)) + centres[z]
        cuts = [s * n // args.sequences for s in range(args.sequences + 1)]
        lengths = [b - a for a, b in zip(cuts, cuts[1:])]

        def fit(sweeps):
            model = hmm.GaussianHMM(k, covariance_type="full", n_iter=sweeps, tol=-np.inf,
                                    implementation=implementation, init_params="")
            model.startprob_ = np.full(k, 1 / k)
            model.transmat_ = np.full((k, k), 0.1 / k) + 0.9 * np.eye(k)
            model.means_ = centres.copy()
            model.covars_ = np.tile(np.eye(args.width), (k, 1, 1))
            start = time.perf_counter()
            model.fit(x, lengths)
            return time.perf_counter() - start

        def block():
            once = fit(1)
            return {"times": [(fit(1 + args.sweeps) - once) / args.sweeps * 1e3]}

        return block

    return factory


PEERS = {f"hmmlearn-{name}": hmmlearn_gaussian(name) for name in ("scaling", "log")}


def arguments(parser):
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--sequences", type=int, default=1)
    parser.add_argument("--states", type=int, default=16)
    parser.add_argument("--width", type=int, default=2)
    parser.add_argument("--sweeps", type=int, default=3)


if __name__ == "__main__":
    run_script("hmm", PEERS, arguments,
               lambda a: f"{a.steps} x {a.width}, K = {a.states}, {a.sequences} sequences")
