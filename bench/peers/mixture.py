"""One iteration of scikit-learn's Gaussian mixtures (EM and variational), full covariance.

The time of an iteration is the difference of two fits that do the same but for their number.

    python bench/peers/mixture.py --rows 1000000 --width 16 --components 32 --method em
"""

import argparse
import json
import time
import warnings

import numpy as np
import sklearn
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--width", type=int, default=16)
    p.add_argument("--components", type=int, default=32)
    p.add_argument("--method", choices=["em", "vb"], default="em")
    p.add_argument("--dtype", default="float64")
    p.add_argument("--sweeps", type=int, default=2)
    p.add_argument("--repeat", type=int, default=1)
    a = p.parse_args()
    warnings.filterwarnings("ignore")
    rng = np.random.default_rng(1)
    centres = 3 * rng.normal(size=(a.components, a.width))
    x = rng.normal(size=(a.rows, a.width)) + centres[np.arange(a.rows) % a.components]
    x = x.astype(a.dtype)
    make = GaussianMixture if a.method == "em" else BayesianGaussianMixture

    def fit(sweeps):
        model = make(a.components, tol=0, max_iter=sweeps, init_params="random_from_data",
                     random_state=0)
        start = time.perf_counter()
        model.fit(x)
        return time.perf_counter() - start

    found = sorted(
        (fit(1 + a.sweeps) - fit(1)) / a.sweeps * 1e3 for _ in range(a.repeat)
    )
    print(json.dumps({"work": "mixture", "peer": "scikit-learn " + sklearn.__version__,
                      "method": a.method, "rows": a.rows, "width": a.width,
                      "components": a.components, "dtype": a.dtype,
                      "median_ms": found[len(found) // 2]}))


main()
