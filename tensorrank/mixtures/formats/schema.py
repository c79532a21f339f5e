"""Models as plain values and back, version 1 of the format of model files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tensorrank.arguments import nearest, shown
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.mixture import Mixture
from tensorrank.version import __version__

VERSION = 1


def to_dict(model: Mixture) -> dict[str, Any]:
    """The model as plain values, ready for JSON; `from_dict` makes the same model of them.

    Raises:
        TensorRankError: if it is no mixture of a kind that is registered.

    >>> from tensorrank.mixtures.latent_class import LatentClass
    >>> to_dict(LatentClass([1], [[["1/3", "2/3"]]]))
    {'model': 'latent_class', 'version': 1, 'weights': [1], 'components': [[['1/3', '2/3']]]}
    """
    if getattr(model, "kind", None) not in KINDS:
        raise TensorRankError(
            f"{shown(model)} was given as the model; expected one of the models {', '.join(KINDS)}; pickle keeps what is none"
        )
    densities = {} if model.densities is None else {"densities": model.densities.to_dict()}
    return {"model": model.kind, "version": VERSION, **model.fields(), **densities}


def from_dict(given: Mapping[str, Any]) -> Mixture:
    """The model that `to_dict` made plain.

    Raises:
        TensorRankError: if the model or the version is unknown, a field is missing or unknown, or the values make no
            such model.

    >>> from_dict({"model": "latent_class", "version": 1, "weights": [1], "components": [[["1/3", "2/3"]]]})
    LatentClass(1 variables, 1 classes, 2 values)
    """
    if not isinstance(given, Mapping):
        raise TensorRankError(f'the model is of the type {type(given).__name__}; expected an object with the field "model"')
    if {"value", "standing"} <= set(given):
        raise TensorRankError(
            "this is a separation rank, as `tensorrank rank --json` prints it; expected a model. `tensorrank atlas add` "
            "takes it"
        )
    if given.get("format") == "tensorrank atlas":
        raise TensorRankError("this is an atlas; expected a model. `tensorrank atlas --atlas FILE` lists it")
    kind = given.get("model")
    if not isinstance(kind, str) or kind not in KINDS:
        if "model" not in given:
            raise TensorRankError(f"the field 'model' is missing; expected one of {', '.join(KINDS)}")
        raise TensorRankError(f"the model is {shown(kind)}; {nearest(kind, KINDS)}")
    version = given.get("version")
    if type(version) is not int or version != VERSION:
        if type(version) is int and version > VERSION:
            raise TensorRankError(
                f"the version is {shown(version)}; tensorrank {__version__} reads {VERSION}, so a newer one is needed"
            )
        found = f"the version is {shown(version)}" if "version" in given else "the field 'version' is missing"
        raise TensorRankError(f"{found}; expected {VERSION}")
    model: type[Mixture] = KINDS[kind].model
    return model.from_fields(Fields(given))
