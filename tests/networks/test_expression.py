import random

import numpy as np
import opt_einsum
from hypothesis import given, settings
from networks.random_networks import networks

from tensorrank.networks.contraction import Operand
from tensorrank.networks.expression import Expression


def chain(length, size):
    legs = [(f"z{i}", f"z{i + 1}") for i in range(length)]
    return Expression.of(legs, ("z0", f"z{length}"), {f"z{i}": size for i in range(length + 1)})


@settings(max_examples=40, deadline=None)
@given(networks())
def test_operations_and_sizes_are_those_that_opt_einsum_counts_for_the_same_path(network):
    expression = network.dense_expression()
    letters = {leg: opt_einsum.get_symbol(i) for i, leg in enumerate(network.sizes)}
    terms = ["".join(letters[leg] for leg in legs) for legs in (*expression.operands, expression.output)]
    shapes = [tensor.shape for tensor in network.tensors]
    _, info = opt_einsum.contract_path(f"{','.join(terms[:-1])}->{terms[-1]}", *shapes, shapes=True, optimize=expression.path)
    # opt_einsum counts one product more for a step that only orders the legs of a single tensor.
    if len(network.tensors) > 1:
        assert expression.operations == info.opt_cost
    assert expression.largest == max(info.size_list)


def test_a_chain_with_a_vector_is_contracted_from_the_vector():
    legs = [(f"z{i}", f"z{i + 1}") for i in range(20)]
    expression = Expression.of([*legs, ("z20",)], ("z0",), {f"z{i}": 50 for i in range(21)})
    assert expression.operations == 20 * 2 * 50**2


def test_the_path_is_the_same_whatever_the_state_of_the_random_generator_which_stays():
    random.seed(1)
    state = random.getstate()
    Expression.of([("a", "b"), ("b", "c"), ("c", "a", "d")], ("d",), {"a": 7, "b": 5, "c": 6, "d": 3}).operations  # noqa: B018
    assert random.getstate() == state


def test_the_peak_covers_what_is_really_allocated():
    import tracemalloc

    expression = chain(3, 300)
    operands = [Operand(np.ones((300, 300)), None) for _ in range(3)]
    expression.evaluate(operands)
    tracemalloc.start()
    expression.evaluate(operands)
    allocated = tracemalloc.get_traced_memory()[1] + sum(operand.values.nbytes for operand in operands)
    tracemalloc.stop()
    assert allocated <= expression.peak_bytes <= 4 * allocated


def test_resizing_keeps_the_path_and_counts_anew():
    small = chain(3, 2)
    large = small.resized({"z1": 10})
    assert large.path == small.path
    assert dict(large.sizes) == {"z0": 2, "z1": 10, "z2": 2, "z3": 2}
    assert large.operations > small.operations
