"""`python -m benchmarks` prints the tables of docs/performance.md.

python -m benchmarks                                  everything
python -m benchmarks --write docs/performance.md      into the page
python -m benchmarks --small                          without the large arrays
python -m benchmarks -k network                       the workloads whose names contain a word
python -m benchmarks --rounds 30                      more rounds
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from .fresh import fresh_process
from .harness import measure, summary, table
from .libraries import Library, libraries
from .overhead import first_results, small_workloads, tracing
from .page import head, write
from .peak import peaks
from .workloads import Workload, all_workloads, loop_workloads


def section(title: str, text: str) -> str:
    return f"### {title}\n\n{text}" if text else ""


def raced(title: str, workloads: Sequence[Workload], rivals: Sequence[Library], rounds: int) -> str:
    """The section of some workloads."""
    rows = []
    for row in measure(workloads, rivals, rounds):
        rows.append(row)
        print(f"  {row.name}", file=sys.stderr, flush=True)
    return section(title, f"{table(rows, rivals)}\n\n{summary(rows, rivals)}") if rows else ""


def sections(small: bool, rounds: int, word: str) -> Iterator[str]:
    rivals = libraries()
    for title, workloads in (
        ("Functions of three numbers", small_workloads()),
        ("Without loops", all_workloads(not small)),
        ("Loops", loop_workloads()),
    ):
        yield raced(title, [w for w in workloads if word in w[0]], rivals, rounds)
    if not word:
        yield section("Microseconds for each equation", f"{tracing()}\n\n{first_results()}")
        yield section("From a fresh process to the first gradient", fresh_process())
        yield section("Megabytes beside the operands", "" if small else peaks())


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--small", action="store_true", help="leave the large arrays out")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("-k", default="", help="run the workloads whose names contain this")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into a page")
    options = parser.parse_args(arguments)
    parts = filter(None, sections(options.small, options.rounds, options.k))
    if options.write:
        write(options.write, "\n\n".join([head(arguments), *parts]))
    else:
        for part in chain([head(arguments)], parts):
            print(f"{part}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
