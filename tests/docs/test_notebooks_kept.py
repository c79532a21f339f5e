"""A notebook is run again when anything that it rests on has changed, and else taken from the last build."""

import importlib.util
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "website" / "notebooks.py"
TEXT = "# A notebook\n\n```python\nprint(1 + 1)\n```\n"


@pytest.fixture
def hook(monkeypatch):
    """The hook, with a list of what it runs in the place of a kernel."""
    for name in ("mkdocs", "jupytext", "nbclient", "nbconvert"):
        pytest.importorskip(name, reason=f"the site needs {name}")
    spec = importlib.util.spec_from_file_location("notebooks_hook", NOTEBOOKS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ran = []
    monkeypatch.setattr(module, "executed", lambda notebook, root: module.ran.append(root) or notebook)
    return module


@pytest.fixture
def root(tmp_path):
    for folder in ("tensorrank", "examples"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "code.py").write_text("answer = 1\n")
        (tmp_path / folder / "table.csv").write_text("1\n")
    return tmp_path


def test_what_has_not_changed_is_not_run_again(hook, root):
    first = hook.known_or_executed("teacher", TEXT, root)
    assert hook.known_or_executed("teacher", TEXT, root) == first
    assert len(hook.ran) == 1


@pytest.mark.parametrize("file", ["tensorrank/code.py", "tensorrank/table.csv", "examples/code.py", "examples/table.csv"])
def test_what_has_changed_is_run_again_and_alone_kept(hook, root, file):
    hook.known_or_executed("teacher", TEXT, root)
    (root / file).write_text("answer = 2\n")
    hook.known_or_executed("teacher", TEXT, root)
    hook.known_or_executed("teacher", TEXT + "More.\n", root)
    assert len(hook.ran) == 3
    assert len(list((root / hook.KEPT).iterdir())) == 1


def test_what_programs_write_changes_nothing(hook, root):
    for place in ("tensorrank/__pycache__", "examples/out"):
        hook.known_or_executed("teacher", TEXT, root)
        (root / place).mkdir()
        (root / place / "written").write_text("1\n")
    hook.known_or_executed("teacher", TEXT, root)
    assert len(hook.ran) == 1


def test_where_nothing_can_be_written_notebooks_are_run(hook, root):
    (root / ".cache").write_text("a file where the folder would be")
    for _ in range(2):
        assert hook.known_or_executed("teacher", TEXT, root).cells
    assert len(hook.ran) == 2
