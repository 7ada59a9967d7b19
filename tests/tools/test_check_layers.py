"""Each rule of tools/check_layers.py finds its fault, and only that."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import check_layers  # noqa: E402  (the path must be set first)


def faults(path, text):
    """The faults of a project that has only this file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, path)
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as out:
            status = check_layers.main(Path(folder))
    lines = out.getvalue().splitlines()[:-1]
    assert status == (1 if any("note:" not in line for line in lines) else 0)
    return lines


class CheckLayers(unittest.TestCase):
    def one(self, path, text, expected):
        found = faults(path, text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def none(self, path, text):
        self.assertEqual(faults(path, text), [])

    def test_includes(self):
        self.none("fathom/ops/a.h", '#include "fathom/ops/b.h"\n#include "fathom/base/key.h"\n')
        self.one("fathom/base/a.h", '#include "fathom/ops/b.h"\n', "base (rank 0) includes ops")
        self.one("fathom/graph/a.h", '#include "fathom/io/b.h"\n', "graph (rank 3) includes io")
        self.one("fathom/ops/a.cpp", '#include "b.h"\n', "not written from the root")
        self.one("fathom/ops/a.cpp", "#include <fathom/ops/b.h>\n", "with quotes")
        self.one("fathom/odd/a.cpp", "int a;\n", "has no rank")

    def test_private_headers(self):
        self.none("fathom/ops/a.cpp", '#include "fathom/ops/b_impl.h"\n')
        self.one("fathom/ops/a.h", '#include "fathom/ops/b_impl.h"\n', "public header")
        self.one("fathom/exec/a.cpp", '#include "fathom/ops/b_impl.h"\n', "private to ops")

    def test_corollaries(self):
        self.one("fathom/exec/a.cpp", "std::thread t;\n", "makes threads")
        self.none("fathom/base/workers.cpp", "std::thread t; _mm_pause();\n")
        self.one("fathom/exec/a.cpp", "  std::cout << 1;\n", "never prints")
        self.one("fathom/exec/a.cpp", "  printf(x);\n", "never prints")
        self.none("fathom/exec/a.cpp", "  snprintf(x); log.puts(y);\n")
        self.one("fathom/exec/a.cpp", "auto e = std::getenv(x);\n", "environment")
        self.one("fathom/exec/a.cpp", "  std::abort();\n", "never exits")
        self.one("fathom/ops/a.cpp", "#ifdef __AVX2__\n", "instruction set")
        self.none("fathom/kernels/a.cpp", "#ifdef __AVX2__\n#include <cblas.h>\n")
        self.one("fathom/ops/a.cpp", "#include <cblas.h>\n", "vendor library")

    def test_comments_and_literals_do_not_count(self):
        self.none("fathom/exec/a.cpp", '// std::abort()\n/* printf(\n */ f("exit(1)", 1\'000);\n')

    def test_form(self):
        self.one("tests/ops/a.cpp", "// caf\u00e9\n", "not ASCII")
        self.one("docs/a.md", "caf\u00e9\n", "not ASCII")
        self.one("bench/a.cpp", "//" + "x" * 99 + "\n", "101 columns")
        self.none("bench/a.cpp", "//" + "x" * 98 + "\n")
        self.one("apps/cli/a.cpp", "int;\n" * 601, "601 lines, at most")
        self.one("apps/cli/a.cpp", "int;\n" * 401, "note: 401 lines")


if __name__ == "__main__":
    unittest.main()
