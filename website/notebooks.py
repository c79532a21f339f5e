"""Notebooks are written as Markdown, run when the site is built, and shown with what they print and picture.

Each page of docs/notebooks/ is a notebook to jupytext: text between blocks of Python. A block that fails ends the
build. Beside its page stands the notebook with all outputs, to be opened in Jupyter.
"""

import tempfile
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
    notebook = executed(jupytext.reads(markdown, fmt="md"), Path(config.docs_dir).parent)
    text, resources = MarkdownExporter(raw_template=TEMPLATE).from_notebook_node(notebook)
    for name, content in resources["outputs"].items():
        picture = f"{place.stem}_{name}"
        files.append(File.generated(config, str(place.with_name(picture)), content=content))
        text = text.replace(f"({name})", f"({picture})")
    beside = place.with_suffix(".ipynb")
    files.append(File.generated(config, str(beside), content=nbformat.writes(notebook)))
    return with_download(text, beside.name)


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
