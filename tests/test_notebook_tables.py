"""Tables of notebooks: escaped, small, without colours, and with the numbers of reprs."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np

import tensorrank as tr
from tensorrank.notebook_tables import MOST_ROWS, NotebookTable, cell

HOSTILE = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"&$x^2$"


class Cells(HTMLParser):
    """The texts of all cells, and every tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th", "caption"):
            self.texts.append("")

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] += data


@dataclass(frozen=True)
class Line(NotebookTable):
    name: str
    number: int | None = None


@dataclass(frozen=True)
class Lines(NotebookTable):
    title: str
    lines: tuple[Line, ...]


def test_hostile_names_are_texts_in_every_place():
    tensor = tr.Tensor(HOSTILE, (HOSTILE, "b"), np.eye(2))
    for value in (tensor, tr.TensorNetwork((tensor,), (HOSTILE, "b")), Lines(HOSTILE, (Line(HOSTILE),))):
        found = Cells(value._repr_html_())
        assert {tag for tag, _ in found.tags} <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
        assert {name for _, attrs in found.tags for name in attrs} <= {"class", "style"}
        assert any(HOSTILE in text for text in found.texts)


def test_names_of_classes_are_escaped_too():
    hostile = type("<b>", (Line,), {})
    assert "<caption>&lt;b&gt;</caption>" in hostile("a")._repr_html_()


def test_long_lists_are_counted():
    text = Lines("many", tuple(Line("a", number) for number in range(100)))._repr_html_()
    assert text.count("<tr>") == MOST_ROWS + 1
    assert f"<p>and {100 - (MOST_ROWS - 1)} more</p>" in text
    assert len(Lines("many", tuple(Line(5000 * "a") for _ in range(100)))._repr_html_()) < 10_000


def test_half_a_surrogate_pair_can_be_sent():
    assert "?" in Line("a\udcff")._repr_html_().encode("utf-8").decode()


def test_what_is_none_is_left_out():
    assert Cells(Line("a")._repr_html_()).texts == ["Line", "name", "a"]
    assert Cells(Lines("b", (Line("a"), Line("c")))._repr_html_()).texts == ["Lines", "title", "b", "name", "a", "c"]


def test_numbers_are_those_of_the_repr():
    rank = tr.separation_rank(tr.SelfAttention(depth=2, width=2))
    texts = Cells(rank._repr_html_()).texts
    assert texts[texts.index("separation rank") + 1] == "18"
    assert texts[texts.index("by degree") + 1] == "2 6 6 3 1"
    assert texts[texts.index("model") + 1] == repr(tr.SelfAttention(depth=2, width=2))
    assert cell(1 / 3) == repr(1 / 3)
    assert re.fullmatch(r"a whole number of some \d+ digits", cell(10**5000))


def test_a_plan_says_in_words_what_it_takes():
    plan = tr.plan(tr.SelfAttention(depth=4, width=3))
    texts = Cells(plan._repr_html_()).texts
    assert texts[texts.index("plan") + 1] == " ".join(str(plan).split())
    assert "s on two cores" in texts[texts.index("plan") + 1]


def test_findings_have_the_rows_of_their_table():
    findings = tr.study(widths=(2, 3), depths=(1, 2))
    texts = Cells(findings._repr_html_()).texts
    assert texts == ["Findings", *findings.table().split()]


def test_arrays_are_shown_or_told_by_their_shape():
    assert cell(np.eye(2)) == "[[1.0, 0.0], [0.0, 1.0]]"
    assert cell(np.zeros((20, 30))) == "array of shape (20, 30)"
