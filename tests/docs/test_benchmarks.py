"""`python -m benchmarks`: rivals are checked against each other, and tables go into a page."""

from pathlib import Path

import numpy as np
import pytest

import benchmarks.__main__ as command
from benchmarks import page, workloads
from benchmarks.harness import Row, measure, summary, table
from benchmarks.libraries import functrace_library, scan_in_python

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
RIVALS = [functrace_library(jit=True), functrace_library(jit=False)]
LINEAR = ("linear", workloads.gradient(workloads.linear, *workloads.LINEAR), 1e-9)


def wrong_gradients():
    def grad(fun):
        return lambda w, *rest: RIVALS[1].grad(fun)(w, *rest) * 1.001

    return RIVALS[1]._replace(name="wrong", grad=grad)


def test_a_row_has_the_seconds_of_each_rival_that_can_do_it():
    unable = ("gradients of examples", workloads.per_example(norms=False), 1e-9)
    rivals = [*RIVALS, RIVALS[1]._replace(name="unable", vmap=None)]
    rows = list(measure([LINEAR, unable], rivals, rounds=1))
    assert [list(row.seconds) for row in rows] == [
        ["functrace jit", "functrace", "unable"], ["functrace jit", "functrace"]
    ]  # fmt: skip
    assert all(seconds > 0 for row in rows for seconds in row.seconds.values())


def test_a_rival_with_another_result_is_not_timed():
    with pytest.raises(AssertionError, match="linear: wrong differs by"):
        list(measure([LINEAR], [*RIVALS, wrong_gradients()], rounds=1))


def test_tables_give_the_first_time_and_multiples_of_it():
    other = RIVALS[1]._replace(name="other")
    rows = [
        Row("a", {"functrace jit": 2e-3, "functrace": 4e-3, "other": 4e-3}),
        Row("b", {"functrace jit": 2e-6, "functrace": 4e-6, "other": 1.6e-5}),
        Row("c", {"functrace jit": 1.0, "functrace": 1.0}),
    ]
    assert table(rows, [*RIVALS, other]).splitlines() == [
        "| workload | functrace jit | functrace | other |",
        "|---|---|---|---|",
        "| a | 2 ms | x2.00 | x2.00 |",
        "| b | 2 µs | x2.00 | x8.00 |",
        "| c | 1 s | x1.00 |  |",
    ]
    assert summary(rows, [*RIVALS, other]).splitlines()[2:] == [
        "| other | x4.00 | x2.00 | x2.00 | x1.00 |"
    ]


def test_a_loop_in_python_is_the_scan_that_it_stands_for():
    scanned, looped = (
        workloads.leapfrog(library)()
        for library in (RIVALS[0], RIVALS[1]._replace(scan=scan_in_python))
    )
    np.testing.assert_allclose(scanned, looped, rtol=1e-9)


def test_the_command_puts_tables_into_the_page_and_keeps_its_prose(tmp_path, monkeypatch):
    copy = tmp_path / "page.md"
    copy.write_text(f"prose\n{page.BEGIN}\nold\n{page.END}\nmore\n", encoding="utf-8")
    monkeypatch.setattr(command, "libraries", lambda: RIVALS)
    command.main(["--small", "--rounds", "1", "-k", "tanh", "--write", str(copy)])
    before, _, rest = copy.read_text(encoding="utf-8").partition(page.BEGIN)
    tables, _, after = rest.partition(page.END)
    assert (before, after) == ("prose\n", "\nmore\n")
    assert "old" not in tables
    assert f"numpy {np.__version__}" in tables
    assert "| tanh, square, sum |" in tables


def test_a_page_without_marks_is_refused(tmp_path):
    copy = tmp_path / "page.md"
    copy.write_text(page.END + page.BEGIN, encoding="utf-8")
    with pytest.raises(ValueError, match="needs the lines"):
        page.write(copy, "tables")


def test_the_page_has_a_row_for_each_workload():
    text = PAGE.read_text(encoding="utf-8")
    for name, _, _ in [*workloads.all_workloads(), *workloads.loop_workloads()]:
        assert f"| {name} |" in text
