import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tensorrank import temporary_files
from tensorrank.errors import TensorRankError
from tensorrank.temporary_files import nameless_file, remove_stray, temporary_file
from tensorrank.whole_files import checked_file, write_whole


def put(content):
    return lambda file: file.write(content)


def test_a_file_is_replaced_only_when_it_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")

    def broken(file):
        file.write(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(path, broken)
    assert path.read_text() == "before"
    write_whole(path, put(b"after"))
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_explained(tmp_path):
    with pytest.raises(TensorRankError, match=r"table.csv cannot be written \(No such file or directory\)"):
        write_whole(tmp_path / "nowhere" / "table.csv", put(b""))


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("check", [lambda path: write_whole(path, put(b"x")), lambda path: checked_file("--out", path)])
def test_a_path_that_ends_in_a_slash_names_a_folder(tmp_path, check, older):
    if older:
        (tmp_path / "model.json").write_text("before")
    with pytest.raises(TensorRankError, match=r"model.json/ ends in a slash, which names a folder; expected"):
        check(f"{tmp_path}/model.json/")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"] * older


def test_the_longest_name_that_a_folder_takes_can_be_written(tmp_path):
    path = tmp_path / ("a" * 255)
    write_whole(path, put(b"content"))
    assert path.read_bytes() == b"content"
    with pytest.raises(TensorRankError, match="File name too long"):
        write_whole(tmp_path / ("a" * 256), put(b""))


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_permissions_when_it_is_replaced(tmp_path, mode):
    path = tmp_path / "model.json"
    path.write_text("before")
    path.chmod(mode)
    write_whole(path, put(b"after"))
    assert (stat.S_IMODE(path.stat().st_mode), path.read_text()) == (mode, "after")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "model.json", put(b"new"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model.json").stat().st_mode) == 0o666 & ~umask


def test_what_replaces_a_private_file_is_private_while_it_is_written(tmp_path):
    path, modes = tmp_path / "model.json", []
    path.write_text("before")
    path.chmod(0o600)
    write_whole(path, lambda file: modes.append(stat.S_IMODE(os.fstat(file.fileno()).st_mode)))
    assert modes == [0o600]


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target.json", tmp_path / "link.json"
    link.symlink_to(target)
    for content in (b"made", b"replaced"):
        write_whole(link, put(content))
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == ["target.json"]


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    with pytest.raises(TensorRankError, match="Too many levels of symbolic links"):
        write_whole(tmp_path / "one", put(b""))


def test_a_temporary_file_is_not_written_through_a_link_that_lay_in_wait(tmp_path, monkeypatch):
    names = iter(["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"])
    monkeypatch.setattr(temporary_files.secrets, "token_hex", lambda size: next(names))
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    trap = folder / f".tensorrank-{temporary_files._system()}-aaaaaaaaaaaaaaaa.part"
    trap.symlink_to(victim)
    with pytest.raises(TensorRankError, match="File exists"):
        write_whole(folder / "model.json", put(b"content"))
    assert victim.read_text() == "precious"
    write_whole(folder / "model.json", put(b"content"))
    assert (folder / "model.json").read_bytes() == b"content"


@pytest.mark.parametrize("check", [lambda path: write_whole(path, put(b"x")), lambda path: checked_file("--out", path)])
class TestWhatIsNoOrdinaryFile:
    def test_a_device_stays(self, check):
        before = os.stat("/dev/null")
        with pytest.raises(TensorRankError, match="/dev/null is no ordinary file but a device; give one"):
            check(Path("/dev/null"))
        assert os.path.samestat(before, os.stat("/dev/null"))

    def test_a_link_to_a_device_stays(self, check, tmp_path):
        (tmp_path / "link").symlink_to("/dev/null")
        with pytest.raises(TensorRankError, match="link is no ordinary file but a device"):
            check(tmp_path / "link")

    def test_a_pipe_stays_and_nobody_waits_for_its_reader(self, check, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(TensorRankError, match=r"pipe is no ordinary file but a pipe \(FIFO\)"):
            check(tmp_path / "pipe")
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)

    def test_a_socket_stays(self, check, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as ours:
            ours.bind("socket")
            with pytest.raises(TensorRankError, match="socket is no ordinary file but a socket"):
                check(tmp_path / "socket")

    def test_a_folder_stays(self, check, tmp_path):
        with pytest.raises(TensorRankError, match=r"is a folder; give a file in it, such as .*model.json"):
            check(tmp_path)

    @pytest.mark.parametrize("path", ["a\0b", "lone \ud800 surrogate"])
    def test_a_name_that_no_file_can_have_is_refused(self, check, tmp_path, path):
        with pytest.raises(TensorRankError, match=r"is no path \(.*\); expected the path of a file"):
            check(tmp_path / path)


@pytest.mark.parametrize("path", [3, None, b"bytes"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(TensorRankError, match="is no path; expected the path of a file"):
        write_whole(path, put(b""))


# To root nothing is protected, so another user writes where this is root.
PROTECTED = """
import os, sys
from pathlib import Path
from tensorrank.errors import TensorRankError
from tensorrank.whole_files import write_whole
if os.geteuid() == 0:
    os.setuid(65534)
try:
    write_whole(Path(sys.argv[1]), lambda file: file.write(b"after"))
except TensorRankError as error:
    sys.stdout.write(str(error))
"""


def test_a_file_that_is_protected_against_writing_stays():
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_text("before")
        path.chmod(0o444)
        path.parent.chmod(0o777)
        done = subprocess.run([sys.executable, "-c", PROTECTED, str(path)], capture_output=True, text=True)
        assert "is protected against writing; allow it (chmod u+w)" in done.stdout, done.stderr
        assert path.read_text() == "before"


FULL = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
FULL += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
FULL += "from tensorrank.whole_files import write_whole; write_whole({path!r}, lambda file: file.write(bytes(5000)))"


def test_where_no_room_is_left_the_older_file_stays(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("before")
    done = subprocess.run([sys.executable, "-c", FULL.format(path=str(path))], capture_output=True, text=True)
    assert "TensorRankError" in done.stderr
    assert "model.json cannot be written (File too large); make room" in done.stderr
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


HALF = """
import sys, time
from pathlib import Path
from tensorrank.whole_files import write_whole
def write(file):
    file.write(b"half")
    file.flush()
    sys.stdout.write("writing\\n")
    sys.stdout.flush()
    time.sleep(600)
write_whole(Path(sys.argv[1]), write)
"""


def half_written(path):
    process = subprocess.Popen([sys.executable, "-c", HALF, str(path)], stdout=subprocess.PIPE, text=True)
    with process.stdout:
        assert process.stdout.readline() == "writing\n"
    return process


def parts(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".part"))


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    killed, living = half_written(tmp_path / "one"), half_written(tmp_path / "two")
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(parts(tmp_path)) == 2
        remove_stray.cache_clear()
        write_whole(tmp_path / "three", put(b"whole"))
        assert len(parts(tmp_path)) == 1
    finally:
        living.terminate()
        living.wait()
    remove_stray.cache_clear()
    write_whole(tmp_path / "three", put(b"whole"))
    assert [path.name for path in tmp_path.iterdir()] == ["three"]


def test_a_file_of_another_system_is_removed_only_after_a_day(tmp_path):
    path = tmp_path / f".tensorrank-{'0' * 8}-{'1' * 16}.part"
    for age, stays in ((3600, True), (25 * 3600, False)):
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
        remove_stray.cache_clear()
        remove_stray(str(tmp_path), os.getpid())
        assert path.exists() is stays


def test_only_files_of_the_scheme_are_removed(tmp_path):
    own = f".tensorrank-{temporary_files._system()}-{'1' * 16}.part"
    for name in ("mine.part", ".tensorrank-x.part", f"{own}~", f"x{own}", ".123.table.csv"):
        (tmp_path / name).write_text("not ours")
    (tmp_path / own.replace("1", "2")).mkdir()
    os.mkfifo(tmp_path / own.replace("1", "3"))
    (tmp_path / own.replace("1", "4")).symlink_to(tmp_path / "mine.part")
    before = sorted(tmp_path.iterdir())
    (tmp_path / own).write_text("stray")
    remove_stray.cache_clear()
    remove_stray(str(tmp_path), os.getpid())
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_was_taken_for_stray_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    locked, taken = temporary_files._locked, []

    def late(descriptor):
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        return locked(descriptor)

    monkeypatch.setattr(temporary_files, "_locked", late)
    write_whole(tmp_path / "model.json", put(b"whole"))
    assert len(taken) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_many_write_and_tidy_one_folder_at_once(tmp_path):
    failed = []

    def work(number):
        for _ in range(50):
            try:
                remove_stray.cache_clear()
                write_whole(tmp_path / f"{number}", put(b"whole"))
            except TensorRankError as error:
                failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(number) for number in range(8)]


@pytest.mark.parametrize("without", [False, True])
def test_a_nameless_file_has_no_name(tmp_path, monkeypatch, without):
    if without:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    with nameless_file(tmp_path) as file:
        file.write(b"content")
        assert list(tmp_path.iterdir()) == []
        file.seek(0)
        assert file.read() == b"content"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux lists open files so")
def test_windows_which_removes_no_open_file(tmp_path, monkeypatch):
    unlink = os.unlink

    def refuse_if_open(path, **options):
        if os.path.realpath(path) in {os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")}:
            raise PermissionError(errno.EACCES, "the file is in use", path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refuse_if_open)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    # Here the flag of that system is one without effect; there it removes the file.
    monkeypatch.setattr(temporary_files, "_GONE_WHEN_CLOSED", os.O_CLOEXEC)
    with nameless_file(tmp_path) as file:
        file.write(b"content")
        (name,) = tmp_path.iterdir()
        remove_stray.cache_clear()
        remove_stray(str(tmp_path), os.getpid())
        assert name.exists()
    remove_stray.cache_clear()
    remove_stray(str(tmp_path), os.getpid())
    assert not name.exists()


def test_where_nothing_can_be_locked_files_are_written_and_nothing_is_removed(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError("no locks here")

    monkeypatch.setattr(temporary_files, "_locked", refuse)
    stray = tmp_path / f".tensorrank-{temporary_files._system()}-{'1' * 16}.part"
    stray.write_text("may be in use")
    remove_stray.cache_clear()
    write_whole(tmp_path / "model.json", put(b"whole"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [stray.name, "model.json"]
    with temporary_file(tmp_path) as (path, _):
        assert path.exists()
    assert not path.exists()
