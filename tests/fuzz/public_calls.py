"""Calls of every public function, class and method, some of whose arguments are hostile.

An input is the text of a call, which is a test as it stands. It begins as a good call of `CALLS`; then values of
arguments, or parts of them, are replaced by hostile ones, options that the call does not name among them.
"""

import ast
import inspect
import itertools
import traceback
from random import Random

from fuzz.good_calls import CALLS, namespace
from fuzz.hostile import callable_values, hostile
from fuzz.judge import NoInputError, frames
from fuzz.places import places
from fuzz.target import Target

from tensorrank.errors import TensorRankError

# Arguments that are called: what raises there is not ours, so only what cannot be called is put in their place.
_CALLED = frozenset(
    {"progress", "function", "sampler", "observe", "stop", "solve", "matrix", "kind", "scheduler", "least", "update"}
)
_NAMES = namespace()
# The file that code in the text of a call is said to be from.
_CALL = "<call>"


def parameters_of(call: str) -> list[str]:
    """The names of the arguments that the function of a call takes, without those given by their place."""
    made = ast.parse(call, mode="eval").body
    known = inspect.signature(eval(ast.unparse(made.func), dict(_NAMES))).parameters.values()
    names = [one.name for one in known if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) and one.name != "self"]
    return names[len(made.args) :]


_PARAMETERS: dict[str, list[str]] = {}


def generate(stream: Random) -> str:
    """The text of a call with one or two hostile arguments."""
    text = stream.choice(CALLS)
    if text not in _PARAMETERS:
        _PARAMETERS[text] = parameters_of(text)
    call = ast.parse(text, mode="eval").body
    for _ in range(stream.choice((1, 1, 1, 2))):
        if stream.random() < 0.3 and call.keywords:
            _replace_a_part(call, stream)
        elif _PARAMETERS[text]:
            name = stream.choice(_PARAMETERS[text])
            call.keywords = [one for one in call.keywords if one.arg != name]
            call.keywords.append(ast.keyword(name, ast.parse(_value(name, stream), mode="eval").body))
    return ast.unparse(call)


def _value(name: str, stream: Random) -> str:
    while True:
        value = hostile(stream)
        if name not in _CALLED or value not in callable_values():
            return value


def _replace_a_part(call: ast.Call, stream: Random) -> None:
    """Replace something within an argument: an entry of a list, an argument of a call."""
    chosen = stream.choice(call.keywords)
    if chosen.arg in _CALLED:
        return
    found = list(places(chosen.value))
    if found:
        place = stream.choice(found)
        place.put(ast.parse(hostile(stream, place.freedom), mode="eval").body)


def consume(text: str) -> object:
    """Make the call, look at the result, and begin to go through it if it is an iterator.

    Raises:
        NoInputError: if an argument cannot be made, before the library is called.
    """
    names = dict(_NAMES)
    try:
        call = ast.parse(text, mode="eval").body
        function = _evaluated(call.func, names)
        positional = [_evaluated(part, names) for part in call.args]
        named = {part.arg: _evaluated(part.value, names) for part in call.keywords}
    except TensorRankError:
        raise
    except BaseException as error:
        if frames(error):
            raise
        raise NoInputError from error
    try:
        result = function(*positional, **named)
    except Exception as error:
        # A function that stands in the text of the call, and that the library has called, raised by itself.
        if frames(error) and traceback.extract_tb(error.__traceback__)[-1].filename == _CALL:
            raise NoInputError from error
        raise
    repr(result)
    if inspect.isgenerator(result):
        list(itertools.islice(result, 3))
    if "tr.figures" in text:
        names["plt"].close("all")
    return result


def _evaluated(part: ast.expr, names: dict[str, object]) -> object:
    return eval(compile(ast.Expression(ast.fix_missing_locations(part)), _CALL, "eval"), names)


TARGET = Target("public_calls", generate, consume, cases=450)
