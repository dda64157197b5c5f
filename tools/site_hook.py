"""A hook of mkdocs.yml: pages load nothing from elsewhere, so that reading tells nobody; empty headings are none."""

from __future__ import annotations

import re
from typing import Any

from mkdocs.exceptions import PluginError

#: What a browser fetches by itself; links that a reader follows are none of it.
ELSEWHERE = re.compile(
    r"<(?:script|link|img|iframe|source|audio|video|object)\b[^>]*\b(?:src|href|data)=[\"']?((?:https?:)?//[^\"' >]+)"
)

#: A heading of a column without words, which Markdown needs where a table's corner is empty.
EMPTY_HEADING = re.compile(r"<th( [^>]*)?></th>")


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Makes cells of headings that say nothing: read aloud, they would announce it for every cell below."""
    return EMPTY_HEADING.sub(r"<td\1></td>", html)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Looks through a finished page.

    Raises:
        PluginError: If it loads something from another place.
    """
    if found := ELSEWHERE.search(output):
        raise PluginError(f"{page.file.src_uri} loads {found[1]} from elsewhere; put it beside the page")
    return output
