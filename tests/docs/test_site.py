"""The site is built with warnings as errors, its links lead somewhere, and its reference has every public name."""

import re
import types
import zlib
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import matplotlib.image
import nbformat
import pytest
from typer.main import get_command

import tensorrank as tr
from tensorrank.cli.main import app


class Seen(HTMLParser):
    """What a page links to, loads and can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.anchors, self.texts = [], [], {""}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("img", "script", "iframe", "source") and given.get("src"):
            self.loaded.append(given["src"])
        if tag == "link" and "canonical" not in (given.get("rel") or "") and given.get("href"):
            self.loaded.append(given["href"])

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def pages(site):
    return {path: Seen(path.read_text()) for path in site.rglob("*.html") if path.name != "404.html"}


def test_links_and_pictures_of_the_site_lead_to_files_and_anchors_that_are_there(pages):
    lost = []
    for path, seen in pages.items():
        for link in [*seen.links, *seen.loaded]:
            place, anchor = urldefrag(link)
            if "://" in place or place.startswith(("mailto:", "data:")):
                continue
            target = (path.parent / unquote(place)).resolve() if place else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (target in pages and unquote(anchor) not in pages[target].anchors):
                lost.append(f"{path.name}: {link}")
    assert lost == []


def test_all_pictures_have_one_scale_and_those_of_the_gallery_an_overview(site):
    gallery = (site / "gallery.html").read_text()
    shown = re.findall(r'<img [^>]*src="([^"]+)" width="(\d+)" height="(\d+)"', gallery)
    assert len(shown) > 20
    for source, across, up in shown:
        height, width, _ = matplotlib.image.imread(site / source).shape
        # Pixels of a browser and of a picture in an inch.
        assert (int(across), int(up)) == (round(width * 96 / 200), round(height * 96 / 200))
    overview = gallery[gallery.index('<div class="overview">') :]
    small = re.findall(r'<a href="#[^"]+"><img src="([^"]+)"', overview)
    assert set(small) <= {source for source, *_ in shown}
    assert len(small) > 20


def test_the_page_for_what_is_not_there_needs_no_other_file(site):
    seen = Seen((site / "404.html").read_text())
    assert [place for place in seen.links + seen.loaded if not place.startswith("data:")] == []
    assert "There is no such page" in "".join(seen.texts)


def test_no_page_loads_anything_from_the_network(pages):
    assert [(path.name, source) for path, seen in pages.items() for source in seen.loaded if "//" in source] == []


def test_the_reference_has_every_public_name(site):
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    there = {line.split()[0] for line in inventory.splitlines()}
    names = {name for name in tr.__all__ if name != "__version__"}
    modules = {name for name in names if isinstance(getattr(tr, name), types.ModuleType)}
    wanted = {f"tensorrank.{name}" for name in names - modules}
    wanted |= {f"tensorrank.{module}.{name}" for module in modules for name in getattr(tr, module).__all__}
    assert sorted(wanted - there) == []


def test_the_reference_has_the_help_of_every_verb(pages, site):
    said = "".join(pages[site / "reference" / "command_line.html"].texts)
    assert [verb for verb in get_command(app).commands if f"Usage: tensorrank {verb} " not in said] == []


def test_examples_of_docstrings_are_blocks_of_code(site):
    pages = list((site / "reference").glob("*.html"))
    assert any("&gt;&gt;&gt; " in page.read_text() for page in pages)
    # A prompt outside of code would be a quotation.
    assert [page.name for page in pages if "<blockquote" in page.read_text()] == []


def test_notebooks_come_with_what_they_print_and_picture(site):
    notebooks = sorted((site / "notebooks").glob("*.ipynb"))
    assert [path.stem for path in notebooks] == ["engineer", "teacher", "theorist"]
    for path in notebooks:
        outputs = [out for cell in nbformat.read(path, 4).cells for out in cell.get("outputs", ())]
        assert any("image/png" in out.get("data", {}) for out in outputs)
        assert not any(out.output_type == "error" or out.get("name") == "stderr" for out in outputs)


# By the theorem on two tokens, the moment bound, the published fit, and the rank q^(N/2) between odd and even sites.
SAID = {
    "theorist": ["4538", "109024", "theorem 105, computed 105", "heads of width 1: 69 (exact)"],
    "engineer": ["best depth 48.5", "131,072 of 8,390,656", "1 of 4 heads have keys: rank 8 of 110", "almost all weights: 64"],
    "teacher": ["lower 256 = upper bound 256", "at least 4096 classes", "[3, 18, 232, 4538, 109024]"],
}


@pytest.mark.parametrize(("name", "lines"), SAID.items())
def test_a_notebook_prints_the_numbers_that_its_words_rest_on(pages, site, name, lines):
    said = "".join(pages[site / "notebooks" / f"{name}.html"].texts)
    assert [line for line in lines if line not in said] == []


def test_formulas_are_mathematics_when_the_page_arrives(site):
    page = (site / "explanation" / "two_tokens.html").read_text()
    assert page.count("<math ") > 20
    assert "\\(" not in page
