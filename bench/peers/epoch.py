"""One epoch over 60,000 images with the ordinary PyTorch loop.

A Dataset hands out one u8 image at a time, scaled to [0, 1] as torchvision's ToTensor does; a
DataLoader shuffles and collates batches of 128; each batch is binarised anew (a pixel is 1 with
its grey value as probability); then the step of vae_step.py with the default Adam. A block is one
epoch; median_ms is the epoch's time per step, images_per_s its rate with data preparation.
"""

import os
import time

from common import RUN_CPUS, import_torch, read_idx, run_script
import vae_step


def load_images(args):
    import numpy as np

    if args.data:
        images = read_idx(args.data)
        return images.reshape(len(images), -1)
    return np.random.default_rng(0).integers(0, 256, (60_000, 784), dtype=np.uint8)


def loop_peer(workers, compiled=False):
    def factory(args):
        torch = import_torch(args.threads)
        images = load_images(args)
        args.pixels = images.shape[1]

        class Images(torch.utils.data.Dataset):
            def __len__(self):
                return len(images)

            def __getitem__(self, i):
                return torch.from_numpy(images[i]).to(torch.float32).div_(255.0)

        loader = torch.utils.data.DataLoader(
            Images(), batch_size=args.batch, shuffle=True, num_workers=workers,
            worker_init_fn=unbind, persistent_workers=workers > 0)
        model = vae_step.torch_model(torch, args)
        loss = vae_step.torch_loss(torch, model, args.latent)
        options = {"fused": True} if compiled else {}
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, **options)
        if compiled:
            loss = torch.compile(loss)

        def epoch(limit):
            total, count, steps = 0.0, 0, 0
            start = time.perf_counter()
            for grey in loader:
                optimiser.zero_grad()
                value = loss(torch.bernoulli(grey))
                value.backward()
                optimiser.step()
                total += value.item() * len(grey)
                count += len(grey)
                steps += 1
                if steps == limit:
                    break
            seconds = time.perf_counter() - start
            return {"median_ms": 1e3 * seconds / steps, "p10_ms": 1e3 * seconds / steps,
                    "n": 1, "images_per_s": count / seconds, "loss": total / count}

        epoch(20)
        return lambda: epoch(args.limit)

    return factory


def unbind(_):
    """A loader process may use any core of the run, not only the one its parent is bound to."""
    os.sched_setaffinity(0, RUN_CPUS)


PEERS = {
    "torch-dataloader": loop_peer(0),
    "torch-dataloader-2-workers": loop_peer(2),
    "torch-dataloader-compile": loop_peer(0, compiled=True),
}


def add_arguments(parser):
    vae_step.add_arguments(parser)
    parser.set_defaults(hidden="400")
    parser.add_argument("--data", help="IDX file of images, gzipped or not; default: random ones")
    parser.add_argument("--limit", type=int, default=0, help="stop after so many steps; 0: never")


if __name__ == "__main__":
    run_script("epoch", PEERS, add_arguments, vae_step.describe)
