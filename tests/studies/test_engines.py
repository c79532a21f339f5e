"""Studies with a named engine and device: what they refuse, what their stores keep, and what their jobs carry."""

import pickle
import sys
from contextlib import suppress
from dataclasses import replace

import pytest
from engines_tried import DEVICE, names

import tensorrank as tr
from tensorrank.arithmetic.elimination import devices
from tensorrank.arithmetic.elimination.engine_choice import ENGINES
from tensorrank.arithmetic.primes import SMALL_PRIMES
from tensorrank.studies.events import BlockFinished
from tensorrank.studies.store import Store

# SOURCES.md, section 2: one full head, and two heads.
KNOWN = {(2, 1): (18, "exact"), (3, 1): (232, "exact"), (3, 2): (215, "exact")}
STUDY = tr.Study.over(tr.SelfAttention, width=2, depth=(2, 3), heads=(1, 2), work=1e9)


def known(findings):
    """Value and standing of the models whose rank is known."""
    found = {(one.model.depth, one.model.heads): (one.result.value, one.result.standing) for one in findings}
    return {sizes: found[sizes] for sizes in KNOWN}


def run(study, store, **options):
    """What a study finds, and the blocks that it computes."""
    fresh = []

    def observe(event):
        if isinstance(event, BlockFinished) and event.fresh:
            fresh.append((event.model, event.key))

    return list(study.run(store, observe, **options)), fresh


@pytest.mark.parametrize("engine", ["auto", *names(251)])
def test_ranks_by_every_engine_are_the_known_ones_and_name_it(engine):
    with Store(":memory:") as store:
        found, _ = run(replace(STUDY, engine=engine), store)
        blocks = {key.prime: block.rank.engine for *_, key, block in store.blocks()}
    assert known(found) == KNOWN
    for finding in found:
        alone = tr.separation_rank(finding.model, engine=engine, work=1e9, memory=STUDY.memory)
        assert (finding.result, finding.result.engines) == (alone, alone.engines)
    small = {name for prime, name in blocks.items() if prime < SMALL_PRIMES.least}
    assert small == (set() if engine in ("auto", "float64") else {engine})


@pytest.mark.parametrize("first", names(251))
@pytest.mark.parametrize("second", ["auto", *names(251)])
def test_ranks_that_one_engine_found_count_for_another(first, second):
    with Store(":memory:") as store:
        before, _ = run(replace(STUDY, engine=first), store)
        after, computed = run(replace(STUDY, engine=second), store)
    assert computed == []
    assert [finding.result for finding in after] == [finding.result for finding in before]
    assert not any(finding.fresh for finding in after)


def test_blocks_that_one_engine_left_are_taken_on_by_another_with_the_same_primes():
    engines = [name for name in names(251) if name != "float64"]
    if len(engines) < 2:
        pytest.skip("this machine has one engine for small primes")
    first, second = engines
    with Store(":memory:") as store:
        whole, blocks = run(replace(STUDY, engine=second), store)
    for allowed in range(1, len(blocks)):
        seen = []
        with Store(":memory:") as store:
            with suppress(KeyboardInterrupt):
                list(replace(STUDY, engine=first, threads=1).run(store, seen.append, stop=lambda: fresh(seen) >= allowed))  # noqa: B023
            found, computed = run(replace(STUDY, engine=second), store)
        assert [finding.result for finding in found] == [finding.result for finding in whole]
        assert len(computed) == len(blocks) - allowed


def fresh(events):
    return sum(isinstance(event, BlockFinished) and event.fresh for event in events)


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "int4"},
        {"engine": "byte"},
        {"engine": None},
        {"engine": 8},
        {"device": "gpu"},
        {"device": "cude"},
        {"device": "mps"},
        {"engine": "float32", "device": "cuda"},
        {"device": "cuda", "scratch": "."},
        {"device": "torch:cpu", "scratch": "."},
    ],
    ids=str,
)
def test_what_no_machine_can_do_is_refused_at_once_in_the_words_of_separation_rank(options):
    with pytest.raises(tr.TensorRankError) as expected:
        tr.separation_rank(tr.SelfAttention(1, 2), **options)
    with pytest.raises(tr.TensorRankError, match=r"engine|device") as found:
        tr.Study.over(tr.SelfAttention, width=2, depth=1, **options)
    assert str(found.value) == str(expected.value)


def test_a_device_that_is_no_text_is_refused():
    with pytest.raises(tr.TensorRankError, match="the device is 3; expected 'cpu', 'cuda'"):
        tr.Study([tr.SelfAttention(1, 2)], device=3)


def test_a_device_that_is_not_here_is_refused_when_the_study_runs_even_if_the_store_has_all(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    study = tr.Study.over(tr.SelfAttention, width=2, depth=1, device="cuda")
    with Store(":memory:") as store:
        for _ in range(2):
            with pytest.raises(tr.TensorRankError, match="device 'cuda' needs PyTorch, which cannot be imported"):
                next(study.run(store))
            list(replace(study, device="cpu").run(store))


def test_an_engine_that_is_not_here_is_refused_when_the_study_runs(monkeypatch):
    absent = classmethod(lambda kind, field: "the engine 'bytes' needs onnxruntime")
    monkeypatch.setattr(ENGINES["bytes"], "obstacle", absent)
    # Circuits have no small primes, and so nothing that bytes would multiply.
    for study in (STUDY, tr.Study([tr.RecurrentCircuit(1, 2, 2, 4)])):
        with Store(":memory:") as store, pytest.raises(tr.TensorRankError, match="needs onnxruntime; engine 'auto' takes"):
            next(replace(study, engine="bytes").run(store))


class Given:
    """A scheduler that computes nothing, and ends the study with the first tasks that it is given."""

    ahead = 1

    def __init__(self):
        self.tasks = []

    def submit(self, tasks):
        self.tasks += pickle.loads(pickle.dumps(tasks))

    def forget(self, tasks):
        pass

    def wait(self, listener, stop):
        raise KeyboardInterrupt


MODELS = {
    "blocks": tr.SelfAttention(3, 2),
    "blocks of few tokens": tr.SelfAttention(2, 3, tokens=3),
    "leading form": tr.SelfAttention(2, 2, residual=True),
    "grid": tr.RecurrentCircuit(2, 2, 2, 6),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_jobs_carry_engine_and_device_to_machines_that_have_them_though_this_one_has_not(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(ENGINES["bytes"], "obstacle", classmethod(lambda kind, field: "it is not here"))
    where = Given()
    with Store(":memory:") as store, pytest.raises(KeyboardInterrupt):
        next(tr.Study([model], engine="bytes", device="cuda:1").run(store, scheduler=where))
    assert {(task.engine, task.device) for task in where.tasks} == {("bytes", "cuda:1")}
    assert {(task.job.rank.engine, task.job.rank.device) for task in where.tasks} == {("bytes", "cuda:1")}


def test_the_memory_of_a_device_limits_a_study_that_gives_none(monkeypatch):
    pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")
    monkeypatch.setattr(devices.Device, "room", lambda device: 300_000)
    study = tr.Study([tr.SelfAttention(4, 2)], device=DEVICE, memory=None, work=None)
    with Store(":memory:") as store:
        list(study.run(store))
        ((_, stored),) = store
        assert stored.limits.memory == 300_000
        assert stored.result.standing == "lower bound"
        (whole,) = replace(study, memory="1GiB").run(store)
    # SOURCES.md, section 2.
    assert (whole.result.value, whole.result.standing) == (4538, "exact")


def test_a_study_on_a_device_finds_the_known_ranks_and_names_it():
    pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")
    with Store(":memory:") as store:
        found, _ = run(replace(STUDY, engine="float64", device=DEVICE), store)
    assert known(found) == KNOWN
    assert {name for finding in found for name in finding.result.engines} == {f"float64 on {DEVICE}"}


def test_an_argument_of_a_kind_that_a_study_has_too_is_not_taken_for_either():
    sizes = {"states": 2, "symbols": 2, "length": (4, 6)}
    with pytest.raises(tr.TensorRankError, match=r"seed is an argument of HiddenMarkov.random and an option of the study"):
        tr.Study.over(tr.HiddenMarkov.random, **sizes, seed=3)
