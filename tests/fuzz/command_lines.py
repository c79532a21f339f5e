"""Argument vectors: good command lines with changed values, unknown, missing, repeated and misplaced options."""

import shlex
from random import Random

from fuzz.command_line import invoke
from fuzz.lists import lines, values
from fuzz.target import Target

COMMANDS = tuple(map(shlex.split, lines("command_lines")))
_OPTIONS = [
    "--json",
    "--help",
    "--plan",
    "--seed",
    "--memory",
    "--work",
    "--threads",
    "--out",
    "--partition",
    "--nothing",
    "-x",
    "--",
    "--depth",
    "--width",
    "--weights",
    "--version",
    "--save",
    "--limit",
    "--causal",
    "--no-json",
    "--json=1",
    "-h",
    "--draws",
    "--method",
    "--scratch",
    "--log-json",
    "--figures",
]
# Without these a study is the main job, which takes minutes as it should.
_SMALL = (("--work", "1e6"), ("--threads", "1"))
# What a study of attention sweeps if it is not told.
_SWEPT = (("--widths", "2"), ("--depths", "1-2"))


def generate(stream: Random) -> list[str]:
    """An argument vector."""
    arguments = list(stream.choice(COMMANDS))
    for _ in range(stream.choice((1, 1, 1, 2, 3))):
        place = stream.randrange(1, len(arguments)) if len(arguments) > 1 else 0
        given = [number for number, one in enumerate(arguments) if number and _is_value(arguments[number - 1], one)]
        match stream.randrange(16):
            case 0:
                del arguments[place:]
            case 1:
                del arguments[place]
            case 2:
                arguments.insert(place, stream.choice(values("option_values")))
            case 3:
                arguments += [stream.choice(_OPTIONS), stream.choice(values("option_values"))]
            case 4:
                arguments.append(stream.choice(_OPTIONS))
            case 5:
                arguments += arguments[place : place + 2]
            case _ if given:
                arguments[stream.choice(given)] = stream.choice(values("option_values"))
            case _:
                arguments[place:] = [stream.choice(values("option_values"))]
        if not arguments:
            break
    if arguments[:1] == ["study"]:
        of_attention = len(arguments) < 2 or arguments[1].startswith("-")
        needed = (*_SMALL, *_SWEPT) if of_attention else _SMALL
        arguments += [word for option, value in needed if option not in arguments for word in (option, value)]
    if stream.random() < 0.5:
        arguments.append("--json")
    return arguments


def _is_value(before: str, one: str) -> bool:
    return before.startswith("--") and not one.startswith("--")


def consume(arguments: list[str]) -> object:
    """Run the program."""
    return invoke(arguments)


TARGET = Target("command_lines", generate, consume, cases=100)
