#!/usr/bin/env python3
"""Checks what the layers and the style promise and a script can see.

    tools/check_layers.py [ROOT]

A file in fathom/X includes only headers of X and of folders with a smaller rank. Prints one line
per fault, `file:line: what`, and exits with 1 if there is any; files over the size budget's first
mark are named, but are no fault.
"""

import re
import sys
from pathlib import Path

RANKS = {
    "base": 0, "tensor": 1, "kernels": 2, "graph": 3, "io": 3, "ops": 4, "autodiff": 5, "exec": 6,
    "dist": 7, "nn": 7, "model": 8, "elbo": 9, "climb": 10, "zoo": 11, "report": 12,
    "jobs": 13,
}  # apps, 14, are above them all

# What may stand only in some files of fathom/: pattern, files that may, why.
ONLY_IN = [
    (r"\bstd::(thread|jthread|async)\b|\bpthread_create\b", r"base/workers",
     "only base/workers makes threads"),
    (r"\bstd::(cout|cerr|clog)\b|\bfmt::print\b"
     r"|(?<![\w.>])v?f?printf\s*\(|(?<![\w.>])(f?puts|f?putc|putchar|perror)\s*\(", None,
     "the library never prints"),
    (r"\b(secure_)?getenv\b|\benviron\b", None, "the library never reads the environment"),
    (r"(?<![\w.>])(exit|_exit|_Exit|quick_exit|abort|terminate)\s*\(", None,
     "the library never exits"),
    (r"\b__AVX\w*|\b__SSE\w*|\b__FMA__|\b__m(128|256|512)[id]?\b|\b_mm(256|512)?_\w+"
     r"|\bimmintrin\.h|\bvector_size\b|\barm_neon\.h", r"kernels/",
     "only kernels/ knows an instruction set"),
    (r"<(dnnl|cblas|lapacke|omp)\w*\.(h|hpp)>", r"kernels/",
     "only kernels/ knows a vendor library"),
]
# Pausing a spinning thread and flushing denormals are part of the pool's work.
WORKERS_MAY = re.compile(r"\b_mm_(pause|getcsr|setcsr)\b|immintrin\.h")

FOLDERS = ["fathom", "apps", "tests", "bench", "examples", "tools", "cmake", "docs", ".ci"]
CODE = {".h", ".cpp", ".py", ".sh"}
TEXT = CODE | {".md", ".txt", ".cmake", ".in", ".json"}
WARN_LINES, MAX_LINES, MAX_COLUMNS = 400, 600, 100

NOT_CODE = re.compile(
    r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def code_only(text):
    """The text without comments and literals, its lines in place; includes are kept."""
    def blank(match):
        start = text.rfind("\n", 0, match.start()) + 1
        if text[start:match.start()].lstrip().startswith("#include"):
            return match.group()
        return "\n" * match.group().count("\n") or " "
    return NOT_CODE.sub(blank, text)


def check_form(path, text):
    """Size, columns, characters."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.isascii():
            odd = next(c for c in line if not c.isascii())
            yield number, f"character {odd!r} is not ASCII"
        if path.suffix in CODE and len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns, at most {MAX_COLUMNS}"
        if "\t" in line and path.suffix in {".h", ".cpp", ".py"}:
            yield number, "a tab"
    if path.suffix in CODE and len(lines) > MAX_LINES:
        yield len(lines), f"{len(lines)} lines, at most {MAX_LINES}: split the file"


def check_include(path, header, quoted):
    """One include of a file in fathom/; `path` is relative to the root."""
    folder = path.parts[1]
    if not quoted:
        if header.startswith("fathom/"):
            yield "own headers are included with quotes"
        return
    parts = Path(header).parts
    if parts[0] != "fathom" or len(parts) < 3:
        yield f'"{header}" is not written from the root, "fathom/<folder>/..."'
        return
    other = parts[1]
    if other not in RANKS:
        yield f"fathom/{other} has no rank"
    elif other != folder and RANKS[other] >= RANKS.get(folder, -1):
        yield f"{folder} (rank {RANKS.get(folder)}) includes {other} (rank {RANKS[other]})"
    if header.endswith("_impl.h"):
        if other != folder:
            yield f"{header} is private to {other}"
        elif path.suffix == ".h" and not path.name.endswith("_impl.h"):
            yield f"a public header includes the private {header}"


def check_library(path, text):
    """Layers and their corollaries for a source of fathom/."""
    folder, inside = path.parts[1], "/".join(path.parts[1:])
    if len(path.parts) < 3 or folder not in RANKS:
        yield 1, f"fathom/{folder} has no rank; see RANKS in tools/check_layers.py"
        return
    for number, line in enumerate(code_only(text).splitlines(), 1):
        include = INCLUDE.match(line)
        if include:
            for fault in check_include(path, include[2], include[1] == '"'):
                yield number, fault
        if inside.startswith("base/workers"):
            line = WORKERS_MAY.sub("", line)
        for pattern, allowed, why in ONLY_IN:
            found = re.search(pattern, line)
            if found and not (allowed and re.match(allowed, inside)):
                yield number, f"{found.group().strip()}: {why}"


def main(root):
    faults = checked = 0
    files = [p for folder in FOLDERS for p in sorted((root / folder).rglob("*"))]
    files += [p for p in sorted(root.iterdir()) if p.is_file()]
    for file in files:
        if file.suffix not in TEXT or "__pycache__" in file.parts or not file.is_file():
            continue
        checked += 1
        path, text = file.relative_to(root), file.read_text(encoding="utf-8", errors="replace")
        found = list(check_form(path, text))
        if path.parts[0] == "fathom" and path.suffix in {".h", ".cpp"}:
            found += check_library(path, text)
        for number, fault in found:
            print(f"{path}:{number}: {fault}")
        faults += len(found)
        lines = text.count("\n")
        if path.suffix in CODE and WARN_LINES < lines <= MAX_LINES:
            print(f"{path}: note: {lines} lines, aim at {WARN_LINES}")
    print(f"check_layers: {checked} files, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()))
