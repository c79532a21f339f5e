"""Devices by name and by memory, with a stand-in for PyTorch: what is refused, in which words, and what is shown."""

import re
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

import tensorrank as tr
from tensorrank import TensorRankError, rank_mod_p
from tensorrank.arithmetic.elimination import devices
from tensorrank.arithmetic.elimination.devices import Device, device_named, devices_here


class OutOfMemoryError(RuntimeError):
    """As PyTorch's own error."""


def torch_with(count, free=8 * 2**30, kept=0):
    """As much of PyTorch as devices ask for, with so many CUDA devices of 10 GiB; of them it keeps some for itself."""
    cuda = SimpleNamespace(
        is_available=lambda: count > 0,
        device_count=lambda: count,
        mem_get_info=lambda place: (free, 10 * 2**30),
        memory_reserved=lambda place: 2**20 + kept,
        memory_allocated=lambda place: 2**20,
        OutOfMemoryError=OutOfMemoryError,
        get_device_name=lambda number: f"Accelerator {number}",
    )
    place = lambda kind, number=None: SimpleNamespace(type=kind, index=number)  # noqa: E731, as short as what it stands for
    return SimpleNamespace(__version__="2.99", cuda=cuda, device=place)


@pytest.fixture
def seen(monkeypatch):
    """Let PyTorch be a stand-in."""

    @contextmanager
    def stand_in(count, **memory):
        monkeypatch.setitem(sys.modules, "torch", torch_with(count, **memory))
        monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: name)
        yield

    return stand_in


@pytest.mark.parametrize("name", ["gpu", "", "cuda:", "cuda:-1", "cuda:x", "cuda:99999", "CUDA", 3, None, b"cuda", np.ones(2)])
def test_a_device_of_another_name_is_refused_before_pytorch_is_looked_for(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TensorRankError, match=r"device is .*; expected 'cpu', 'cuda', or one of several such as 'cuda:1'"):
        device_named(name)
    with pytest.raises(TensorRankError, match="device is"):
        tr.plan(tr.SelfAttention(1, 1), device=name)
    with pytest.raises(TensorRankError, match="device is"):
        tr.Study([tr.SelfAttention(1, 1)], device=name)


def test_a_name_that_is_nearly_right_is_met_with_the_right_one():
    with pytest.raises(TensorRankError, match="did you mean 'cuda'"):
        rank_mod_p([[1]], 5, device="cude", engine="bytes")


def test_apples_device_is_refused_with_the_reason():
    with pytest.raises(TensorRankError, match=r"'mps' has no products that are exact: .*float64.*try the device 'cpu'"):
        rank_mod_p([[1]], 5, device="mps")


def test_without_pytorch_a_device_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    words = (
        r"device 'cuda' needs PyTorch, which cannot be imported .*pip install 'tensorrank\[torch\]', or take the device 'cpu'"
    )
    for call in (
        lambda: rank_mod_p([[1]], 5, device="cuda"),
        lambda: tr.plan(tr.SelfAttention(1, 1), device="cuda"),
        lambda: tr.separation_rank(tr.SelfAttention(1, 1), device="cuda"),
    ):
        with pytest.raises(TensorRankError, match=words):
            call()


def test_a_device_that_is_not_there_is_named_with_those_that_are(seen):
    with seen(0), pytest.raises(TensorRankError, match=r"'cuda' is not there: PyTorch 2.99 sees no CUDA device"):
        device_named("cuda")
    with seen(1), pytest.raises(TensorRankError, match="'cuda:1' is not there; PyTorch sees only 'cuda' on this machine"):
        device_named("cuda:1")
    with seen(3), pytest.raises(TensorRankError, match="'cuda:3' is not there; PyTorch sees 'cuda:0' to 'cuda:2'"):
        device_named("cuda:3")
    with seen(3):
        assert [device_named(name).place.index for name in ("cuda", "cuda:2")] == [0, 2]


def test_scratch_files_and_a_device_exclude_each_other(tmp_path):
    words = r"scratch folder was given together with the device 'cuda'; .*Give one of the two"
    with pytest.raises(TensorRankError, match=words):
        rank_mod_p([[1]], 5, device="cuda", scratch=tmp_path)
    with pytest.raises(TensorRankError, match=words):
        tr.plan(tr.SelfAttention(2, 2), device="cuda", scratch=tmp_path)


def test_an_engine_that_devices_do_not_have_is_refused_before_anything_is_computed(seen):
    words = r"engine 'float32' multiplies on processors only; expected 'auto', 'bytes' or 'float64' with the device 'cuda'"
    with seen(1), pytest.raises(TensorRankError, match=words):
        tr.plan(tr.SelfAttention(2, 2), device="cuda", engine="float32")
    with seen(1), pytest.raises(TensorRankError, match=words):
        rank_mod_p([[1]], 5, device="cuda", engine="float32")


def test_what_pytorch_keeps_for_itself_counts_as_free(seen):
    with seen(1, free=3 * 2**30, kept=2**30):
        assert device_named("cuda").free() == 4 * 2**30
        assert device_named("cuda").room() == 3 * 2**30


def test_a_matrix_larger_than_the_device_is_refused_with_both_sizes_and_a_limit_that_fits(seen):
    with seen(1):
        device = device_named("cuda")
        device.refuse_beyond_free((80_000, 90_000), 1)
        words = (
            r"matrix of 80000 x 100000 takes 8.45 GiB on the device 'cuda', and 8 GiB are free there; "
            r"try a memory limit, such as memory='7168MiB', .* or the device 'cpu'"
        )
        with pytest.raises(TensorRankError, match=words):
            device.refuse_beyond_free((80_000, 100_000), 1)


def test_memory_that_runs_out_on_the_way_is_told_in_words(seen):
    with seen(1):
        device = device_named("cuda")
        words = (
            r"'cuda' ran out of memory: 2.00 GiB could not be had beside 1 MiB taken so far, and 8 GiB are free there, .*"
            r"memory='7168MiB'.* or the device 'cpu'"
        )
        with pytest.raises(TensorRankError, match=words), device.alone():
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 10 GiB")


# As PyTorch says it; the first is of a type of its own in recent versions.
FAILURES = [
    "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be reported later",
    "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx(handle)`",
    "CUDA driver error: unknown error",
    "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, use the 'spawn' start method",
    "the accelerator is lost",
]
PROGRAM = [
    "mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)",
    "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",
    "CUDA error: device-side assert triggered",
    "self.size(0) needs to be greater than 16, but got 1",
]


class AcceleratorError(RuntimeError):
    """As PyTorch's own error."""


@pytest.mark.parametrize("text", FAILURES)
def test_a_device_that_fails_is_told_in_words(text, seen):
    with seen(1):
        device = device_named("cuda")
        device.torch.AcceleratorError = AcceleratorError
        kind = AcceleratorError if text == "the accelerator is lost" else RuntimeError
        words = rf"the device 'cuda' failed \({re.escape(text.splitlines()[0])}\); a new process .* or try the device 'cpu'"
        with pytest.raises(TensorRankError, match=words), device.alone():
            raise kind(text)


@pytest.mark.parametrize("text", PROGRAM)
def test_errors_of_a_program_stay_as_they_are(text, seen):
    with seen(1):
        device = device_named("cuda")
        device.torch.AcceleratorError = AcceleratorError
        with pytest.raises(RuntimeError, match=re.escape(text)), device.alone():
            raise RuntimeError(text)
        with pytest.raises(AttributeError, match="no such thing"), device.alone():
            raise AttributeError("no such thing")


def test_a_host_without_memory_beside_a_device_is_told_apart(seen, monkeypatch):
    monkeypatch.setattr(devices, "memory_available", lambda: 2**20)
    with seen(1):
        words = r"this machine ran out of memory beside the device 'cuda': 400 bytes could not be had, and 1 MiB are free"
        with pytest.raises(TensorRankError, match=words), device_named("cuda").alone():
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 400 bytes.")


def test_a_device_has_one_lock_whatever_it_is_called(seen):
    entered = []
    with seen(2):
        first, again, other = (device_named(name) for name in ("cuda", "cuda:0", "cuda:1"))

        def enter(device):
            with device.alone():
                entered.append(device.name)

        with first.alone(), again.alone():
            waits, passes = (threading.Thread(target=enter, args=(device,)) for device in (again, other))
            passes.start()
            passes.join(10)
            waits.start()
            waits.join(0.1)
            assert entered == ["cuda:1"]
        waits.join(10)
        assert entered == ["cuda:1", "cuda:0"]


def test_a_plan_for_a_device_has_room_there(seen):
    model = tr.SelfAttention(3, 4)
    with seen(1, free=2 * 2**30):
        found = tr.plan(model, device="cuda")
        assert found.memory <= 2**30
        assert found.limits.memory <= 2**30
        assert str(found).endswith("operations a draw, large matrices on cuda")
        # A limit of the user's own is left as it is.
        assert tr.plan(model, device="cuda", memory="4GiB").limits.memory == 4 * 2**30


def test_devices_that_pytorch_sees_are_listed(seen, monkeypatch):
    with seen(0):
        assert devices_here() == ((), ())
    with seen(1):
        assert [(one.name, one.model, one.memory, one.free) for one in devices_here()[0]] == [
            ("cuda", "Accelerator 0", 10 * 2**30, 8 * 2**30)
        ]
    with seen(2):
        assert [one.name for one in devices_here()[0]] == ["cuda:0", "cuda:1"]
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: None)
    assert devices_here() == ((), ())


def test_a_device_that_does_not_tell_its_memory_is_left_out_with_the_reason(seen):
    def told(place):
        if getattr(place, "index", place) == 0:
            raise RuntimeError("CUDA error: operation not supported\nFor debugging")
        return 8 * 2**30, 10 * 2**30

    with seen(2):
        sys.modules["torch"].cuda.mem_get_info = told
        found, missing = devices_here()
        assert [one.name for one in found] == ["cuda:1"]
        words = "the device 'cuda:0' does not tell how much of its memory is free (CUDA error: operation not supported); try "
        assert [why[: len(words)] for why in missing] == [words]
        with pytest.raises(TensorRankError, match="'cuda:0' does not tell how much of its memory is free"):
            tr.plan(tr.SelfAttention(2, 2), device="cuda:0")


@pytest.mark.parametrize(
    ("module", "why"),
    [("raise OSError('libcudart.so.13: cannot open shared object file')", "libcudart.so.13"), ("", "it is not whole")],
)
def test_a_broken_pytorch_lists_no_devices_and_says_why(module, why, tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    # Something has to be there first, so that what is imported now does not stay where PyTorch is absent.
    monkeypatch.setitem(sys.modules, "torch", None)
    del sys.modules["torch"]
    found, (missing,) = devices_here()
    assert found == ()
    assert "needs PyTorch, which cannot be imported" in missing
    assert why in missing


def test_on_the_processors_pytorch_is_never_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert rank_mod_p(np.eye(5, dtype=int), 5, device="cpu") == 5
    assert tr.separation_rank(tr.SelfAttention(2, 2), device="cpu").value == 18


def test_two_devices_of_one_name_are_one():
    torch = torch_with(1)
    assert Device("cuda", torch, "cuda:0") == Device("cuda", torch, "cuda:0")
