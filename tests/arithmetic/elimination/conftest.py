import pytest
from engines_tried import set_tilings

from tensorrank.arithmetic.elimination import columns as column_elimination
from tensorrank.arithmetic.elimination import device_engines, products
from tensorrank.arithmetic.elimination import files as elimination_files


@pytest.fixture
def small_pieces(monkeypatch):
    """Panels, tiles, Strassen's algorithm and copies at sizes that python-flint ranks at once."""
    monkeypatch.setattr(column_elimination, "PANEL", 4)
    monkeypatch.setattr(column_elimination, "_FIRST_ROWS", 5)
    monkeypatch.setattr(column_elimination, "_MORE", 2)
    monkeypatch.setattr(elimination_files, "_BUFFER", 100)
    monkeypatch.setattr(products, "_LARGEST", 30)
    set_tilings(monkeypatch, strassen=6, columns=7, rows=9)


@pytest.fixture
def strassen(monkeypatch):
    """A list of the products that Strassen's algorithm takes apart, beginning at a quarter of its usual size."""
    taken = []
    by_strassen = products.Products._add_by_strassen
    monkeypatch.setattr(
        products.Products, "_add_by_strassen", lambda self, *parts: taken.append(parts) or by_strassen(self, *parts)
    )
    set_tilings(monkeypatch, strassen=250)
    return taken


@pytest.fixture
def forgetful_devices():
    """What a process knows of its devices is forgotten before and after."""
    for known in (device_engines.bytes_exact_within, device_engines._doubles_are_exact):
        known.cache_clear()
    yield
    for known in (device_engines.bytes_exact_within, device_engines._doubles_are_exact):
        known.cache_clear()
