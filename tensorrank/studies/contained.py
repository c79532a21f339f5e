"""Findings as they are shown: no lower bound is less than what is certified of a model that is contained.

A store keeps what was computed of each model alone. What is printed, exported or pictured passes `raised_findings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from tensorrank.separation.architecture import Architecture
from tensorrank.separation.containment import Ranked, all_raised
from tensorrank.separation.partition import Bipartition
from tensorrank.studies.run import Finding

T = TypeVar("T")


def raised_findings(findings: Iterable[Finding[T]], known: Iterable[Finding[Any]] = ()) -> list[Finding[T]]:
    """The findings in their order, every lower bound raised to the best that is certified of a model contained.

    A result that is raised says in its reason which model its bound comes from. Upper bounds stay as they are.

    Args:
        findings: those to be shown.
        known: others, such as the rest of a store, whose bounds count too.

    Raises:
        TensorRankError: if a lower bound exceeds the proven upper bound of a model that contains its own, which means
            that one of them is wrong.

    >>> from tensorrank.attention.architecture import SelfAttention
    >>> from tensorrank.studies.store import Store
    >>> from tensorrank.studies.study import Study
    >>> with Store(":memory:") as store:
    ...     study = Study.over(SelfAttention, depth=2, width=(3, 16), heads=3, head_dim=1, work=1e7)
    ...     findings = list(study.run(store))
    >>> findings[1].result.value < 43
    True
    >>> [finding.result.brief() for finding in raised_findings(findings)]
    ['43', '≥ 43']
    """
    listed = list(findings)
    among = [one for one in [*listed, *known] if isinstance(one.model, Architecture)]
    results = all_raised([Ranked(one.model, Bipartition.halves(one.model.sites), one.result) for one in among])
    best = {id(one): result for one, result in zip(among, results, strict=True)}
    return [replace(one, result=best.get(id(one), one.result)) for one in listed]
