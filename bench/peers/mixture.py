"""One sweep of a full Gaussian mixture: EM and variational Bayes of scikit-learn.

Rows are normal around centres of spread 3, as bench/mixture.cpp makes them. The time of a sweep is
the difference of two fits that do the same but for the number of sweeps, divided by that number:
what a fit does once does not count.
"""

import time

from common import AS_INSTALLED, run_script


def sklearn_mixture(kind):
    def factory(args):
        import warnings

        import numpy as np
        from sklearn import mixture

        warnings.filterwarnings("ignore")  # a fit that is cut short says so
        rng = np.random.default_rng(1)
        centres = 3 * rng.normal(size=(args.components, args.width))
        x = rng.normal(size=(args.rows, args.width)) + centres[np.arange(args.rows)
                                                               % args.components]
        x = x.astype(args.dtype)
        make = getattr(mixture, kind)

        def fit(sweeps):
            model = make(args.components, tol=0, max_iter=sweeps, init_params="random_from_data",
                         random_state=0)
            start = time.perf_counter()
            model.fit(x)
            return time.perf_counter() - start

        def block():
            once = fit(1)
            return {"times": [(fit(1 + args.sweeps) - once) / args.sweeps * 1e3]}

        return block

    return factory


PEERS = {name + end: sklearn_mixture(kind)
         for name, kind in (("sklearn-em", "GaussianMixture"),
                            ("sklearn-vb", "BayesianGaussianMixture"))
         for end in ("", AS_INSTALLED)}


def arguments(parser):
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--components", type=int, default=32)
    parser.add_argument("--sweeps", type=int, default=2)
    parser.add_argument("--dtype", default="float64")


if __name__ == "__main__":
    run_script("mixture", PEERS, arguments,
               lambda a: f"{a.rows} x {a.width}, K = {a.components}, {a.dtype}")
