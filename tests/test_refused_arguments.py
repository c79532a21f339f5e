"""Calls of the public API that ended in another exception, a hang or a full memory: each is refused at once."""

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.errors import TensorRankError


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tr.SelfAttention(np.array([1, 2]), 2), "depth is array.*; expected a whole number of at least 1"),
        (lambda: tr.SelfAttention(int, 2), "depth is <class 'int'>; expected a whole number of at least 1"),
        (lambda: tr.ConvolutionalCircuit(10**9 * 10**9, 2, [2]), "sites is 10{18}; expected a whole number from 2 to 20000"),
        (lambda: tr.ConvolutionalCircuit(4, 2, range(10**30)), "widths are range.*; expected a list of whole numbers"),
        (lambda: tr.RecurrentCircuit(1, 2, 2, 2).state_functions(-1), "remaining is -1; expected a whole number"),
        (lambda: tr.SoftmaxAttention(1, 2, scale="x"), "scale is 'x'; expected a finite number"),
        (lambda: tr.Tensor("v", range(10**30), [1]), "the legs of tensor 'v' are given as range"),
        (lambda: tr.numerical_rank(np.eye(2), rtol="x"), "rtol is 'x'; expected a number of at least 0"),
        (lambda: tr.numerical_rank(np.broadcast_to(1.0, (10**6, 10**6))), "the memory limit is"),
        (lambda: tr.rank_mod_p([[1, 2], [3, 4]], 5, progress=1), "progress is 1; expected a function"),
        (lambda: tr.rank_mod_p(range(10**30), 5), r"range\(0, 10{30}\), given as .* the memory limit is"),
        (lambda: tr.Study([[1]]), r"the model is \[1\]; expected an architecture"),
        (lambda: tr.Study([tr.SelfAttention(1, 2)], left_out=5), "left_out is 5; expected a list of texts"),
        (lambda: tr.Study([tr.SelfAttention(1, 2)], scratch="a\0"), r"scratch is 'a\\x00'; expected a path"),
        (lambda: tr.Study.over(int), "the kind is <class 'int'>; expected a class of models"),
        (lambda: tr.guidelines.TransitionFit(5.0, 0.05).width("x"), "depth is 'x'; expected a number"),
        (lambda: tr.guidelines.TransitionFit(5.0, 0.05, covariance=[[1], [1]]), "expected a 2 x 2 matrix"),
        (lambda: tr.guidelines.advise(12, 768, fit=None), "fit is None; expected a TransitionFit"),
        (lambda: tr.guidelines.Ablation(5), "curves are 5; expected a list of Curves"),
        (lambda: tr.tasks.Disjointness(4).examples(2**60), "1152921504606846976 examples would take .*; the memory limit"),
        (lambda: tr.tasks.disjointness_in_match3(2**61 - 1, 1), "the pairs of 2305843009213693951 residues would"),
        (lambda: tr.tasks.named_task(["match2"]), "expected one of"),
        (lambda: tr.units.bottleneck_table([10**9]), "a table of 1000000000 tokens would take .*; the memory limit"),
        (lambda: tr.units.CutSamples.random(2, dimension=2**62), "these samples would .*; the memory limit"),
        (lambda: tr.units.check_units(5), "task is 5; expected a Task|no attention unit is known here for 5"),
        (lambda: tr.experiments.interleaved_ranks(sites=5), "sites are 5; expected a list of whole numbers"),
        (lambda: tr.figures.formats(None), "study is None; expected a FormatRanks"),
    ],
)
def test_what_was_raw_is_refused_in_words(call, words):
    with pytest.raises(TensorRankError, match=words):
        call()
