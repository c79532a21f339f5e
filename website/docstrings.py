"""Docstrings become Markdown: their examples stand in blocks of code."""

import re
from typing import Any

from griffe import Extension, Object

# Lines of an interactive session, from a prompt to the next empty line.
SESSION = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?P=indent).*\S.*)*", re.MULTILINE)


class Examples(Extension):
    """Puts the examples of docstrings in fences."""

    def on_object(self, *, obj: Object, **about: Any) -> None:
        """Look at each function, class and attribute."""
        if obj.docstring and ">>> " in obj.docstring.value:
            obj.docstring.value = SESSION.sub(_fenced, obj.docstring.value)


def _fenced(session: re.Match[str]) -> str:
    indent = session["indent"]
    return f"{indent}```pycon\n{session[0]}\n{indent}```"
