import pytest

from tensorrank.arithmetic.elimination import columns as column_elimination
from tensorrank.arithmetic.elimination import files as elimination_files
from tensorrank.arithmetic.elimination import products


@pytest.fixture
def small_pieces(monkeypatch):
    """Panels, tiles, Strassen's algorithm and copies at sizes that python-flint ranks at once."""
    monkeypatch.setattr(column_elimination, "PANEL", 4)
    monkeypatch.setattr(column_elimination, "_FIRST_ROWS", 5)
    monkeypatch.setattr(column_elimination, "_MORE", 2)
    monkeypatch.setattr(elimination_files, "_BUFFER", 100)
    for name, value in (("_STRASSEN_SIDE", 6), ("_LARGEST", 30), ("_TILE_COLUMNS", 7), ("_TILE_ROWS", 9)):
        monkeypatch.setattr(products, name, value)
