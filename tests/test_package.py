import subprocess
import sys

import pytest

import tensorrank


def test_every_public_name_is_there():
    for name in tensorrank.__all__:
        assert getattr(tensorrank, name) is not None
        assert name in dir(tensorrank)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = tensorrank.nonsense


def test_importing_compiles_nothing():
    code = "import tensorrank as tr, sys; tr.separation_rank; print(sum(1 for m in sys.modules if m == 'numba'))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "1\n"
