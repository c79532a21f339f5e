"""Atlases in files: what was written is read back, and what is wrong in a file is named by its place."""

import json

import pytest
from atlas.made import NETWORK, SHORT, SHORT_BOUND, SHORT_RANK, entry_of

import tensorrank as tr
from tensorrank.atlas.files import read, write
from tensorrank.errors import TensorRankError

ENTRIES = (entry_of(NETWORK, 18, by_degree=(2, 6, 6, 3, 1)), entry_of(SHORT, SHORT_RANK, "probable", SHORT_BOUND))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "atlas.json"
    write(ENTRIES, path)
    return path


def test_what_was_written_is_read_back_and_written_alike(file, tmp_path):
    assert read(file) == ENTRIES
    write(read(file), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_an_entry_stands_on_a_line_of_its_own(file):
    lines = file.read_text().splitlines()
    assert [json.loads(line.strip().rstrip(","))["rank"]["value"] for line in lines[4:6]] == [18, SHORT_RANK]
    write([], file)
    assert read(file) == ()


def changed(file, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda atlas: atlas["entries"][1]["rank"].update(value="many"),
            r"entries\[1\]: a result .* value is 'many'; expected",
        ),
        (lambda atlas: atlas["entries"][0]["model"].update(widht=2), r"entries\[0\]: attention has no size"),
        (lambda atlas: atlas["entries"].append(atlas["entries"][0]), r"entries\[2\]: .* stands in entries\[0\], too"),
        (lambda atlas: atlas["entries"].append(5), r"entries\[2\]: 5 was given for an entry"),
        (lambda atlas: atlas.update(entries={}), "entries are {}; expected a list"),
        (lambda atlas: atlas.update(version=2), "version is 2; this tensorrank reads 1; install the version that wrote"),
        (lambda atlas: atlas.update(format="a diary"), "expected an atlas, as `tensorrank atlas --export FILE.json` writes"),
        (lambda atlas: atlas.pop("entries"), "expected an atlas, as `tensorrank atlas --export FILE.json` writes"),
    ],
)
def test_what_is_wrong_is_named_with_the_file_and_the_place(file, change, message):
    changed(file, change)
    with pytest.raises(TensorRankError, match=rf"{file.name}: .*{message}|{file.name}: {message}"):
        read(file)


def test_a_file_that_is_cut_off_is_named_by_line_and_column(file):
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(TensorRankError, match=r"atlas.json: .* at line 6, column \d+.*cut off"):
        read(file)


def test_the_packaged_file_is_as_it_would_be_written():
    from tensorrank.atlas.files import PACKAGED

    before = PACKAGED.read_bytes()
    assert len(before) < 300_000
    assert tr.Atlas.load(PACKAGED) == tr.Atlas.packaged()
    assert [entry.key for entry in tr.Atlas.packaged().entries] == [entry.key for entry in read(PACKAGED)]
