"""What every peer script shares: process set-up, timing and the line protocol.

A script names its work, its command-line options and a table PEERS of factories. A factory takes
the parsed options, warms up (compiles), and returns a function that runs one timed block and
returns a dict: either {"times": [milliseconds per unit]} or a dict that has "median_ms" already.

    script.py                       every peer in turn, each in a process of its own, one block
    script.py --peer NAME           one block of one peer
    script.py --peer NAME --serve   one block per line read on stdin, until "quit" or end of file

Each block prints one JSON line with at least
    work peer setting median_ms p10_ms n threads
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
import warnings
import zlib

POOL_BATCHES = 8  # distinct minibatches that a step benchmark cycles through
RUN_CPUS = []  # the cores of this run, once prepare_process has chosen them


AS_INSTALLED = "-as-installed"  # ends the name of a peer whose allocator is left as it is


def prepare_process(threads, as_installed=False):
    """Threads, core binding and allocator. Must run before torch, jax or polars is imported."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    RUN_CPUS[:] = cpus
    os.sched_setaffinity(0, cpus)  # XLA sizes its pool from this mask
    env = os.environ
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS",
                 "OPENBLAS_NUM_THREADS"):
        env[name] = str(threads)
    env["OMP_PROC_BIND"] = "close"
    env["OMP_PLACES"] = "cores"
    env["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    env["JAX_PLATFORMS"] = "cpu"
    flags = env.get("XLA_FLAGS", "")
    if threads == 1:
        flags += " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    env["XLA_FLAGS"] = flags.strip()
    warnings.filterwarnings("ignore")
    if as_installed:
        return
    # Keep freed memory: otherwise every large temporary is mapped, faulted in and unmapped again.
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2147483647)  # M_TRIM_THRESHOLD
        libc.mallopt(-2, 256 << 20)  # M_TOP_PAD
    except (OSError, AttributeError):
        pass


def import_torch(threads):
    import torch

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)  # before the first parallel region: its threads inherit it
    return torch


def quantile(sorted_values, q):
    """Linear interpolation between order statistics."""
    at = q * (len(sorted_values) - 1)
    low = int(at)
    high = min(low + 1, len(sorted_values) - 1)
    return sorted_values[low] + (at - low) * (sorted_values[high] - sorted_values[low])


def summarise(result):
    times = result.pop("times", None)
    if times is not None:
        ordered = sorted(times)
        result = {"median_ms": quantile(ordered, 0.5), "p10_ms": quantile(ordered, 0.1),
                  "n": len(ordered), **result}
    return result


def time_calls(call, count, per_call=1):
    """Milliseconds of each of `count` calls, divided by the units that one call does."""
    times = []
    clock = time.perf_counter
    for i in range(count):
        start = clock()
        call(i)
        times.append((clock() - start) * 1e3 / per_call)
    return times


def read_idx(path):
    """The u8 array of an IDX file, gzipped or plain."""
    import numpy as np

    with open(path, "rb") as file:
        raw = file.read()
    if raw[:2] == b"\x1f\x8b":
        raw = zlib.decompress(raw, 16 + zlib.MAX_WBITS)
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        sys.exit(f"{path}: not an IDX file of unsigned bytes")
    ndim = raw[3]
    shape = tuple(int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(ndim))
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * ndim).reshape(shape)


def binary_images(rows, pixels=784, seed=0):
    """0/1 images (f32) with the ink profile of a digit: bright in the middle, dark at the edge."""
    import numpy as np

    side = int(round(pixels ** 0.5))
    axis = np.linspace(-1.0, 1.0, side)
    ink = 0.5 * np.exp(-3.0 * (axis[:, None] ** 2 + axis[None, :] ** 2)).reshape(-1)
    uniform = np.random.default_rng(seed).random((rows, side * side), dtype=np.float32)
    return (uniform < ink[None, :].astype(np.float32)).astype(np.float32)


def widths(text):
    return [int(w) for w in text.split(",")]


def run_script(work, peers, add_arguments, describe, default_threads=2):
    """Entry point of a peer script; see the module's docstring."""
    parser = argparse.ArgumentParser(description=f"peers of the benchmark '{work}'")
    parser.add_argument("--peer", choices=sorted(peers), help="default: all, one after the other")
    parser.add_argument("--threads", type=int, default=default_threads)
    parser.add_argument("--serve", action="store_true", help="one block per line on stdin")
    parser.add_argument("--list", action="store_true", help="print the names of the peers")
    add_arguments(parser)
    args = parser.parse_args()
    if args.list:
        print("\n".join(peers))
        return
    if args.peer is None:
        for name in peers:
            subprocess.run([sys.executable, *sys.argv, "--peer", name], check=False)
        return
    prepare_process(args.threads, args.peer.endswith(AS_INSTALLED))
    started = time.perf_counter()
    block = peers[args.peer](args)
    ready = time.perf_counter() - started
    head = {"work": work, "peer": args.peer, "setting": describe(args)}

    def answer():
        line = {**head, **summarise(block()), "threads": args.threads}
        print(json.dumps(line), flush=True)

    if not args.serve:
        answer()
        return
    print(json.dumps({**head, "ready": True, "seconds": ready}), flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        answer()
