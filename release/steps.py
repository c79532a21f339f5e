"""How the checks of a release run commands and speak."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn


def run(*words: str | Path, **options: Any) -> str:
    """What a command prints, errors included; the program ends if the command fails."""
    command = list(map(str, words))
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    if done.returncode:
        fail(f"{' '.join(command)} ends with {done.returncode}:\n{done.stdout}")
    return done.stdout


def say(sentence: str) -> None:
    """Print a sentence at once."""
    print(sentence, flush=True)


def fail(why: str) -> NoReturn:
    """End the program with a reason."""
    sys.exit(f"error: {why}")
