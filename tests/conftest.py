"""What holds for the whole suite."""

import gc

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect the tests without looking for garbage, then or later, among what stays until the end.

    Each look goes through millions of objects: together a quarter of the time of collecting.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
