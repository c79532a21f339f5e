"""`--engine` and `--device` of `tensorrank rank` and `study`, and the devices that `tensorrank machine` lists."""

import csv
import json

import pytest
from command_line import assert_refused, invoked, run

from tensorrank.arithmetic.elimination import machine
from tensorrank.arithmetic.elimination.devices import DeviceHere

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


def test_every_kind_of_rank_and_a_study_take_a_device():
    ranks = [("rank", *kind) for kind in (("attention",), ("circuit", "recurrent"), ("circuit", "convolutional"), ("file",))]
    for verb in (*ranks, ("study",)):
        assert "--device" in run(*verb, "--help").stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--device", "gpu"), "the device is 'gpu'; expected 'cpu', 'cuda'"),
        (("--engine", "byte"), "the engine is 'byte'; expected one of auto, bytes, float32, float64; did you mean 'bytes'?"),
        (("--engine", "float32", "--device", "cuda"), "engine 'float32' multiplies on processors only"),
        (("--scratch", ".", "--device", "cuda"), "a scratch folder was given together with the device 'cuda'"),
        (("--scratch", ".", "--device", "cuda", "--workers", 2), "a scratch folder was given together with the device 'cuda'"),
    ],
    ids=str,
)
def test_a_study_refuses_what_no_machine_can_do_before_anything_is_made(tmp_path, options, words):
    study = ("study", "--widths", 2, "--depths", 1, "--out", tmp_path / "out", *options)
    assert_refused(run(*study), words)
    done = run(*study, "--json")
    assert done.returncode == 2
    assert words in json.loads(done.stdout)["error"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("where", [(), ("--workers", 1)], ids=["here", "workers"])
def test_a_study_multiplies_by_the_engine_named_and_tells_of_it(tmp_path, where):
    study = ("study", "--widths", 2, "--depths", "2-3", "--format", "none", "--out", tmp_path)
    done = run(*study, "--engine", "float32", *where, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    # SOURCES.md, section 2.
    assert [(row["value"], row["standing"], row["engines"]) for row in rows] == [(n, "exact", ["float32"]) for n in (18, 232)]
    table = list(csv.DictReader((tmp_path / "ranks.csv").read_text().splitlines()))
    assert [row["engines"] for row in table] == ["float32", "float32"]
    blocks = json.loads(run("show", tmp_path, "--blocks", "--json").stdout)["blocks"]
    assert {block["engine"] for block in blocks} == {"float32"}
    # Another engine computes nothing again.
    again = json.loads(run(*study, "--engine", "float64", *where, "--json").stdout)
    assert (again["summary"]["computed"], again["rows"]) == (0, rows)


@pytest.mark.parametrize("where", [(), ("--workers", 1)], ids=["here", "workers"])
def test_a_study_on_a_device_finds_the_known_ranks(tmp_path, where):
    pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")
    study = ("study", "--widths", 2, "--depths", "2-3", "--format", "none", "--out", tmp_path, "--json")
    done = run(*study, "--device", "torch:cpu", "--engine", "float64", *where)
    assert done.returncode == 0, done.stderr
    # SOURCES.md, section 2.
    found = [(row["value"], row["engines"]) for row in json.loads(done.stdout)["rows"]]
    assert found == [(18, ["float64 on torch:cpu"]), (232, ["float64 on torch:cpu"])]


def test_sizes_of_a_study_are_not_its_engine(tmp_path):
    done = run("study", "attention", "width=2", "depth=1", "engine=bytes", "--out", tmp_path)
    assert_refused(done, "'engine=bytes' was given; expected each size once, and options of the study as --NAME")


def test_the_machine_lists_its_devices(monkeypatch):
    here = (DeviceHere("cuda", "Accelerator 1", 80 * 2**30, 79 * 2**30),)
    monkeypatch.setattr(machine, "devices_here", lambda: (here, ("the device 'cuda:1' failed",)))
    shown = invoked(["machine"])
    assert shown.exit_code == 0
    assert "--device cuda: Accelerator 1; 79 GiB of 80 GiB free" in " ".join(shown.output.split())
    assert "A device is not listed: the device 'cuda:1' failed" in " ".join(shown.output.split())
    found = json.loads(invoked(["machine", "--json"]).stdout)
    assert found["devices"] == [{"name": "cuda", "model": "Accelerator 1", "memory": 80 * 2**30, "free": 79 * 2**30}]
    assert found["devices_missing"] == ["the device 'cuda:1' failed"]
