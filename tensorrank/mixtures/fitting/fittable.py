"""Mixtures that have `fit`: what stands once for all of them, signature and documentation included."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from types import FunctionType, MethodType
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast

from tensorrank.mixtures.fitting.options import FitSettings
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tables import Table

P = ParamSpec("P")
M = TypeVar("M")

# Where the options of every fit stand in the docstring of a kind.
_OPTIONS = "    **options: the options of every fit, which `FitOptions` names.\n"
_RETURNS = {
    "fit": "The fitted model, a new one; `fit_report` also tells of the course of the fit.",
    "fit_report": "A `FitReport`: the fitted model and the course of the fit; `fit` returns the model alone.",
}
_RAISES = (
    "TensorRankError: if the data cannot be used, it has fewer rows than there are states, or an option is unknown or\n"
    "        out of its range."
)


class _Reporting(Protocol[P, M]):
    """A kind of mixture with its own parameters of `fit_report`, for type checkers."""

    def fit_report(self, *args: P.args, **kwargs: P.kwargs) -> FitReport[M]: ...


class _ModelAlone:
    """The class method `fit` of each kind: its `fit_report`, with its parameters, of which only the model is kept."""

    def __get__(self, instance: object, owner: _Reporting[P, M]) -> Callable[P, M]:
        report = cast(MethodType, owner.fit_report).__func__

        @wraps(report)
        def fit(kind: _Reporting[P, M], /, *args: P.args, **kwargs: P.kwargs) -> M:
            return kind.fit_report(*args, **kwargs).model

        fit.__name__, fit.__qualname__ = "fit", report.__qualname__.replace("fit_report", "fit")
        fit.__doc__ = (report.__doc__ or "").replace(_RETURNS["fit_report"], _RETURNS["fit"])
        fit.__dict__["__signature__"] = inspect.signature(report).replace(return_annotation="Self")
        return cast("Callable[P, M]", MethodType(fit, owner))


class Fittable(Mixture):
    """A mixture that expectation-maximisation (EM) fits to data.

    A kind gives `replaced` and `fit_report`, whose own parameters stand before the options that all fits share. The
    kind inherits `fit`, with the parameters of its `fit_report`. Signatures name every option, and docstrings explain
    them.
    """

    fit = _ModelAlone()

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        if "fit_report" in cls.__dict__:
            _spell_out(cls.__dict__["fit_report"].__func__)

    @classmethod
    @abstractmethod
    def fit_report(cls, *args: Any, **options: Any) -> FitReport[Self]:
        """A model fitted to data, and the course of the fit."""

    @abstractmethod
    def replaced(self, image: Callable[[Table], Table], densities: Gaussians | None) -> Self:
        """The model with the image of each table in its place, and with these components."""


def _spell_out(report: FunctionType) -> None:
    """Puts the options that all fits share into the signature and the docstring of a kind's `fit_report`."""
    signature = inspect.signature(report)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    options = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type)
        for one in fields(FitSettings)
    ]
    report.__dict__["__signature__"] = signature.replace(parameters=[*own, *options])
    before, _, after = inspect.cleandoc(report.__doc__ or "").partition(_OPTIONS)
    explained = inspect.cleandoc(FitSettings.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    sections = f"\nReturns:\n    {_RETURNS['fit_report']}\n\nRaises:\n    {_RAISES}\n"
    report.__doc__ = f"{before}{explained}\n{sections}{after}"
