"""A whole fit of a full Gaussian mixture by EM: rows read from an NPY file, a start at random rows,
a given number of sweeps, none of them left out.

`gmm_fit.py --make FILE` writes the rows: normal around centres of spread 3, as mixture.py has them.
Ours is timed from the shell, report included; the peer's time is that of reading and fitting alone.
"""

import os
import sys
import time

from common import AS_INSTALLED, run_script

ROWS, WIDTH, COMPONENTS = 1_000_000, 16, 32


def make(path):
    import numpy as np
    if os.path.exists(path):
        return
    rng = np.random.default_rng(1)
    centres = 3 * rng.normal(size=(COMPONENTS, WIDTH))
    np.save(path, rng.normal(size=(ROWS, WIDTH)) + centres[np.arange(ROWS) % COMPONENTS])


def sklearn_fit(args):
    import warnings

    import numpy as np
    from sklearn.mixture import GaussianMixture

    warnings.filterwarnings("ignore")  # a fit that is cut short says so

    def block():
        start = time.perf_counter()
        x = np.load(args.data)
        model = GaussianMixture(COMPONENTS, tol=0, max_iter=args.sweeps, random_state=0,
                                init_params="random_from_data")
        model.fit(x)
        return {"times": [(time.perf_counter() - start) * 1e3]}

    return block


PEERS = {"sklearn-em": sklearn_fit, "sklearn-em" + AS_INSTALLED: sklearn_fit}


def arguments(parser):
    parser.add_argument("--data", required="--list" not in sys.argv, help="NPY file of rows")
    parser.add_argument("--sweeps", type=int, default=20)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make(sys.argv[2])
    else:
        run_script("gmm_fit", PEERS, arguments, lambda a: f"{a.sweeps} sweeps")
