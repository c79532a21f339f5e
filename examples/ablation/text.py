"""The text that the ablation trains on: the documentation of Python's own standard library, gathered when it runs."""

import ast
import hashlib
import sysconfig
from pathlib import Path
from pydoc_data.topics import topics

# Newline and the printable characters of ASCII; others are rare here and left out.
CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
# Code that is not documentation, or was installed by somebody.
_ELSEWHERE = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "__pycache__"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# One document in so many is held out.
_HELD_OUT = 12


def documents():
    """The docstrings of each module, and each topic of the reference that `help` shows, in a fixed order."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = {}
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if not _ELSEWHERE.intersection(name.parts):
            try:
                tree = ast.parse(path.read_text("utf-8"))
            except (SyntaxError, UnicodeDecodeError):
                continue  # the library keeps a few files that are broken on purpose
            strings = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, _DOCUMENTED))
            found[str(name)] = "\n\n".join(filter(None, strings))
    found |= {f"topic {name}": text.strip() for name, text in sorted(topics.items())}
    return [text for text in found.values() if text]


def split():
    """The characters to train on and those held out, as bytes of positions in CHARACTERS, and a mark of the text.

    Every twelfth document is held out. The text differs from one version of Python to the next; so does the mark.
    """
    known = {ord(letter): position for position, letter in enumerate(CHARACTERS)}
    encoded = [bytes(known[code] for code in map(ord, text + "\n\n\n") if code in known) for text in documents()]
    held = b"".join(encoded[_HELD_OUT - 1 :: _HELD_OUT])
    trained = b"".join(text for place, text in enumerate(encoded) if place % _HELD_OUT != _HELD_OUT - 1)
    return trained, held, hashlib.sha256(trained + held).hexdigest()[:12]
