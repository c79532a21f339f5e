"""hmmlearn's layout of data, samples one below the other beside their lengths, against hmmlearn itself."""

import copy
import pickle
import re

import numpy as np
import pytest
from hmmlearn.hmm import CategoricalHMM, GaussianHMM

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.sequences import samples as one_below_the_other
from tensorrank.mixtures.evaluation.sequences import sequences
from tensorrank.mixtures.formats.adapters import from_hmmlearn
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass

LENGTHS = [5, 1, 7, 2]
NAN = float("nan")


def samples(features, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(sum(LENGTHS), features)) if features else rng.integers(0, 3, (sum(LENGTHS), 1))


def theirs(features, seed=1):
    rng = np.random.default_rng(seed)
    model = GaussianHMM(2, "full", n_iter=2, random_state=0) if features else CategoricalHMM(2)
    model.startprob_, model.transmat_ = rng.dirichlet([1, 1]), rng.dirichlet([1, 1], 2)
    if features:
        model.n_features = features
        model.means_, model.covars_ = rng.normal(size=(2, features)), np.stack([np.eye(features), 2 * np.eye(features)])
    else:
        model.emissionprob_, model.n_features = rng.dirichlet([1, 1, 1], 2), 3
    return model


@pytest.mark.parametrize("features", [0, 1, 2])
def test_scores_of_sequences_are_those_of_hmmlearn(features):
    data, model = samples(features), theirs(features)
    ours = from_hmmlearn(model, max(LENGTHS))
    parts = np.split(data, np.cumsum(LENGTHS)[:-1])
    np.testing.assert_allclose(ours.log_density(sequences(data, LENGTHS)), [model.score(part) for part in parts], rtol=1e-11)
    assert ours.log_density(sequences(data, LENGTHS)).sum() == pytest.approx(model.score(data, LENGTHS), rel=1e-11)


@pytest.mark.parametrize("features", [0, 1, 2])
def test_one_series_without_lengths_is_one_row(features):
    data, model = samples(features), theirs(features)
    ours = from_hmmlearn(model, len(data))
    np.testing.assert_allclose(ours.log_density(sequences(data)), [model.score(data)], rtol=1e-11)


@pytest.mark.parametrize("features", [0, 1, 2])
def test_a_fit_to_lengths_reaches_the_likelihood_that_hmmlearn_counts(features):
    data = samples(features)
    report = HiddenMarkov.fit_report(data, 2, lengths=LENGTHS, iterations=4, tolerance=0)
    model = theirs(features)
    found = report.model
    assert (found.sites, report.rows) == (max(LENGTHS), len(LENGTHS))
    model.startprob_, model.transmat_ = found.initial, found.transition
    if features:
        model.means_ = found.densities.means.reshape(2, features)
        model.covars_ = np.stack([np.diag(one) for one in found.densities.covariances.reshape(2, features)])
    else:
        model.emissionprob_ = found.emission
    assert report.log_likelihood == pytest.approx(model.score(data, LENGTHS), rel=1e-10)


def test_steps_behind_the_end_are_masked_and_whole_numbers_stay_whole():
    found = sequences([4, 5, 6], [1, 2])
    assert found.dtype == np.int64
    assert found.tolist() == [[4, None], [5, 6]]
    assert sequences(np.arange(6.0).reshape(3, 2), [1, 2]).tolist() == [[[0, 1], [None, None]], [[2, 3], [4, 5]]]


def test_missing_samples_stay_missing():
    assert sequences([[0.5], [None], [NAN], [1]], [2, 2]).tolist() == [[0.5, None], [None, 1]]
    assert sequences(np.ma.array([1, 2, 3], mask=[0, 1, 0])).tolist() == [[1, None, 3]]


def test_rows_of_one_model_are_rows_of_every_other():
    data = samples(0)
    classes = LatentClass.fit(sequences(data, [5, 5, 5]), 2, iterations=2, tolerance=0)
    np.testing.assert_array_equal(classes.log_density(sequences(data, [5, 5, 5])), classes.log_density(data.reshape(3, 5)))


@pytest.mark.parametrize("data", [samples(0), samples(1), samples(0).astype(object), samples(1).tolist()])
def test_a_series_in_the_layout_of_hmmlearn_is_never_read_as_chains_of_one_step(data):
    message = (
        "the data has 15 rows of one step each; expected rows that are sequences, (rows, length). One series, its samples one "
        "below the other as hmmlearn has them, is lengths=[15]; several are a length for each; and sequences of one step are "
        "lengths=[1] * 15"
    )
    for fit in (HiddenMarkov.fit, HiddenMarkov.fit_report):
        with pytest.raises(TensorRankError, match=re.escape(message)):
            fit(data, 2)
    assert HiddenMarkov.fit(data, 2, lengths=[15], iterations=1, tolerance=0).sites == 15
    assert HiddenMarkov.fit(data, 2, lengths=[1] * 15, iterations=1, tolerance=0).sites == 1


@pytest.mark.parametrize(
    ("shape", "features"), [((15, 1), 0), ((15,), 0), ((15, 1), 1), ((15,), 1), ((15, 2), 2), ((14, 1), 0), ((2, 15), 2)]
)
def test_a_model_of_many_steps_refuses_samples_one_below_the_other(shape, features):
    ours = from_hmmlearn(theirs(features), 15)
    hint = "; samples one below the other, as hmmlearn has them, become rows by sequences(data, lengths)"
    expected = re.escape(hint) if shape != (2, 15) else r"expected \(rows, 15, 2\)$"
    for use in (ours.log_density, ours.posteriors, ours.score):
        with pytest.raises(TensorRankError, match=expected):
            use(np.zeros(shape, dtype=float if features else int))


@pytest.mark.parametrize(
    ("data", "lengths", "message"),
    [
        ([0, 1, 2], [1, 1], "the lengths sum to 2, and there are 3 samples; expected as many: a length for each sequence"),
        ([0, 1, 2], [4, -1], "a length is -1; expected a whole number of at least 1"),
        ([0, 1, 2], [3, 0], "a length is 0; expected a whole number of at least 1"),
        ([0, 1, 2], [1.5, 1.5], "a length is 1.5; expected a whole number of at least 1"),
        ([0, 1, 2], 3, "lengths are 3; expected a list of whole numbers, such as [300, 400]"),
        ([0, 1, 2], [], "lengths are []; expected a list of whole numbers"),
        ([0, 1, 2], {3: 1}, "lengths are {3: 1}; expected a list of whole numbers"),
        ([0, 1, 2], np.ma.array([1, 2], mask=[0, 1]), "a length is masked; expected a whole number of at least 1"),
        ([[[0, 1, 2]]], [1], "the data has the shape (1, 1, 3); expected (samples, features), none of them 0"),
        (np.zeros((0, 1)), None, "the data has the shape (0, 1); expected (samples, features), none of them 0"),
        ([["a"]], [1], "entries of type <U1 were given as the data; expected numbers"),
        (np.zeros(10**6), [5 * 10**5, *[1] * (5 * 10**5)], "500001 rows of 500000 steps would take about"),
    ],
)
def test_what_is_no_layout_of_sequences_is_refused(data, lengths, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        sequences(data, lengths)


@pytest.mark.parametrize("features", [0, 1, 2])
def test_every_question_takes_lengths_as_hmmlearn_does(features):
    data, model = samples(features), theirs(features)
    ours = from_hmmlearn(model, 3)  # of another number of steps than any sequence has
    parts = np.split(data, np.cumsum(LENGTHS)[:-1])
    logs = [model.score(part) for part in parts]
    np.testing.assert_allclose(ours.log_density(data, lengths=LENGTHS), logs, rtol=1e-11)
    np.testing.assert_allclose(ours.score_samples(data, lengths=iter(LENGTHS)), logs, rtol=1e-11)
    assert ours.score(data, lengths=LENGTHS) == pytest.approx(np.mean(logs), rel=1e-11)
    np.testing.assert_allclose(ours.probability(data, lengths=LENGTHS), np.exp(logs), rtol=1e-9)
    each = np.stack(list(ours.hidden_posteriors(data, lengths=LENGTHS).values()), axis=1)
    np.testing.assert_allclose(one_below_the_other(each, LENGTHS), model.predict_proba(data, LENGTHS), atol=1e-11)
    assert np.isnan(each[np.arange(max(LENGTHS)) >= np.array(LENGTHS)[:, None]]).all()
    paths = one_below_the_other(ours.viterbi(data, lengths=LENGTHS).states, LENGTHS)
    np.testing.assert_array_equal(paths, model.predict(data, LENGTHS))


def test_posteriors_and_completions_of_sequences_are_those_of_each_sequence_alone():
    chain, lengths = HiddenMarkov.random(2, 3, 4, seed=0), [3, 1, 2]
    data = np.array([0, -1, 2, -1, 1, -1])
    posteriors = chain.posteriors(data, lengths=lengths)
    found = chain.most_probable_explanation(data, lengths=lengths)
    for row, (part, length) in enumerate(zip(np.split(data, np.cumsum(lengths)[:-1]), lengths, strict=True)):
        alone = chain.of_length(length)
        for step, expected in enumerate(alone.posteriors(part[None])):
            np.testing.assert_allclose(posteriors[step][row], expected[0], rtol=1e-12)
        assert all(np.isnan(posteriors[step][row]).all() for step in range(length, 3))
        explained = alone.most_probable_explanation(part[None])
        assert found.rows[row].tolist() == [*explained.rows[0].tolist(), *[-1] * (3 - length)]
        assert found.log_densities[row] == pytest.approx(explained.log_densities[0], rel=1e-12)


@pytest.mark.parametrize("features", [0, 1, 2])
def test_samples_are_what_sequences_were_made_of(features):
    data = samples(features)
    back = one_below_the_other(sequences(data, LENGTHS), LENGTHS)
    np.testing.assert_array_equal(back if features == 2 else back[:, None], data)


@pytest.mark.parametrize(
    ("rows", "lengths", "words"),
    [
        ([[0, 1]], [1, 1], r"shape \(1, 2\) was given; expected .*a row for each of the 2 lengths, of at least 1 steps"),
        ([[0, 1], [0, 1]], [3, 1], "of at least 3 steps"),
        ([0, 1], [1, 1], r"shape \(2,\)"),
        ([[0, 1]], [], r"lengths are \[\]; expected a list of whole numbers"),
    ],
)
def test_rows_that_do_not_fit_the_lengths_are_refused(rows, lengths, words):
    with pytest.raises(TensorRankError, match=words):
        one_below_the_other(rows, lengths)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("predict", r"viterbi\(data\).states"),
        ("decode", r"viterbi\(data\)"),
        ("predict_proba", r"hidden_posteriors\(data\)"),
        ("transmat_", "transition"),
    ],
)
def test_names_of_other_libraries_are_answered_with_ours(name, ours):
    model = HiddenMarkov.random(2, 2, 3, 0)
    with pytest.raises(AttributeError, match=f"'HiddenMarkov' object has no attribute '{name}'; here it is {ours}"):
        getattr(model, name)
    assert not hasattr(model, name)


def test_other_unknown_names_are_refused_as_ever_and_models_are_copied():
    model = LatentClass.random([2, 2], 2, 0)
    with pytest.raises(AttributeError, match=r"'LatentClass' object has no attribute 'colour'$"):
        _ = model.colour
    assert copy.deepcopy(model) == pickle.loads(pickle.dumps(model)) == model
