"""Lower bounds on models that compute a task, from the ranks of its communication matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tensorrank.checked import checked
from tensorrank.records import Record
from tensorrank.tasks.shattering import randomised_bits


@checked
@dataclass(frozen=True)
class ModelBound(Record):
    """A lower bound on a model that computes a task.

    Attributes:
        model: the kind of model.
        quantity: what is bounded.
        least: the bound.
        proved: whether the bound holds as it stands; if not, up to a constant that its source leaves open.
        why: the reason, a sentence.
    """

    model: str
    quantity: str
    least: float
    proved: bool
    why: str


# Why each kind of model needs so much.
_REASONS = {
    "linear recurrent model": (
        "after side A its state is a vector in which the value itself is linear, so that the matrix is a product "
        "through this dimension (also: bond dimension of a matrix-product state); with a threshold after it, fewer may "
        "do"
    ),
    "finite-state machine": ("inputs of side A with different rows must leave it in different states (Myhill and Nerode)"),
    "recurrent model": "whatever its transitions, its memory after side A tells the different rows apart",
    "recurrent model, error 1/3": (
        "with random choices and that error it needs 1 - H(1/3) = 0.0817 of the VC dimension: the rows shatter so many "
        "columns, which holds INDEX on so many bits"
    ),
    "two-party protocol": ("its leaves are rectangles of equal values, and each adds at most 1 to the rank over any field"),
    "attention unit": (
        "if the question reaches the answer through its queries alone, these are m H numbers of p bits (dimension m, H "
        "heads) that tell all questions apart; what else carries it (the asking token's key and value, a residual "
        "connection) counts as well"
    ),
    "attention layer": (
        "each head's sums over one side's tokens, of values of m dimensions at most, are sent to the other in so many "
        "bits, up to a constant (Sanford et al. 2023)"
    ),
    "feedforward network": (
        "exact for all real data, not only for 0 and 1: what its first layer maps to 0 it cannot see, and the answers "
        "span so many linear functions of the data"
    ),
}


def model_bounds(
    *, rank: int, largest_rank: int, distinct_rows: int, distinct_query: int | None, vc: int | None, linear: bool
) -> tuple[ModelBound, ...]:
    """Lower bounds on each kind of model, from one matrix whose rows are the inputs of side A.

    A recurrent model reads side A first. The rank is that over the rationals, the largest rank that over any field
    looked at. Where one side is the asking token alone, `distinct_query` counts its different rows or columns. Where
    the values are 0 and 1, `vc` is a lower bound on the VC dimension of the rows. The values may be linear in the
    numbers of one side.

    Source: for protocols Mehlhorn and Schmidt 1982; for randomised ones Kremer, Nisan and Ron 1999; for attention and
    feedforward networks Sanford, Hsu and Telgarsky 2023 (S23), whose arguments these are.

    >>> found = model_bounds(rank=3, largest_rank=3, distinct_rows=8, distinct_query=3, vc=3, linear=False)
    >>> [(bound.model, bound.least) for bound in found][:2]
    [('linear recurrent model', 3), ('finite-state machine', 8)]
    """
    bits = bits_for(largest_rank)
    erring = None if vc is None else math.floor(1000 * randomised_bits(vc)) / 1000
    question = None if distinct_query is None else bits_for(distinct_query)
    least = {
        "linear recurrent model": ("dimension of the state", rank),
        "finite-state machine": ("states", distinct_rows),
        "recurrent model": ("bits of memory", bits_for(distinct_rows)),
        "recurrent model, error 1/3": ("bits of memory", erring),
        "two-party protocol": ("bits exchanged", bits),
        "attention unit": ("m p H", question),
        "attention layer": ("m p H times log log N", bits if question is None else None),
        "feedforward network": ("width of the first layer", rank if linear else None),
    }
    # Only the bound on an attention layer leaves a constant open.
    return tuple(
        ModelBound(model, quantity, bound, model != "attention layer", _REASONS[model])
        for model, (quantity, bound) in least.items()
        if bound is not None
    )


def bits_for(number: int) -> int:
    """The bits that tell so many things apart.

    >>> bits_for(1), bits_for(9)
    (0, 4)
    """
    return max(0, number - 1).bit_length()
