"""Files of the repository outside docs/ come along into the site: its own pages, and whatever a page links to.

Pages link to each other as files on the disk, `../../examples/rank_against_depth.py`, so that links hold in a checkout,
too.
"""

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Pages of the repository, and where they stand in the site.
PAGES = {
    "ARCHITECTURE.md": "project/architecture.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "RELEASING.md": "project/releasing.md",
    "CHANGELOG.md": "project/changelog.md",
    "benchmarks/RESULTS.md": "project/measurements.md",
}
# The site begins with a page of its own.
START = {"README.md": "index.md"}
COPIES = "repository"
# The place that a link of Markdown leads to, without its anchor.
LINK = re.compile(r"(\]\()([^)#\s]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the repository's own pages."""
    for source, place in PAGES.items():
        files.append(File.generated(config, place, content=(root(config) / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that leave docs/, or come from outside it, to where their files stand in the site."""
    place = page.file.src_uri
    if place in PAGES.values():
        # The search shows pages for readers first.
        page.meta["search"] = {"boost": 0.5}
    source = next((source for source, at in PAGES.items() if at == place), f"docs/{place}")

    def turned(link: re.Match[str]) -> str:
        named = os.path.normpath(os.path.join(os.path.dirname(source), link[2]))
        if "://" in link[2] or not (root(config) / named).is_file():
            return link[0]
        return link[1] + os.path.relpath(in_the_site(named, config, files), os.path.dirname(place))

    return LINK.sub(turned, markdown)


def in_the_site(named: str, config: MkDocsConfig, files: Files) -> str:
    """The place in the site of a file, named from the root of the repository; it is copied if no page shows it."""
    if named.startswith("docs/"):
        return named.removeprefix("docs/")
    known = {**PAGES, **START}
    copy = f"{COPIES}/{named}"
    if named not in known and files.get_file_from_path(copy) is None:
        files.append(File.generated(config, copy, content=(root(config) / named).read_bytes()))
    return known.get(named, copy)


def root(config: MkDocsConfig) -> Path:
    """The folder of the repository."""
    return Path(config.docs_dir).parent
