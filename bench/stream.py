#!/usr/bin/env python3
"""A table larger than a limit of the process: the same bits as in memory, and how fast.

Makes a table of 16 columns (default 2.05 GB of f64; columns far from zero, so that every value is
shifted as it is read), fits a mixture to it twice, in turns: in memory, and streamed under a limit
of the process's data (RLIMIT_DATA, 256 MB: heap, arenas and private pages of all threads; pages of
a file that is mapped read-only belong to the system's cache). Of 256 MB, OpenBLAS sets 128 aside
for each thread that multiplies, so that one thread fits. Compares the models byte for byte,
and sweeps over all rows by their median rate. Reports the most memory that each held of its own.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def make_table(path, rows, dtype):
    """Eight clusters, by a linear congruential walk of centres; written block by block."""
    import numpy as np

    draws = np.random.default_rng(1)
    centres = 100 + 4 * draws.standard_normal((8, 16))
    with open(path, "wb") as file:
        header = np.lib.format.header_data_from_array_1_0(np.empty((0, 16), dtype))
        header["shape"] = (rows, 16)
        np.lib.format.write_array_header_1_0(file, header)
        for first in range(0, rows, 1 << 17):
            count = min(1 << 17, rows - first)
            block = centres[draws.integers(0, 8, count)] + draws.standard_normal((count, 16))
            file.write(block.astype(dtype).tobytes())


def make_text(path, table):
    import numpy as np

    x = np.load(table, mmap_mode="r")
    with open(path, "w", encoding="ascii") as file:
        file.write(",".join(f"c{j}" for j in range(16)) + "\n")
        for first in range(0, len(x), 1 << 15):
            np.savetxt(file, x[first:first + (1 << 15)], fmt="%.9g", delimiter=",")


def status(pid):
    """Own and mapped memory now, kB."""
    fields = {}
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name in ("RssAnon", "RssFile"):
                fields[name] = int(value.split()[0])
    except OSError:
        pass
    return fields


def fit(options, data, run, stream, limit):
    program = os.environ.get("FATHOM", str(ROOT / "build/release/fathom"))
    command = [program, "fit", "gmm", str(data), "-o", str(run), "--force", "--quiet",
               "--stream", stream, "--components", str(options.components), "--restarts",
               "1", "--sweeps", str(options.sweeps), "--tolerance", "0", "--threads",
               str(options.threads)]

    def restrict():
        if limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit << 20, limit << 20))

    begin, most = time.monotonic(), {}
    surroundings = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    with subprocess.Popen(command, preexec_fn=restrict, env=surroundings) as process:
        while process.poll() is None:
            for name, value in status(process.pid).items():
                most[name] = max(most.get(name, 0), value)
            time.sleep(0.02)
    if process.returncode != 0:
        sys.exit(f"stream.py: {' '.join(command)}: exit {process.returncode}")
    rates = [line["rows_per_second"] for line in
             map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
             if line["restart"] == 0]
    print(f"{stream:<7} limit {f'{limit} MB' if limit else 'none':<7} "
          f"{time.monotonic() - begin:7.1f} s   sweep {statistics.median(rates) / 1e6:6.3f} "
          f"million rows/s   own memory at most {most.get('RssAnon', 0) / 1024:7.1f} MB   "
          f"mapped pages {most.get('RssFile', 0) / 1024:7.1f} MB", flush=True)
    return statistics.median(rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=16_000_000)
    parser.add_argument("--dtype", default="f8", choices=("f8", "f4"))
    parser.add_argument("--text", action="store_true", help="a CSV, which is converted")
    parser.add_argument("--components", type=int, default=32)
    parser.add_argument("--sweeps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int, default=256, help="MB; 0: none")
    parser.add_argument("--pairs", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        data = Path(folder, "table.npy")
        make_table(data, options.rows, "<" + options.dtype)
        if options.text:
            make_text(data.with_suffix(".csv"), data)
            data = data.with_suffix(".csv")
        print(f"{data.name}: {data.stat().st_size / 1e9:.2f} GB, {options.rows} x 16", flush=True)
        held, read, ratios = Path(folder, "held"), Path(folder, "read"), []
        for _ in range(options.pairs):
            in_memory = fit(options, data, held, "never", 0)
            ratios.append(fit(options, data, read, "always", options.limit) / in_memory)
        one, other = ((run / "model.safetensors").read_bytes() for run in (held, read))
        same = one == other
        print(f"the same bits: {same}; streamed / in memory {statistics.median(ratios):.3f} "
              f"({min(ratios):.3f}-{max(ratios):.3f})")
        if not same:
            sys.exit(1)


if __name__ == "__main__":
    main()
