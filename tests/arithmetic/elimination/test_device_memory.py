"""Room on a device of PyTorch, which is the processors here: what does not fit is refused, left unfinished or told."""

import itertools
import time
import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from engines_tried import DEVICE, device_engine_of, held
from oracles import flint_rank, planted

from tensorrank import TensorRankError, rank_mod_p
from tensorrank.arithmetic.elimination import device_engines, device_products, devices
from tensorrank.arithmetic.elimination import rank as elimination
from tensorrank.arithmetic.elimination.columns import Elimination
from tensorrank.arithmetic.elimination.device_products import DeviceProducts
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import Workers, worker_threads
from tensorrank.separation.blocks import BlockElimination, HankelBlock

torch = pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")


def test_a_matrix_larger_than_what_is_free_is_refused(monkeypatch):
    monkeypatch.setattr(devices, "memory_available", lambda: 2**20)
    with pytest.raises(TensorRankError, match=r"matrix of 2000 x 2000 takes .* on the device 'torch:cpu', and 1 MiB are free"):
        rank_mod_p(np.zeros((2000, 2000), dtype=np.int64), 251, engine="bytes", device=DEVICE)


def test_jobs_side_by_side_find_room_for_one_matrix_at_a_time(monkeypatch):
    resident, most, begin, left = weakref.WeakSet(), [], Elimination.__init__, Elimination._eliminate

    def noted(self, *arguments):
        begin(self, *arguments)
        resident.add(self)

    def slowly(self, *arguments):
        most.append(len(resident))
        time.sleep(0.001)
        return left(self, *arguments)

    monkeypatch.setattr(Elimination, "__init__", noted)
    monkeypatch.setattr(Elimination, "_eliminate", slowly)
    monkeypatch.setattr(devices, "memory_available", lambda: 0 if resident else 2**33)
    by, rng = device_engine_of(251, "bytes"), np.random.default_rng(3)
    ranks = list(range(20, 36))
    matrices = [held(planted(rng, 90, 120, rank, 251), 251) for rank in ranks]
    slabs = [lambda matrix=matrix: matrix.copy() for matrix in matrices]
    with worker_threads(8) as pool:
        mine = Workers(1, None)
        assert pool.map(lambda matrix: elimination.rank_in_place(matrix.copy(), by, mine), matrices) == ranks
        assert pool.map(lambda slab: elimination.rank_of_slabs([slab], by, mine)[0], slabs) == ranks
    assert set(most) == {1}


def full(*arguments):
    """Memory runs out."""
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.")


# What an elimination in slabs calls, and what a product of two matrices calls too.
PRODUCT_TOO = ["subtract", "given_back", "_moved"]
METHODS = ["reorder_columns", "eliminate_panel", "inverse", *PRODUCT_TOO]


@pytest.mark.parametrize("method", METHODS)
def test_wherever_a_device_runs_out_of_memory_the_error_is_in_words(method, monkeypatch):

    rng, by = np.random.default_rng(3), device_engine_of(251, "bytes")
    matrix = held(planted(rng, 300, 400, 200, 251), 251)
    monkeypatch.setattr(DeviceProducts, method, full)
    slabs = [lambda: matrix[:, :200].copy(), lambda: matrix[:, 200:].copy()]
    words = r"'torch:cpu' ran out of memory: 3.00 GiB could not be had"
    with worker_threads(1) as pool:
        with pytest.raises(TensorRankError, match=words):
            elimination.rank_of_slabs(slabs, by, pool)
        if method in PRODUCT_TOO:
            with pytest.raises(TensorRankError, match=words):
                elimination.product(matrix, np.ascontiguousarray(matrix.T), by, pool)


@pytest.mark.usefixtures("forgetful_devices")
def test_a_device_that_fails_while_its_products_are_tried_is_not_taken_for_one_without_bytes(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(device_engines, "byte_product", full)
        with pytest.raises(TensorRankError, match="ran out of memory"):
            device_engine_of(251, "auto")
    assert device_engine_of(251, "auto").name == "bytes on torch:cpu"
    monkeypatch.setattr(device_engines, "_moved", lambda *_: full())
    with pytest.raises(TensorRankError, match="ran out of memory"):
        device_engine_of(8388593, "auto")


def test_a_block_whose_left_kernel_has_no_room_on_the_device_is_left_unfinished(monkeypatch):
    field, rng = PrimeField(251), np.random.default_rng(6)
    short, long = 300, 900
    # 860 columns span 260 dimensions; 40 others are independent of them, and of each other.
    matrix = held(planted(rng, short, long, 260, 251), 251)
    matrix[:, :40] = held(rng.integers(0, 251, (short, 40)), 251)

    def filled(degree, pool, rows, columns, transposed):
        return np.ascontiguousarray(matrix[:, columns])

    form = SimpleNamespace(field=field, block=filled)
    block = BlockElimination(
        HankelBlock(2, (short, long), (short, short)),
        0,
        1.0,
        in_memory=1e6,
        room=1e6,
        allowance=1e18,
        engine="bytes",
        device=DEVICE,
    )
    with worker_threads(1) as pool:
        # On the host's room alone there would be none for a left kernel.
        whole = block(form, pool, lambda *_: None)
        assert (whole.rank, whole.complete) == (flint_rank(matrix.astype(int), 251), True)
        asked = []

        def free():
            asked.append(1)
            # The block goes there, nothing else.
            return 2**30 if len(asked) == 1 else 0

        monkeypatch.setattr(devices, "memory_available", free)
        found = block(form, pool, lambda *_: None)
    assert not found.complete
    assert 260 <= found.rank <= whole.rank
    assert len(asked) == 2


@pytest.mark.parametrize("missing", [1, 40, 299])
def test_where_room_was_promised_no_matrix_is_refused(missing, monkeypatch):
    # A device whose free memory is counted by what lies there: exactly as much as `kernel_has_room` asks for.
    rng, rows, first, step, others = np.random.default_rng(7), 300, 300, 75, 600
    by, shape = device_engine_of(251, "bytes"), device_products.Slabs(rows, first, step, others)
    matrix = held(planted(rng, rows, first + others, rows - missing, 251), 251)
    starts = [0, *range(first, first + others, step), first + others]
    slabs = [partial(np.ascontiguousarray, matrix[:, start:stop]) for start, stop in itertools.pairwise(starts)]
    lying, room = {}, {"all": 2**33}

    def free():
        return room["all"] - sum(one().numel() for one in lying.values() if one() is not None)

    monkeypatch.setattr(devices, "memory_available", free)
    monkeypatch.setattr(devices, "SCRATCH", 1000)

    def noted(method):
        def call(self, *arguments):
            tensor = method(self, *arguments)
            lying[id(tensor)] = weakref.ref(tensor)
            return tensor

        return call

    for name in ("zeros", "taken"):
        monkeypatch.setattr(DeviceProducts, name, noted(getattr(DeviceProducts, name)))

    def affordable(number):
        # The least room for which it says yes.
        low, high = 0, 2**33
        while low < high:
            room["all"] = (low + high) // 2
            low, high = (low, room["all"]) if device_products.kernel_has_room(by, shape, number) else (room["all"] + 1, high)
        room["all"] = low
        return True

    with worker_threads(1) as pool:
        assert elimination.rank_of_slabs(slabs, by, pool, affordable) == (flint_rank(matrix.astype(int), 251), True)
    assert rows * first < room["all"] < 2**20
