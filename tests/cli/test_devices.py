"""`--device` of `tensorrank rank`, and the devices that `tensorrank machine` lists."""

import json

import pytest
from command_line import assert_refused, run
from typer.testing import CliRunner

from tensorrank.arithmetic.elimination import machine
from tensorrank.arithmetic.elimination.devices import DeviceHere
from tensorrank.cli.main import app

ATTENTION = ("rank", "attention", "--depth", 3, "--width", 2)


def test_a_device_that_is_unknown_is_refused_with_those_that_are():
    assert_refused(run(*ATTENTION, "--device", "gpu"), "the device is 'gpu'; expected 'cpu', 'cuda'")


def test_an_engine_that_devices_do_not_have_is_refused_after_json_as_json():
    pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")
    done = run(*ATTENTION, "--device", "torch:cpu", "--engine", "float32", "--json")
    assert done.returncode == 2
    assert "engine 'float32' multiplies on processors only" in json.loads(done.stdout)["error"]


def test_a_rank_on_a_device_is_the_known_one_and_names_its_engine():
    pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")
    done = run(*ATTENTION, "--device", "torch:cpu", "--engine", "float64", "--json")
    values = json.loads(done.stdout)
    # SOURCES.md, section 2.
    assert (values["value"], values["standing"], values["engines"]) == (232, "exact", ["float64 on torch:cpu"])


def test_every_kind_of_rank_takes_a_device():
    for kind in (("attention",), ("circuit", "recurrent"), ("circuit", "convolutional"), ("file",)):
        assert "--device" in run("rank", *kind, "--help").stdout


def test_the_machine_lists_its_devices(monkeypatch):
    here = (DeviceHere("cuda", "Accelerator 1", 80 * 2**30, 79 * 2**30),)
    monkeypatch.setattr(machine, "devices_here", lambda: (here, ("the device 'cuda:1' failed",)))
    shown = CliRunner().invoke(app, ["machine"])
    assert shown.exit_code == 0
    assert "--device cuda: Accelerator 1; 79 GiB of 80 GiB free" in " ".join(shown.output.split())
    assert "A device is not listed: the device 'cuda:1' failed" in " ".join(shown.output.split())
    found = json.loads(CliRunner().invoke(app, ["machine", "--json"]).stdout)
    assert found["devices"] == [{"name": "cuda", "model": "Accelerator 1", "memory": 80 * 2**30, "free": 79 * 2**30}]
    assert found["devices_missing"] == ["the device 'cuda:1' failed"]
