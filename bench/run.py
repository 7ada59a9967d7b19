#!/usr/bin/env python3
"""Compares our programs with their peers, pair by pair, and prints rows for docs/performance.md.

    bench/run.py --list                     the names of the works
    bench/run.py WORK... [--threads N] [--pairs P]

A pair is one block of ours and one of a peer, right after each other, in alternating order; only
the ratio within a pair counts, because the speed of a shared machine changes from second to
second. A pair during which other programs used the processors is dropped and repeated.
"""

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

import machine

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "build/peers/bin/python"
BENCH = "build/release/bench"
FATHOM = "build/release/fathom"
FASHION = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"  # dataset-fashion-mnist
CSV = "build/bench/table.csv"
ROWS = "build/bench/rows.npy"
WALKS = "build/bench/walks.npy"
EPOCHS, STEPS_PER_EPOCH = 5, 469
FIT = [FATHOM, "fit", "vae", "{data}", "-o", "{tmp}/run", "--latent", "20", "--activation", "tanh",
       "--binarize", "dynamic", "--validation", "0", "--batch", "128", "--threads", "{threads}"]


@dataclass
class Work:
    """How a work is run. kind says what `ours` gives:
    json   one JSON line with median_ms and p10_ms
    wall   its wall time, divided by `units`, until it exits or prints a line matching `until`
    self   JSON lines with setting, median_ms and library_ms: no other program is needed"""

    title: str
    ours: list
    script: str = ""
    peer_args: list = field(default_factory=list)
    peers: tuple = ()  # empty: all of the script
    kind: str = "json"
    units: float = 1.0
    until: str = ""
    fresh_peers: bool = False
    threads: int = 2
    prepare: list = field(default_factory=list)


def vae(title, options, **more):
    common = ["--latent", "20", "--activation", "tanh", *options]
    ours = [f"{BENCH}/vae_step", *common, "--threads", "{threads}"]
    return Work(title, ours, "vae_step.py", common, **more)


def small(title, options, **more):
    ours = [f"{BENCH}/small_models", *options, "--threads", "{threads}"]
    return Work(title, ours, "small_models.py", options, threads=1, **more)


def mixture(title, rows, width, components, sweeps, peer_sweeps, f32=False):
    size = ["--rows", str(rows), "--width", str(width), "--components", str(components)]
    return Work(title, [f"{BENCH}/mixture", *size, "--sweeps", str(sweeps), "--threads",
                        "{threads}", *(["--f32", "1"] if f32 else [])],
                "mixture.py", [*size, "--sweeps", str(peer_sweeps),
                               *(["--dtype", "float32"] if f32 else [])], peers=("sklearn-em",))


def hmm(states, steps, sequences=1, sweeps=20, peer_sweeps=3, threads=1):
    size = ["--steps", str(steps), "--sequences", str(sequences), "--states", str(states)]
    of = f"{steps} steps" if sequences == 1 else f"{steps} steps of {sequences} sequences"
    return Work(f"HMM EM sweep, K = {states}, {of}",
                [f"{BENCH}/hmm", *size, "--sweeps", str(sweeps), "--threads", "{threads}"],
                "hmm.py", [*size, "--sweeps", str(peer_sweeps)], peers=("hmmlearn-scaling",),
                threads=threads)


def lda(f32=False):
    size = ["--documents", "16384", "--words", "8000", "--topics", "100", "--length", "90",
            "--batch", "256"]
    return Work(f"LDA step, V = 8,000, K = 100, 256 documents of 90 words{', f32' if f32 else ''}",
                [f"{BENCH}/lda", *size, "--steps", "16", "--threads", "{threads}",
                 *(["--f32", "1"] if f32 else [])],
                "lda.py", size)


WORKS = {
    "vae_step": vae("VAE step 784-500-500-20, batch 128",
                    ["--hidden", "500,500", "--batch", "128", "--steps", "200"]),
    "vae_step_1000": vae("VAE step 784-500-500-20, batch 1000",
                         ["--hidden", "500,500", "--batch", "1000", "--steps", "40"]),
    "vae_step_400": vae("VAE step 784-400-20, batch 128",
                        ["--hidden", "400", "--batch", "128", "--steps", "400"]),
    "epoch": Work(f"784-400-20, {EPOCHS} epochs of 60,000, per step, against the ordinary loop",
                  [*FIT, "--hidden", "400", "--epochs", str(EPOCHS)], "epoch.py",
                  ["--hidden", "400", "--data", "{data}"], ("torch-dataloader",), kind="wall",
                  units=EPOCHS * STEPS_PER_EPOCH),
    "epoch_bare": Work(f"784-400-20, {EPOCHS} epochs of 60,000, per step, against bare steps",
                       [*FIT, "--hidden", "400", "--epochs", str(EPOCHS)], "vae_step.py",
                       ["--hidden", "400", "--steps", "400"], kind="wall",
                       units=EPOCHS * STEPS_PER_EPOCH),
    "first_step": Work("shell to the end of the first step, gzipped IDX",
                       [*FIT, "--hidden", "500,500", "--epochs", "1"], "first_step.py",
                       ["--data", "{data}"], ("torch-eager",), kind="wall", until="first step",
                       fresh_peers=True),
    "first_step_plain": Work("shell to the end of the first step, plain IDX",
                             [a.replace("{data}", "{plain}") for a in FIT]
                             + ["--hidden", "500,500", "--epochs", "1"], "first_step.py",
                             ["--data", "{plain}"], ("torch-eager",), kind="wall",
                             until="first step", fresh_peers=True),
    "eight_schools": small("eight schools, one draw",
                           ["--model", "eight_schools", "--draws", "1"],
                           peers=("jax-loop", "jax-loop-unroll8")),
    "eight_schools_16": small("eight schools, per draw of 16",
                              ["--model", "eight_schools", "--draws", "16"],
                              peers=("jax-loop", "jax-loop-lanes", "jax-loop-unroll8")),
    "logistic": small("logistic 500 x 10", ["--model", "logistic", "--iterations", "2048"],
                      peers=("jax-loop", "jax-loop-sum", "jax-loop-unroll8")),
    "chain": Work("12 elementwise ops, 1e6 f32",
                  [f"{BENCH}/chain", "--n", "1000000", "--steps", "200", "--threads", "{threads}"],
                  "chain.py", ["--n", "1000000", "--steps", "200"]),
    "csv": Work("CSV 1e6 x 16, 152 MB",
                [f"{BENCH}/csv_read", CSV, "--steps", "3", "--threads", "{threads}"],
                "csv_read.py", [CSV, "--steps", "3"], prepare=["make_csv.py", CSV]),
    "mixture": mixture("mixture sweep, 1e6 x 16, K = 32", 1_000_000, 16, 32, 5, 2),
    "mixture_f32": mixture("mixture sweep, 1e6 x 16, K = 32, f32", 1_000_000, 16, 32, 10, 2,
                           f32=True),
    "mixture_2": mixture("mixture sweep, 1e6 x 2, K = 8", 1_000_000, 2, 8, 20, 10),
    "mixture_small": mixture("mixture sweep, 1,000 x 2, K = 3", 1000, 2, 3, 2000, 500),
    "mixture_64": mixture("mixture sweep, 1e6 x 64, K = 64", 1_000_000, 64, 64, 2, 1),
    "hmm_4": hmm(4, 100000),
    "hmm_16": hmm(16, 100000),
    "hmm_64": hmm(64, 50000, sweeps=5, peer_sweeps=2),
    "hmm_sequences": hmm(8, 1000000, 1000, sweeps=5, peer_sweeps=1, threads=2),
    "lda": lda(),
    "lda_f32": lda(f32=True),
    "mixture_fit": Work("mixture by EM (mode), 1e6 x 16, K = 32, 20 sweeps, from the shell",
                        [FATHOM, "fit", "gmm", ROWS, "-o", "{tmp}/run", "--components", "32",
                         "--method", "map", "--start", "random", "--restarts", "1",
                         "--sweeps", "20",
                         "--tolerance", "0", "--threads", "{threads}"],
                        "gmm_fit.py", ["--data", ROWS], peers=("sklearn-em",), kind="wall",
                        prepare=["gmm_fit.py", "--make", ROWS]),
    "hmm_fit": Work("HMM by EM, K = 8, 1,000 sequences of 20 to 2,000 steps, 20 sweeps, "
                    "from the shell",
                    [FATHOM, "fit", "hmm", WALKS, "-o", "{tmp}/run", "--states", "8", "--method",
                     "em", "--start", "random", "--restarts", "1", "--sequence", "1", "--sweeps",
                     "20", "--tolerance", "0", "--threads", "{threads}"],
                    "hmm_fit.py", ["--data", WALKS], peers=("hmmlearn-scaling",), kind="wall",
                    prepare=["hmm_fit.py", "--make", WALKS]),
    "lds": Work("linear state space, smoother with lag-one moments, D = 4, 100,000 steps",
                [f"{BENCH}/lds"], "", threads=1),
    "sweep": Work("ten numbers, mean and precision: a sweep", [f"{BENCH}/sweep"], "", threads=1),
    "gemm": Work("GEMM through the plan against the library",
                 [f"{BENCH}/gemm", "--threads", "{threads}"], kind="self"),
}

HEADER = ("| work | threads | ours: median (p10) | fastest peer: median (p10) "
          "| paired ratio peer/ours: median (min-max) | pairs |\n|---|---|---|---|---|---|")


def say(text):
    print(f"run: {text}", file=sys.stderr, flush=True)


def span(ms):
    return f"{ms:.3g} ms" if ms >= 0.1 else f"{ms * 1e3:.3g} us"


def medians(blocks):
    middle = statistics.median(b["median_ms"] for b in blocks)
    return f"{span(middle)} ({span(min(b['p10_ms'] for b in blocks))})"


class Runner:
    def __init__(self, name, options):
        self.name, self.work, self.options = name, WORKS[name], options
        self.threads = options.threads or self.work.threads
        self.noisy = False
        self.log = open("build/bench/peers.log", "a")

    def fill(self, argv):
        plain = "build/bench/train-images-idx3-ubyte"
        if "{plain}" in argv and not os.path.exists(plain):
            with gzip.open(self.options.data) as source, open(plain, "wb") as target:
                shutil.copyfileobj(source, target)
        given = {"{threads}": str(self.threads), "{data}": self.options.data, "{plain}": plain}
        return [given.get(a, a) for a in argv]

    def ours(self):
        if not os.path.exists(self.work.ours[0]):
            say(f"{self.name}: {self.work.ours[0]} is not built; no comparison")
            return None
        argv = self.fill(self.work.ours)
        if self.work.kind == "wall":
            return machine.Wall(argv, self.threads, self.work.units, self.work.until)
        return machine.Fresh(argv, self.threads, self.log)

    def peer_command(self, *options):
        return [PYTHON, f"bench/peers/{self.work.script}", *self.fill(self.work.peer_args),
                *options]

    def peers(self):
        """Name and program of each peer that starts."""
        if not self.work.script:
            return {}
        if not os.path.exists(PYTHON):
            say(f"{self.name}: {PYTHON} is absent; make it with bench/setup_peers.sh")
            return {}
        if self.work.prepare:
            script, *rest = self.work.prepare
            subprocess.run([PYTHON, f"bench/peers/{script}", *rest], check=True)
        names = self.options.peers or self.work.peers or subprocess.run(
            self.peer_command("--list"), stdout=subprocess.PIPE, text=True,
            check=True).stdout.split()
        started = {}
        for name in names:
            argv = self.peer_command("--threads", str(self.threads), "--peer", name)
            try:
                if self.work.fresh_peers:
                    started[name] = machine.Fresh(argv, self.threads, self.log)
                else:
                    started[name] = machine.Server([*argv, "--serve"], self.log)
            except machine.Failed as error:
                say(f"{self.name}: {name}: {error}; see build/bench/peers.log")
        return started

    def quietly(self, programs):
        """One block of each program in turn, repeated while others disturb."""
        limit = self.options.limit
        for attempt in range(self.options.retries + 1):
            if not self.options.allow_busy and not machine.wait_until_idle(
                    limit, self.options.patience):
                say("the machine does not become idle")
                attempt = self.options.retries
            meter = machine.OthersMeter()
            blocks = [p.block() for p in programs]
            others = meter.cores()
            if others <= limit:
                return blocks
            if self.options.allow_busy or attempt == self.options.retries:
                break
            say(f"others used {others:.2f} cores: dropped, once more")
        say(f"others used {others:.2f} cores: kept, and the row says so")
        self.noisy = True
        return blocks

    def pair(self, ours, peer, turn):
        if ours is None:
            return None, self.quietly([peer])[0]
        first, second = self.quietly([ours, peer] if turn % 2 == 0 else [peer, ours])
        return (first, second) if turn % 2 == 0 else (second, first)

    def compare(self):
        ours, peers = self.ours(), self.peers()
        mine, theirs = [], {name: [] for name in peers}
        try:
            if not peers:
                if ours:
                    mine = [self.quietly([ours])[0] for _ in range(self.options.pairs)]
                    print(f"| {self.work.title} | {self.threads} | {medians(mine)} | - | - | 0 |")
                return
            racing = list(peers)
            for turn in range(self.options.pairs):
                for name in racing:
                    a, b = self.pair(ours, peers[name], turn)
                    theirs[name].append((a, b))
                    self.record(name, a, b)
                if turn == 0 and not self.options.all:
                    racing = self.screen(racing, peers, theirs)
        finally:
            for peer in peers.values():
                peer.close()
        self.report(racing, theirs)

    def screen(self, racing, peers, theirs):
        """Peers that are clearly slower than the fastest drop out after the first pair."""
        best = min(theirs[n][0][1]["median_ms"] for n in racing)
        kept = [n for n in racing if theirs[n][0][1]["median_ms"] <= 1.25 * best]
        for name in racing:
            if name not in kept:
                say(f"{self.name}: {name} {span(theirs[name][0][1]['median_ms'])}: out of the race")
                peers[name].close()
        return kept

    def report(self, racing, theirs):
        middle = {n: statistics.median(b["median_ms"] for _, b in theirs[n]) for n in racing}
        for name in sorted(racing, key=middle.get):
            say(f"{self.name}: {name} {medians([b for _, b in theirs[name]])}")
        best = min(racing, key=middle.get)
        pairs = theirs[best]
        mine, ratio = "not built", "-"
        if pairs[0][0]:
            mine = medians([a for a, _ in pairs])
            ratios = sorted(b["median_ms"] / a["median_ms"] for a, b in pairs)
            ratio = f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        noise = ", machine not idle" if self.noisy else ""
        print(f"| {self.work.title} | {self.threads} | {mine} | {best}: "
              f"{medians([b for _, b in pairs])} | {ratio} | {len(pairs)}{noise} |", flush=True)

    def compare_self(self):
        ours = self.ours()
        if ours is None:
            return
        found = {}
        for _ in range(self.options.pairs):
            ours.block = ours.lines
            for line in self.quietly([ours])[0]:
                found.setdefault(line["setting"], []).append(line)
        noise = ", machine not idle" if self.noisy else ""
        for setting, lines in found.items():
            ratios = sorted(x["library_ms"] / x["median_ms"] for x in lines)
            library = statistics.median(x["library_ms"] for x in lines)
            own = statistics.median(x["median_ms"] for x in lines)
            print(f"| {self.name} {setting} | {self.threads} | {span(own)} | library: "
                  f"{span(library)} | **{statistics.median(ratios):.2f}** "
                  f"({ratios[0]:.2f}-{ratios[-1]:.2f}) | {len(ratios)}{noise} |", flush=True)

    def record(self, name, mine, peer):
        line = {"time": time.time(), "work": self.name, "peer": name, "threads": self.threads,
                "noisy": self.noisy, "ours_block": mine, "peer_block": peer}
        with open("build/bench/results.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", metavar="WORK", help="see --list; 'all' for every one")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--threads", type=int, help="default: 2, or 1 for the small models")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--peers", type=lambda t: t.split(","), help="only these, by comma")
    parser.add_argument("--all", action="store_true", help="keep slow peers in the race")
    parser.add_argument("--data", default=FASHION, help="IDX file of images")
    parser.add_argument("--limit", type=float, default=0.10, help="cores that others may use")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for idleness")
    parser.add_argument("--retries", type=int, default=3, help="repeats of a disturbed pair")
    parser.add_argument("--allow-busy", action="store_true", help="measure on a busy machine")
    options = parser.parse_args()
    if options.works == ["all"]:
        options.works = list(WORKS)
    unknown = [w for w in options.works if w not in WORKS]
    if unknown or not (options.works or options.list):
        parser.error(f"unknown work {unknown[0]}; see --list" if unknown else "name a work")
    return options


def main():
    options = parse()
    os.chdir(ROOT)
    if options.list:
        for name, work in WORKS.items():
            print(f"{name:18} {work.title}")
        return
    os.makedirs("build/bench", exist_ok=True)
    if machine.load_average() > 0.5:
        say(f"load average {machine.load_average():.2f}: others may be at work")
    print(HEADER, flush=True)
    for name in options.works:
        if "{data}" in WORKS[name].ours + WORKS[name].peer_args and not os.path.exists(
                options.data):
            say(f"{name}: {options.data} is absent; install dataset-fashion-mnist or give --data")
            continue
        runner = Runner(name, options)
        try:
            runner.compare_self() if runner.work.kind == "self" else runner.compare()
        except machine.Failed as error:
            say(f"{name}: {error}")
        finally:
            runner.log.close()


if __name__ == "__main__":
    main()
