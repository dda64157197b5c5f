"""A hook of mkdocs.yml: a page of the site may load nothing from elsewhere, so that reading it tells nobody."""

from __future__ import annotations

import re
from typing import Any

from mkdocs.exceptions import PluginError

#: What a browser fetches by itself; links that a reader follows are none of it.
ELSEWHERE = re.compile(
    r"<(?:script|link|img|iframe|source|audio|video|object)\b[^>]*\b(?:src|href|data)=[\"']?((?:https?:)?//[^\"' >]+)"
)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Looks through a finished page.

    Raises:
        PluginError: If it loads something from another place.
    """
    if found := ELSEWHERE.search(output):
        raise PluginError(f"{page.file.src_uri} loads {found[1]} from elsewhere; put it beside the page")
    return output
