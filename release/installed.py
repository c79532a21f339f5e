"""The wheel in an empty environment, run by a user who can write nothing but results.

The user is another one where root runs the checks. Otherwise it is the same one, from whom the right to write is taken.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from steps import fail, run, say

# Somebody who owns nothing: by custom the number of "nobody".
NOBODY = 65534
# How the sentences begin that are said where nothing can be kept.
KERNELS = "warning: no folder can be written that keeps compiled code"
FONTS = "matplotlib lists its fonts anew in every process"
VERBS = (
    ("bounds", "--depth", "3", "--width", "8"),
    ("rank", "attention", "--depth", "2", "--width", "2"),
    ("rank", "attention", "--depth", "3", "--width", "3", "--plan"),
    ("advise", "--parameters", "3B"),
    ("machine",),
)


def try_out(wheel: Path, python: str, folder: Path) -> None:
    """Install a wheel and run the main verbs: first where no kernel is kept, then where the installer compiled them."""
    folder.mkdir()
    programs = _installed(wheel, python, folder / "environment")
    results, home = folder / "results", folder / "home"
    results.mkdir()
    results.chmod(0o777)
    home.mkdir()
    other = _other_user(programs, home)
    with _read_only(programs.parent, home):
        before = _files(programs.parent, home)
        _hold(_said(programs, results / "first", cwd=results, **other), {KERNELS, FONTS})
        if _files(programs.parent, home) != before:
            fail(f"the verbs wrote files of their own: {sorted(map(str, _files(programs.parent, home) - before))}")
        _refused(programs, home, **other)
    say("the wheel works in an empty environment, for a user who can write nothing but results")
    _said(programs, results / "second", cwd=results)
    with _read_only(programs.parent, home):
        _hold(_said(programs, results / "third", cwd=results, **other), {FONTS})
    say("kernels that the installer has compiled serve other users")


def _installed(wheel: Path, python: str, folder: Path) -> Path:
    """The programs of a new environment that has nothing but the wheel and what it asks for."""
    run(python, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    run(folder / "bin" / "python", "-m", "pip", "check")
    return folder / "bin"


def _other_user(programs: Path, home: Path) -> dict[str, Any]:
    """How a process is begun that has a home it cannot write to, and no other place."""
    nowhere = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
    options: dict[str, Any] = {"env": {"PATH": "/usr/bin:/bin", **nowhere}}
    if os.getuid():
        return options
    options |= {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
    try:
        run(programs / "python", "-c", "", cwd="/", **options)
    except PermissionError:
        fail("other users cannot run this Python; give one that they can: make PYTHON=/usr/bin/python3 dist")
    return options


def _said(programs: Path, out: Path, **options: Any) -> list[str]:
    """The lines on standard error of all verbs; each must succeed."""
    options |= {"capture_output": True, "text": True}
    tensorrank = str(programs / "tensorrank")
    commands = [[tensorrank, *verb] for verb in VERBS]
    commands += [[tensorrank, "study", "--widths", "1,2", "--depths", "1-3", "--out", str(out)], [tensorrank, "show", str(out)]]
    commands += [[tensorrank, "--version"], [str(programs / "python"), "-m", "tensorrank", "--version"]]
    lines = []
    for command in commands:
        done = subprocess.run(command, check=False, **options)
        if done.returncode or not done.stdout:
            fail(f"{' '.join(command)} ends with {done.returncode} and says:\n{done.stderr}")
        lines += done.stderr.splitlines()
    return lines


def _hold(lines: list[str], expected: set[str]) -> None:
    """Refuse lines that begin with none of the sentences expected, and that one of these is missing."""
    odd = [line for line in lines if not line.startswith(tuple(expected))]
    missing = [sentence for sentence in expected if not any(line.startswith(sentence) for line in lines)]
    if odd or missing:
        fail(f"standard error has the lines {odd}, and lacks {missing}")


def _refused(programs: Path, folder: Path, **options: Any) -> None:
    """A study in a folder that cannot be written ends with one line that names the option to use."""
    command = [str(programs / "tensorrank"), "study"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)
    if done.returncode != 2 or not done.stderr.startswith("error: --out tensorrank-study cannot be made"):
        fail(f"a study in a read-only folder ends with {done.returncode} and says:\n{done.stderr}")


@contextmanager
def _read_only(*folders: Path) -> Iterator[None]:
    """Take from everybody the right to write in folders and those below."""
    found = {path: path.stat().st_mode for folder in folders for path in (folder, *folder.rglob("*")) if path.is_dir()}
    for path, mode in found.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in found.items():
            path.chmod(mode)


def _files(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*")}
