"""Changes of valid files: of the values of JSON, of text, and of bytes."""

import copy
import json
from random import Random
from typing import Any

from fuzz.lists import values

_TOKENS = ("{", "}", "[", "]", ",", ":", '"', "\\", "\n", "\x00", "\ufeff", "//", "0", "-", "e", ".", "\u2028", "é", "\ud800")
_KEYS = ("version", "densities", "variables", "length")
_MARK = "\x01odd\x01"


def changed_json(stream: Random, value: Any) -> bytes:
    """A JSON file whose values, keys or text are changed in a place or two."""
    value, odd = copy.deepcopy(value), []
    for _ in range(stream.choice((1, 1, 1, 2, 3))):
        places = list(_places(value))
        rows = [(one, key) for one, key in places if _is_row(one[key])]
        if rows and stream.random() < 0.4:
            container, key = stream.choice(rows)
            container[key] = stream.choice(_rows(len(container[key])))
        elif places:
            _change(stream, value, *stream.choice(places), odd)
    text = json.dumps(value)
    for chosen in odd:
        text = text.replace(json.dumps(_MARK), chosen, 1)
    if stream.random() < 0.15:
        text = changed_text(stream, text)
    if stream.random() < 0.05:
        text = _with_a_key_twice(stream, text)
    content = text.encode("utf-8", "surrogatepass")
    return changed_bytes(stream, content) if stream.random() < 0.05 else content


def _places(value: Any):
    """Every place in the value, as the container and the key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _change(stream: Random, whole: Any, container: Any, key: Any, odd: list[str]) -> None:
    """Change one place of the value; texts for `odd` replace marks once the value is written."""
    old = container[key]
    match stream.randrange(12):
        case 0 | 1 | 2:
            container[key] = _MARK
            odd.append(stream.choice(values("json_values")))
        case 3:
            del container[key]
        case 4 if isinstance(container, list):
            container.insert(key, copy.deepcopy(old))
        case 4:
            container[stream.choice((f"{key}s", str(key).upper(), "x", "", *_KEYS))] = old
        case 5:
            container[key] = copy.deepcopy(stream.choice([whole, *(one[name] for one, name in _places(whole))]))
        case _ if isinstance(old, int | float) and not isinstance(old, bool):
            container[key] = stream.choice(
                (-old, old + 1, old * 2, old * 1e-9, 1 - old, 0, 1, 2, 3, 10**9, 1e-300, str(old), [old])
            )
        case _:
            container[key] = [old]


def _is_row(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and not any(isinstance(one, list | dict) for one in value)


def _rows(length: int) -> list[list[Any]]:
    """Rows that sum to one, or nearly."""
    rest = [0] * (length - 1)
    return [
        [1, *rest],
        [*rest, 1.0],
        [1 / length] * length,
        [f"1/{length}"] * length,
        [1e-300, *rest[1:], 1.0],
        [1 - 1e-9, *rest],
        [1.0000009, *rest],
        [1.000002, *rest],
        [f"1/{10**300}", *rest[1:], f"{10**300 - 1}/{10**300}"],
        [f"1/{2**64}", *rest[1:], f"{2**64 - 1}/{2**64}"],
        [5e-324, *rest[1:], 1.0],
        [-0.0, *rest[1:], 1.0],
        [0, *rest],
    ]


def _with_a_key_twice(stream: Random, text: str) -> str:
    start = text.find("{")
    return (
        text
        if start < 0
        else f'{text[: start + 1]}"{stream.choice(("model", "version", "model_type", "x"))}": 1, {text[start + 1 :]}'
    )


def changed_text(stream: Random, text: str) -> str:
    """Text cut off, with pieces removed, repeated or inserted."""
    for _ in range(stream.choice((1, 1, 2, 4))):
        place = stream.randrange(len(text) + 1)
        end = min(len(text), place + stream.choice((1, 2, 5, 20, 200)))
        match stream.randrange(5):
            case 0:
                text = text[:place]
            case 1:
                text = text[:place] + text[end:]
            case 2:
                text = text[:place] + text[place:end] * 2 + text[end:]
            case 3:
                text = text[:place] + stream.choice(_TOKENS) + text[place:]
            case _:
                text = text[:place] + stream.choice(_TOKENS) + text[place + 1 :]
    return text


def changed_bytes(stream: Random, content: bytes) -> bytes:
    """Bytes cut off, flipped, overwritten, removed or inserted."""
    changed = bytearray(content)
    for _ in range(stream.choice((1, 1, 2, 8))):
        place = stream.randrange(len(changed) + 1)
        end = min(len(changed), place + stream.choice((1, 2, 4, 16, 256)))
        match stream.randrange(6):
            case 0:
                del changed[place:]
            case 1:
                del changed[place:end]
            case 2 if place < len(changed):
                changed[place] ^= 1 << stream.randrange(8)
            case 3:
                changed[place:end] = bytes(end - place)
            case 4:
                changed[place:end] = b"\xff" * (end - place)
            case _:
                changed[place:place] = stream.randbytes(stream.choice((1, 4, 16)))
    return bytes(changed)
