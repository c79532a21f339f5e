"""Builds the wheel and the source distribution into dist/, and tries both as those who get them would.

`make dist` runs this. What fails ends it with a sentence; RELEASING.md says when it is run. It needs a checkout, the
test tools in .venv, and the package index.
"""

from __future__ import annotations

import argparse
import os
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from installed import try_out
from steps import fail, run, say

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
TOOLS = ("build", "cffconvert", "check-wheel-contents", "twine")
# In the checkout and in no distribution: the gate of the place where changes land.
LEFT_OUT = (".ci/",)


def main() -> None:
    """Build, look at what was built, and try it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--python", default="python3", help="what the wheel is installed for; every user must be able to run it"
    )
    python = options.parse_args().python
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Another user is to find what is installed here.
        folder.chmod(0o755)
        tools = _tools(folder / "tools")
        wheel, source = _build(tools, folder)
        _check_contents(wheel, source)
        _check_descriptions(tools, wheel, source)
        _check_source(folder / "source", source)
        try_out(wheel, python, folder / "installed")
    say(f"{wheel.relative_to(ROOT)} and {source.relative_to(ROOT)} can be released")


def _tools(folder: Path) -> Path:
    """The programs of a new environment that has the tools of releases."""
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *TOOLS)
    return folder / "bin"


def _build(tools: Path, folder: Path) -> tuple[Path, Path]:
    """The wheel and the source distribution, built without a warning; the checkout builds the same wheel."""
    for old in DIST.glob("tensorrank-*"):
        old.unlink()
    said = run(tools / "python", "-W", "error", "-m", "build", "--outdir", DIST, ROOT)
    said += run(tools / "python", "-W", "error", "-m", "build", "--wheel", "--outdir", folder, ROOT)
    if "warning" in said.lower():
        fail(f"the build warns:\n{said}")
    (wheel,), (source,), (direct,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz"), folder.glob("*.whl")
    if wheel.read_bytes() != direct.read_bytes():
        fail("the source distribution builds another wheel than the checkout")
    say("built without a warning; the source distribution builds the same wheel as the checkout")
    return wheel, source


def _check_contents(wheel: Path, source: Path) -> None:
    """Hold the names in the wheel and in the source distribution against the files that git tracks."""
    tracked = {name for name in run("git", "-C", ROOT, "ls-files").splitlines() if not name.startswith(LEFT_OUT)}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    _same("the wheel", packed, {name for name in tracked if name.startswith("tensorrank/")})
    with tarfile.open(source) as archive:
        unpacked = {file.name.split("/", 1)[1] for file in archive if file.isfile()}
    _same("the source distribution", unpacked - {"PKG-INFO"}, tracked)
    say(f"the wheel has the {len(packed)} files of the package, the source distribution all {len(tracked)} of the repository")


def _same(what: str, names: set[str], expected: set[str]) -> None:
    if names != expected:
        fail(f"{what} has {sorted(names - expected)} beyond the repository, and lacks {sorted(expected - names)}")


def _check_descriptions(tools: Path, wheel: Path, source: Path) -> None:
    run(tools / "twine", "check", "--strict", wheel, source)
    run(tools / "check-wheel-contents", wheel)
    run(tools / "cffconvert", "--validate", "--infile", ROOT / "CITATION.cff")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        described = archive.read(name).decode()
    say("twine, check-wheel-contents and cffconvert have no objection")
    if "Project-URL: Source" not in described:
        say("note: the metadata have no address of the repository; a public release needs one (RELEASING.md)")


def _check_source(folder: Path, source: Path) -> None:
    """Unpack the source distribution, and have it checked and its tests collected, as a distributor would."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    here = os.environ | {"PYTHONPATH": str(tree)}
    tools = ROOT / ".venv" / "bin"
    run("make", "-C", tree, "-o", ".venv/.installed-test", f"BIN={tools}", "check", env=here)
    collected = run(tools / "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", cwd=tree, env=here)
    say(f"unpacked, it passes `make check`, and {len(collected.splitlines())} files of tests are collected")


if __name__ == "__main__":
    main()
