"""The sentence of an error taken apart, for programs that read it: what, given, expected, and what to try."""

from __future__ import annotations

import re

# What ends a message, if anything is advised.
_ADVICE = re.compile(
    r"[;:,.] (?:or |so )?(?:try:? |did you mean |(?=give |for .* as the value, write ))(?P<advice>.+?)[?.]?$",
    re.IGNORECASE | re.DOTALL,
)
# How typer's messages are made, then how those of the package are; the first that fits is taken.
_GRAMMAR = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"Invalid value for '(?P<what>[^']+)': (?P<given>.+?) was given\. (?:Input should be )?(?P<expected>[^,]+)(?:,.*)?",
        r"Invalid value for '(?P<what>[^']+)': (?P<expected>.+)",
        r"No such (?P<what>option|command):? (?P<given>'\S*'|\"\S*\"|\S+?)\.?(?: \(.+?: (?P<expected>.*?)\))?(?:\..*)?",
        r"Missing (?:option|argument|parameter) '(?P<what>[^']+)'\.?(?P<expected>.*)",
        r"Option '(?P<what>[^']+)' (?P<given>.+?)\.?",
        r"Got unexpected extra argument(?:s|\(s\))? \((?P<given>.*)\)",
        r"(?P<what>\S+) is followed by (?P<given>.+?); expected (?P<expected>.+)",
        r"(?P<given>.+?) (?:are|was|were) given as (?P<what>.+?)[;,] expected (?P<expected>.+)",
        r"(?P<what>.+?): (?P<given>.+?) (?:was|were) given[;,] expected (?P<expected>.+)",
        r"(?P<given>.+?) (?:was|were) given[;,] expected (?P<expected>.+)",
        r"(?P<what>.+?) (?:is|are|was|were|has|have|(?=cannot )) ?(?P<given>.+?)[;,] expected (?P<expected>.+)",
        r"(?P<what>.+?): (?P<given>.+?); expected (?P<expected>.+)",
        r"(?P<given>.+?); expected (?P<expected>.+)",
        r"(?P<what>.+?)(?<! which) (?P<given>cannot be .+)",
        r"(?P<what>.+?): (?P<given>missing .+)",
    )
)
# A text within quotes, as Python writes it. It may have the words by which sentences are taken apart.
_QUOTATION = re.compile(r"""(?<!\w)(?P<quote>['"])(?:\\.|(?!(?P=quote))[^\\])*(?P=quote)(?!\w)""", re.DOTALL)
# A text alone is given as it was typed.
_QUOTED = re.compile(r"^'([^'\\]*)'$")
# Longer messages, which no check makes, are not taken apart: the time grows with the square.
_LONGEST = 2000
_NAMES = ("what", "given", "expected", "try")


def parts_of(message: str) -> dict[str, str | None]:
    """The parts of a message by name: `what` is wrong, what was `given`, what was `expected`, and what to `try`.

    A part is None where the sentence has none, or is of another form. What users gave may hold words by which sentences
    are taken apart, so that the sentence itself is what counts.

    >>> parts_of("the engine is 'flot32'; expected one of bytes, float32; did you mean 'float32'?")
    {'what': 'the engine', 'given': 'flot32', 'expected': 'one of bytes, float32', 'try': 'float32'}
    """
    if len(message) > _LONGEST:
        return dict.fromkeys(_NAMES)
    # Quotations are covered first; one whose end was cut off may cover the sentence, which is then read as it is.
    spans = _spans(_QUOTATION.sub(_covered, message)) or _spans(message)
    parts = {name: message[start:end].strip() for name, (start, end) in spans.items()}
    return {name: _QUOTED.sub(r"\1", parts.get(name, "")) or None for name in _NAMES}


def _covered(quotation: re.Match[str]) -> str:
    quote, length = quotation["quote"], len(quotation[0]) - 2
    return quote + "x" * length + quote


def _spans(message: str) -> dict[str, tuple[int, int]]:
    """Where the parts of a message begin and end."""
    advice = _ADVICE.search(message)
    found = {} if advice is None else {"try": advice.span("advice")}
    sentence = message if advice is None else message[: advice.start()]
    match = next((match for pattern in _GRAMMAR if (match := pattern.fullmatch(sentence))), None)
    return found | ({} if match is None else {name: match.span(name) for name, text in match.groupdict().items() if text})
