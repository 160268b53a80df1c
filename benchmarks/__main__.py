"""`python -m benchmarks` prints the tables of docs/performance.md.

python -m benchmarks                 everything
python -m benchmarks --small         without the large arrays
python -m benchmarks -k network      the workloads whose names contain a word
python -m benchmarks --rounds 30     more rounds
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .fresh import fresh_process
from .harness import Row, geometric_mean, libraries, measure, table
from .workloads import all_workloads, loop_workloads


def summary(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """How many times as long the others take, over all workloads they can do."""
    lines = []
    for name in names[1:]:
        ratios = [r.seconds[name] / r.seconds[names[0]] for r in rows if name in r.seconds]
        if ratios:
            mean, least = geometric_mean(ratios), min(ratios)
            lines.append(f"- {name}: x{mean:.2f} in the geometric mean, x{least:.2f} at least")
    return lines


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--small", action="store_true", help="leave the large arrays out")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("-k", default="", help="run the workloads whose names contain this")
    options = parser.parse_args(arguments)
    rivals = libraries()
    names = [library.name for library in rivals]
    for title, workloads in (
        ("Without loops", all_workloads(not options.small)), ("Loops", loop_workloads()),
    ):  # fmt: skip
        chosen = [w for w in workloads if options.k in w[0]]
        if not chosen:
            continue
        rows = []
        for row in measure(chosen, rivals, options.rounds):
            rows.append(row)
            print(f"  {row.name}", file=sys.stderr, flush=True)
        used = [name for name in names if any(name in row.seconds for row in rows)]
        print(f"\n### {title}\n\n{table(rows, used)}\n")
        print("\n".join(summary(rows, used)))
    if not options.k:
        print(f"\n### From a fresh process\n\n{fresh_process()}")


if __name__ == "__main__":
    main(sys.argv[1:])
