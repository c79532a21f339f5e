"""Examples tell their progress as the library calls it: a pipe never shows that they do."""

import ast
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
TOLD = [path for path in EXAMPLES.glob("**/*.py") if "def progress(" in path.read_text()]


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.stem)
def test_progress_takes_what_is_done_the_total_and_words(path):
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    (progress,) = (function for function in functions if function.name == "progress")
    assert [argument.arg for argument in progress.args.args] == ["done", "total", "what"]
