import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.units.attention_stack import AttentionStack, StackLayer
from tensorrank.units.attention_unit import AttentionUnit


def random_unit(rng, heads=2, dimension=3, width=4):
    shape = (heads, dimension, width)
    return AttentionUnit(rng.normal(size=shape), (rng.normal(size=shape),), (rng.normal(size=(heads, width, width)),))


def plain(unit, tokens, allowed):
    """The outputs by the definition, token by token."""
    found = np.zeros((len(tokens), unit.output_dimension))
    for head in range(unit.heads):
        query, key, value = (weights[head] for weights in (unit.query, unit.keys[0], unit.values[0]))
        for i, token in enumerate(tokens):
            seen = [j for j in range(len(tokens)) if allowed(i, j)]
            weights = np.exp([(query @ token) @ (key @ tokens[j]) for j in seen])
            found[i] += sum(weight * (value @ tokens[j]) for weight, j in zip(weights, seen, strict=True)) / weights.sum()
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_mask_hides_tokens_and_no_mask_is_the_unit_itself(seed):
    rng = np.random.default_rng(seed)
    unit, tokens = random_unit(rng), rng.normal(size=(3, 5, 4))
    assert np.allclose(unit.masked(tokens), unit(tokens))
    causal = unit.masked(tokens, np.tri(5, dtype=bool))
    expected = [plain(unit, one, lambda i, j: j <= i) for one in tokens]
    assert np.allclose(causal, expected)


@pytest.mark.parametrize("seed", range(4))
def test_layers_run_one_after_the_other_on_the_stream(seed):
    rng = np.random.default_rng(seed)
    first, second, stream = random_unit(rng), random_unit(rng, heads=1), rng.normal(size=(2, 5, 4))
    stack = AttentionStack((StackLayer(first, np.add, earlier=True), StackLayer(second, lambda x, found: 2 * found)))
    expected = []
    for tokens in stream:
        middle = tokens + plain(first, tokens, lambda i, j: j < i or i == j == 0)
        expected.append(2 * plain(second, middle, lambda i, j: True))
    assert np.allclose(stack.run(stream), expected)
    assert (stack.heads, stack.dimension, stack.width) == (2, 3, 4)
    assert stack.work(7) == first.work(7) + second.work(7)
    assert str(stack.at(9)) == "2 layers of attention (dimension 3, 2 heads, stream of 4, 9 bits)"


def test_layers_that_do_not_fit_are_refused_in_words():
    rng = np.random.default_rng(0)
    one, other = (StackLayer(random_unit(rng, width=width), np.add) for width in (4, 5))
    with pytest.raises(TensorRankError, match=r"widths \[4, 5\]; expected one layer at least, all of one width"):
        AttentionStack((one, other))
    with pytest.raises(TensorRankError, match=r"widths \[\]; expected one layer at least"):
        AttentionStack(())
    weights = np.ones((1, 2, 2))
    with pytest.raises(TensorRankError, match="the unit is of order 3; a layer of a stack takes units of order 2"):
        StackLayer(AttentionUnit(weights, (weights,) * 2, (weights,) * 2), np.add)
