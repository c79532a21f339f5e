"""Every file that the README, the pages and the docstrings name is there."""

import ast
import re
from pathlib import Path

import pytest

import tensorrank as tr

ROOT = Path(__file__).parents[2]
SITE = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *SITE, *sorted((ROOT / "benchmarks").glob("*.md"))]
MODULES = sorted((ROOT / "tensorrank").rglob("*.py"))
# Folders that examples and studies make.
MADE = ("examples/out",)
LINK = re.compile(r"\]\(([^)#\s]+)")
# A path in this repository, or a page named by itself.
NAMED = re.compile(r"(?<![\w/.])((?:docs|examples|benchmarks|tests|tensorrank)/[\w./-]*\w|[A-Z_]{3,}\.(?:md|cff))\b")


def texts(module):
    """The docstrings and comments of a module, with their lines."""
    source = module.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""
    for number, line in enumerate(source.splitlines(), 1):
        if line.lstrip().startswith("#"):
            yield number, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_file_of_a_page_exists(page):
    text = page.read_text()
    links = [link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]
    gone = [link for link in links if not (page.parent / link).exists()]
    named = [name for name in NAMED.findall(text) if not name.startswith(MADE)]
    gone += [name for name in named if not (ROOT / name).exists() and not (page.parent / name).exists()]
    assert not gone


@pytest.mark.parametrize("page", SITE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_of_the_site_links_to_the_glossary(page):
    assert page.name == "glossary.md" or "glossary.md" in page.read_text()


@pytest.mark.parametrize("picture", [path.stem for path in sorted((ROOT / "docs" / "pictures").iterdir())])
def test_every_picture_stands_in_the_gallery_and_what_makes_it_is_said(picture):
    assert f"(pictures/{picture}.png)" in (ROOT / "docs" / "gallery.md").read_text()
    assert f"`{picture}`" in (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("name", [name for name in tr.figures.__all__ if name != "save"])
def test_every_figure_is_made_in_the_gallery(name):
    page = (ROOT / "docs" / "gallery.md").read_text()
    assert f" = tr.figures.{name}(" in page or f' = findings.plot("{name}")' in page


def test_every_file_that_docstrings_and_comments_name_exists():
    gone = [
        f"{module.relative_to(ROOT)}:{line}: {name}"
        for module in MODULES
        for line, text in texts(module)
        for name in NAMED.findall(text)
        if not (ROOT / name).exists()
    ]
    assert not gone
