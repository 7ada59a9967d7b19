"""Reading a CSV file of numbers into columns of f64, from the page cache.

The file is that of make_csv.py. A block reads it `--steps` times; a time is that of one read.
"checksum" is the sum of the last column.
"""

import os

from common import run_script, time_calls


def reader(make):
    def factory(args):
        read, last_column = make(args)
        held = [None]

        def call(_):
            held[0] = None  # the previous table is released inside the time, as in a program
            held[0] = read(args.path)

        call(0)

        def block():
            times = time_calls(call, args.steps)
            return {"times": times, "checksum": float(last_column(held[0])),
                    "mb": os.path.getsize(args.path) / 1e6}

        return block

    return factory


def pandas_with(engine, **options):
    def make(args):
        import pandas
        if engine == "pyarrow":
            import pyarrow
            pyarrow.set_cpu_count(args.threads)
        read = lambda path: pandas.read_csv(path, engine=engine, **options)
        return read, lambda frame: frame.iloc[:, -1].sum()

    return make


def polars_reader(args):
    import polars

    return polars.read_csv, lambda frame: frame[:, -1].sum()


def pyarrow_reader(args):
    import pyarrow
    import pyarrow.compute
    import pyarrow.csv
    pyarrow.set_cpu_count(args.threads)
    options = pyarrow.csv.ReadOptions(use_threads=args.threads > 1)
    read = lambda path: pyarrow.csv.read_csv(path, read_options=options)
    return read, lambda table: pyarrow.compute.sum(table.column(table.num_columns - 1)).as_py()


PEERS = {
    "pandas-c": reader(pandas_with("c")),
    "pandas-pyarrow": reader(pandas_with("pyarrow")),
    "polars": reader(polars_reader),
    "pyarrow": reader(pyarrow_reader),
}


def add_arguments(parser):
    parser.add_argument("path", nargs="?", default="build/bench/table.csv")
    parser.add_argument("--steps", type=int, default=3)


if __name__ == "__main__":
    run_script("csv_read", PEERS, add_arguments, lambda args: os.path.basename(args.path))
