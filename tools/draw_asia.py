#!/usr/bin/env python3
"""Draws data/asia.csv: rows of the chest clinic of Lauritzen & Spiegelhalter 1988, section 2.

    tools/draw_asia.py > data/asia.csv

1500 rows by the published tables, each cell then left out with a chance of 4 %. The generator's
sequence for a seed is part of Python's documentation, so the file comes out the same.
"""

import random

NAMES = ["asia", "tub", "smoke", "lung", "bronc", "either", "xray", "dysp"]


def row(draw):
    yes = lambda p: draw.random() < p
    asia = yes(0.01)
    tub = yes(0.05 if asia else 0.01)
    smoke = yes(0.5)
    lung = yes(0.1 if smoke else 0.01)
    bronc = yes(0.6 if smoke else 0.3)
    either = tub or lung
    xray = yes(0.98 if either else 0.05)
    dysp = yes({(True, True): 0.9, (True, False): 0.7, (False, True): 0.8,
                (False, False): 0.1}[either, bronc])
    return asia, tub, smoke, lung, bronc, either, xray, dysp


def main():
    draw = random.Random(1988)
    print(",".join(NAMES))
    for _ in range(1500):
        cells = ["yes" if x else "no" for x in row(draw)]
        print(",".join("" if draw.random() < 0.04 else c for c in cells))


if __name__ == "__main__":
    main()
