"""Entries of what was found elsewhere: the ranks in the store of a study, saved results, other atlases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorrank.arguments import shown
from tensorrank.atlas.entry import CERTIFIED, Entry
from tensorrank.atlas.files import entries_of, is_atlas
from tensorrank.atlas.kinds import SizedModel, made, model_in_words, model_of
from tensorrank.errors import TensorRankError
from tensorrank.given_files.json_values import read_json
from tensorrank.given_files.paths import named_in_errors
from tensorrank.separation.evidence import OF_GIVEN_NUMBERS
from tensorrank.separation.partition import Bipartition, checked_partition
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.store import Store

_EXPECTED = "the store of a study, a result as `tensorrank rank --json` or SeparationRank.to_dict gives it, or an atlas"


def stored_entries(store: Store, source: str) -> tuple[list[Entry], list[str]]:
    """The entries of the ranks in a store, and in words what was left out.

    The store's ranks are those between the balanced halves. Mixtures are left out, since nobody can make them again
    from what a store says of them.

    Raises:
        TensorRankError: if the sizes of a stored model are impossible.
    """
    entries, left_out = [], Counter[str]()
    for key, stored in store:
        model = model_of(key)
        if not isinstance(model, SizedModel):
            left_out[f"of kind {key.kind}, whose tables are not in the store"] += 1
        elif stored.result.standing not in CERTIFIED:
            left_out[f"called {stored.result.standing}"] += 1
        else:
            halves = Bipartition.halves(model.sites)
            entries.append(Entry(model, halves, stored.result, stored.version, source))
    return entries, [f"{count} rank{'s' * (count > 1)} {why}" for why, count in left_out.items()]


def entry_of_result(result: SeparationRank, source: str, version: str | None = None) -> Entry:
    """The entry of a result, which says which model and partition it is of.

    A bound for particular weights is one for almost all weights, too, since special weights do not raise a rank. A rank
    that is only probable for them is no entry.

    Args:
        result: the result.
        source: where it came from.
        version: of the tensorrank that computed it, if that is known.

    Raises:
        TensorRankError: if the result does not say what it is of, is of a model that plain sizes do not make, is
            numerical, or is probable for weights that were given.
    """
    if result.model is None or result.partition is None:
        raise TensorRankError("the result does not say of which model and partition it is; compute it again")
    if result.standing == "probable" and result.reason is not None and OF_GIVEN_NUMBERS in result.reason:
        raise TensorRankError(
            "the rank is probable for weights that were given; expected one for almost all weights: compute it without them"
        )
    model = model_in_words(result.model)
    return Entry(model, Bipartition.of(model.sites, result.partition), result, version, source)


def saved_entries(path: Path, source: str) -> list[Entry]:
    """The entries of a JSON file: of one saved result, or of another atlas.

    Raises:
        TensorRankError: naming the file, if it is neither, or as `entry_of_result`.
    """
    with named_in_errors(path):
        content = read_json(path, _EXPECTED)
        return list(entries_of(content)) if is_atlas(content) else [_saved_result(content, source)]


def _saved_result(content: Any, source: str) -> Entry:
    """The entry of a result as `SeparationRank.to_dict` gives it, or as `tensorrank rank --json` prints it.

    The version that computed it may stand beside the fields of the result.
    """
    if not isinstance(content, Mapping) or not {"value", "standing"} <= set(content):
        raise TensorRankError(f"{shown(content)} was given; expected {_EXPECTED}")
    fields = dict(content)
    version, model, partition = fields.pop("version", None), fields.get("model"), fields.get("partition")
    if version is not None and not isinstance(version, str):
        raise TensorRankError(f"version is {shown(version)}; expected a text")
    if isinstance(model, Mapping):
        sizes = dict(model)
        fields["model"] = str(made(sizes.pop("kind", None), sizes))
    split = None
    if isinstance(partition, list) and len(partition) == 2 and all(isinstance(side, list) for side in partition):
        split = Bipartition(*map(tuple, partition))
        fields["partition"] = sorted(split.a)
    entry = entry_of_result(SeparationRank.from_dict(fields), source, version)
    checked_partition(entry.model.sites, split)
    return entry
