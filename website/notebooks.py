"""Notebooks are written as Markdown, run when the site is built, and shown with what they print and picture.

Each page of docs/notebooks/ is a notebook to jupytext: text between blocks of Python. A block that fails ends the
build. Beside its page stands the notebook with all outputs, to be opened in Jupyter.

What was run is kept in KEPT, and taken from there by the next build if nothing that a notebook rests on has changed:
its text, the package, the examples, and whatever is installed.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from typing import Any

import jupytext
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from traitlets.config import Config

FOLDER = "notebooks"
KEPT = ".cache/notebooks"
# What a notebook rests on, beside its text.
SOURCES = ("tensorrank", "examples", "website")
# Folders below these with what programs write.
WRITTEN = {"__pycache__", "out"}
# Seconds that a block may take, on two cores and with kernels yet to be compiled.
PATIENCE = 300
# What is printed stands in blocks of its own class.
TEMPLATE = """{% extends 'markdown/index.md.j2' %}
{% block stream %}
``` { .text .output }
{{ output.text.rstrip() }}
```
{% endblock stream %}
{% block data_text scoped %}
``` { .text .output }
{{ output.data['text/plain'] }}
```
{% endblock data_text %}
{% block data_png %}
![what the code above pictures]({{ output.metadata.filenames['image/png'] }})
{% endblock data_png %}
"""
PICTURES = "%config InlineBackend.figure_formats = ['retina']\n%matplotlib inline"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Run a notebook, and put its outputs behind the blocks."""
    place = PurePosixPath(page.file.src_uri)
    if place.parent.name != FOLDER:
        return markdown
    notebook = known_or_executed(place.stem, markdown, Path(config.docs_dir).parent)
    text, resources = MarkdownExporter(raw_template=TEMPLATE).from_notebook_node(notebook)
    for name, content in resources["outputs"].items():
        picture = f"{place.stem}_{name}"
        files.append(File.generated(config, str(place.with_name(picture)), content=content))
        text = text.replace(f"({name})", f"({picture})")
    beside = place.with_suffix(".ipynb")
    files.append(File.generated(config, str(beside), content=nbformat.writes(notebook)))
    return with_download(text, beside.name)


def known_or_executed(name: str, markdown: str, root: Path) -> Any:
    """The notebook with its outputs: from the last build if it would be the same, and else run."""
    kept = root / KEPT
    file = kept / f"{name}-{mark_of(markdown, root)}.ipynb"
    with contextlib.suppress(OSError):
        return nbformat.reads(file.read_text(), 4)
    notebook = executed(jupytext.reads(markdown, fmt="md"), root)
    # Where nothing can be written, the next build runs it again.
    with contextlib.suppress(OSError):
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.glob(f"{name}-*"):
            old.unlink()
        whole = kept / f"{name}-{os.getpid()}.part"
        whole.write_text(nbformat.writes(notebook))
        whole.replace(file)
    return notebook


def mark_of(markdown: str, root: Path) -> str:
    """What tells a notebook and everything that it rests on from any other."""
    mark = hashlib.sha256(f"{sys.version}\n{markdown}".encode())
    mark.update("".join(sorted(f"{one.name} {one.version}\n" for one in distributions())).encode())
    for folder in SOURCES:
        for file in sorted(path for path in (root / folder).rglob("*") if path.is_file()):
            name = file.relative_to(root)
            if WRITTEN.isdisjoint(name.parts):
                mark.update(f"{name}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return mark.hexdigest()[:16]


def executed(notebook: Any, root: Path) -> Any:
    """The notebook, run from its first block to its last in a folder with nothing but the examples."""
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells.insert(0, nbformat.v4.new_code_cell(PICTURES))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "examples").symlink_to(root / "examples")
        # Sockets that are files, of which no other user can read the folder.
        settings = Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, config=settings, timeout=PATIENCE, coalesce_streams=True, resources=place).execute()
    del notebook.cells[0]
    return notebook


def with_download(text: str, notebook: str) -> str:
    """The page with a link to the notebook below its title."""
    title, _, rest = text.lstrip().partition("\n")
    return f"{title}\n\n[Download this notebook]({notebook}){{ download }} to run it in Jupyter.\n{rest}"
