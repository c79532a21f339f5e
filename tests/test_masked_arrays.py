"""What a mask hides is missing or refused, never read, in every public function that takes an array."""

import ast
import inspect

import numpy as np
import pytest
import tensorly
from fuzz.good_calls import CALLS, namespace

import tensorrank as tr
from tensorrank.equal_values import key_of
from tensorrank.errors import TensorRankError


def evaluated(part):
    return eval(compile(ast.Expression(part), "<call>", "eval"), dict(namespace()))


def array_of(value):
    """The array that an argument is, or lists of numbers make; None for all else."""
    try:
        array = np.array(value) if isinstance(value, np.ndarray | list | tuple) else None
    except ValueError:
        return None
    return array if array is not None and array.ndim and array.size and array.dtype.kind in "iufb" else None


def answers(call, chosen, array, first):
    """What a call gives where the first entry of one of its arrays is masked and holds a number."""
    entries, mask = array.copy(), np.zeros(array.shape, dtype=bool)
    entries.flat[0], mask.flat[0] = first, True
    named = {part.arg: evaluated(part.value) for part in call.keywords} | {chosen: np.ma.array(entries, mask=mask)}
    function, positional = evaluated(call.func), [evaluated(part) for part in call.args]
    try:
        found = function(*positional, **named)
        return key_of(list(found) if inspect.isgenerator(found) else found)
    except TensorRankError:
        return None


@pytest.mark.filterwarnings("ignore::tensorrank.mixtures.fitting.warned.NotConverged")
def test_no_public_function_reads_what_a_mask_hides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried, missing = 0, 0
    for text in CALLS:
        call = ast.parse(text, mode="eval").body
        # Each of these takes a table or lists as another call does, and seconds.
        if "tr.figures" in text or "shallow_approximations" in text:
            continue
        for part in call.keywords:
            if not isinstance(part.value, ast.List | ast.Tuple | ast.Call | ast.BinOp):
                continue
            array = array_of(evaluated(part.value))
            if array is None:
                continue
            one, other = (answers(call, part.arg, array, first) for first in (array.flat[0], 1 - array.flat[0]))
            assert one == other, f"{text}: a masked entry of {part.arg} is read"
            tried, missing = tried + 1, missing + (one is not None)
    assert tried > 100
    assert missing > 20  # data, where a value may be missing


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda masked: tr.NumericalModel(lambda x: masked(x[:, 0]), sites=2),
            "that makes no array .an array with 1 masked entry was given as what the function gave",
        ),
        (
            lambda masked: tr.NumericalModel(
                lambda x: x[:, 0], sites=2, sampler=lambda rng, shape: masked(rng.normal(size=shape))
            ),
            "an array with 1 masked entry was given as what the sampler gave",
        ),
    ],
)
def test_values_of_functions_hide_nothing(call, message):
    def masked(array):
        mask = np.zeros(array.shape, dtype=bool)
        mask.flat[0] = True
        return np.ma.array(array, mask=mask)

    with pytest.raises(TensorRankError, match=message):
        tr.numerical_separation_rank(call(masked), samples=8)


def test_formats_of_tensorly_hide_nothing():
    factor = np.ma.array([[0.5, 0], [0.5, 1]], mask=[[0, 1], [0, 0]])
    for tensor in (
        tensorly.cp_tensor.CPTensor(([0.5, 0.5], [factor, np.eye(2)])),
        tensorly.cp_tensor.CPTensor((np.ma.array([0.5, 0.5], mask=[1, 0]), [np.eye(2), np.eye(2)])),
        tensorly.tt_tensor.TTTensor([factor[None], factor[..., None]]),
    ):
        with pytest.raises(TensorRankError, match="an array with 1 masked entry was given as"):
            tr.from_tensorly(tensor)


def test_a_masked_number_is_no_size():
    with pytest.raises(TensorRankError, match=r"depth is .*; expected a whole number"):
        tr.SelfAttention(np.ma.array(2, mask=True), 2)
