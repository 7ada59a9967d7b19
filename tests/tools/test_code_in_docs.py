"""Code that the guide to writing a model shows is code of an example, and examples are run."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/writing_a_model.md"


def lines_of(text):
    """Lines without the blanks around them; empty ones are left out."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def pieces_of(block):
    """Runs of lines between lines of "..."."""
    pieces = [[]]
    for line in lines_of(block):
        if line == "...":
            pieces.append([])
        else:
            pieces[-1].append(line)
    return [piece for piece in pieces if piece]


def stands_in(piece, program):
    return any(program[i:i + len(piece)] == piece for i in range(len(program)))


class CodeInDocs(unittest.TestCase):
    def test_every_block_is_from_a_program_that_is_run(self):
        programs = [lines_of(p.read_text(encoding="utf-8"))
                    for p in sorted((ROOT / "examples").glob("*.cpp"))]
        blocks = re.findall(r"```cpp\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
        self.assertGreater(len(blocks), 5)
        for block in blocks:
            for piece in pieces_of(block):
                with self.subTest(line=piece[0]):
                    self.assertTrue(any(stands_in(piece, program) for program in programs))


if __name__ == "__main__":
    unittest.main()
