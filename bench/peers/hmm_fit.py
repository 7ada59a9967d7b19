"""A whole fit of a hidden Markov model with full gaussian states by EM: 1,000 sequences of 20 to
2,000 steps read from an NPY file, a start at random rows, a given number of sweeps.

`hmm_fit.py --make FILE` writes the rows, the number of the sequence in the first column. Ours is
timed from the shell, report included; the peer's time is that of reading and fitting alone.
"""

import os
import sys
import time

from common import run_script

SEQUENCES, STATES, WIDTH = 1000, 8, 2


def make(path):
    import numpy as np
    if os.path.exists(path):
        return
    rng = np.random.default_rng(1)
    centres = 3 * rng.normal(size=(STATES, WIDTH))
    rows = []
    for s in range(SEQUENCES):
        n = rng.integers(20, 2001)
        leaves, jump = rng.random(n) > 0.9, rng.integers(0, STATES, n)
        z = jump.copy()
        for i in range(1, n):
            z[i] = jump[i] if leaves[i] else z[i - 1]
        x = rng.normal(size=(n, WIDTH)) + centres[z]
        rows.append(np.column_stack([np.full(n, s), x]))
    np.save(path, np.concatenate(rows))


def hmmlearn_fit(args):
    def block():
        import logging

        import numpy as np
        from hmmlearn import hmm

        logging.disable(logging.WARNING)  # a fit that is cut short says so
        start = time.perf_counter()
        table = np.load(args.data)
        x = table[:, 1:]
        lengths = np.bincount(table[:, 0].astype(int))
        model = hmm.GaussianHMM(STATES, covariance_type="full", n_iter=args.sweeps, tol=-np.inf,
                                implementation="scaling", init_params="")
        rng = np.random.default_rng(0)
        model.startprob_ = np.full(STATES, 1 / STATES)
        model.transmat_ = np.full((STATES, STATES), 0.1 / STATES) + 0.9 * np.eye(STATES)
        model.means_ = x[rng.choice(len(x), STATES, replace=False)]
        model.covars_ = np.tile(np.cov(x.T), (STATES, 1, 1))
        model.fit(x, lengths)
        return {"times": [(time.perf_counter() - start) * 1e3]}

    return block


PEERS = {"hmmlearn-scaling": hmmlearn_fit}


def arguments(parser):
    parser.add_argument("--data", required="--list" not in sys.argv, help="NPY file of rows")
    parser.add_argument("--sweeps", type=int, default=20)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make(sys.argv[2])
    else:
        run_script("hmm_fit", PEERS, arguments, lambda a: f"{a.sweeps} sweeps")
