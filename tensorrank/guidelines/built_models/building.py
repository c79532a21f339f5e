"""A model of transformers built of a configuration on the meta device: its modules and shapes, and no numbers.

No weights are loaded, nothing is fetched, and no code that a configuration names is run: only classes that come with
transformers are built.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tensorrank.arguments import meant, named, shown
from tensorrank.errors import TensorRankError, TooLargeError
from tensorrank.given_files.paths import in_a_line
from tensorrank.guidelines.families.class_names import class_meant
from tensorrank.guidelines.families.harmless import is_harmless

# The families of transformers 5.24, for messages where it is not installed.
_NAMES = Path(__file__).with_name("model_types.txt")
# Keys that say how a model is loaded and run, of which nothing is built.
_OF_RUNNING = """
    architectures auto_map quantization_config dtype torch_dtype attn_implementation _attn_implementation
    _attn_implementation_internal experts_implementation transformers_version _name_or_path _commit_hash
"""
# Whole numbers with these words in their names are lengths of lists in a configuration, and may be so large at most.
_LISTED = dict.fromkeys(("layer", "depth", "block", "stage"), 2048) | {"label": 10**5}
_NO_NUMBERS_OF_THESE = ("size", "dim", "norm", "width", "token")
# More arrays of weights than these take longer than some seconds to build.
_MOST_PARAMETERS = 30_000
_LEAST_VERSION = 5
# A key that is as near as this to one that a family has, and that is not there, is taken for a slip.
_SLIP = 0.85


@dataclass(frozen=True)
class BuiltModel:
    """A model without numbers.

    Attributes:
        module: the module, whose parameters have shapes only.
        config: the configuration as transformers has it, what was left out included.
        notes: what a reader should know of what was built.
    """

    module: Any
    config: Any
    notes: tuple[str, ...]


def installed() -> str | None:
    """The version of transformers, if it is 5 or later and PyTorch is there, too; else None."""
    try:
        found = version("transformers") if find_spec("torch") and find_spec("transformers") else "0"
    except PackageNotFoundError:
        return None
    return found if found.partition(".")[0].isdigit() and int(found.partition(".")[0]) >= _LEAST_VERSION else None


def model_types(*, of_installed: bool) -> frozenset[str]:
    """The families of transformers: of the version that is installed, or, without importing it, of version 5.24."""
    return frozenset(_auto().CONFIG_MAPPING_NAMES if of_installed else _NAMES.read_text(encoding="utf-8").split())


def writes_texts(name: str) -> bool:
    """Whether a family has models that write texts token by token."""
    return name in _classes().MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def built(content: Mapping[str, Any], known: Set[str]) -> BuiltModel:
    """The model that architectures and model_type name, on the meta device.

    Args:
        content: the configuration.
        known: keys of which nothing needs to be said if transformers reads nothing of them.

    Raises:
        TooLargeError: if transformers would build more than fits a moment.
        TensorRankError: if transformers refuses the configuration, or does not know the class.
    """
    name = content["model_type"]
    _check_sizes(content, "")
    with _by_itself():
        config = _config(name, content)
        kind, notes = _class(name, config, content)
        watched = _watched(config)
        module = _module(name, kind, config)
    if not _has_sizes(content):
        notes.append("the configuration says no sizes; counted are those that transformers takes where they are left out")
    return BuiltModel(module, config, (*notes, *_unread(name, content, known, watched)))


def _auto() -> Any:
    return import_module("transformers.models.auto.configuration_auto")


def _classes() -> Any:
    return import_module("transformers.models.auto.modeling_auto")


def _has_sizes(content: Any) -> bool:
    """Whether a configuration, or a part of it, has a whole number that may be a size."""
    if isinstance(content, Mapping):
        return any(_has_sizes(value) for key, value in content.items() if not is_harmless(key))
    return any(map(_has_sizes, content)) if isinstance(content, list) else type(content) is int


def _check_sizes(content: Any, place: str) -> None:
    """Refuse what would be built one by one for ever."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            _check_sizes(value, f"{place}.{key}" if place else str(key))
    elif isinstance(content, list):
        for value in content:
            _check_sizes(value, place)
    elif type(content) is int:
        name = place.rpartition(".")[2]
        most = min((limit for word, limit in _LISTED.items() if word in name), default=content)
        if content > most and not any(word in name for word in _NO_NUMBERS_OF_THESE):
            raise TooLargeError(f"{place} is {shown(content)}; expected at most {most}, as each is built by itself")


def _without(content: Any) -> Any:
    """The configuration without the keys of running, in its parts, too."""
    if isinstance(content, Mapping):
        return {key: _without(value) for key, value in content.items() if key not in _OF_RUNNING.split()}
    return [_without(value) for value in content] if isinstance(content, list) else content


def _config(name: str, content: Mapping[str, Any]) -> Any:
    rest = _without({key: value for key, value in content.items() if key != "model_type"})
    try:
        return _auto().CONFIG_MAPPING[name].from_dict(rest)
    except Exception as error:  # of another library, which may raise anything
        raise TensorRankError(f"transformers refuses this configuration of a {name} model: {_first_words(error)}") from error


def _class(name: str, config: Any, content: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The class of the weights, and notes; where none is named, the one that writes or the bare model."""
    names = content.get("architectures") or []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise TensorRankError(f"architectures is {shown(names)}; expected a list of texts")
    known = _known_classes(name)
    if not names:
        return _known_class(name, _default(name, config, known)), []
    given, notes = names[0], []
    if len(names) > 1:
        notes.append(f"the first of the {len(names)} classes that are named is counted")
    found = _imported(given)
    if found is not None:
        if not isinstance(config, found.config_class):
            other = found.config_class.model_type
            raise TensorRankError(
                f"architectures names {given}, a class of {other} models, and model_type is {name!r}; expected a class of "
                f"{name} models: leave the key out to count {_default(name, config, known)}"
            )
        return found, notes
    counted = class_meant(given, known)
    if counted is None:
        raise TensorRankError(
            f"architectures is {shown(names)}; expected one of {', '.join(known)} for a {name} model{meant(given, known)}; "
            f"leave the key out to count {_default(name, config, known)}"
        )
    notes.append(f"counted as {counted}, for which {shown(given)} is taken")
    return _known_class(name, counted), notes


def _known_class(name: str, chosen: str) -> Any:
    """A class of a family by its name."""
    found = _imported(chosen)
    if found is None:
        raise TensorRankError(
            f"transformers {installed()} names {chosen} for a {name} model and does not have it; expected architectures to "
            "name a class that it has"
        )
    return found


def _known_classes(name: str) -> list[str]:
    """The classes of a family, by all that transformers makes automatically."""
    named = (one for one in vars(_classes()).items() if one[0].startswith("MODEL") and one[0].endswith("_MAPPING_NAMES"))
    mappings = (mapping for _, mapping in named)
    found = (mapping[name] for mapping in mappings if name in mapping)
    return list(dict.fromkeys(one for names in found for one in ([names] if isinstance(names, str) else names)))


def _default(name: str, config: Any, known: list[str]) -> str:
    auto = _classes()
    writers = []
    if getattr(config, "is_encoder_decoder", False):
        writers = ["MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES", "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES"]
    elif name not in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        writers = ["MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"]
    for mapping in (*writers, "MODEL_MAPPING_NAMES"):
        chosen = getattr(auto, mapping, {}).get(name)
        if chosen:
            return chosen if isinstance(chosen, str) else chosen[0]
    if not known:
        raise TensorRankError(f"transformers has no model of the family {name} by itself; expected architectures to name one")
    return known[0]


def _imported(name: str) -> Any:
    """A class of models of one family that comes with transformers; None for any other name."""
    transformers = import_module("transformers")
    found: Any = getattr(transformers, name, None) if name.isidentifier() else None
    is_model = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    return found if is_model and isinstance(found.config_class, type) else None


def _module(name: str, kind: Any, config: Any) -> Any:
    import torch
    from torch.overrides import TorchFunctionMode

    class Unfilled(TorchFunctionMode):  # type: ignore[misc] # of a library without types
        """Weights get no first numbers: there are none on the meta device, and drawing them takes half the time."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            given = kwargs or {}
            return given["tensor"] if getattr(func, "__module__", "") == "torch.nn.init" else func(*args, **given)

    made = 0

    def count(module: object, key: str, parameter: object) -> None:
        nonlocal made
        made += 1
        if made > _MOST_PARAMETERS:
            raise TooLargeError(
                f"a {name} model of this configuration has more than {_MOST_PARAMETERS} arrays of weights; expected fewer, "
                "since each is built by itself: give depth and width"
            )

    hook = torch.nn.modules.module.register_module_parameter_registration_hook(count)
    try:
        with torch.device("meta"), Unfilled():
            return kind(config)
    except TensorRankError:
        raise
    except Exception as error:  # of another library, which may raise anything
        words = _first_words(error)
        raise TensorRankError(f"transformers cannot build {kind.__name__} of this configuration: {words}") from error
    finally:
        hook.remove()


def _watched(config: Any, place: str = "") -> list[tuple[str, Any, set[str]]]:
    """The configuration and its parts: the place of each, its class, and a set that takes the names read of it."""
    found: list[tuple[str, Any, set[str]]] = []
    for key, value in list(vars(config).items()):
        if hasattr(value, "to_diff_dict"):
            found += _watched(value, f"{place}{key}.")
    read: set[str] = set()
    kind: Any = type(config)

    def remember(self: Any, name: str) -> Any:
        read.add(name)
        return kind.__getattribute__(self, name)

    config.__class__ = type(kind.__name__, (kind,), {"__getattribute__": remember, "__module__": kind.__module__})
    return [(place, kind, read), *found]


def _unread(name: str, content: Mapping[str, Any], others: Set[str], watched: list[tuple[str, Any, set[str]]]) -> list[str]:
    """A note on keys that nothing has read and that transformers does not know; a slip is refused."""
    unread = []
    for place, kind, read in watched:
        part: Any = content
        for step in place.split(".")[:-1]:
            part = part.get(step, {}) if isinstance(part, Mapping) else {}
        known = {one.name for one in fields(kind)} | set(kind.attribute_map) | _properties(kind) | read
        for key in part if isinstance(part, Mapping) else ():
            if key in known or key in others or is_harmless(key):
                continue
            unread.append(place + key)
            near = get_close_matches(key, sorted(known - set(part)), n=1, cutoff=_SLIP)
            if near and key not in _saved(kind):
                raise TensorRankError(
                    f"the key {place}{key} is not known of a {name} model; did you mean {near[0]!r}? If not, leave it out"
                )
    keys = f"the key{'s' * (len(unread) > 1)} {named(unread)}"
    if not unread:
        return []
    return [f"transformers makes nothing of {keys}, which may change the architecture: what is counted is the model without"]


def _properties(kind: Any) -> set[str]:
    """Keys that a class of configurations keeps by another name of its own."""
    return {name for name in dir(kind) if isinstance(getattr(kind, name, None), property)}


def _saved(kind: Any) -> set[str]:
    """The keys that a class of configurations writes of itself, which are no slips, whether it reads them or not."""
    try:
        return set(kind().to_dict())
    except Exception:  # of another library: some configurations cannot be made of nothing
        return set()


def _first_words(error: BaseException) -> str:
    if isinstance(error, import_module("huggingface_hub.errors").OfflineModeIsEnabled):
        return (
            "it names another model, which would have to be fetched; expected that model's own configuration in its place, "
            "such as backbone_config for backbone"
        )
    return in_a_line(" ".join(str(error).split()) or type(error).__name__)


@contextmanager
def _by_itself() -> Iterator[None]:
    """A context in which transformers prints no warnings and fetches nothing, whatever a configuration names."""
    log: Any = import_module("transformers.utils.logging")
    hub: Any = import_module("huggingface_hub.constants")
    level, offline = log.get_verbosity(), hub.HF_HUB_OFFLINE
    log.set_verbosity(log.CRITICAL)
    hub.HF_HUB_OFFLINE = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(level)
        hub.HF_HUB_OFFLINE = offline
