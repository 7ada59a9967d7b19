"""Writes the table of the CSV benchmark: 1,000,000 x 16 standard normals with six decimals.

The header is c0,...,c15; numpy default_rng(0) fills the table row by row. About 152 MB.
An existing file of the right number of rows is kept.
"""

import argparse
import os

import numpy as np
import polars


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", default="build/bench/table.csv")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=16)
    args = parser.parse_args()
    mark = args.path + ".shape"
    shape = f"{args.rows} {args.columns}"
    if os.path.exists(args.path) and os.path.exists(mark) and open(mark).read() == shape:
        return
    os.makedirs(os.path.dirname(args.path) or ".", exist_ok=True)
    table = np.random.default_rng(0).standard_normal((args.rows, args.columns))
    frame = polars.DataFrame({f"c{j}": table[:, j] for j in range(args.columns)})
    part = args.path + ".part"
    frame.write_csv(part, float_precision=6)
    os.replace(part, args.path)
    with open(mark, "w") as file:
        file.write(shape)


if __name__ == "__main__":
    main()
