#!/usr/bin/env python3
"""Checks that code compiled for a wide instruction set cannot be merged into common code.

    tools/check_wide_objects.py [--isa NAME] FILE...

FILE is an object or an archive. Objects named *_avx2.cpp.* or *_avx512.cpp.* (or all, with --isa)
may define weak symbols, of which the linker keeps any one copy, only where the symbol's name holds
fathom::wide::<isa>: a copy of a common function compiled wide would crash on lesser machines. Nor
may they define initialisers that run when the program starts, before any choice of a set. Prints
one line per fault, `object: symbol`, and exits with 1 if there is any.
"""

import argparse
import re
import subprocess
import sys

WIDE = re.compile(r"_(avx2|avx512)\.(cpp|cc|cxx)?\.?o(bj)?$")
WEAK = set("WwVvu")
# A pointer to the personality routine of exceptions: data, the same in every object.
HARMLESS = re.compile(r"^DW\.ref\.")
AT_START = re.compile(r"^(_GLOBAL__(sub_)?[ID]_|__cxx_global_var_init)")


def defined_symbols(path):
    """(object, kind, mangled name) of what the object or each member of the archive defines."""
    out = subprocess.run(["nm", "--defined-only", "-A", path], capture_output=True, text=True,
                         check=True).stdout
    for line in out.splitlines():
        match = re.match(r"^(.*?):[0-9a-fA-F]*\s+(\S)\s+(\S+)$", line)
        if match:
            yield match.group(1).rsplit(":", 1)[-1], match.group(2), match.group(3)


def faults(path, isa=None):
    for member, kind, name in defined_symbols(path):
        wide = isa or (WIDE.search(member) and WIDE.search(member).group(1))
        if not wide:
            continue
        if AT_START.match(name):
            yield f"{member}: {name}"
        if kind not in WEAK or HARMLESS.match(name):
            continue
        # Itanium mangling: each name behind its length.
        if f"4wide{len(wide)}{wide}" not in name:
            yield f"{member}: {name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--isa", choices=["avx2", "avx512"], help="take every object as this")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    found = [fault for path in options.files for fault in faults(path, options.isa)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
