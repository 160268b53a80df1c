"""The pages say what is true: their code runs, and prints what they show."""

import contextlib
import doctest
import io
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from functrace.dispatch import UFUNCS
from functrace.primitive import PRIMITIVES

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


class Block(NamedTuple):
    """A fenced block of a page: its language, its text, and the number of its first line."""

    language: str
    text: str
    line: int


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start(2)) + 1)
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def run(block, page, names):
    """What a block of Python prints. Its lines count from the page's top in error messages."""
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def run_session(block, page, names):
    """Check a block that is a session with a prompt."""
    session = doctest.DocTestParser().get_doctest(
        block.text, names, page.name, str(page), block.line - 1
    )
    report = io.StringIO()
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(
        session, out=report.write, clear_globs=False
    )
    names.update(session.globs)
    assert not report.getvalue(), report.getvalue()


@pytest.fixture(autouse=True)
def _no_ops_are_left_behind():
    before = [(table, dict(table)) for table in (PRIMITIVES, UFUNCS)]
    yield
    for table, entries in before:
        table.clear()
        table.update(entries)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_python_blocks_run_and_print_the_text_block_that_follows(page):
    names = {}
    found = blocks(page)
    for block, following in zip(found, [*found[1:], Block("", "", 0)], strict=False):
        if block.language != "python":
            continue
        if block.text.startswith(">>>"):
            run_session(block, page, names)
            continue
        printed = run(block, page, names)
        expected = following.text if following.language == "text" else ""
        assert printed.rstrip() == expected.rstrip(), f"{page.name}, line {block.line}"


def test_contributing_quotes_code_that_stands_in_the_project():
    sources = [*(ROOT / "functrace").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    quotes = [b for b in blocks(ROOT / "CONTRIBUTING.md") if b.language == "python"]
    assert quotes
    for quote in quotes:
        assert quote.text in code, f"CONTRIBUTING.md, line {quote.line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^ *)make ([a-z]+)", page.read_text(encoding="utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
