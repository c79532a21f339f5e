"""The Python blocks of README.md and of the pages of docs/ run, and say what the comments beside them say."""

import ast
import contextlib
import io
import re
import textwrap
from pathlib import Path

import pytest
from matplotlib import pyplot
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

import tensorrank as tr
from tensorrank.whole_numbers import abbreviated

ROOT = Path(__file__).parents[2]
# Notebooks are run when the site is built.
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "notebooks")]


def blocks(page):
    """The Python blocks of a page."""
    sybil = Sybil([CodeBlockParser("python", lambda example: None), SkipParser()], path=str(ROOT))
    return [example for example in sybil.parse(page).examples() if isinstance(example.parsed, str)]


def said(value):
    """What a statement shows: of a rank its value and standing, as the pages write it."""
    return f"{abbreviated(value.value)} ({value.standing})" if isinstance(value, tr.SeparationRank) else repr(value)


def remark(lines, statement):
    """The comment behind a statement, or in lines of its own below it."""
    behind = lines[statement.end_lineno - 1].encode()[statement.end_col_offset :].decode()
    following = []
    for line in lines[statement.end_lineno :]:
        if not line.startswith("# "):
            break
        following.append(line[2:])
    return " ".join([behind.split("# ", 1)[1], *following] if "# " in behind else following)


def agrees(shown, comment):
    """Whether what was shown is what the comment says first; three dots stand for anything."""
    pattern = r".*?".join(re.escape(" ".join(part.split())) for part in shown.split("..."))
    words = " ".join(comment.split())
    expected = r".*?".join(re.escape(part.rstrip()) for part in words.split("..."))
    shown = " ".join(shown.split())
    if "..." in words:
        return re.match(expected, shown) is not None
    return re.match(pattern + r"(?![\w.])", words) is not None


def run(block, namespace, page):
    """Execute a block statement by statement; expressions and prints must agree with their comments."""
    lines = block.parsed.splitlines()
    for statement in ast.parse(block.parsed).body:
        where = f"{page}:{block.line + statement.lineno}"
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            if isinstance(statement, ast.Expr):
                value = eval(compile(ast.Expression(statement.value), where, "eval"), namespace)
            else:
                value = None
                exec(compile(ast.Module([statement], []), where, "exec"), namespace)
        comment = remark(lines, statement)
        # A comment that begins in lower case explains; any other says what is shown.
        if not isinstance(statement, ast.Expr) or not comment or comment[0].islower():
            continue
        shown = out.getvalue() if value is None else said(value)
        assert agrees(shown, comment), f"{where} shows {shown!r}; the page says {comment!r}"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_the_python_blocks_of_a_page_run_and_say_what_it_says(page, tmp_path, monkeypatch):
    pyplot.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    namespace = {}
    for block in blocks(page):
        run(block, namespace, page.name)
    pyplot.close("all")


def test_a_comment_that_is_not_true_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        textwrap.dedent("""\
        ```python
        print(1 + 1)  # 3
        ```
        """)
    )
    (block,) = blocks(page)
    with pytest.raises(AssertionError, match=r"shows '2\\n'; the page says '3'"):
        run(block, {}, "page.md")
