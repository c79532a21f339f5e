"""Files of weights that are damaged, hold something else, or promise more than they hold."""

import io
import re
import struct
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

import tensorrank as tr
from tensorrank.errors import TensorRankError, WeightsError
from tensorrank.given_files.array_archives import array_of, opened_archive

MODEL = tr.SelfAttention(1, 2)
ONES = {name: np.ones(shape) for name, (_, shape) in MODEL.shapes.items()}


def saved(path, compressed=False, **changes):
    (np.savez_compressed if compressed else np.savez)(path, **{**ONES, **changes})
    return path


def member(shape, dtype="<f8", numbers=b""):
    """An .npy file with this header before some bytes."""
    file = io.BytesIO()
    npy.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + numbers


def with_member(path, name, content, compression=zipfile.ZIP_DEFLATED):
    saved(path, **{name: np.ones(1)})
    with zipfile.ZipFile(path) as archive:
        others = {one: archive.read(one) for one in archive.namelist()}
    others[f"{name}.npy"] = content
    with zipfile.ZipFile(path, "w", compression) as archive:
        for one, bytes_ in others.items():
            archive.writestr(one, bytes_)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_whole_archives_are_read(tmp_path, compressed):
    # All weights equal make the same polynomial, of rank 1, whether they come from a file or not.
    path = saved(tmp_path / "w.npz", compressed)
    with np.load(path) as archive:
        assert tr.separation_rank(MODEL, weights=archive).value == tr.separation_rank(MODEL, weights=ONES).value
    with opened_archive(path, "weights") as archive:
        for name, array in ONES.items():
            np.testing.assert_array_equal(array_of(archive, name, array.shape, "axes"), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; expected a, saved|the file is empty; expected a in one, by numpy.savez"),
        (b"text", "this is no .npz file; expected a in one, by numpy.savez"),
        (
            b"PK\3\4" + bytes(100),
            r"the .npz file is damaged, perhaps cut off \(BadZipFile: File is not a zip file\); .*: copy or save it again",
        ),
        (member((2, 2)), "the file holds a single array; expected a, saved by numpy.savez"),
        (b"SQLite format 3\0", "this is no .npz file"),
    ],
    ids=["empty", "text", "damaged", "array", "store"],
)
def test_what_is_no_archive_is_refused(tmp_path, content, message):
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(WeightsError, match=message), opened_archive(tmp_path / "w.npz", "a"):
        pass


def test_an_archive_cut_off_anywhere_is_refused(tmp_path):
    whole = saved(tmp_path / "w.npz", compressed=True).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "w.npz").write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"empty|no \.npz|damaged"), opened_archive(tmp_path / "w.npz", "a"):
            pass


def test_a_flipped_bit_among_the_numbers_is_found(tmp_path):
    path = saved(tmp_path / "w.npz")
    whole = bytearray(path.read_bytes())
    place = whole.index(struct.pack("<d", 1.0))
    whole[place] ^= 1
    path.write_bytes(whole)
    with np.load(path) as archive, pytest.raises(WeightsError, match=r"\(BadZipFile: Bad CRC-32"):
        tr.separation_rank(MODEL, weights=archive)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (member((10**12,)), "weights 'key' have shape (1000000000000,); expected (1, 1, 2, 2) (depth, "),
        (member((1, 1, 2, 2), "|V1000000000"), "weights 'key' are of type dtype('V1000000000'); expected whole numbers"),
        (member((1, 1, 2, 2), "|O", b"x" * 99), "weights 'key' are Python objects in the .npz file"),
        (member((1, 1, 2, 2), "<c16", bytes(64)), "weights 'key' are of type dtype('complex128')"),
        (member((1, 1, 2, 2), "<f8", bytes(31)), "weights 'key' cannot be read from the .npz file (ValueError:"),
        (member((1, 1, 2, 2), "<f8", bytes(33)), "weights 'key' have bytes behind their numbers"),
        (member((1, 1, 2, 2), "<f8", bytes(10**7)), "weights 'key' have bytes behind their numbers"),
        (b"", "weights 'key' cannot be read from the .npz file (ValueError: EOF"),
        (b"\x93NUMPY\1\0\xff\xff" + b"(" * 65535, "weights 'key' cannot be read from the .npz file ("),
        (b"\x93NUMPY\1\0\x04\0{'a'", "weights 'key' cannot be read from the .npz file ("),
        (b"\x93NUMPY\x09\0" + bytes(99), "weights 'key' cannot be read from the .npz file (ValueError: "),
        (b"GIF89a" + bytes(99), "weights 'key' cannot be read from the .npz file (ValueError: the magic string is not correct"),
    ],
    ids=range(12),
)
def test_members_are_looked_at_before_they_are_read(tmp_path, content, message):
    path = with_member(tmp_path / "w.npz", "key", content)
    with np.load(path) as archive, pytest.raises(WeightsError, match=re.escape(message)):
        tr.separation_rank(MODEL, weights=archive)


def test_other_members_are_named(tmp_path):
    with (
        np.load(saved(tmp_path / "w.npz", more=np.ones(3))) as archive,
        pytest.raises(WeightsError, match="weights named key, more, output, query, value were given; expected"),
    ):
        tr.separation_rank(MODEL, weights=archive)


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    path = saved(tmp_path / "w.npz")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("key.npy", member((1, 1, 2, 2), numbers=bytes(32)))
    with pytest.raises(WeightsError, match="an array is there twice"), opened_archive(path, "key and value"):
        pass


def test_a_closed_archive_is_said_to_be(tmp_path):
    archive = np.load(saved(tmp_path / "w.npz"))
    archive.close()
    with pytest.raises(WeightsError, match="the archive of the weights has been closed"):
        tr.separation_rank(MODEL, weights=archive)


def test_pipes_and_devices_are_no_archives():
    with (
        pytest.raises(TensorRankError, match=r"a device was given; expected an \.npz file of a"),
        opened_archive("/dev/zero", "a"),
    ):
        pass
