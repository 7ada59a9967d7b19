"""From the start of the process to the end of the first training step, imports included.

Reads the images of an IDX file (gzipped or not), makes the 784-500-500-20 model and does one step
of the ordinary loop of epoch.py. The start is the process's own, as the kernel recorded it (to
10 ms). This is one figure per process, so the runner starts it anew each time.
"""

import os
import sys
import time


def seconds_since_process_start():
    with open("/proc/self/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / ticks


def one_step(compiled):
    def factory(args):
        from common import import_torch, read_idx
        import vae_step
        torch = import_torch(args.threads)
        images = read_idx(args.data)
        images = images.reshape(len(images), -1)
        args.pixels = images.shape[1]
        args.hidden, args.latent, args.activation = "500,500", 20, "tanh"
        dataset = torch.utils.data.TensorDataset(torch.from_numpy(images.copy()))
        loader = torch.utils.data.DataLoader(dataset, batch_size=args.batch, shuffle=True)
        model = vae_step.torch_model(torch, args)
        loss = vae_step.torch_loss(torch, model, args.latent)
        if compiled:
            loss = torch.compile(loss)
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        for (grey,) in loader:
            optimiser.zero_grad()
            value = loss(torch.bernoulli(grey.float().div_(255.0)))
            value.backward()
            optimiser.step()
            value.item()
            break
        taken = seconds_since_process_start() * 1e3
        return lambda: {"median_ms": taken, "p10_ms": taken, "n": 1, "loss": value.item()}

    return factory


PEERS = {"torch-eager": one_step(False), "torch-compile": one_step(True)}


def add_arguments(parser):
    parser.add_argument("--data", required="--list" not in sys.argv, help="IDX file of images")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)


if __name__ == "__main__":
    from common import run_script
    run_script("first_step", PEERS, add_arguments, lambda args: os.path.basename(args.data))
