"""The elimination on tensors of PyTorch, as it multiplies on processors: ranks are those of FLINT."""

import itertools
import time
import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from oracles import flint_rank, planted

import tensorrank as tr
from tensorrank import TensorRankError, rank_mod_p
from tensorrank.arithmetic.elimination import columns, device_engines, device_products, devices, engine_choice
from tensorrank.arithmetic.elimination import rank as elimination
from tensorrank.arithmetic.elimination.columns import Elimination
from tensorrank.arithmetic.elimination.costs import Tally
from tensorrank.arithmetic.elimination.device_engines import DeviceBytes, DeviceDoubles, bytes_exact_within, device_engine
from tensorrank.arithmetic.elimination.device_products import DeviceProducts
from tensorrank.arithmetic.elimination.devices import device_named
from tensorrank.arithmetic.elimination.engines import storage
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import Workers, worker_threads
from tensorrank.separation.blocks import BlockElimination, HankelBlock

torch = pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")

DEVICE = "torch:cpu"
PRIMES = [2, 127, 251, 509, 8388593, 2**31 - 1]
ENGINES = [
    pytest.param(prime, name, id=f"{prime}-{name}")
    for prime in PRIMES
    for name in ("bytes", "float64")
    if name == "float64" or prime < 16253
]


def engine(prime, name):
    return device_engine(PrimeField(prime), name, device_named(DEVICE))


def held(matrix, prime):
    return PrimeField(prime).balanced(matrix).astype(storage(prime))


@pytest.fixture
def small_pieces(monkeypatch):
    """Panels, tiles and copies at sizes that python-flint ranks at once."""
    monkeypatch.setattr(columns, "PANEL", 4)
    monkeypatch.setattr(columns, "_FIRST_ROWS", 5)
    monkeypatch.setattr(columns, "_MORE", 2)
    monkeypatch.setattr(device_products, "SCRATCH", 100)
    for kind in (DeviceBytes, DeviceDoubles):
        monkeypatch.setattr(kind, "side", 10)
        monkeypatch.setattr(kind, "most_terms", 8)


@pytest.mark.parametrize(("prime", "name"), ENGINES)
@pytest.mark.usefixtures("small_pieces")
def test_every_branch_at_small_sizes_agrees_with_flint(prime, name):
    rng = np.random.default_rng(24)
    for _ in range(25):
        rows, width = rng.integers(1, 110, 2)
        matrix = planted(rng, rows, width, rng.integers(0, min(rows, width) + 1), prime)
        matrix[:, rng.random(width) < 0.1] = 0
        matrix[: rng.integers(0, rows)] *= rng.integers(0, 2)
        assert rank_mod_p(matrix, prime, engine=name, device=DEVICE) == flint_rank(matrix, prime)


@pytest.mark.parametrize(("prime", "name"), ENGINES)
def test_ranks_at_the_sizes_of_use_agree_with_flint(prime, name):
    rng = np.random.default_rng(12)
    largest = (prime - 1) // 2
    zeros, gaps = planted(rng, 300, 380, 290, prime), planted(rng, 210, 260, 200, prime)
    zeros[:150, :170] = 0
    gaps[:, 1::3] = 0
    gaps[::2] = gaps[0]
    extreme = largest * rng.choice([-1, 1], (180, 240))
    staircase = np.triu(rng.integers(0, prime, (200, 200)), 3)
    late = np.zeros((500, 70), dtype=np.int64)
    late[-3:, :] = rng.integers(0, prime, (3, 70))
    for matrix in (planted(rng, 500, 640, 433, prime), zeros, gaps, extreme, staircase, staircase[::-1], late, late.T):
        assert rank_mod_p(matrix, prime, engine=name, device=DEVICE) == flint_rank(matrix, prime)
    assert rank_mod_p(np.zeros((0, 5), dtype=int), prime, engine=name, device=DEVICE) == 0
    assert rank_mod_p(np.full((60, 90), 3 * prime), prime, engine=name, device=DEVICE) == 0
    assert rank_mod_p(np.eye(200, dtype=int)[rng.permutation(200)], prime, engine=name, device=DEVICE) == 200


@pytest.mark.parametrize(("prime", "name"), ENGINES)
@pytest.mark.usefixtures("small_pieces")
def test_the_rank_of_slabs_is_that_of_the_whole_matrix(prime, name):
    rng, by = np.random.default_rng(18), engine(prime, name)
    for rows, width, rank in [(1, 4, 1), (7, 12, 5), (40, 90, 40), (40, 90, 27), (50, 40, 30), (30, 60, 0)]:
        matrix = planted(rng, rows, width, rank, prime)
        narrow = planted(rng, rows, width, rank // 3, prime)
        for case in (matrix, np.concatenate([narrow[:, : width // 2], matrix[:, width // 2 :]], axis=1)):
            for cuts in ([], [width // 2], [1], [width // 4, width // 2]):
                slabs = [partial(np.ascontiguousarray, part) for part in np.split(held(case, prime), cuts, axis=1)]
                with worker_threads(1) as pool:
                    assert elimination.rank_of_slabs(slabs, by, pool) == (flint_rank(case, prime), True)


@pytest.mark.parametrize(("prime", "name"), ENGINES)
@pytest.mark.parametrize("small", [True, False])
def test_a_left_kernel_annihilates_the_matrix_and_has_full_rank(prime, name, small, request):
    if small:
        request.getfixturevalue("small_pieces")
    matrix = planted(np.random.default_rng(23), 150, 170, 110, prime)
    products = DeviceProducts(engine(prime, name))
    one = Elimination(held(matrix, prime), products, Tally(*matrix.shape))
    rank = one.rank()
    kernel = products.given_back(one.left_kernel(rank)).astype(object)
    assert kernel.shape == (150 - rank, 150)
    assert not (kernel @ matrix.astype(object) % prime).any()
    assert flint_rank(kernel % prime, prime) == 150 - rank


@pytest.mark.parametrize(("prime", "name"), [*ENGINES, pytest.param(16253, "bytes", id="16253-bytes")])
@pytest.mark.parametrize("small", [True, False])
def test_products_of_extreme_residues_are_exact(prime, name, small, request):
    if small:
        request.getfixturevalue("small_pieces")
    rng = np.random.default_rng(5)
    largest = (prime - 1) // 2
    by = engine(prime, name)
    for terms in (700, 2 * PrimeField(prime).terms + 3 if prime > 10**6 else 40):
        left = largest * rng.choice([-1, 1], (30, terms))
        right = largest * rng.choice([-1, 1], (terms, 41))
        right[:, :20] = left[:20].T  # sums of squares: as large as they can be
        with worker_threads(1) as pool:
            found = elimination.product(held(left, prime), held(right, prime), by, pool)
        assert ((found.astype(object) - left.astype(object) @ right.astype(object)) % prime == 0).all()
        assert (np.abs(found.astype(np.int64)) <= prime // 2 + 1).all()


def test_the_longest_sums_of_bytes_stay_within_32_bits():
    # One digit within 127; or two, each product reduced and multiplied by a residue.
    assert DeviceBytes.most_terms * 127**2 + 127 < 2**31
    assert 3 * (16253 // 2 + 1) ** 2 + 16253 < 2**31


def test_what_products_take_beside_the_matrix_is_bounded():
    bytes_, doubles = DeviceBytes, DeviceDoubles
    one_digit = bytes_.side**2 * 4 + 2 * bytes_.side * bytes_.most_terms
    side, terms = bytes_.side // 2, bytes_.most_terms // 2
    # Three bytes an entry in either operand, five matrices of two bytes while digits are made, a product and a total.
    digits = (2 * 3 + 5 * 2) * side * terms + 8 * side**2
    # Operands and their halves; the total, a product, and what reducing takes.
    in_doubles = 8 * (4 * doubles.side * doubles.most_terms + 4 * doubles.side**2)
    assert max(one_digit, digits, in_doubles) <= devices.SCRATCH


def test_nothing_of_a_matrix_changes_above_the_multipliers_of_a_panel():
    rng = np.random.default_rng(1)
    matrix = held(rng.integers(0, 251, (90, 100)), 251)
    matrix[[0, 5]] = 0
    products, order = DeviceProducts(engine(251, "bytes")), np.arange(90)
    tensor = products.taken(matrix.copy())
    found, _ = products.eliminate_panel(tensor, order, 2, 60, 10, 40)
    after = products.given_back(tensor)
    assert found == 30
    assert sorted(order) == list(range(90))
    expected = matrix[order]
    below = np.zeros(after.shape, dtype=bool)
    below[2:60, 2:32] = np.tri(58, 30, -1, dtype=bool)
    assert (after[~below] == expected[~below]).all()
    # A panel that lacks a pivot in its first rows changes nothing.
    flat, order = products.taken(np.zeros((90, 64), dtype=np.int8)), np.arange(90)
    flat[80, 3] = 1
    assert products.eliminate_panel(flat, order, 0, 60, 0, 64)[0] == 0
    assert (order == np.arange(90)).all()


def test_operands_have_the_shapes_that_cuda_asks_for(monkeypatch):
    seen, multiplied = [], torch._int_mm

    def noted(left, right):
        seen.append((*left.shape, right.shape[1]))
        assert left.is_contiguous()
        assert right.t().is_contiguous()
        assert (left.storage_offset(), right.storage_offset()) == (0, 0)
        return multiplied(left, right)

    monkeypatch.setattr(torch, "_int_mm", noted)
    matrix = planted(np.random.default_rng(2), 203, 311, 190, 251)
    assert rank_mod_p(matrix, 251, engine="bytes", device=DEVICE) == flint_rank(matrix, 251)
    assert len(seen) > 10
    assert all(rows > 16 and rows % 32 == terms % 32 == width % 32 == 0 for rows, terms, width in seen)


def saturating(_, left, right):
    """Products of bytes whose sums saturate at 16 bits."""
    return (left.to(torch.float64) @ right.to(torch.float64).t()).clamp(-(2**15), 2**15 - 1).to(torch.int32)


def in_single_precision(_, left, right):
    """Products of bytes whose sums lose what a float32 has no bits for: only sums of more than 1040 products do."""
    return (left.to(torch.float64) @ right.to(torch.float64).t()).to(torch.float32).to(torch.int32)


@pytest.fixture
def forgetful():
    """What a process knows of its devices is forgotten before and after."""
    for known in (bytes_exact_within, device_engines._doubles_are_exact):
        known.cache_clear()
    yield
    for known in (bytes_exact_within, device_engines._doubles_are_exact):
        known.cache_clear()


@pytest.mark.usefixtures("forgetful")
def test_a_device_that_multiplies_bytes_wrongly_or_not_at_all_takes_doubles(monkeypatch):
    def refused(_, left, right):
        raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")

    monkeypatch.setattr(engine_choice, "_WORTH_MOVING", 0)
    matrix = planted(np.random.default_rng(2), 60, 70, 41, 251)
    for product in (saturating, in_single_precision, refused):
        bytes_exact_within.cache_clear()
        monkeypatch.setattr(device_engines, "byte_product", product)
        assert engine(251, "auto").name == "float64 on torch:cpu"
        assert rank_mod_p(matrix, 251, device=DEVICE) == 41
        with pytest.raises(TensorRankError, match=r"'bytes' does not multiply exactly on the device 'torch:cpu'; .*'float64'"):
            rank_mod_p(matrix, 251, engine="bytes", device=DEVICE)


@pytest.mark.usefixtures("forgetful")
def test_without_the_check_wrong_products_of_bytes_would_be_believed(monkeypatch):
    monkeypatch.setattr(device_engines, "byte_product", saturating)
    monkeypatch.setattr(device_engines, "known_answers", lambda *_: True)
    ones = torch.full((1, 4), 125, dtype=torch.int8)
    by = engine(251, "bytes")
    assert by.product(by.left(ones), by.right(ones.t()))[0, 0] != 4 * 125**2


@pytest.mark.usefixtures("forgetful")
def test_a_device_whose_doubles_are_made_up_of_shorter_numbers_is_refused(monkeypatch):
    # As if a float64 had 32 bits: what emulation on other units may leave.
    monkeypatch.setattr(device_engines, "_back", lambda tensor: tensor.to(torch.float32).numpy())
    with pytest.raises(TensorRankError, match=r"'torch:cpu' does not multiply whole numbers in float64 exactly"):
        engine(8388593, "float64")


def test_a_modulus_too_large_for_bytes_is_refused_and_left_to_doubles_by_auto():
    with pytest.raises(TensorRankError, match=r"16267 is too large for the engine 'bytes'; .*'float64' serves every prime"):
        engine(16267, "bytes")
    assert engine(16267, "auto").name == "float64 on torch:cpu"
    assert engine(251, "auto").name == "bytes on torch:cpu"


def test_auto_leaves_small_matrices_to_the_processors():
    assert engine_choice.engine_for(PrimeField(251), work=1e6, device=DEVICE).name == "float64"
    assert engine_choice.engine_for(PrimeField(251), work=1e12, device=DEVICE).name == "bytes on torch:cpu"
    assert engine_choice.engine_for(PrimeField(251), "bytes", 1e6, DEVICE).name == "bytes on torch:cpu"


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
    by, rng = engine(251, "bytes"), np.random.default_rng(3)
    ranks = list(range(20, 36))
    matrices = [held(planted(rng, 90, 120, rank, 251), 251) for rank in ranks]
    slabs = [lambda matrix=matrix: matrix.copy() for matrix in matrices]
    with worker_threads(8) as pool:
        mine = Workers(1, None)
        assert pool.map(lambda matrix: elimination.rank_in_place(matrix.copy(), by, mine), matrices) == ranks
        assert pool.map(lambda slab: elimination.rank_of_slabs([slab], by, mine)[0], slabs) == ranks
    assert set(most) == {1}


@pytest.mark.parametrize("method", ["reorder_columns", "eliminate_panel", "inverse", "subtract", "given_back", "_moved"])
def test_wherever_a_device_runs_out_of_memory_the_error_is_in_words(method, monkeypatch):
    def full(*arguments):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.")

    rng, by = np.random.default_rng(3), engine(251, "bytes")
    matrix = held(planted(rng, 300, 400, 200, 251), 251)
    monkeypatch.setattr(DeviceProducts, method, full)
    slabs = [lambda: matrix[:, :200].copy(), lambda: matrix[:, 200:].copy()]
    with worker_threads(1) as pool:
        for call in (
            lambda: elimination.rank_of_slabs(slabs, by, pool),
            lambda: elimination.product(matrix, np.ascontiguousarray(matrix.T), by, pool),
        ):
            if method in ("reorder_columns", "eliminate_panel", "inverse") and call.__code__.co_names[1] == "product":
                continue
            with pytest.raises(TensorRankError, match=r"'torch:cpu' ran out of memory: 3.00 GiB could not be had"):
                call()


def test_a_device_that_fails_while_its_products_are_tried_is_not_taken_for_one_without_bytes(forgetful, monkeypatch):
    def full(*arguments):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.")

    with monkeypatch.context() as patched:
        patched.setattr(device_engines, "byte_product", full)
        with pytest.raises(TensorRankError, match="ran out of memory"):
            engine(251, "auto")
    assert engine(251, "auto").name == "bytes on torch:cpu"
    monkeypatch.setattr(device_engines, "_moved", lambda *_: full())
    with pytest.raises(TensorRankError, match="ran out of memory"):
        engine(8388593, "auto")


@pytest.mark.parametrize("terms", [1024, 2049, 4096])
def test_doubles_that_lose_long_sums_only_are_found_out(forgetful, terms, monkeypatch):
    # Products of more terms than the others that are tried come out one too large.
    multiplied, lengths = device_engines._moved, []

    def moved(device, array):
        lengths.append(array.shape)
        return multiplied(device, array)

    monkeypatch.setattr(device_engines, "_moved", moved)
    monkeypatch.setattr(device_engines, "_back", lambda tensor: tensor.numpy() + (lengths[-1][0] >= terms))
    with pytest.raises(TensorRankError, match="does not multiply whole numbers in float64 exactly"):
        engine(8388593, "float64")
    assert DeviceDoubles.most_terms >= terms


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
        None,
        0,
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
    by, shape = engine(251, "bytes"), device_products.Slabs(rows, first, step, others)
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


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (tr.SelfAttention(3, 2), {}),
        (tr.SelfAttention(2, 4), {"primes": [251, 241]}),
        (tr.SelfAttention(3, 2, heads=2), {}),
        (tr.SelfAttention(3, 3, heads=3), {}),
        (tr.SelfAttention(2, 3, tokens=4), {"partition": [0]}),
        (tr.SelfAttention(2, 2, residual=True), {}),
        (tr.SelfAttention(2, 2), {"method": "grid"}),
        (tr.RecurrentCircuit(1, 2, 3, 6), {}),
    ],
    ids=str,
)
def test_separation_ranks_are_those_of_the_processors(model, options, monkeypatch):
    monkeypatch.setattr(engine_choice, "_WORTH_MOVING", 0)
    expected = tr.separation_rank(model, seed=5, **options)
    found = tr.separation_rank(model, seed=5, device=DEVICE, **options)
    assert found == expected
    assert found.engines
    assert all(name.endswith(" on torch:cpu") for name in found.engines)
    assert found.engines[0] in str(found)
