"""What the ranks of a communication matrix say of models that compute the task, in numbers and words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from tensorrank.tasks.shattering import randomised_bits


@dataclass(frozen=True)
class Facts:
    """What was found of a matrix whose rows are the inputs of side A, which a recurrent model reads first.

    Attributes:
        rank: over the rationals.
        largest_rank: over any field looked at.
        distinct_rows: the different rows.
        distinct_query: the different rows or columns of the side that is the asking token alone, if there is one.
        vc: a lower bound on the VC dimension of the rows, if the values are 0 and 1.
        linear: whether the values are linear in one side's numbers.
    """

    rank: int
    largest_rank: int
    distinct_rows: int
    distinct_query: int | None
    vc: int | None
    linear: bool


@dataclass(frozen=True)
class Reading:
    """A lower bound on a model that computes the task.

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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def readings(facts: Facts) -> tuple[Reading, ...]:
    """What the facts say of each kind of model.

    Args:
        facts: of one matrix.

    Source: for protocols Mehlhorn and Schmidt 1982; for randomised ones Kremer, Nisan and Ron 1999; for attention and
    feedforward networks Sanford, Hsu and Telgarsky 2023 (S23), whose arguments these are.

    >>> facts = Facts(rank=3, largest_rank=3, distinct_rows=8, distinct_query=3, vc=3, linear=False)
    >>> [(reading.model, reading.least) for reading in readings(facts)][:2]
    [('linear recurrent model', 3), ('finite-state machine', 8)]
    """
    found = [
        Reading(
            "linear recurrent model",
            "dimension of the state",
            facts.rank,
            True,
            "after side A its state is a vector in which the value itself is linear, so that the matrix is a product "
            "through this dimension (also: bond dimension of a matrix-product state); with a threshold after it, fewer "
            "may do",
        ),
        Reading(
            "finite-state machine",
            "states",
            facts.distinct_rows,
            True,
            "inputs of side A with different rows must leave it in different states (Myhill and Nerode)",
        ),
        Reading(
            "recurrent model",
            "bits of memory",
            bits_for(facts.distinct_rows),
            True,
            "whatever its transitions, its memory after side A tells the different rows apart",
        ),
    ]
    if facts.vc is not None:
        found.append(
            Reading(
                "recurrent model, error 1/3",
                "bits of memory",
                math.floor(1000 * randomised_bits(facts.vc)) / 1000,
                True,
                "with random choices and that error it needs 1 - H(1/3) = 0.0817 of the VC dimension: the rows shatter "
                "so many columns, which holds INDEX on so many bits",
            )
        )
    found.append(
        Reading(
            "two-party protocol",
            "bits exchanged",
            bits_for(facts.largest_rank),
            True,
            "its leaves are rectangles of equal values, and each adds at most 1 to the rank over any field",
        )
    )
    if facts.distinct_query is not None:
        found.append(
            Reading(
                "attention unit",
                "m p H",
                bits_for(facts.distinct_query),
                True,
                "if the question reaches the answer through its queries alone, these are m H numbers of p bits "
                "(dimension m, H heads) that tell all questions apart; what else carries it (the asking token's key "
                "and value, a residual connection) counts as well",
            )
        )
    else:
        found.append(
            Reading(
                "attention layer",
                "m p H times log log N",
                bits_for(facts.largest_rank),
                False,
                "each head's sums over one side's tokens, of values of m dimensions at most, are sent to the other in "
                "so many bits, up to a constant (Sanford et al. 2023)",
            )
        )
    if facts.linear:
        found.append(
            Reading(
                "feedforward network",
                "width of the first layer",
                facts.rank,
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
