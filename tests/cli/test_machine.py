"""`tensorrank machine`: what is printed is what there is."""

import json

import pytest
from command_line import invoked

from tensorrank.arithmetic.elimination import byte_products, engine_choice, machine, rates
from tensorrank.arithmetic.elimination.byte_products import Bytes
from tensorrank.arithmetic.elimination.engines import Doubles, Singles


@pytest.fixture
def no_bytes(monkeypatch):
    """A machine without onnxruntime, whose rates are known."""
    known = {Bytes: 8e11, Singles: 2e11, Doubles: 1e11}.__getitem__
    monkeypatch.setattr(machine, "measured", known)
    monkeypatch.setattr(engine_choice, "rate", known)

    def missing():
        raise ImportError("No module named 'onnxruntime'")

    byte_products.exact_within.cache_clear()
    monkeypatch.setattr(byte_products, "_session", missing)
    yield
    byte_products.exact_within.cache_clear()


def run(*arguments):
    done = invoked(["machine", *arguments])
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.usefixtures("no_bytes")
def test_an_engine_that_is_missing_is_listed_with_what_installs_it():
    found = json.loads(run("--json"))
    engines = {engine["name"]: engine for engine in found["engines"]}
    assert engines["bytes"]["rate"] is engines["bytes"]["most"] is None
    assert "pip install onnxruntime" in engines["bytes"]["obstacle"]
    assert engines["float32"] == {"name": "float32", "rate": 2e11, "most": 1021, "obstacle": None}
    assert found["chosen"] == [[2, 1021, "float32"], [1022, 2147483647, "float64"]]
    assert found["threads"] >= 1
    assert found["memory"] > 0


@pytest.mark.usefixtures("no_bytes")
def test_the_text_names_the_engine_of_every_prime():
    text = run()
    assert "Primes from 2 to 1021: float32" in text
    assert "Primes from 1022 to 2147483647: float64" in text
    assert "pip install onnxruntime" in text.replace("\n", " ")
    assert "200 x 10^9" in text


def test_this_machine_is_described_as_it_chooses():
    found = json.loads(run("--json"))
    assert found["processor"] == rates.processor()
    ends = [end for _, end, _ in found["chosen"]]
    assert [start for start, *_ in found["chosen"]] == [2, *(end + 1 for end in ends[:-1])]
    assert ends[-1] == 2**31 - 1
