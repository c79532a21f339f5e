"""Pictures in notebooks: each is shown once, whatever is done with it."""

import gc
import weakref

import pytest
from matplotlib import pyplot

import tensorrank as tr
from tensorrank.pictures.picture import Picture


def pictures_of(cells):
    """How many pictures each cell of a notebook shows, and the texts it prints beside."""
    pytest.importorskip("ipykernel")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    found = []
    for cell in notebook.cells:
        shown = [one.data for one in cell.outputs if one.output_type in ("display_data", "execute_result")]
        images = sum("image/png" in data for data in shown)
        found.append((images, [data["text/plain"] for data in shown if "image/png" not in data]))
    return found


@pytest.mark.filterwarnings("default")
def test_a_notebook_shows_each_picture_once(monkeypatch):
    # Another test of this process may have chosen a backend, which the kernel would take over.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    found = pictures_of(
        [
            "import tensorrank as tr",
            "tr.figures.knee(widths=[1, 2])",
            "picture = tr.figures.knee(widths=[1, 2])",
            "picture",
            "figure, axes = tr.figures.knee(widths=[1, 2])",
            "figure",
            "figure, axes = tr.figures.knee(widths=[1, 2])\nfigure",
            "from matplotlib import pyplot as plt\n_, ax = plt.subplots()\ntr.figures.knee(widths=[1, 2], ax=ax)",
            "1 + 1",
        ]
    )
    assert found == [(0, []), *[(1, [])] * 7, (0, ["2"])]


def test_in_few_words():
    assert repr(tr.figures.knee(widths=[1, 2], figsize=(5, 4))) == "Picture(5.0 x 4.0 inches, 1 axes)"
    assert len(repr(tr.figures.collapse(widths=[2], deepest=3))) < 500


def test_a_picture_is_a_figure_and_its_axes():
    picture = tr.figures.knee(widths=[1, 2])
    figure, axes = picture
    assert isinstance(picture, Picture)
    assert (picture.figure, picture.axes) == (figure, axes)
    assert figure.axes == [axes]


def test_other_notebooks_ask_for_the_bytes():
    picture = tr.figures.knee(widths=[1, 2])
    assert all(one._repr_png_().startswith(b"\x89PNG") for one in (picture, picture.figure))


def test_outside_notebooks_pyplot_keeps_nothing():
    figure = weakref.ref(tr.figures.knee(widths=[1, 2]).figure)
    assert not pyplot.get_fignums()
    # Matplotlib's cycles take two rounds.
    gc.collect()
    gc.collect()
    assert figure() is None


def test_interactive_sessions_have_pictures_of_pyplot():
    with pyplot.ion():
        figure = tr.figures.knee(widths=[1, 2]).figure
        assert pyplot.figure(pyplot.get_fignums()[-1]) is figure
    pyplot.close("all")
