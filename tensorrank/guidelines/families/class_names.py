"""Which class of a family the key `architectures` means."""

from __future__ import annotations

from collections.abc import Iterable


def class_meant(given: str, known: Iterable[str]) -> str | None:
    """The class of a family that a name means: the name itself, or one that is written alike; None for any other.

    Names are written alike if they differ in capitals, and in signs that are no letters or digits, alone. A like ending
    does not suffice: GPT2LMHeadModel ends as LlamaModel does, and has an output embedding.

    >>> class_meant("LLaMAForCausalLM", ["LlamaForCausalLM", "LlamaModel"])
    'LlamaForCausalLM'
    """
    return next((one for one in known if _plain(one) == _plain(given)), None)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
