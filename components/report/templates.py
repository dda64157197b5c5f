"""What every page of ours is made with: Jinja's environment, and texts that stand in the page itself."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import itertools
import json


def environment(autoescape: bool, *packages: str):
    """Jinja's environment, with the filters `percent` and `code`.

    Args:
        autoescape: Whether what is filled in is escaped for HTML.
        packages: Packages whose folders have the templates; the first that has one counts.
    """
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package, ".") for package in packages]),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"percent": percent, "code": _code}
    return made


def source(package: str, name: str) -> str:
    """The text of a style or script in a package's folder."""
    return importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """A source of a Content-Security-Policy: this text and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def for_script(value) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")


def percent(share: float) -> str:
    """0.1234 as 12.3 %."""
    return f"{100 * share:.1f} %"


def _code(text):
    """A text with Markdown's backticks, as HTML."""
    import markupsafe

    parts = [markupsafe.escape(part) for part in text.split("`")]
    marked = (markupsafe.Markup("<code>") + part + markupsafe.Markup("</code>") for part in parts[1::2])
    pairs = itertools.zip_longest(parts[::2], marked, fillvalue="")
    return markupsafe.Markup("").join(part for pair in pairs for part in pair)
