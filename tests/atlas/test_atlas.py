"""The atlas: finding, adding what tells more, refusing what contradicts, files beside the packaged one."""

from dataclasses import replace

import numpy as np
import pytest
from atlas.made import NETWORK, SHORT, SHORT_BOUND, SHORT_RANK, entry_of
from hypothesis import given, settings
from hypothesis import strategies as st
from studies.stored_ranks import LIMITS, rank_of

import tensorrank as tr
from tensorrank.atlas.files import write
from tensorrank.errors import TensorRankError

EXACT = entry_of(NETWORK, 18)
PROBABLE = entry_of(SHORT, SHORT_RANK, "probable", SHORT_BOUND)
MASKED = tr.SelfAttention(2, 2, tokens=4, causal=True)


@pytest.fixture
def no_file(monkeypatch, tmp_path):
    """A user without an atlas of their own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_an_entry_is_found_however_its_tokens_are_cut():
    atlas = tr.Atlas([EXACT, PROBABLE])
    assert atlas.find(NETWORK) == EXACT
    assert atlas.find(tr.SelfAttention(2, 2, tokens=9, output_token=8, positional=True), [0, 5, 7]) == EXACT
    assert atlas.find(SHORT, "interleaved") == PROBABLE
    assert atlas.find(tr.SelfAttention(2, 2, tokens=2)) is None
    assert atlas.find(tr.SelfAttention(2, 2, heads=2)) is None


def test_models_that_sizes_do_not_make_are_in_no_atlas():
    assert tr.Atlas([EXACT]).find(tr.HiddenMarkov.random(2, 2, 4, seed=0)) is None
    with pytest.raises(TensorRankError, match="expected a Model"):
        tr.Atlas([EXACT]).find("attention")


def test_entries_stand_in_one_order_whatever_the_order_in_which_they_came():
    deep = [entry_of(tr.SelfAttention(depth, 1), (3**depth + 1) // 2) for depth in (2, 10, 1)]
    several = [*deep, PROBABLE, entry_of(tr.RecurrentCircuit(1, 2, 2, 4), 2), EXACT]
    one, other = tr.Atlas(several), tr.Atlas(several[::-1])
    assert one == other
    assert [(entry.model.kind, entry.model.depth) for entry in one.entries] == [
        *(("attention", depth) for depth in (1, 2, 10, 2, 3)),
        ("recurrent", 1),
    ]


def test_two_entries_for_one_question_make_no_atlas():
    with pytest.raises(TensorRankError, match="two entries are of one model and partition"):
        tr.Atlas([EXACT, replace(EXACT, model=tr.SelfAttention(2, 2, tokens=6), partition=tr.Bipartition.halves(6))])


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (entry_of(SHORT, 2400, "lower bound", SHORT_BOUND), PROBABLE),
        (PROBABLE, entry_of(SHORT, SHORT_RANK + 1, "lower bound", SHORT_BOUND)),
        (entry_of(SHORT, SHORT_RANK, "lower bound"), PROBABLE),
        (entry_of(NETWORK, 17, "probable", 18), EXACT),
        (entry_of(NETWORK, 18, "probable"), EXACT),
    ],
)
def test_what_tells_more_takes_the_place_and_what_tells_less_does_not(before, now):
    assert tr.Atlas([before]).add(now).entries == (now,)
    assert tr.Atlas([now]).add(before).entries == (now,)


def test_of_what_tells_as_much_the_older_stays():
    older = tr.Atlas([PROBABLE])
    assert older.add(replace(PROBABLE, source="elsewhere")).entries[0].source == "a test"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (entry_of(NETWORK, 17), "is 17 .exact. in a test, which is not exact: the proven upper bound is 18; nothing was added"),
        (entry_of(NETWORK, 19), "is 19 .exact. in a test, which is beyond a proven bound: the rank is at most 18"),
        (entry_of(NETWORK, 19, "probable", 20), "19 .probable. .* is beyond a proven bound: the rank is at most 18"),
        (entry_of(NETWORK, 19, "lower bound"), "≥ 19 .lower bound. .* is beyond a proven bound: the rank is at most 18"),
        # A full head has at least the monomial bound for the diagonal entries.
        (entry_of(NETWORK, 2, "probable", 18), "2 .probable. .* is below a proven bound: the rank is at least"),
        (entry_of(MASKED, 9), "9 .exact. .* is not exact: no upper bound is proved"),
        # What nothing proves would stand against the true rank for ever.
        (entry_of(NETWORK, 17, "probable", 17), "17 .probable. .* comes with the upper bound 17: the proven upper bound is 18"),
        (entry_of(MASKED, 9, "lower bound", 12), "9 .lower bound. .* comes with the upper bound 12: no upper bound is proved"),
    ],
)
def test_what_contradicts_a_proven_bound_is_refused(new, message):
    with pytest.raises(TensorRankError, match=message):
        tr.Atlas().add(new)


# A canonical polyadic tensor of rank 8.
CIRCUIT = tr.ConvolutionalCircuit(12, channels=2, widths=(8,))


# In an atlas that was made by hand, since none of these would be added.
@pytest.mark.parametrize(
    ("known", "new"),
    [
        (entry_of(CIRCUIT, 7), entry_of(CIRCUIT, 8)),
        (entry_of(SHORT, 2400, "probable", 2400), entry_of(SHORT, SHORT_RANK, "probable", SHORT_BOUND)),
        (entry_of(SHORT, SHORT_RANK, "probable", SHORT_RANK), entry_of(SHORT, SHORT_RANK + 1, "lower bound")),
    ],
)
def test_results_that_contradict_each_other_are_named_in_one_sentence(known, new):
    atlas = tr.Atlas([known])
    with pytest.raises(
        TensorRankError, match=r"which contradicts .*: one of the two is wrong, and neither was changed"
    ) as error:
        atlas.add(new)
    assert "\n" not in str(error.value)
    assert new.claim in str(error.value)
    assert known.claim in str(error.value)
    assert atlas.entries == (known,)


standings = st.sampled_from(["exact", "probable", "lower bound"])
claims = st.tuples(st.integers(-3, 3), standings, st.sampled_from([None, 0, 1, 4]))


@settings(max_examples=100, deadline=None)
@given(claim=claims)
def test_of_a_proved_rank_no_other_claim_is_ever_added(claim):
    difference, standing, above = claim
    value = 18 + difference
    upper = value if standing == "exact" else None if above is None else value + above
    new, atlas = entry_of(NETWORK, value, standing, upper), tr.Atlas([EXACT])
    # By hand: more than 18, an exact rank other than 18, an upper bound that 18 passes, or a probable rank below 17,
    # which identity weights have.
    wrong = value > 18 or (standing == "exact" and value != 18) or (upper is not None and upper < 18)
    wrong = wrong or (standing == "probable" and value < 17)
    if wrong:
        with pytest.raises(TensorRankError, match=r"beyond a proven bound|is not exact|upper bound 1.|below a proven bound"):
            atlas.add(new)
    else:
        assert atlas.add(new) == atlas


@settings(max_examples=100, deadline=None)
@given(claim=claims)
def test_of_a_probable_rank_what_is_certified_above_it_is_added_up_to_the_bound(claim):
    difference, standing, above = claim
    value = SHORT_RANK + 2 * difference
    upper = value if standing == "exact" else None if above is None else value + above
    new, atlas = entry_of(SHORT, value, standing, upper), tr.Atlas([PROBABLE])
    wrong = value > SHORT_BOUND or (upper is not None and upper < SHORT_BOUND)
    if wrong:
        with pytest.raises(TensorRankError, match=r"beyond a proven bound|is not exact|comes with the upper bound"):
            atlas.add(new)
    else:
        better = new if value > SHORT_RANK else PROBABLE
        assert atlas.add(new).entries == (better,)


def test_a_store_is_added_without_its_mixtures_and_with_its_versions():
    with tr.Store(":memory:") as store:
        list(tr.Study.over(tr.SelfAttention, width=2, depth=(1, 2), seed=3).run(store))
        store.put(tr.HiddenMarkov.random(2, 2, 4, seed=0), rank_of(2, 2), LIMITS)
        atlas = tr.Atlas().add(store)
    assert [(entry.rank.value, entry.rank.seeds, entry.version) for entry in atlas.entries] == [
        (3, (3,), tr.__version__),
        (18, (3,), tr.__version__),
    ]
    assert {entry.source for entry in atlas.entries} == {":memory:"}


def test_a_result_knows_what_it_is_of():
    rank = tr.separation_rank(tr.SelfAttention(2, 2, tokens=5), [1, 2], seed=1)
    (entry,) = tr.Atlas().add(rank, source="a test").entries
    assert (entry.model, entry.partition.a, entry.rank) == (tr.SelfAttention(2, 2, tokens=5), (1, 2), rank)
    with pytest.raises(TensorRankError, match="does not say of which model and partition it is"):
        tr.Atlas().add(replace(rank, model=None))


def test_a_probable_rank_of_given_weights_is_none_of_almost_all_weights():
    ones = {name: np.ones((2, 1, 2, 2), dtype=int) for name in ("query", "key", "value", "output")}
    rank = tr.separation_rank(tr.SelfAttention(2, 2), weights=ones)
    assert rank.standing == "probable"
    with pytest.raises(TensorRankError, match="probable for weights that were given; expected one for almost all weights"):
        tr.Atlas().add(rank)


def test_other_things_are_not_added():
    with pytest.raises(TensorRankError, match="found is 5; expected a Store, a SeparationRank"):
        tr.Atlas().add(5)
    with pytest.raises(TensorRankError, match="entries are 5; expected a list of entries"):
        tr.Atlas(5)


def test_a_file_adds_to_the_packaged_atlas_and_has_only_what_it_adds(tmp_path, no_file):
    path, odd = tmp_path / "mine.json", entry_of(tr.RecurrentCircuit(1, 7, 2, 4), 4)
    tr.Atlas.packaged().add(odd).save(path)
    assert tr.Atlas.load(path).find(odd.model) == odd
    assert tr.Atlas.load(path).find(NETWORK) is tr.Atlas.packaged().find(NETWORK)
    assert path.read_text().count('"model"') == 1
    assert tr.Atlas.load() == tr.Atlas.packaged()


def test_the_users_own_file_is_read_where_none_is_named(tmp_path, no_file):
    odd = entry_of(tr.RecurrentCircuit(1, 7, 2, 4), 4)
    (tmp_path / "data" / "tensorrank").mkdir(parents=True)
    tr.Atlas.packaged().add(odd).save(tmp_path / "data" / "tensorrank" / "atlas.json")
    assert tr.Atlas.load().find(odd.model) == odd


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (entry_of(NETWORK, 17), "is 17 .exact. in a test, which is not exact: the proven upper bound is 18"),
        (entry_of(MASKED, 9), "is 9 .exact. in a test, which is not exact: no upper bound is proved"),
        (entry_of(NETWORK, 19, "lower bound"), "in a test, which is beyond a proven bound: the rank is at most 18"),
        (entry_of(NETWORK, 12, "lower bound", 17), "which comes with the upper bound 17: the proven upper bound is 18"),
    ],
)
def test_what_a_file_claims_without_proof_is_named_with_the_file(entry, message, tmp_path):
    path = tmp_path / "mine.json"
    write([entry_of(CIRCUIT, 8), entry], path)
    with pytest.raises(TensorRankError, match=rf"mine\.json: .*{message}$"):
        tr.Atlas.load(path)


def test_a_probable_rank_that_is_too_small_by_what_was_proved_since_does_not_spoil_a_file(tmp_path):
    # Identity weights have 2512.
    network = tr.SelfAttention(3, 3, heads=4, head_dim=3)
    path, unlucky = tmp_path / "mine.json", entry_of(network, 2511, "probable", 3102)
    write([unlucky], path)
    assert tr.Atlas.load(path).find(network) == unlucky
    with pytest.raises(TensorRankError, match="is below a proven bound: the rank is at least 2512; nothing was added"):
        tr.Atlas().add(unlucky)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TensorRankError, match=r"no\.json cannot be read"):
        tr.Atlas.load(tmp_path / "no.json")


def test_entries_may_come_one_by_one():
    assert tr.Atlas().add(entry for entry in (EXACT, PROBABLE)).entries == tr.Atlas([EXACT, PROBABLE]).entries
