"""A variational auto-encoder trained and evaluated in PyTorch: the same maths, other code.

Model     x | z ~ Bernoulli(decoder(z)), z ~ N(0, I), q(z | x) = N(m(x), exp(s(x))^2) diagonal;
          784-500-500-(2x20) and mirrored, tanh, Glorot weights, zero biases.
Training  maximises the ELBO with the closed-form KL and one sample; Adam 1e-3, batch 128 (the last
          batch of an epoch is smaller), no weight decay, no schedule. Each time an image is used
          its pixels are drawn anew: 1 with probability grey / 255.
Test      the test images are made binary once. The rule: u = numpy.random.default_rng(S).random(
          (images, pixels), dtype=float32), row by row, S = --test-seed; pixel = (u < grey/255).
          --save-binary-test writes these bits (u8, images x pixels) as NPY; --binary-test reads
          such a file instead, so that two programs can be evaluated on the same bits.
Figures   nats per image, higher is better: test ELBO (--elbo-samples draws per image, closed-form
          KL) and log p(x) by importance weighting with --samples draws from q, streamed in chunks:
          log mean exp[log p(x | z) + log p(z) - log q(z | x)]. "_se" is the standard error over
          images of the mean.
"""

import argparse
import json
import math
import sys
import time

from common import import_torch, prepare_process, read_idx
import vae_step


def note(text):
    print(text, file=sys.stderr, flush=True)


def grey_images(path):
    images = read_idx(path)
    return images.reshape(len(images), -1)


def binary_test(np, args):
    if args.binary_test:
        bits = np.load(args.binary_test)
        bits = bits.reshape(len(bits), -1)
        if not np.isin(bits, (0, 1)).all():
            sys.exit(f"{args.binary_test}: holds values other than 0 and 1")
    else:
        grey = grey_images(args.test)
        uniform = np.random.default_rng(args.test_seed).random(grey.shape, dtype=np.float32)
        bits = (uniform < grey.astype(np.float32) / np.float32(255.0)).astype(np.uint8)
    if args.save_binary_test:
        np.save(args.save_binary_test, bits.astype(np.uint8))
    return bits.astype(np.float32)


def train(torch, model, images, args):
    """Returns the mean training ELBO of each epoch."""
    loss = vae_step.torch_loss(torch, model, args.latent)
    optimiser = torch.optim.Adam(model.parameters(), lr=args.lr, fused=True)
    order = torch.Generator().manual_seed(args.seed + 1)
    history = []
    for epoch in range(args.epochs):
        start, total = time.perf_counter(), 0.0
        shuffled = torch.randperm(len(images), generator=order)
        for rows in shuffled.split(args.batch):
            x = torch.bernoulli(images[rows].to(torch.float32).div_(255.0))
            optimiser.zero_grad(set_to_none=True)
            value = loss(x)
            value.backward()
            optimiser.step()
            total += value.item() * len(rows)
        history.append(-total / len(images))
        rate = len(images) / (time.perf_counter() - start)
        note(f"epoch {epoch + 1}/{args.epochs}  elbo {history[-1]:.3f}  {rate:.0f} images/s")
    return history


def mean_and_error(torch, values):
    values = values.double()
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))


def test_elbo(torch, model, bits, args):
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    fits, kls = [], []
    for x in bits.split(1000):
        mean, log_sd = model["encoder"](x).split(args.latent, dim=1)
        sd = log_sd.exp()
        kls.append(0.5 * (mean**2 + sd**2 - 1 - 2 * log_sd).sum(1))
        fit = torch.zeros(len(x), dtype=torch.float64)
        for _ in range(args.elbo_samples):
            logits = model["decoder"](mean + sd * torch.randn_like(mean))
            fit -= bce(logits, x, reduction="none").sum(1)
        fits.append(fit / args.elbo_samples)
    fit, kl = torch.cat(fits), torch.cat(kls)
    elbo, error = mean_and_error(torch, fit - kl)
    return {"test_elbo": elbo, "test_elbo_se": error, "test_reconstruction": float(fit.mean()),
            "test_kl": float(kl.double().mean())}


def log_weights(torch, model):
    """log p(x, z) - log q(z | x) of `eps.shape[0]` draws for each row of x; the constants of the
    two normal densities cancel."""
    softplus = torch.nn.functional.softplus

    def weights(x, mean, log_sd, eps):
        z = mean + log_sd.exp() * eps
        logits = model["decoder"](z)
        fit = (x * logits - softplus(logits)).sum(2)
        return fit + 0.5 * (eps * eps - z * z).sum(2) + log_sd.sum(1)

    return weights


def log_evidence(torch, model, bits, args):
    """Importance-weighted log p(x) of each row, in memory that does not grow with the samples."""
    weights = log_weights(torch, model)
    if args.compile:
        weights = torch.compile(weights)
    chunk = min(args.chunk, args.samples)
    chunks = -(-args.samples // chunk)
    if chunks * chunk != args.samples:
        note(f"samples rounded up to {chunks * chunk}, a multiple of the chunk")
    parts, start = [], time.perf_counter()
    for done, x in enumerate(bits.split(args.eval_batch)):
        mean, log_sd = model["encoder"](x).split(args.latent, dim=1)
        total = torch.full((len(x),), -math.inf, dtype=torch.float64)
        for _ in range(chunks):
            eps = torch.randn(chunk, *mean.shape)
            part = weights(x, mean, log_sd, eps).double().logsumexp(0)
            total = torch.logaddexp(total, part)
        parts.append(total - math.log(chunks * chunk))
        if done % 50 == 0:
            seen = (done + 1) * args.eval_batch
            note(f"log p(x)  {seen}/{len(bits)} images  {time.perf_counter() - start:.0f} s")
    return torch.cat(parts), chunks * chunk


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", help="IDX file of training images, gzipped or not")
    parser.add_argument("test", nargs="?", help="IDX file of test images, unless --binary-test")
    parser.add_argument("--hidden", default="500,500")
    parser.add_argument("--latent", type=int, default=20)
    parser.add_argument("--activation", choices=("tanh", "relu"), default="tanh")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--binary-test", metavar="NPY", help="test bits, instead of the rule")
    parser.add_argument("--save-binary-test", metavar="NPY")
    parser.add_argument("--test-seed", type=int, default=777)
    parser.add_argument("--elbo-samples", type=int, default=10)
    parser.add_argument("--samples", type=int, default=5000, help="0: no log p(x)")
    parser.add_argument("--chunk", type=int, default=100, help="draws per image at a time")
    parser.add_argument("--eval-batch", type=int, default=20, help="images at a time")
    parser.add_argument("--test-images", type=int, default=0, help="first so many; 0: all")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True,
                        help="of the log p(x) sum; training is eager, which is faster here")
    args = parser.parse_args()
    if not args.test and not args.binary_test:
        parser.error("give the test images or --binary-test")
    return args


def main():
    args = parse()
    prepare_process(args.threads)
    torch = import_torch(args.threads)
    import numpy as np

    images = torch.from_numpy(grey_images(args.train).copy())
    bits = torch.from_numpy(binary_test(np, args))
    if args.test_images:
        bits = bits[:args.test_images]
    args.pixels = images.shape[1]
    model = vae_step.torch_model(torch, args)
    started = time.perf_counter()
    history = train(torch, model, images, args)
    trained = time.perf_counter()
    with torch.no_grad():
        result = test_elbo(torch, model, bits, args)
        if args.samples:
            evidence, used = log_evidence(torch, model, bits, args)
            result["log_px"], result["log_px_se"] = mean_and_error(torch, evidence)
            result["samples"] = used
    print(json.dumps({
        "work": "vae_twin", "peer": "torch", "setting": vae_step.describe(args),
        "epochs": args.epochs, "seed": args.seed, "unit": "nats per image", **result,
        "images": len(bits), "train_elbo": history[-1] if history else None, "history": history,
        "train_seconds": trained - started, "evaluate_seconds": time.perf_counter() - trained,
        "threads": args.threads}))


if __name__ == "__main__":
    main()
