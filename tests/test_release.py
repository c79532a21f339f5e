"""What is said of a release in several places agrees. `make dist` builds one and tries it, which takes minutes."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import tensorrank

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version_and_its_day():
    assert CITATION["version"] == tensorrank.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    day = re.search(rf"^## {re.escape(tensorrank.__version__)} \((.*)\)$", changes, re.MULTILINE)
    assert day is not None
    assert CITATION["date-released"] == day[1]


def test_the_citation_says_what_the_package_says():
    project = PROJECT["project"]
    assert CITATION["license"] == project["license"]
    assert CITATION["keywords"] == project["keywords"]
    assert [author["name"] for author in CITATION["authors"]] == [author["name"] for author in project["authors"]]


def test_the_entry_for_bibliographies_says_what_the_citation_says():
    page = (ROOT / "docs" / "how_to" / "citing.md").read_text(encoding="utf-8")
    entry = dict(re.findall(r"^  (\w+) += \{+([^}]+)\}", page, re.MULTILINE))
    assert (entry["title"], entry["version"]) == (CITATION["title"], CITATION["version"])
    assert entry["author"] == CITATION["authors"][0]["name"]
    assert entry["year"] == CITATION["date-released"][:4]


def test_every_paper_to_cite_is_in_the_citation():
    page = (ROOT / "docs" / "how_to" / "citing.md").read_text(encoding="utf-8").lower()
    rows = [line for line in page.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(CITATION["references"])
    for paper, row in zip(CITATION["references"], rows, strict=True):
        assert paper["title"].lower() in row
        assert paper.get("url", "") in row
        assert all(author["family-names"].lower() in row for author in paper["authors"])


def test_the_repository_has_one_address():
    site = re.search(r"^repo_url: (.*)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    addresses = {PROJECT["project"]["urls"].get("Source"), CITATION.get("repository-code"), site and site[1]}
    assert len(addresses) == 1


def test_the_pythons_that_were_tried_begin_with_the_one_that_is_needed():
    named = [int(found[1]) for line in PROJECT["project"]["classifiers"] if (found := re.search(r":: 3\.(\d+)$", line))]
    assert PROJECT["project"]["requires-python"] == f">=3.{named[0]}"
    assert named == list(range(named[0], named[-1] + 1))


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_whoever_gets_the_source_distribution_gets_every_file():
    """All but the gate of the place where changes land."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = {line.split("/")[0] for line in listed.stdout.splitlines()}
    # The build adds what git ignores by itself.
    assert tracked - {".ci", ".gitignore", "pyproject.toml"} == set(
        PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    )


def test_an_image_runs_as_a_user_without_rights_and_is_built_of_what_the_wheel_is_built_of():
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    users = [int(found[1]) for line in lines if (found := re.fullmatch(r"USER (\d+):\d+", line))]
    assert [user > 0 for user in users] == [True]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    files = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], "pyproject.toml"}
    assert kept == files | set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
