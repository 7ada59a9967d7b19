"""A chain of twelve elementwise operations over a vector of f32.

The work, with a = 1.5, b = 0.25 and x = 1,000,000 standard normals (numpy default_rng(0)):
     1  y = tanh(x)
     2  y = y * a
     3  y = y + b
     4  y = y * y
     5  y = -y
     6  y = exp(y)
     7  y = log1p(y)
     8  y = sigmoid(y)
     9  y = y * x
    10  y = y * y
    11  y = y + 1
    12  y = sqrt(y)
The result is written to memory that exists already, so that nobody pays for fresh pages.
A block times `--steps` evaluations one by one. "checksum" is the mean of y in f64.
"""

from common import import_torch, run_script, time_calls

A, B = 1.5, 0.25


def make_input(args):
    import numpy as np

    return np.random.default_rng(0).standard_normal(args.n, dtype=np.float32)


def chain(ops, x):
    y = ops.tanh(x)
    y = y * A
    y = y + B
    y = y * y
    y = -y
    y = ops.exp(y)
    y = ops.log1p(y)
    y = ops.sigmoid(y)
    y = y * x
    y = y * y
    y = y + 1.0
    return ops.sqrt(y)


def torch_eager(args):
    torch = import_torch(args.threads)
    x = torch.from_numpy(make_input(args))
    return torch_block(args, x, lambda: chain(torch, x))


def torch_inplace(args):
    """The same calls on one buffer: half of the memory traffic of the plain expression."""
    torch = import_torch(args.threads)
    x = torch.from_numpy(make_input(args))
    y = torch.empty_like(x)

    def call():
        torch.tanh(x, out=y)
        y.mul_(A).add_(B)
        torch.mul(y, y, out=y)
        y.neg_().exp_().log1p_().sigmoid_().mul_(x)
        torch.mul(y, y, out=y)
        return y.add_(1.0).sqrt_()

    return torch_block(args, x, call)


def torch_compile(into_buffer):
    def factory(args):
        torch = import_torch(args.threads)
        x = torch.from_numpy(make_input(args))
        if not into_buffer:
            function = torch.compile(lambda v: chain(torch, v), fullgraph=True, dynamic=False)
            return torch_block(args, x, lambda: function(x))
        out = torch.empty_like(x)
        function = torch.compile(lambda v, o: o.copy_(chain(torch, v)), fullgraph=True,
                                 dynamic=False)
        return torch_block(args, x, lambda: function(x, out))

    return factory


def torch_block(args, x, call):
    import torch

    last = [None]

    def timed(_):
        last[0] = call()

    with torch.no_grad():
        for i in range(args.warmup):
            timed(i)

    def block():
        with torch.no_grad():
            times = time_calls(timed, args.steps)
        return {"times": times, "checksum": float(last[0].double().mean())}

    return block


def jax_jit(args):
    import jax
    import numpy as np

    class Ops:
        tanh, exp, log1p, sqrt = jax.numpy.tanh, jax.numpy.exp, jax.numpy.log1p, jax.numpy.sqrt
        sigmoid = jax.nn.sigmoid

    x = jax.numpy.asarray(make_input(args))
    # The donated argument lends its memory to the result.
    function = jax.jit(lambda v, out: chain(Ops, v), donate_argnums=1, keep_unused=True)
    last = [jax.numpy.zeros_like(x)]

    def timed(_):
        last[0] = function(x, last[0])
        last[0].block_until_ready()

    for i in range(args.warmup):
        timed(i)

    def block():
        times = time_calls(timed, args.steps)
        return {"times": times, "checksum": float(np.asarray(last[0], np.float64).mean())}

    return block


PEERS = {
    "torch-eager": torch_eager,
    "torch-eager-inplace": torch_inplace,
    "torch-compile": torch_compile(False),
    "torch-compile-out": torch_compile(True),
    "jax-jit": jax_jit,
}


def add_arguments(parser):
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=20)


if __name__ == "__main__":
    run_script("chain", PEERS, add_arguments, lambda args: f"12 ops, {args.n} f32")
