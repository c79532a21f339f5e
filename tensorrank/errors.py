"""The errors that users can cause, as classes.

Wherever one is raised, its message says what was given, what was expected and what to try. Checks that many places
share are in `tensorrank.arguments`.
"""


class TensorRankError(ValueError):
    """The base of every error about what a user gave or asked for: a `ValueError` that says what to try.

    >>> import tensorrank as tr
    >>> tr.SelfAttention(depth=0, width=2)
    Traceback (most recent call last):
        ...
    tensorrank.errors.TensorRankError: depth is 0; expected a whole number of at least 1
    """


class CombinationError(TensorRankError):
    """Sizes of a model that do not go together, though each is possible beside others; sweeps leave them out."""


class UnknownFamilyError(TensorRankError):
    """A configuration with a family, class, key or value that the table of families does not know; another way may."""


class PrimeError(TensorRankError):
    """A modulus that is no prime, is out of the supported range, or divides a denominator."""


class PartitionError(TensorRankError):
    """A bipartition that does not fit the sites of a model or is none."""


class WeightsError(TensorRankError):
    """Weights of the wrong names, shapes or values."""


class StoreError(TensorRankError):
    """A store that cannot be opened, was written by another version, or contradicts a new result."""


class TooLargeError(TensorRankError):
    """A whole number with more digits, or work for a bound, than anyone waits for; a logarithm may answer instead."""
