"""Where the files of a user are kept."""

import sys

import pytest

from tensorrank.user_folders import user_folder

linux = pytest.mark.skipif(sys.platform != "linux", reason="folders are named by XDG's variables on Linux")


@linux
def test_variables_name_the_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert user_folder("data") == tmp_path / "data" / "tensorrank"
    assert user_folder("cache") == tmp_path / "cache" / "tensorrank"


@linux
def test_without_variables_they_are_in_the_home(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_folder("data") == tmp_path / ".local" / "share" / "tensorrank"
    assert user_folder("cache") == tmp_path / ".cache" / "tensorrank"


@linux
def test_a_user_without_a_home_has_none(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "~nobody_of_this_name/data")
    assert user_folder("data") is None
