"""The elimination on tensors of PyTorch, as it multiplies on processors: ranks are those of FLINT."""

from functools import partial

import numpy as np
import pytest
from engines_tried import DEVICE, device_engine_of, held
from oracles import flint_rank, planted

import tensorrank as tr
from tensorrank import TensorRankError, rank_mod_p
from tensorrank.arithmetic.elimination import columns, device_engines, device_products, devices, engine_choice
from tensorrank.arithmetic.elimination import rank as elimination
from tensorrank.arithmetic.elimination.columns import Elimination
from tensorrank.arithmetic.elimination.costs import Tally
from tensorrank.arithmetic.elimination.device_engines import DeviceBytes, DeviceDoubles, bytes_exact_within
from tensorrank.arithmetic.elimination.device_products import DeviceProducts
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads

torch = pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")

PRIMES = [2, 127, 251, 509, 8388593, 2**31 - 1]
ENGINES = [
    pytest.param(prime, name, id=f"{prime}-{name}")
    for prime in PRIMES
    for name in ("bytes", "float64")
    if name == "float64" or prime < 16253
]


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
    rng, by = np.random.default_rng(18), device_engine_of(prime, name)
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
    products = DeviceProducts(device_engine_of(prime, name))
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
    by = device_engine_of(prime, name)
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
    products, order = DeviceProducts(device_engine_of(251, "bytes")), np.arange(90)
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


@pytest.mark.usefixtures("forgetful_devices")
def test_a_device_that_multiplies_bytes_wrongly_or_not_at_all_takes_doubles(monkeypatch):
    def refused(_, left, right):
        raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")

    monkeypatch.setattr(engine_choice, "_WORTH_MOVING", 0)
    matrix = planted(np.random.default_rng(2), 60, 70, 41, 251)
    for product in (saturating, in_single_precision, refused):
        bytes_exact_within.cache_clear()
        monkeypatch.setattr(device_engines, "byte_product", product)
        assert device_engine_of(251, "auto").name == "float64 on torch:cpu"
        assert rank_mod_p(matrix, 251, device=DEVICE) == 41
        with pytest.raises(TensorRankError, match=r"'bytes' does not multiply exactly on the device 'torch:cpu'; .*'float64'"):
            rank_mod_p(matrix, 251, engine="bytes", device=DEVICE)


@pytest.mark.usefixtures("forgetful_devices")
def test_a_device_whose_doubles_are_made_up_of_shorter_numbers_is_refused(monkeypatch):
    # As if a float64 had 32 bits: what emulation on other units may leave.
    monkeypatch.setattr(device_engines, "_back", lambda tensor: tensor.to(torch.float32).numpy())
    with pytest.raises(TensorRankError, match=r"'torch:cpu' does not multiply whole numbers in float64 exactly"):
        device_engine_of(8388593, "float64")


def test_a_modulus_too_large_for_bytes_is_refused_and_left_to_doubles_by_auto():
    with pytest.raises(TensorRankError, match=r"16267 is too large for the engine 'bytes'; .*'float64' serves every prime"):
        device_engine_of(16267, "bytes")
    assert device_engine_of(16267, "auto").name == "float64 on torch:cpu"
    assert device_engine_of(251, "auto").name == "bytes on torch:cpu"


def test_auto_leaves_small_matrices_to_the_processors():
    assert engine_choice.engine_for(PrimeField(251), work=1e6, device=DEVICE).name == "float64"
    assert engine_choice.engine_for(PrimeField(251), work=1e12, device=DEVICE).name == "bytes on torch:cpu"
    assert engine_choice.engine_for(PrimeField(251), "bytes", 1e6, DEVICE).name == "bytes on torch:cpu"


@pytest.mark.parametrize("terms", [1024, 2049, 4096])
@pytest.mark.usefixtures("forgetful_devices")
def test_doubles_that_lose_long_sums_only_are_found_out(terms, monkeypatch):
    # Products of more terms than the others that are tried come out one too large.
    multiplied, lengths = device_engines._moved, []

    def moved(device, array):
        lengths.append(array.shape)
        return multiplied(device, array)

    monkeypatch.setattr(device_engines, "_moved", moved)
    monkeypatch.setattr(device_engines, "_back", lambda tensor: tensor.numpy() + (lengths[-1][0] >= terms))
    with pytest.raises(TensorRankError, match="does not multiply whole numbers in float64 exactly"):
        device_engine_of(8388593, "float64")
    assert DeviceDoubles.most_terms >= terms


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
        (tr.RecurrentCircuit(2, 2, 3, 6), {}),
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
