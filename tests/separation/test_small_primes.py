"""Hankel blocks are tried at the smallest primes above the degree first: full rank there is full rank.

Only blocks of much work are, so most tests lower the threshold.
"""

from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import pytest

import tensorrank.separation.plan as planning
from tensorrank import SelfAttention, TensorRankError, plan, separation_rank
from tensorrank.arithmetic.elimination.engine_choice import ENGINES
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import CERTIFYING_PRIMES, LARGE_PRIMES, SMALL_PRIMES, PrimeRange, is_prime
from tensorrank.separation import blocks, draws, evidence
from tensorrank.separation.catalecticant import Catalecticant
from tensorrank.separation.draws import certifying_primes
from tensorrank.separation.limits import Limits
from tensorrank.separation.solve import computation

# Values of MATH.md: one full head and several narrow ones, and few tokens.
VALUES = [
    (SelfAttention(2, 2), 18, "exact"),
    (SelfAttention(3, 2), 232, "exact"),
    (SelfAttention(3, 2, heads=2), 215, "exact"),
    (SelfAttention(2, 3), 49, "exact"),
    (SelfAttention(2, 4, heads=2), 107, "exact"),
    (SelfAttention(2, 5, head_dim=3), 144, "probable"),
    (SelfAttention(4, 2), 4538, "exact"),
]


@pytest.fixture
def always(monkeypatch):
    """Blocks of any work are tried at small primes, whatever the lattice takes."""
    original = planning.catalecticant_plan
    monkeypatch.setattr(planning, "catalecticant_plan", lambda *sizes, **options: original(*sizes, **options | {"eager": True}))


def is_small(prime):
    return prime < SMALL_PRIMES.least


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("model", "value", "standing"), VALUES, ids=str)
@pytest.mark.parametrize("engine", ["auto", "float64"])
def test_values_and_standings_are_those_of_large_primes(model, value, standing, engine):
    found = separation_rank(model, engine=engine)
    assert (found.value, found.standing) == (value, standing)
    small = [prime for prime in found.primes if is_small(prime)]
    telling = [prime for prime in found.primes if not is_small(prime)]
    assert all(model.moment_degree < prime <= 251 for prime in small)
    # A rank at its bound needs no prime but small ones; a short one is tried at two, then drawn at telling ones.
    assert (len(small), len(telling)) in ([(1, 0), (2, 0)] if standing == "exact" else [(2, 2)])
    if standing == "probable":
        assert 0 < found.failure_probability < 0.1
    assert found.value == separation_rank(model, primes=[8388593, 8388587]).value


@pytest.mark.usefixtures("always")
def test_a_block_short_at_one_small_prime_is_full_at_the_next(monkeypatch):
    # Over GF(241) all values vanish; over the rationals and GF(251) the factor 241 changes no rank.
    monkeypatch.setattr(draws, "CERTIFYING_PRIMES", (PrimeRange(240, 252, 2),))
    model = SelfAttention(3, 2)
    rng = np.random.default_rng(3)
    weights = {name: rng.integers(1, 10**6, shape) for name, (_, shape) in model.shapes.items()}
    assert separation_rank(model, weights=weights).value == 232
    weights["output"] = 241 * weights["output"]
    orders = set()
    for seed in range(6):
        found = separation_rank(model, weights=weights, seed=seed)
        assert (found.value, found.standing) == (232, "exact")
        orders.add(found.primes)
    assert orders == {(251,), (241, 251)}


@pytest.mark.usefixtures("always")
def test_where_every_small_prime_divides_a_denominator_telling_primes_are_drawn():
    model = SelfAttention(2, 2)
    everyone = prod(prime for prime in range(191, 252) if is_prime(prime))
    weights = {name: np.full(shape, Fraction(1, everyone)) for name, (_, shape) in model.shapes.items()}
    found = separation_rank(model, weights=weights)
    assert not any(map(is_small, found.primes))
    # All tokens are mapped to multiples of one vector: one product of their sums.
    assert found.value == separation_rank(model, weights=weights, method="grid").value


@pytest.mark.usefixtures("always")
def test_where_every_small_prime_divides_a_denominator_and_no_others_fit_bounds_are_left(monkeypatch):
    original = evidence.catalecticant_plan
    monkeypatch.setattr(evidence, "catalecticant_plan", lambda *given, **by: replace(original(*given, **by), variables=0))
    model = SelfAttention(2, 2)
    everyone = prod(prime for prime in range(191, 252) if is_prime(prime))
    weights = {name: np.full(shape, Fraction(1, everyone)) for name, (_, shape) in model.shapes.items()}
    found = separation_rank(model, weights=weights, memory="1GiB")
    assert (found.value, found.standing) == (0, "lower bound")
    assert "bounds in closed form only" in found.reason


@pytest.mark.usefixtures("always")
def test_primes_that_are_given_are_the_first():
    found = separation_rank(SelfAttention(3, 2, heads=2), primes=[8388593])
    assert found.primes[0] == 8388593
    assert not any(map(is_small, found.primes))


@pytest.mark.usefixtures("always")
def test_a_block_that_fits_at_small_primes_alone_leaves_a_lower_bound(monkeypatch):
    monkeypatch.setattr(Catalecticant, "fit", lambda self, degrees: not list(degrees))
    found = separation_rank(SelfAttention(2, 5, head_dim=3), memory="1GiB")
    assert (found.value, found.standing) == (144, "lower bound")
    assert found.reason == "the block of degree 2 came out short at small primes, and larger primes pass the memory limit 1 GiB"
    assert separation_rank(SelfAttention(3, 2), memory="1GiB").standing == "exact"


def test_residues_of_one_byte_count_a_quarter_of_the_work_and_telling_primes_all_of_it():
    # Width 4, depth 3: the block of degree 6 has 11440 columns, and takes 1.0e12 operations; that of degree 5 has 8008
    # rows, and takes a third of that.
    model, operations = SelfAttention(3, 4), 2 / 3 * 11440**3
    blocks = plan(model).blocks
    assert blocks.work == pytest.approx(blocks.fixed_work + sum(block.work for block in blocks.blocks) / 4)
    for share, fits, both in ((0.5, False, False), (0.99, False, False), (1.01, True, False), (1.4, True, True)):
        limits = Limits.of("16GiB", blocks.fixed_work + share * operations)
        chosen = plan(model, memory=limits.memory, work=limits.work)
        assert chosen.blocks.blocks == blocks.blocks
        draw = Catalecticant(None, PrimeField(251), chosen.blocks, limits, np.random.default_rng(0))
        assert draw.fit([6]) == fits
        assert draw.fit([5, 6]) == both
        assert draw.fit([5])


def test_plans_count_the_bytes_and_the_work_of_primes_above_every_degree_in_play():
    # Depth 5, a token a side: degree 121 in the moments, but 243 in the tokens, above which one byte has one prime.
    few = plan(SelfAttention(5, 2, tokens=2), engine="float32", method="catalecticant").blocks
    assert (few.certifies, few.entry) == (True, 2)
    whole = plan(SelfAttention(5, 2), engine="float32").blocks
    assert (whole.certifies, whole.entry) == (True, 1)


def test_small_primes_of_a_leading_form_need_not_exceed_the_degree_of_the_grid():
    # Degree 9841 in the moments, 19683 in the tokens: for a grid there is no small prime, for blocks there is.
    model = SelfAttention(9, 1, residual=True)
    ones = {name: np.ones(shape, dtype=int) for name, (_, shape) in model.shapes.items()}
    begun = computation(model, weights=ones, engine="float32", memory="8GiB")
    assert begun.plan.blocks.certifies
    assert begun.plan.fallback is not None
    assert begun.plan.fallback.telling is None
    assert all(9841 < job.key.prime < 2**14 for job in next(begun.rounds))


def test_plans_count_the_bytes_of_residues_of_small_primes():
    model = SelfAttention(4, 3)
    small, large = (plan(model, memory=memory).blocks for memory in ("12GiB", "64GiB"))
    # The block of degree 17 has 79002 rows: 6.2 GB in bytes, 25 GB as int32.
    assert not any(block.cut for block in large.blocks)
    assert not any(block.cut for block in small.blocks)
    assert any(block.cut for block in plan(model, memory="6GiB").blocks.blocks)


@pytest.mark.parametrize(
    ("degree", "expected"),
    [(4, 190), (121, 190), (238, 238), (241, 509), (364, 509), (1000, 1000), (1093, 2**13), (3280, 2**13)],
)
def test_the_smallest_range_above_a_degree_is_drawn_from(degree, expected):
    found = certifying_primes(degree)
    assert found.least == expected
    taken = list(found.draw(np.random.default_rng(0)))
    assert len(set(taken)) == len(taken) == found.count >= 2
    assert all(degree < prime < 16254 and is_prime(prime) for prime in taken)


def test_beyond_two_bytes_there_are_none():
    assert certifying_primes(16252) is None


@pytest.mark.parametrize("primes", CERTIFYING_PRIMES)
def test_ranges_are_counted_exactly(primes):
    assert primes.count == sum(map(is_prime, range(primes.least + 1, primes.most)))
    assert primes.most < LARGE_PRIMES.least


def test_small_blocks_are_not_worth_a_small_prime():
    assert not any(map(is_small, separation_rank(SelfAttention(3, 2)).primes))
    assert not plan(SelfAttention(3, 3)).blocks.certifies
    assert plan(SelfAttention(5, 2)).blocks.certifies
    # The lattice is most of the work.
    assert not plan(SelfAttention(2, 16)).blocks.certifies


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("work", [1.01, 2.0])
def test_a_block_that_is_short_and_unfinished_is_tried_again_too(monkeypatch, work):
    # The left kernel of a block that vanishes modulo 241 is more work than allowed.
    monkeypatch.setattr(draws, "CERTIFYING_PRIMES", (PrimeRange(240, 252, 2),))
    model, rng = SelfAttention(5, 2), np.random.default_rng(3)
    weights = {name: rng.integers(1, 10**6, shape) for name, (_, shape) in model.shapes.items()}
    weights["output"] = 241 * weights["output"]
    allowed = work * plan(model).work
    found = [separation_rank(model, weights=weights, work=allowed, seed=seed) for seed in range(4)]
    assert {(one.value, one.standing) for one in found} == {(109024, "exact")}
    assert {one.primes for one in found} == {(251,), (241, 251)}


@pytest.mark.parametrize("engine", ["bytes", "float32"])
@pytest.mark.parametrize(("model", "value", "standing"), [VALUES[0], VALUES[2], VALUES[5]], ids=str)
def test_a_named_engine_serves_the_primes_that_it_takes(engine, model, value, standing):
    obstacle = ENGINES[engine].obstacle(PrimeField(251))
    if obstacle is not None:
        pytest.skip(obstacle)
    found = separation_rank(model, engine=engine)
    assert (found.value, found.standing) == (value, standing)
    assert is_small(found.primes[0])
    # What is short is drawn at primes that are too large for it.
    assert found.engines == ((engine,) if standing == "exact" else (engine, "float64"))


def test_a_named_engine_refuses_primes_that_are_given_and_too_large_for_it():
    with pytest.raises(TensorRankError, match="modulus 8388593 is too large for the engine 'float32'"):
        separation_rank(SelfAttention(2, 2), engine="float32", primes=[251, 8388593])


def test_given_small_primes_take_the_room_of_their_residues():
    # As a plan for random ones does, so that a result can be repeated with its primes and its memory.
    options = {"memory": "12GiB", "seed": 0}
    random, given = computation(SelfAttention(4, 3), **options), computation(SelfAttention(4, 3), primes=[251, 241], **options)
    assert given.plan.blocks.blocks == random.plan.blocks.blocks
    assert not given.plan.blocks.certifies
    large = computation(SelfAttention(4, 3), primes=[8388593], **options)
    assert any(block.cut for block in large.plan.blocks.blocks)


@pytest.mark.usefixtures("always")
def test_where_moment_entries_are_left_out_full_blocks_are_not_tried_twice(monkeypatch):
    # What is known in closed form would pass what so little memory can prove.
    monkeypatch.setattr(SelfAttention, "generic_lower_bound", lambda self, partition: 1)
    found = separation_rank(SelfAttention(3, 3), memory="150kB")
    assert found.standing == "lower bound"
    assert "moment entries kept" in found.reason
    assert len([prime for prime in found.primes if is_small(prime)]) == 1


@pytest.mark.usefixtures("always")
def test_coefficients_are_made_at_most_three_times_at_small_primes(monkeypatch):
    made = []
    make = blocks.Lattice.make
    monkeypatch.setattr(blocks.Lattice, "make", lambda self, *how: made.append(self.field.prime) or make(self, *how))
    separation_rank(SelfAttention(2, 5, head_dim=3))
    small = [prime for prime in made if is_small(prime)]
    assert len(small) <= 3
    assert len(set(small)) == 2


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("heads", [1, 2])
def test_every_number_of_threads_and_every_engine_draws_the_same(heads):
    model = SelfAttention(4, 2, heads=heads)
    found = [separation_rank(model, threads=threads, engine=engine) for threads in (1, 2, 3) for engine in ("auto", "float64")]
    assert all(one == found[0] for one in found)
