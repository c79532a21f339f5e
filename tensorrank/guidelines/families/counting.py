"""The model that a configuration of a known family describes: its shape, and its parameters, all and active."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tensorrank.arguments import meant, named, shown
from tensorrank.errors import TensorRankError, UnknownFamilyError
from tensorrank.guidelines.families.class_names import class_meant
from tensorrank.guidelines.families.family import Composite, Ending, Family, Weights
from tensorrank.guidelines.families.harmless import has_weights, is_harmless
from tensorrank.guidelines.families.reading import Reading, Whole
from tensorrank.guidelines.model_config import ModelConfig, Stack

# Keys share words, such as attention: only what is as near as this is a slip.
_SLIP = 0.8
# What keys of any family have to be, if the family says nothing else.
_EXPECTED = {"is_encoder_decoder": (False,)}


def described(name: str, family: Family, content: Mapping[str, Any], way_round: str) -> ModelConfig:
    """The model that a configuration of a family describes.

    Args:
        name: the model_type.
        family: what the table says of it.
        content: the configuration.
        way_round: what to try where the table does not know enough, for messages.

    Raises:
        TensorRankError: if keys are missing or have values that are not understood, or there are keys that the family
            does not know.
    """
    content = _flat(content, family.parts)
    _check_needed(name, family, content)
    reading = Reading(content, _sizes(family))
    ending, counted_as, notes = _class(name, family, reading, way_round)
    check_unbuilt(name, family, content)
    _check_values(name, {**_EXPECTED, **family.expects}, reading, way_round)
    stacks = _stacks(family, reading, alone=ending.encoder_alone)
    vocabulary, context = reading.known("vocabulary"), reading.known("context")
    width, embedding = reading.size("width"), reading.size("embedding")
    config = ModelConfig(
        family=name,
        stacks=stacks,
        vocabulary=vocabulary,
        embedding_rank=min(embedding, width, vocabulary or width),
        context=None if context is None else context - reading.size(family.unused_positions),
        learned_positions=reading.flag(family.learned_positions),
        embedding_parameters=_total(reading, _embeddings(family, reading, ending))[0],
        parameters_without_embeddings=sum(stack.parameters for stack in stacks) + _total(reading, ending.weights)[0],
        notes=(*notes, *_notes(family, reading, ending)),
        counted_as=counted_as,
    )
    _read_the_rest(family, reading)
    _check_all_read(name, family, reading, way_round)
    return config


def known_keys(family: Family, content: Mapping[str, Any]) -> frozenset[str]:
    """The keys that a family knows, whether they are in a configuration or not."""
    reading = Reading(_flat(content, family.parts), _sizes(family))
    for name in _sizes(family):
        with suppress(TensorRankError):
            reading.known(name)
    _read_the_rest(family, reading)
    return frozenset(reading.read | family.harmless | {*family.unbuilt, *family.expects, *family.parts})


def described_parts(
    name: str, family: Composite, known: Mapping[str, Any], content: Mapping[str, Any], way_round: str
) -> ModelConfig:
    """The model that a configuration with a configuration for each part describes: images first, then texts.

    Args:
        name: the model_type.
        family: what the table says of it.
        known: the families of the parts, by name.
        content: the configuration.
        way_round: what to try where the table does not know enough, for messages.

    Raises:
        TensorRankError: as `described`.
    """
    missing = [part for part in family.parts if not isinstance(content.get(part), Mapping)]
    if missing:
        given = shown(content.get(missing[0]))
        raise UnknownFamilyError(f"{missing[0]} is {given}; expected an object, as a {name} model has; {way_round}")
    reading = Reading(content, {})
    classes = reading.texts("architectures") or family.classes
    if classes[0] not in family.classes:
        raise UnknownFamilyError(
            f"architectures is {shown(list(classes))}; expected one of {', '.join(family.classes)} for a {name} model"
            f"{meant(classes[0], family.classes)}; {way_round}"
        )
    _check_values(name, {**_EXPECTED, **family.expects}, reading, way_round)
    reading.read.update(family.parts)
    _check_all_read(name, family, reading, way_round)
    first, second = (_described_part(key, part, known[part], content[key], way_round) for key, part in family.parts.items())
    return replace(
        second,
        family=name,
        stacks=(*first.stacks, *second.stacks),
        embedding_parameters=first.embedding_parameters + second.embedding_parameters,
        parameters_without_embeddings=first.parameters_without_embeddings
        + second.parameters_without_embeddings
        + family.between(first.main_stack.width, second.main_stack.width),
        notes=(family.note,),
        counted_as=classes[0],
    )


def _described_part(key: str, name: str, family: Family, content: Mapping[str, Any], way_round: str) -> ModelConfig:
    given = content.get("model_type", name)
    if given != name:
        raise UnknownFamilyError(f"{key}.model_type is {shown(given)}; expected {name!r}; {way_round}")
    # Whether embeddings are shared is said by the whole.
    own = {name: value for name, value in content.items() if name != "tie_word_embeddings"}
    try:
        return described(name, family, own, way_round)
    except TensorRankError as error:
        raise type(error)(f"in {key}: {error}") from error


def _flat(content: Mapping[str, Any], parts: Iterable[str]) -> Mapping[str, Any]:
    """The configuration with the keys of its parts, as "part.key", in place of the parts."""
    flat = dict(content)
    for part in parts:
        given = flat.pop(part, None)
        if given is not None and not isinstance(given, Mapping):
            raise TensorRankError(f"{part} is {shown(given)}; expected an object")
        flat |= {f"{part}.{key}": value for key, value in (given or {}).items()}
    return flat


def _sizes(family: Family) -> dict[str, Whole]:
    """The sizes of a family by name, those that follow from others included."""
    names = ("depth", "width", "heads", "vocabulary", "context", "second_depth")
    return {
        **{name: getattr(family, name) for name in names},
        "kv_heads": lambda reading: _kv_heads(family, reading),
        "head_dim": lambda reading: _head_dim(family, reading),
        "inner": lambda reading: reading.whole(family.inner) or 4 * reading.size("width"),
        "embedding": lambda reading: reading.whole(family.embedding) or reading.size("width"),
        "queries": lambda reading: reading.size("heads") * reading.size("head_dim"),
        "keys": lambda reading: reading.size("kv_heads") * reading.size("head_dim"),
        "labels": _labels,
        **family.more,
    }


def _stacks(family: Family, reading: Reading, *, alone: bool) -> tuple[Stack, ...]:
    stacks: list[Stack] = []
    roles = family.roles(reading) if callable(family.roles) else family.roles
    experts, used = (reading.size(size) for size in family.experts or (0, 0))
    if used > experts:
        raise TensorRankError(f"{used} experts are chosen for a token, of {experts}; expected no more than there are")
    head_dim, values = reading.size("head_dim"), reading.size(family.value_dim or "head_dim")
    for role in roles[:1] if alone else roles:
        # A decoder that follows an encoder attends to it, too.
        second = bool(stacks)
        depth = (reading.known("second_depth") if second else None) or reading.size("depth")
        own = depth if second else reading.size(family.own_layers)
        layer = (*family.layer, *(family.second if second else ()))
        in_layers, idle = _total(reading, layer, own)
        stacks.append(
            Stack(
                role,
                depth,
                reading.size("width"),
                reading.size("heads"),
                reading.size("kv_heads"),
                head_dim,
                reading.size(family.feed_forward),
                in_layers + _total(reading, family.ends)[0],
                idle_parameters=idle,
                experts=experts,
                experts_per_token=used,
                value_dim=None if values == head_dim else values,
                latent=None if family.latent is None else reading.size(family.latent),
            )
        )
    return tuple(stacks)


def _embeddings(family: Family, reading: Reading, ending: Ending) -> tuple[Weights, ...]:
    """The weights of all embeddings; the output's are counted where they are not those of the input."""
    found = family.embeddings
    if family.vocabulary is not None:
        found += (Weights("vocabulary", "embedding"),)
    if ending.writes:
        untied = not reading.flag(family.tied)
        found += (Weights("embedding", "vocabulary", when=untied), Weights("vocabulary", when=family.output_bias))
    return found


def _total(reading: Reading, weights: Iterable[Weights], layers: int = 1) -> tuple[int, int]:
    """The number of parameters, and how many of them are idle."""
    counts = [one.count(reading, layers) for one in weights]
    return sum(found for found, _ in counts), sum(idle for _, idle in counts)


def _class(name: str, family: Family, reading: Reading, way_round: str) -> tuple[Ending, str, list[str]]:
    """What the class of the weights has, its name, and notes; the first known class where none is named."""
    classes = reading.texts("architectures")
    if not classes:
        first = next(iter(family.endings))
        return family.endings[first], family.prefix + first, []
    given, known = classes[0], {family.prefix + ending: ending for ending in family.endings}
    counted = class_meant(given, known)
    if counted is None:
        first, *_ = known
        # What begins as the family's classes do may be one of those that the table does not have.
        others = f", or {way_round}" if given.startswith(family.prefix) else ""
        raise UnknownFamilyError(
            f"architectures is {shown(list(classes))}; expected one of {', '.join(known)} for a {name} model"
            f"{meant(given, list(known))}; leave the key out to count {first}{others}"
        )
    notes = [] if given == counted else [f"counted as {counted}, for which {shown(given)} is taken"]
    if len(classes) > 1:
        notes.append(f"the first of the {len(classes)} classes that are named is counted")
    return family.endings[known[counted]], counted, notes


def _notes(family: Family, reading: Reading, ending: Ending) -> list[str]:
    notes = [note(reading) if callable(note) else note for note in family.notes]
    return [note for note in (*notes, ending.note) if note]


def _check_needed(name: str, family: Family, content: Mapping[str, Any]) -> None:
    missing = [keys.split("|")[0] for keys in family.needed if all(content.get(key) is None for key in keys.split("|"))]
    if missing:
        one, there = len(missing) == 1, [key for key in content if not is_harmless(key) and key not in missing]
        raise TensorRankError(
            f"the key{'' if one else 's'} {', '.join(missing)} {'is' if one else 'are'} missing; "
            f"expected {'it' if one else 'them'} in the configuration of a {name} model{meant(missing[0], there, _SLIP)}"
        )


def check_unbuilt(name: str, family: Family, content: Mapping[str, Any]) -> None:
    """Refuse values of which neither the table nor the library of the format builds what they say.

    Raises:
        TensorRankError: naming the key, its value, and those that are counted.
    """
    reading = Reading(_flat(content, family.parts), {})
    for key, values, given in _unexpected(family.unbuilt, reading):
        raise TensorRankError(
            f"{key} is {given}; expected {values} in a {name} model: transformers builds no other; give depth and width"
        )


def _check_values(name: str, expected: Mapping[str, tuple[Any, ...]], reading: Reading, way_round: str) -> None:
    """Refuse values with which more, or something else, is built than the weights of a family describe."""
    for key, values, given in _unexpected(expected, reading):
        raise UnknownFamilyError(f"{key} is {given}; expected {values} in a {name} model that the table counts; {way_round}")
    for key, given in reading.content.items():
        if has_weights(key, given):
            raise UnknownFamilyError(
                f"{key} is {shown(given)}, a function with weights of its own; expected one without in a {name} model that the "
                f"table counts; {way_round}"
            )


def _unexpected(expected: Mapping[str, tuple[Any, ...]], reading: Reading) -> Iterator[tuple[str, str, str]]:
    """Keys with other values than expected, each with the expected ones and the given one in words."""
    for key, values in expected.items():
        given = reading.value(key, values[0])
        if values[0] is True and reading.content.get(key, True) is None:
            given = None  # which the code that builds models takes for false
        if not any(type(given) is type(one) and given == one for one in values):
            yield key, " or ".join(json.dumps(one) for one in values), shown(given)


def _read_the_rest(family: Family, reading: Reading) -> None:
    """Read what other classes of the family and other options have; what is wrong there does no harm."""
    facts = (one for ending in family.endings.values() for one in ending.weights)
    for one in (*facts, *family.layer, *family.second, *family.ends, *family.embeddings):
        for size in (one.rows, one.columns, one.copies, one.used or 0, one.layers or 0):
            with suppress(TensorRankError):
                reading.size(size)
        for flag in (one.bias, one.when, family.tied, family.output_bias):
            with suppress(TensorRankError):
                reading.flag(flag)
    with suppress(TensorRankError):
        reading.known("second_depth")


def _check_all_read(name: str, family: Family | Composite, reading: Reading, way_round: str) -> None:
    """Refuse keys that nothing has read and that may change the architecture."""
    known = reading.read | family.harmless | set(getattr(family, "unbuilt", ()))
    unknown = [key for key in reading.content if key not in known and not is_harmless(key)]
    if not unknown:
        return
    absent = sorted(known - set(reading.content))
    near = next((text for key in unknown if (text := meant(key, absent, _SLIP))), "")
    one = len(unknown) == 1
    raise UnknownFamilyError(
        f"the key{'' if one else 's'} {named(unknown)} {'is' if one else 'are'} not known of a {name} model, and may change "
        f"it{near}; leave {'it' if one else 'them'} out if {'it does' if one else 'they do'} not, or {way_round}"
    )


def _kv_heads(family: Family, reading: Reading) -> int:
    heads = reading.size("heads")
    found = reading.whole(family.kv_heads, null_counts=True) or heads
    if heads % found:
        key = _key_of(family.kv_heads, "num_key_value_heads")
        absent = "" if key in reading.content else " where it is left out"
        raise TensorRankError(f"{key} is {found}{absent}; expected a divisor of the {heads} attention heads")
    return found


def _head_dim(family: Family, reading: Reading) -> int:
    width, heads = reading.size("width"), reading.size("heads")
    found = reading.whole(family.head_dim, null_counts=True)
    if found is None and width % heads:
        key = _key_of(family.head_dim, "")
        hint = f", or the key {key}" if key else ""
        raise TensorRankError(f"{heads} heads do not divide the width {width}; expected a divisor{hint}")
    return found or width // heads


def _key_of(fact: Whole, otherwise: str) -> str:
    keys = fact[0] if isinstance(fact, tuple) else fact if isinstance(fact, str) else otherwise
    return keys.split("|")[0]


def _labels(reading: Reading) -> int:
    """The classes of the head of a task: as many as have names, or their number, or two."""
    names, number = reading.part("id2label"), reading.whole(("num_labels", None))
    if names and number is not None and number != len(names):
        raise TensorRankError(f"num_labels is {number}, but id2label has {len(names)} names; expected as many")
    return len(names) or number or 2
