"""Drawing where matplotlib cannot keep its list of fonts."""

import logging
import subprocess
import sys

import pytest

from tensorrank.errors import TensorRankError
from tensorrank.font_folder import importing_matplotlib

DRAW = """
import os, pathlib, tempfile
for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
    os.environ.pop(name, None)
# A home beneath the folder for temporary files could be written.
os.environ["HOME"] = "/nowhere/at/all"
make = pathlib.Path.mkdir
def refuse(self, *args, **options):
    if not str(self).startswith(tempfile.gettempdir()):
        raise PermissionError(13, "Permission denied")
    make(self, *args, **options)
pathlib.Path.mkdir = refuse
import numpy as np, tensorrank as tr
"""
NO_TEMPORARY = """
def refuse_all(**options):
    raise PermissionError(13, "Permission denied")
tempfile.mkdtemp = refuse_all
"""
FIGURES = "print(tr.figures.rank_vs_depth.__name__)\n"
NETWORK = "tr.TensorNetwork((tr.Tensor('v', ('i',), np.ones(2)),), ('i',)).picture(); print('rank_vs_depth')\n"


def drawn(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("draw", [FIGURES, NETWORK])
def test_without_a_folder_of_its_own_matplotlib_says_one_sentence(draw):
    done = drawn(DRAW + draw)
    assert (done.returncode, done.stdout) == (0, "rank_vs_depth\n")
    assert done.stderr == "matplotlib lists its fonts anew in every process; set MPLCONFIGDIR to a folder that can be written\n"


@pytest.mark.parametrize("draw", [FIGURES, NETWORK])
def test_without_any_folder_the_error_names_what_to_set(draw):
    done = drawn(DRAW + NO_TEMPORARY + draw)
    assert done.returncode == 1
    assert "TensorRankError: pictures need a folder that can be written" in done.stderr
    assert "set MPLCONFIGDIR or TMPDIR" in done.stderr


def test_other_messages_of_matplotlib_pass(caplog):
    with importing_matplotlib(), caplog.at_level(logging.WARNING, "matplotlib"):
        logging.getLogger("matplotlib").warning("Bad key in file %s", "matplotlibrc")
    assert [record.getMessage() for record in caplog.records] == ["Bad key in file matplotlibrc"]


def test_the_error_is_one_of_ours():
    with pytest.raises(TensorRankError, match="set MPLCONFIGDIR"), importing_matplotlib():
        raise OSError("Matplotlib requires access to a writable cache directory")
