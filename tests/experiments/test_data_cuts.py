"""Entanglement at canonical cuts, against dense tensors and data whose entanglement is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.experiments import arranged_order, canonical_partitions, data_entanglement, z_order

# Four pairs of equal bits, the partners far apart: D is a product of diagonals.
BITS = [[(k >> bit) & 1 for bit in range(4)] * 2 for k in range(16)]
PAIRED = (0, 4, 1, 5, 2, 6, 3, 7)


@pytest.mark.parametrize("exponent", [1, 2, 3, 4])
def test_level_l_of_a_power_of_two_has_blocks_of_n_over_two_to_the_l(exponent):
    sites = 2**exponent
    levels = canonical_partitions(sites)
    assert len(levels) == exponent
    for level, cuts in enumerate(levels, 1):
        size = sites >> level
        blocks = [tuple(range(n * size, (n + 1) * size)) for n in range(2**level)]
        assert [cut.a for cut in cuts] == (blocks if level > 1 else blocks[:1])


@settings(deadline=None)
@given(st.integers(2, 40))
def test_blocks_of_every_level_cover_each_site_once_and_halve_those_above(sites):
    levels = canonical_partitions(sites)
    for level, cuts in enumerate(levels[1:], 2):
        assert [site for cut in cuts for site in cut.a] == list(range(sites))
        assert max(len(cut.a) for cut in cuts) == -(-sites // 2**level)
    assert levels[0][0].a == tuple(range(sites // 2))


def test_bits_that_are_copied_far_apart_are_entangled_by_one_bit_for_each_copy_that_is_cut():
    study = data_entanglement(tr.DataTensor(BITS), orders={"pairs": PAIRED}, permutations=0, ranks=True)
    for row in study.rows:
        cut = canonical_partitions(8)[row.level - 1][row.block]
        inside = {study.orders[row.order][place] for place in cut.a}
        split = sum((bit in inside) != (bit + 4 in inside) for bit in range(4))
        assert row.entanglement == pytest.approx(split * np.log(2), abs=1e-9)
        assert (row.rank.value, row.rank.standing, row.size) == (2**split, "exact", len(inside))
    assert study.favoured() == "pairs"
    assert study.findings() == (
        "pairs, beside the order as given: less entangled at levels 1, 2 (by 1.39 to 2.77 nats); no difference at 1 other",
    )


def test_an_order_by_correlations_brings_copies_together_from_any_permutation():
    for seed in range(5):
        shuffled = tr.DataTensor(BITS).permuted(np.random.default_rng(seed).permutation(8))
        together = shuffled.permuted(arranged_order(shuffled))
        for cut in canonical_partitions(8)[0] + canonical_partitions(8)[1]:
            assert together.entanglement(cut) == pytest.approx(0, abs=1e-9)


def test_means_of_random_orders_are_those_of_their_permutations():
    rng = np.random.default_rng(3)
    data = tr.DataTensor(rng.integers(0, 2, (12, 4)), rng.choice([-1, 1], 12))
    study = data_entanglement(data, permutations=3, seed=5)
    means = []
    for number in (1, 2, 3):
        moved = np.asarray(data.samples)[:, list(study.orders[f"permuted {number}"])]
        dense = np.zeros((2,) * 4)
        np.add.at(dense, tuple(moved.T), data.labels)
        squares = np.linalg.svd(dense.reshape(4, 4), compute_uv=False) ** 2
        shares = squares[squares > 1e-20] / squares.sum()
        means.append(-float(shares @ np.log(shares)))
    assert study.mean("permuted", 1) == pytest.approx((np.mean(means), np.std(means, ddof=1)), abs=1e-9)
    assert study == data_entanglement(data, permutations=3, seed=5)


def test_models_stand_beside_the_data_by_the_mean_logarithm_of_their_widths():
    models = {"circuit": tr.ConvolutionalCircuit(4, channels=2, widths=(3, 3)), "attention": tr.SelfAttention(1, 1, tokens=4)}
    study = data_entanglement(tr.DataTensor([[0, 1, 0, 1]]), permutations=0, models=models)
    known = {(row.model, row.level): row.log_rank for row in study.models}
    assert known["circuit", 1] == pytest.approx(np.log(3))
    assert known["circuit", 2] == pytest.approx(np.log(2))
    # One layer of width 1 is x (M_A + M_B): two products.
    assert known["attention", 1] == pytest.approx(np.log(2))


def test_orders_models_and_levels_that_do_not_fit_are_refused():
    data = tr.DataTensor(BITS)
    with pytest.raises(TensorRankError, match=r"the order is .*; expected each variable from 0 to 7 once"):
        data_entanglement(data, orders={"squares": z_order(2)})
    with pytest.raises(TensorRankError, match="an order is named 'permuted 1'; expected another name"):
        data_entanglement(data, orders={"permuted 1": PAIRED})
    with pytest.raises(TensorRankError, match="the model 'small' has 6 sites; expected 8, one for each variable"):
        data_entanglement(data, models={"small": tr.SelfAttention(1, 1, tokens=6)})
    study = data_entanglement(data, permutations=0)
    with pytest.raises(TensorRankError, match="the order 'permuted' at level 1 was asked for; expected one of as given"):
        study.mean("permuted", 1)
    with pytest.raises(TensorRankError, match="sites"):
        canonical_partitions(1)
