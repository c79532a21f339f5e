"""Pictures have one scale, so that type has one size on all pages, and a click opens each alone, as large as it is.

A page may begin with an overview of its pictures: put OVERVIEW where it is to stand.
"""

import posixpath
import re
import struct
from typing import Any

from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

PICTURE = re.compile(r'<img ([^>]*?)src="([^"]+)"([^>]*)>')
OVERVIEW = "<!-- an overview of the pictures -->"
# A section, from its heading to the next, with a picture.
SECTION = re.compile(
    r'<h3 id="([^"]+)">(.*?)<a class="headerlink".*?</h3>((?:(?!<h[23] ).)*?<img [^>]*?src="([^"]+)")?', re.DOTALL
)
# Pixels of a browser and of a picture in an inch.
SHOWN, WRITTEN = 96, 200


def on_page_content(content: str, page: Page, files: Files, **about: Any) -> str:
    """Give every picture of a page its size and a link to itself, and the page its overview."""

    def sized(picture: re.Match[str]) -> str:
        before, source, behind = picture.groups()
        across, up = (round(pixels * SHOWN / WRITTEN) for pixels in size_of(source, page, files))
        shown = f'<img {before}src="{source}" width="{across}" height="{up}"{behind}>'
        return f'<a class="picture" href="{source}">{shown}</a>'

    return PICTURE.sub(sized, content).replace(OVERVIEW, overview(content))


def size_of(source: str, page: Page, files: Files) -> tuple[int, int]:
    """Width and height in pixels of a PNG file, named from a page."""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), source))
    file = files.get_file_from_path(place)
    if file is None:
        raise SystemExit(f"{page.file.src_uri} shows {source}, which is not there")
    across, up = struct.unpack(">II", file.content_bytes[16:24])
    return across, up


def overview(content: str) -> str:
    """A small picture and the heading of each section that has one, which lead there."""
    # The words beside a small picture say what it is.
    entries = (
        f'<a href="#{anchor}"><img src="{source}" alt="" loading="lazy"><span>{heading.strip()}</span></a>'
        for anchor, heading, _, source in SECTION.findall(content)
        if source
    )
    return f'<div class="overview">{"".join(entries)}</div>'
