import pytest

from tensorrank.errors import TensorRankError
from tensorrank.whole_files import write_whole


def test_a_file_is_replaced_only_when_it_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")

    def broken(temporary):
        temporary.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(path, broken)
    assert path.read_text() == "before"
    write_whole(path, lambda temporary: temporary.write_text("after"))
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_explained(tmp_path):
    with pytest.raises(TensorRankError, match=r"table.csv cannot be written \(No such file or directory\)"):
        write_whole(tmp_path / "nowhere" / "table.csv", lambda temporary: temporary.write_text(""))
