import re
from pathlib import Path

import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.given_files.paths import named_in_errors, shown_path

READERS = [tr.load, tr.guidelines.read_ablation, tr.guidelines.read_config]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a\0b", " is 'a\\x00b'; expected a path without NUL and of characters that file names can hold"),
        ("\ud800", " is '\\ud800'; expected a path without NUL and of characters that file names can hold"),
        ("x" * 10_000, " cannot be read (File name too long); expected "),
        ("no/such\nfile", "'no/such\\nfile' cannot be read (No such file or directory); expected "),
        (None, " is None; expected the path of a file or folder"),
        (1.5, " is 1.5; expected the path of a file or folder"),
        (b"a", " is b'a'; expected the path of a file or folder"),
    ],
    ids=repr,
)
def test_every_reader_refuses_what_is_no_path(reader, given, message):
    with pytest.raises(TensorRankError, match=re.escape(message)) as raised:
        reader(given)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_a_path_where_no_model_can_be_written():
    with pytest.raises(TensorRankError, match=r"the path of the model is .*; expected a path without NUL"):
        tr.save(tr.LatentClass([1], [[[1]]]), "a\0b")


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_devices_are_not_read(reader, device):
    with pytest.raises(TensorRankError, match="a device was given; expected "):
        reader(device)


def test_errors_within_name_the_path():
    with pytest.raises(TensorRankError, match=re.escape("a.json: no model")), named_in_errors(Path("a.json")):
        raise TensorRankError("no model")


def test_long_paths_are_shortened():
    assert len(shown_path(Path("x" * 10_000))) < 400
