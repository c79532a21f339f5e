"""Models as words of the command line: a kind with its sizes, or model files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from os.path import isfile
from typing import TYPE_CHECKING, Any

import tensorrank as tr
from tensorrank.arguments import nearest, shown
from tensorrank.cli.shared.terminal import whole_numbers
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from pathlib import Path

    from tensorrank.atlas.kinds import SizedModel
    from tensorrank.studies.model_key import ModelKey
    from tensorrank.studies.run import Finding
    from tensorrank.studies.stored_rows import StoredRank

# Heavy modules are imported where they are used, so that --help answers at once.


def stored_findings(ranks: Iterable[tuple[ModelKey, StoredRank]], path: Path) -> list[Finding[Any]]:
    """The ranks of a store as findings, no lower bound less than what is certified of a model that is contained.

    Raises:
        TensorRankError: naming the store and the model, if a rank is called exact against what is proved of its model.
    """
    from tensorrank.atlas.entry import Entry
    from tensorrank.atlas.kinds import SizedModel, model_of
    from tensorrank.atlas.objections import beyond_proof
    from tensorrank.given_files.paths import named_in_errors
    from tensorrank.separation.partition import Bipartition
    from tensorrank.studies.contained import raised_findings
    from tensorrank.studies.run import Finding

    findings = []
    with named_in_errors(path):
        for key, stored in ranks:
            model, result = model_of(key), stored.result
            findings.append(Finding(model, result, fresh=False))
            if isinstance(model, SizedModel) and result.standing == "exact":
                entry = Entry(model, Bipartition.halves(model.sites), result)
                objection = beyond_proof(entry)
                if objection is not None:
                    raise TensorRankError(
                        f"{entry.name} is {entry.claim}, which {objection}. Delete its row with SQLite, so that it is "
                        "computed again"
                    )
        return raised_findings(findings)


def study_of(words: Sequence[str], **options: Any) -> tr.Study[Any]:
    """The study of a kind and for each size NAME=VALUES, or of the models in files; and its options."""
    from tensorrank.atlas.kinds import KINDS

    kind, *others = words
    if kind in KINDS:
        return tr.Study.over(KINDS[kind], **_sizes(others, options), **options)
    for word in words:
        if not isfile(word):
            raise TensorRankError(f"{shown(word)} is no model file and no kind of model; {nearest(word, KINDS)}")
    return tr.Study([tr.load(word) for word in words], **options)


def model_in(words: Sequence[str]) -> SizedModel:
    """The model of a kind and for each size NAME=VALUE."""
    from tensorrank.atlas.kinds import KINDS, made

    kind, *others = words
    if kind not in KINDS:
        raise TensorRankError(f"{shown(kind)} is no kind of model; {nearest(kind, KINDS)}")
    sizes = _sizes(others)
    for name, values in sizes.items():
        if len(values) > 1:
            raise TensorRankError(f"{name} has {len(values)} values; expected one, such as {name}={values[0]}")
    return made(kind, {name: value for name, (value,) in sizes.items()})


def words_of(model: SizedModel) -> str:
    """The words that `model_in` reads as this model, without the sizes that are as usual."""
    from tensorrank.atlas.kinds import made

    sizes = model.to_dict()
    for name in list(sizes):
        fewer = {other: value for other, value in sizes.items() if other != name}
        try:
            usual = made(model.kind, fewer) == model
        except TensorRankError:
            continue
        sizes = fewer if usual else sizes
    return " ".join([model.kind, *(f"{name}={_word(value)}" for name, value in sizes.items())])


def _word(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], str):
        return "+".join(value) + "+" * (len(value) == 1)
    if isinstance(value, list):
        return "x".join(map(str, value)) + "x" * (len(value) == 1)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sizes(words: Sequence[str], taken: Collection[str] = ()) -> dict[str, list[Any]]:
    """The values of each size, of which none may have a name that is taken by an option."""
    sizes: dict[str, list[Any]] = {}
    for word in words:
        name, values = _size(word)
        if name in sizes or name in taken:
            options = ", and options of the study as --NAME" if taken else ""
            raise TensorRankError(f"{word!r} was given; expected each size once{options}")
        sizes[name] = values
    return sizes


def _size(word: str) -> tuple[str, list[Any]]:
    name, sign, values = word.partition("=")
    if not (name and sign and values):
        raise TensorRankError(f"{word!r} was given; expected a size and its values, such as depth=1-3")
    return name, [value for part in values.split(",") for value in _values(name, part.strip())]


def _values(name: str, text: str) -> Sequence[Any]:
    """The values that a text stands for.

    >>> _values("depth", "1-3"), _values("widths", "2x3"), _values("widths", "4x"), _values("shared", "true")
    ((1, 2, 3), [(2, 3)], [(4,)], [True])
    >>> _values("gates", "none+inputs")
    [('none', 'inputs')]
    >>> _values("edges", "0-1+1-2"), _values("edges", "0-1+"), _values("edges", "cycle:6")
    ([('0-1', '1-2')], [('0-1',)], ['cycle:6'])
    """
    if text in ("true", "false"):
        return [text == "true"]
    if re.fullmatch(r"\d+x(\d+x)*\d*", text):
        return [tuple(int(number) for number in text.split("x") if number)]
    if "+" in text:
        return [tuple(part for part in text.split("+") if part)]
    return whole_numbers(text, name) if text[:1].isdecimal() else [text]
