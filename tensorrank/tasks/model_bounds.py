"""Lower bounds on models that compute a task, from the ranks of its communication matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tensorrank.records import Record
from tensorrank.tasks.shattering import randomised_bits


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


def model_bounds(
    *, rank: int, largest_rank: int, distinct_rows: int, distinct_query: int | None, vc: int | None, linear: bool
) -> tuple[ModelBound, ...]:
    """Lower bounds on each kind of model, from one matrix whose rows are the inputs of side A.

    A recurrent model reads side A first.

    Args:
        rank: over the rationals.
        largest_rank: over any field looked at.
        distinct_rows: the different rows.
        distinct_query: the different rows or columns of the side that is the asking token alone, if there is one.
        vc: a lower bound on the VC dimension of the rows, if the values are 0 and 1.
        linear: whether the values are linear in the numbers of one side.

    Source: for protocols Mehlhorn and Schmidt 1982; for randomised ones Kremer, Nisan and Ron 1999; for attention and
    feedforward networks Sanford, Hsu and Telgarsky 2023 (S23), whose arguments these are.

    >>> found = model_bounds(rank=3, largest_rank=3, distinct_rows=8, distinct_query=3, vc=3, linear=False)
    >>> [(bound.model, bound.least) for bound in found][:2]
    [('linear recurrent model', 3), ('finite-state machine', 8)]
    """
    found = [
        ModelBound(
            "linear recurrent model",
            "dimension of the state",
            rank,
            True,
            "after side A its state is a vector in which the value itself is linear, so that the matrix is a product "
            "through this dimension (also: bond dimension of a matrix-product state); with a threshold after it, fewer "
            "may do",
        ),
        ModelBound(
            "finite-state machine",
            "states",
            distinct_rows,
            True,
            "inputs of side A with different rows must leave it in different states (Myhill and Nerode)",
        ),
        ModelBound(
            "recurrent model",
            "bits of memory",
            bits_for(distinct_rows),
            True,
            "whatever its transitions, its memory after side A tells the different rows apart",
        ),
    ]
    if vc is not None:
        found.append(
            ModelBound(
                "recurrent model, error 1/3",
                "bits of memory",
                math.floor(1000 * randomised_bits(vc)) / 1000,
                True,
                "with random choices and that error it needs 1 - H(1/3) = 0.0817 of the VC dimension: the rows shatter "
                "so many columns, which holds INDEX on so many bits",
            )
        )
    found.append(
        ModelBound(
            "two-party protocol",
            "bits exchanged",
            bits_for(largest_rank),
            True,
            "its leaves are rectangles of equal values, and each adds at most 1 to the rank over any field",
        )
    )
    if distinct_query is not None:
        found.append(
            ModelBound(
                "attention unit",
                "m p H",
                bits_for(distinct_query),
                True,
                "if the question reaches the answer through its queries alone, these are m H numbers of p bits "
                "(dimension m, H heads) that tell all questions apart; what else carries it (the asking token's key "
                "and value, a residual connection) counts as well",
            )
        )
    else:
        found.append(
            ModelBound(
                "attention layer",
                "m p H times log log N",
                bits_for(largest_rank),
                False,
                "each head's sums over one side's tokens, of values of m dimensions at most, are sent to the other in "
                "so many bits, up to a constant (Sanford et al. 2023)",
            )
        )
    if linear:
        found.append(
            ModelBound(
                "feedforward network",
                "width of the first layer",
                rank,
                True,
                "exact for all real data, not only for 0 and 1: what its first layer maps to 0 it cannot see, and the "
                "answers span so many linear functions of the data",
            )
        )
    return tuple(found)


def bits_for(number: int) -> int:
    """The bits that tell so many things apart.

    Args:
        number: how many.

    >>> bits_for(1), bits_for(9)
    (0, 4)
    """
    return max(0, number - 1).bit_length()
