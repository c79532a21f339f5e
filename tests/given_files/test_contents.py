import os
import threading

import pytest

from tensorrank.errors import TensorRankError
from tensorrank.given_files import contents
from tensorrank.given_files.contents import bytes_of, opened, text_of


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbfdepth\n")
    return path


def test_a_mark_of_the_encoding_is_left_out(file):
    assert text_of(file, "a table") == "depth\n"


def test_sizes_are_checked_before_the_file_is_read(file):
    os.truncate(file, 10**13)
    with pytest.raises(TensorRankError, match=r"the file has 9\.09 TiB; expected a table, of at most "):
        bytes_of(file, "a table")
    os.truncate(file, 9)
    with pytest.raises(TensorRankError, match="the file has 9 bytes; expected a table, of at most 8 bytes"):
        bytes_of(file, "a table", most=8)


def test_a_file_that_grows_while_it_is_read_ends_at_the_limit(file, monkeypatch):
    # As of a file that somebody appends to faster than it is read: its size was right when it was asked for.
    parts = iter([b"x" * 60] * 3)
    monkeypatch.setattr(contents, "_next_part", lambda *_: next(parts))
    with pytest.raises(TensorRankError, match="there are more than 100 bytes; expected a table"):
        bytes_of(file, "a table", most=100)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(file):
    file.chmod(0)
    with pytest.raises(TensorRankError, match=r"cannot be read \(Permission denied\); expected a table"):
        bytes_of(file, "a table")


def test_folders_and_devices_are_refused(tmp_path):
    with pytest.raises(TensorRankError, match=r"cannot be read \(Is a directory\); expected a table"):
        bytes_of(tmp_path, "a table")
    with pytest.raises(TensorRankError, match="a device was given; expected a table"):
        bytes_of("/dev/zero", "a table")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux lists open files so")
@pytest.mark.parametrize("path", [".", "/dev/zero", "no file"])
def test_a_refused_file_is_not_left_open(path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(TensorRankError, match="expected a table"):
            bytes_of(path, "a table")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_pipe_that_somebody_fills_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"depth\n" * 10**5,))
    writer.start()
    assert bytes_of(tmp_path / "pipe", "a table") == b"depth\n" * 10**5
    writer.join()


def test_a_pipe_that_nobody_fills_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "_PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TensorRankError, match=r"nothing came for 0\.1 s; expected a table"):
        bytes_of(tmp_path / "pipe", "a table")
    with pytest.raises(TensorRankError, match="a pipe was given; expected an archive"), opened(tmp_path / "pipe", "an archive"):
        pass


def test_text_in_another_encoding(file):
    file.write_bytes("depth".encode("utf-16"))
    with pytest.raises(TensorRankError, match="byte 0 is no UTF-8 text; expected a table; it seems to be UTF-16: save it"):
        text_of(file, "a table")
    file.write_bytes(b"dept\xff")
    with pytest.raises(TensorRankError, match=r"byte 4 is no UTF-8 text; expected a table$"):
        text_of(file, "a table")


def test_a_file_that_seems_ordinary_and_gives_nothing_is_not_waited_for(file, monkeypatch):
    # As /proc/kmsg does, which only root may open.
    monkeypatch.setattr(contents, "_PATIENCE", 0.1)
    monkeypatch.setattr(contents.select, "select", lambda *_: ([], [], []))
    with opened(file, "a table") as given:

        class Silent:
            def read(self, size):
                return None

            def fileno(self):
                return given.fileno()

        with pytest.raises(TensorRankError, match=r"nothing came for 0\.1 s; expected a table"):
            contents._next_part(Silent(), "a table")
