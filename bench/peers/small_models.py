"""Log density and gradient of two small models, f64, evaluated inside one compiled loop.

eight_schools, non-centred, 10 parameters u = (mu, log tau, eta_1..8), all constants kept:
    mu ~ N(0, 5)     tau ~ HalfCauchy(0, 5), with the log-Jacobian log tau     eta_j ~ N(0, 1)
    y_j ~ N(mu + tau * eta_j, sigma_j)
    y = 28 8 -3 7 -1 1 18 12     sigma = 15 10 16 11 9 11 10 18
  u starts at (0.5, 0.3, 0.1 * (1..8) - 0.45); draw d of D adds 0.01 * d to every entry.
  Every line gives "value" and "grad_sum" of the first draw at the start: -43.168314913978 and
  1.848243959083. A program that does the same work gives the same.

logistic, --rows 500 by --columns 10, prior beta ~ N(0, 1), constants kept:
    X standard normal, y_i = 1 if uniform < sigmoid(X_i beta*), beta*_j = (j - 4.5) / 5
  from numpy default_rng(0): X first, then the uniforms. beta starts at 0.1 in every entry.
  --write-data FOLDER saves X and y as NPY for other programs.

The loop moves the parameters by 1e-9 x gradient each time, so that no evaluation can be hoisted,
and adds up the values. A time is that of one evaluation of one draw: with 16 draws the loop
evaluates all at once and its time is divided by 16. Call overhead is not counted.
"""

import math

from common import run_script, time_calls

Y = (28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0)
SIGMA = (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)
HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def eight_schools(jnp):
    y, sigma = jnp.asarray(Y), jnp.asarray(SIGMA)

    def log_density(u):
        mu, log_tau, eta = u[0], u[1], u[2:]
        tau = jnp.exp(log_tau)
        prior = -0.5 * (mu / 5.0) ** 2 - math.log(5.0) - HALF_LOG_2PI
        prior += math.log(2.0 / (5.0 * math.pi)) - jnp.log1p((tau / 5.0) ** 2) + log_tau
        prior += (-0.5 * eta * eta - HALF_LOG_2PI).sum()
        r = (y - (mu + tau * eta)) / sigma
        return prior + (-0.5 * r * r - jnp.log(sigma) - HALF_LOG_2PI).sum()

    return log_density


def eight_schools_start(np, draws):
    base = np.concatenate([[0.5, 0.3], 0.1 * np.arange(1, 9) - 0.45])
    return base[None, :] + 0.01 * np.arange(draws)[:, None]


def logistic_data(np, rows, columns):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, columns))
    true = (np.arange(columns) - 4.5) / 5.0
    y = (rng.random(rows) < 1.0 / (1.0 + np.exp(-x @ true))).astype(np.float64)
    return x, y


def logistic(jnp, x, y, form):
    """form: how the linear predictor is asked for (a matrix product, or multiply and sum)."""
    columns = x.shape[1]
    x, y = jnp.asarray(x), jnp.asarray(y)
    xt = jnp.asarray(x.T)

    def log_density(beta):
        eta = x @ beta if form == "dot" else (xt * beta[:, None]).sum(axis=0)
        softplus = jnp.maximum(eta, 0) + jnp.log1p(jnp.exp(-jnp.abs(eta)))
        return (y * eta - softplus).sum() - 0.5 * (beta * beta).sum() - columns * HALF_LOG_2PI

    return log_density


def jax_loop(unroll=1, form="dot", lanes=False):
    """lanes: draws on the last axis, so that a vector register holds draws and not coordinates."""

    def factory(args):
        import jax
        jax.config.update("jax_enable_x64", True)
        import numpy as np
        jnp = jax.numpy

        if args.write_data:
            x, y = logistic_data(np, args.rows, args.columns)
            np.save(f"{args.write_data}/logistic_x.npy", x)
            np.save(f"{args.write_data}/logistic_y.npy", y)
        if args.model == "eight_schools":
            log_density = eight_schools(jnp)
            start = eight_schools_start(np, args.draws)
        else:
            x, y = logistic_data(np, args.rows, args.columns)
            log_density = logistic(jnp, x, y, form)
            start = np.full((args.draws, args.columns), 0.1)
        if args.draws == 1:
            evaluate, start = jax.value_and_grad(log_density), start[0]
        elif lanes:
            evaluate = jax.vmap(jax.value_and_grad(log_density), in_axes=1, out_axes=(0, 1))
            start = np.ascontiguousarray(start.T)
        else:
            evaluate = jax.vmap(jax.value_and_grad(log_density))

        @jax.jit
        def loop(u):
            def body(_, carry):
                at, total = carry
                value, grad = evaluate(at)
                return at + 1e-9 * grad, total + value

            zero = jnp.zeros(() if args.draws == 1 else args.draws)
            return jax.lax.fori_loop(0, args.iterations, body, (u, zero), unroll=unroll)

        u = jnp.asarray(start)
        value, grad = jax.jit(evaluate)(u)
        first = grad[:, 0] if lanes and args.draws > 1 else grad.reshape(args.draws, -1)[0]
        extra = {"value": float(value.reshape(-1)[0]), "grad_sum": float(first.sum())}
        call = lambda _: jax.block_until_ready(loop(u))
        call(0)

        def block():
            return {"times": time_calls(call, args.steps, args.iterations * args.draws), **extra}

        return block

    return factory


PEERS = {
    "jax-loop": jax_loop(),
    "jax-loop-unroll8": jax_loop(unroll=8),
    "jax-loop-lanes": jax_loop(lanes=True),
    "jax-loop-sum": jax_loop(form="sum"),
}


def add_arguments(parser):
    parser.add_argument("--model", choices=("eight_schools", "logistic"), default="eight_schools")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--write-data", metavar="FOLDER")
    parser.add_argument("--iterations", type=int, default=16384, help="evaluations per timed call")
    parser.add_argument("--steps", type=int, default=30, help="timed calls per block")


def describe(args):
    if args.model == "logistic":
        return f"logistic {args.rows}x{args.columns}, {args.draws} draw(s)"
    return f"eight_schools, {args.draws} draw(s)"


if __name__ == "__main__":
    run_script("small_models", PEERS, add_arguments, describe, default_threads=1)
