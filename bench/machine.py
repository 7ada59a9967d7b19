"""What the benchmark runner knows of the machine: who uses the processors, and its children."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A program under test ended badly; the text is one line."""


def busy_seconds():
    """Processor seconds used by anyone since boot, time stolen by the host included."""
    with open("/proc/stat") as file:
        fields = [int(f) for f in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK  # without idle and iowait


def own_seconds():
    """Processor seconds of this process and its descendants, ended ones included."""
    parent, used = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                parent[int(name)] = int(fields[1])
                used[int(name)] = sum(int(f) for f in fields[11:15])
    me, total = os.getpid(), 0
    for pid, ticks in used.items():
        at = pid
        while at != me and at in parent:
            at = parent[at]
        if at == me:
            total += ticks
    return total / TICK


class OthersMeter:
    """Cores used by others between construction and `cores()`."""

    def __init__(self):
        self.start = (time.monotonic(), busy_seconds(), own_seconds())

    def cores(self):
        wall = time.monotonic() - self.start[0]
        others = (busy_seconds() - self.start[1]) - (own_seconds() - self.start[2])
        return max(0.0, others - 2.0 / TICK) / max(wall, 1e-3)  # two ticks of rounding


def cores_used_now(seconds=0.4):
    meter = OthersMeter()
    time.sleep(seconds)
    return meter.cores()


def wait_until_idle(limit, patience):
    """True as soon as others use less than `limit` cores; False after `patience` seconds."""
    end = time.monotonic() + patience
    while cores_used_now() > limit:
        if time.monotonic() > end:
            return False
    return True


def load_average():
    with open("/proc/loadavg") as file:
        return float(file.read().split()[0])


def bind(threads):
    """For a child: the first `threads` cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def json_lines(text):
    out = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                out.append(value)
    return out


class Server:
    """A peer that stays alive between blocks, so that it compiles and warms up once."""

    def __init__(self, argv, log):
        self.name = argv[-1]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log, text=True)
        self.read()  # ready

    def read(self):
        for line in self.process.stdout:
            found = json_lines(line)
            if found:
                return found[0]
        raise Failed(f"a peer ended with exit code {self.process.wait()}")

    def block(self):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Fresh:
    """A program started anew for each block; its JSON lines are the answer."""

    def __init__(self, argv, threads, log):
        self.argv, self.threads, self.log = argv, threads, log

    def lines(self):
        done = subprocess.run(self.argv, stdout=subprocess.PIPE, stderr=self.log, text=True,
                              preexec_fn=lambda: bind(self.threads), check=False)
        found = json_lines(done.stdout)
        if done.returncode != 0 or not found:
            raise Failed(f"{self.argv[0]}: exit code {done.returncode}, {len(found)} JSON lines")
        return found

    def block(self):
        return self.lines()[-1]

    def close(self):
        pass


class Wall:
    """A program whose wall time is the figure: until it exits, or (`until`, a pattern) until it
    prints a line that matches, after which it is stopped. {tmp} is a new folder each time."""

    def __init__(self, argv, threads, units, until):
        self.argv, self.threads, self.units, self.until = argv, threads, units, until

    def block(self):
        tmp = tempfile.mkdtemp(prefix="bench-")
        try:
            milliseconds = self.run([a.replace("{tmp}", tmp) for a in self.argv]) / self.units
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
        return {"median_ms": milliseconds, "p10_ms": milliseconds, "n": 1}

    def run(self, argv):
        start = time.perf_counter()
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, preexec_fn=lambda: bind(self.threads))
        last = ""
        for line in process.stdout:
            last = line.strip() or last
            if self.until and re.search(self.until, line):
                taken = time.perf_counter() - start
                process.kill()
                process.wait()
                return taken * 1e3
        code = process.wait()
        taken = time.perf_counter() - start
        if code != 0:
            raise Failed(f"{argv[0]}: exit code {code}: {last}")
        if self.until:
            raise Failed(f"{argv[0]}: no line of its output matches '{self.until}'")
        return taken * 1e3

    def close(self):
        pass
