"""One training step of an MLP variational auto-encoder, f32, on the CPU.

The work, the same for every program: given a minibatch of 0/1 images x (already in memory),
    h      = activation(W h + b) for each hidden width             encoder, 784-500-500 by default
    m, s   = one linear layer of 2 x latent outputs                mean and log standard deviation
    z      = m + exp(s) * eps,  eps ~ N(0, 1) drawn inside the step
    logits = mirrored decoder of z
    loss   = [sum BCE(logits, x) + sum (m^2 + exp(2 s) - 1 - 2 s) / 2] / batch
then the gradient of all parameters and one Adam update (1e-3, 0.9, 0.999, 1e-8).
A block times `--steps` such steps one by one after a warm-up.
"""

import math

from common import (POOL_BATCHES, binary_images, import_torch, run_script, time_calls, widths)


def layer_sizes(args):
    hidden = widths(args.hidden)
    encoder = [args.pixels, *hidden, 2 * args.latent]
    decoder = [args.latent, *reversed(hidden), args.pixels]
    return encoder, decoder


def batches(args):
    images = binary_images(POOL_BATCHES * args.batch, args.pixels)
    return images.reshape(POOL_BATCHES, args.batch, args.pixels)


# ---------------------------------------------------------------- PyTorch


def torch_model(torch, args):
    """Encoder and decoder as nn.Sequential with Glorot weights."""
    nn = torch.nn
    act = {"tanh": nn.Tanh, "relu": nn.ReLU}[args.activation]
    torch.manual_seed(args.seed)

    def mlp(sizes):
        layers = []
        for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
            linear = nn.Linear(n_in, n_out)
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
            layers += [linear] if i + 2 == len(sizes) else [linear, act()]
        return nn.Sequential(*layers)

    encoder, decoder = layer_sizes(args)
    return nn.ModuleDict({"encoder": mlp(encoder), "decoder": mlp(decoder)})


def torch_loss(torch, model, latent):
    bce = torch.nn.functional.binary_cross_entropy_with_logits

    def loss(x):
        mean, log_sd = model["encoder"](x).split(latent, dim=1)
        sd = torch.exp(log_sd)
        logits = model["decoder"](mean + sd * torch.randn_like(mean))
        kl = 0.5 * (mean * mean + sd * sd - 1.0 - 2.0 * log_sd).sum()
        return (bce(logits, x, reduction="sum") + kl) / x.shape[0]

    return loss


def torch_peer(compiled, adam, compile_adam=False, cpp_wrapper=False):
    def factory(args):
        torch = import_torch(args.threads)
        model = torch_model(torch, args)
        loss = torch_loss(torch, model, args.latent)
        options = {"loop": {"foreach": False}, "foreach": {"foreach": True},
                   "fused": {"fused": True}}[adam]
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, **options)
        update = optimiser.step
        if cpp_wrapper:
            import torch._inductor.config as inductor
            inductor.cpp_wrapper = True
        if compiled:
            loss = torch.compile(loss, fullgraph=True, dynamic=False)
        if compile_adam:
            update = torch.compile(optimiser.step, fullgraph=False)
        data = [torch.from_numpy(b) for b in batches(args)]
        last = [0.0]

        def step(i):
            optimiser.zero_grad(set_to_none=True)
            value = loss(data[i % POOL_BATCHES])
            value.backward()
            update()
            last[0] = value.detach()

        for i in range(args.warmup):
            step(i)

        def block():
            times = time_calls(step, args.steps)
            return {"times": times, "loss": float(last[0])}

        return block

    return factory


# ---------------------------------------------------------------- JAX


def jax_parameters(args):
    import numpy as np

    rng = np.random.default_rng(args.seed)

    def mlp(sizes):
        out = []
        for n_in, n_out in zip(sizes, sizes[1:]):
            limit = math.sqrt(6.0 / (n_in + n_out))
            out.append((rng.uniform(-limit, limit, (n_in, n_out)).astype(np.float32),
                        np.zeros(n_out, np.float32)))
        return out

    encoder, decoder = layer_sizes(args)
    return mlp(encoder), mlp(decoder)


def jax_step(jax, args):
    jnp = jax.numpy
    act = {"tanh": jnp.tanh, "relu": jax.nn.relu}[args.activation]

    def mlp(layers, h):
        for w, b in layers[:-1]:
            h = act(h @ w + b)
        w, b = layers[-1]
        return h @ w + b

    def loss(params, x, eps):
        encoder, decoder = params
        mean, log_sd = jnp.split(mlp(encoder, x), 2, axis=1)
        sd = jnp.exp(log_sd)
        logits = mlp(decoder, mean + sd * eps)
        bce = jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))
        kl = 0.5 * (mean * mean + sd * sd - 1.0 - 2.0 * log_sd).sum()
        return (bce.sum() + kl) / x.shape[0]

    def step(state, x):
        params, first, second, count, key = state
        key, sub = jax.random.split(key)
        eps = jax.random.normal(sub, (x.shape[0], args.latent), jnp.float32)
        value, grads = jax.value_and_grad(loss)(params, x, eps)
        count = count + 1
        rate = 1e-3 * jnp.sqrt(1 - 0.999 ** count) / (1 - 0.9 ** count)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
        params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8),
                              params, first, second)
        return (params, first, second, count, key), value

    return step


def jax_peer(per_call):
    """per_call = 1: one call per step; otherwise that many steps in one compiled scan."""

    def factory(args):
        import jax
        jnp = jax.numpy
        step = jax_step(jax, args)
        params = jax.tree.map(jnp.asarray, jax_parameters(args))
        zeros = jax.tree.map(jnp.zeros_like, params)
        key = jax.random.key(args.seed, impl="rbg")
        state = (params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(0), key)
        data = batches(args)
        if per_call == 1:
            inputs = [jnp.asarray(b) for b in data]
            function = step
        else:
            inputs = [jnp.asarray(data)] * POOL_BATCHES

            def function(carry, xs):
                return jax.lax.scan(step, carry, xs)

        compiled = jax.jit(function, donate_argnums=0)
        held = [state, None]

        def call(i):
            held[0], held[1] = compiled(held[0], inputs[i % POOL_BATCHES])
            jax.block_until_ready(held)

        for i in range(max(2, args.warmup // per_call)):
            call(i)

        def block():
            times = time_calls(call, max(1, args.steps // per_call), per_call)
            return {"times": times, "loss": float(held[1].reshape(-1)[-1])}

        return block

    return factory


PEERS = {
    "torch-eager": torch_peer(False, "loop"),
    "torch-eager-foreach": torch_peer(False, "foreach"),
    "torch-eager-fused": torch_peer(False, "fused"),
    "torch-compile-fused": torch_peer(True, "fused"),
    "torch-compile-fused-cpp": torch_peer(True, "fused", cpp_wrapper=True),
    "torch-compile-all": torch_peer(True, "foreach", compile_adam=True),
    "jax-jit": jax_peer(1),
    "jax-scan": jax_peer(POOL_BATCHES),
}


def add_arguments(parser):
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--pixels", type=int, default=784)
    parser.add_argument("--hidden", default="500,500", help="encoder widths; the decoder mirrors")
    parser.add_argument("--latent", type=int, default=20)
    parser.add_argument("--activation", choices=("tanh", "relu"), default="tanh")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)


def describe(args):
    hidden = args.hidden.replace(",", "-")
    return f"{args.pixels}-{hidden}-{args.latent} {args.activation} batch {args.batch}"


if __name__ == "__main__":
    run_script("vae_step", PEERS, add_arguments, describe)
