"""Every engine, on one thread and on two, about every model of a family: all have to give the same answer.

With bytes and float32 small matrices are tried at small primes first, with the others they are not, so that the
value, the bounds and the standing come by two ways. Where a small prime is given, all engines multiply modulo the same
primes, and all that a result says must be equal. Pieces of products are so small that each matrix has several.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product

import pytest
from differential.comparison import WrongError
from engines_tried import set_tilings

import tensorrank as tr
from tensorrank.arithmetic.elimination import columns, engine_choice, products
from tensorrank.arithmetic.elimination.engine_choice import ENGINES
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import Architecture
from tensorrank.studies.model_key import ModelKey

# Operations of a draw, as planned: milliseconds, of a matrix of values and of Hankel blocks.
_SMALL, _SMALL_BLOCKS = 2e6, 5e6
# The largest prime of one byte.
_PRIME = 251
# Steps through the family by which any first part of it is spread over all of it: near the golden section.
_SPREAD = 0.6180339887


def _attention() -> Iterator[Architecture]:
    switches = (False, True)
    yield from _each(
        tr.SelfAttention,
        depth=range(1, 5),
        width=range(1, 5),
        heads=(1, 2, 3),
        head_dim=(None, 1, 2),
        tokens=(None, 2, 3, 4, 5),
    )
    yield from _each(
        tr.SelfAttention,
        depth=range(1, 4),
        width=range(1, 4),
        heads=(1, 2),
        head_dim=(1, 2),
        kv_heads=(None, 1),
        tokens=(2, 4, 5),
        residual=switches,
        causal=switches,
        positional=switches,
        embedding_rank=(None, 1, 2),
    )


def _circuits() -> Iterator[Architecture]:
    yield from _each(tr.RecurrentCircuit, depth=(1, 2, 3), hidden=(1, 2, 3, 4), channels=(1, 2, 3), steps=range(2, 9))
    yield from _each(
        tr.ConvolutionalCircuit,
        sites=range(2, 9),
        channels=(1, 2, 3),
        widths=[*product((1, 2, 3)), *product((1, 2, 3), repeat=2), (1, 2, 3), (3, 2, 1), (2, 2, 2), (3, 3, 3)],
        pooling=("neighbours", "mirror"),
        shared=(False, True),
    )


def _each(kind: Callable[..., Architecture], **sizes) -> Iterator[Architecture]:
    """The models of a kind for all combinations of sizes that make one."""
    for values in product(*sizes.values()):
        try:
            yield kind(**dict(zip(sizes, values, strict=True)))
        except TensorRankError:
            continue


@cache
def family() -> tuple[Architecture, ...]:
    """All small networks and circuits of many sizes, each once; every first part is spread evenly over the whole."""
    different = {ModelKey.of(model).text: model for models in (_attention(), _circuits()) for model in models}
    models = list[Architecture]()
    for model in different.values():
        plan = tr.plan(model, memory="1GiB", engine="float32")
        if plan.work < (_SMALL_BLOCKS if plan.method == "catalecticant" else _SMALL):
            models.append(model)
    return tuple(models[place] for place in sorted(range(len(models)), key=lambda place: place * _SPREAD % 1))


@contextmanager
def _small_pieces() -> Iterator[None]:
    """A context in which small matrices have several panels and tiles, which threads share, and "auto" looks around."""
    sizes = [(columns, "PANEL", 8), (columns, "_FIRST_ROWS", 12), (columns, "_MORE", 2), (products, "_LARGEST", 200)]
    sizes.append((engine_choice, "WORTH_CHOOSING", 0.0))
    with pytest.MonkeyPatch.context() as patch:
        for module, name, size in sizes:
            patch.setattr(module, name, size)
        set_tilings(patch, rows=40, columns=32, strassen=32, shared=1.0, tallest=40)
        yield


def _answers(model: Architecture, partition: str, seed: int, **options) -> Iterator[tuple[str, tr.SeparationRank]]:
    """The result by every engine that this machine has, on one thread and on two, each with the question."""
    here = [name for name, kind in ENGINES.items() if kind.obstacle(PrimeField(_PRIME)) is None]
    for engine, threads in product(("float64", *(name for name in ("auto", *here) if name != "float64")), (1, 2)):
        asked = {"seed": seed, "engine": engine, "threads": threads, **options}
        yield f"{model!r}, {partition}, {asked}", tr.separation_rank(model, partition, memory="1GiB", **asked)


def agreed(model: Architecture, partition: str, seed: int) -> str:
    """The standing of a model's rank, after a check that all engines agree.

    Raises:
        WrongError: if they do not.
    """
    with _small_pieces():
        # A rank that a theorem gives is computed all the same.
        form = model.moment_form()
        proved = tr.plan(model, partition).method == "theorem"
        method = "auto" if not proved else "grid" if form is None else "catalecticant"
        (question, first), *others = _answers(model, partition, seed, method=method)
        for asked, found in others:
            for name in ("value", "upper", "standing", "by_degree"):
                if getattr(found, name) != getattr(first, name):
                    raise WrongError(f"engines differ in {name}: {first} for {question}; {found} for {asked}")
        if tr.plan(model, partition, method=method, primes=[_PRIME]).degree < _PRIME:
            (question, alike), *others = _answers(model, partition, seed, method=method, primes=[_PRIME])
            for asked, found in others:
                if found != alike:
                    raise WrongError(f"engines differ at the same primes: {alike} for {question}; {found} for {asked}")
    return first.standing


@dataclass(frozen=True)
class FamilyComparison:
    """A comparison whose questions are numbered: once through the models, then again with the next seed."""

    name: str

    def case(self, seed: int, number: int) -> str:
        """Ask one question; the numbers repeat it."""
        again, place = divmod(number, len(family()))
        return agreed(family()[place], ("halves", "interleaved")[place % 2], seed + again)


COMPARISONS = (FamilyComparison("engines"),)
