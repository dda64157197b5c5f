"""The page: one HTML text that needs nothing but the demo's own answers."""

from __future__ import annotations

import dataclasses

from components.report.templates import environment, for_script, source, source_hash

PACKAGE, REPORT = "pipeline.demo", "components.report"


@dataclasses.dataclass(frozen=True)
class Page:
    """The page.

    Attributes:
        html: Its text.
        headers: HTTP headers that go with it: what it may load, whom it may ask, who may frame it.
    """

    html: str
    headers: dict[str, str]


def page(title: str, about: dict, accept: str) -> Page:
    """Renders the page.

    Args:
        title: What the page is about, of `LoadedRun`.
        about: Of `pipeline.demo.responses.page_context`.
        accept: Extensions of files that can be dropped, with commas.
    """
    style = source(REPORT, "style.css") + source(PACKAGE, "demo.css")
    script = source(PACKAGE, "demo.js")
    policy = (
        f"default-src 'none'; img-src data:; media-src data:; connect-src 'self'; style-src '{source_hash(style)}'; "
        f"script-src '{source_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    html = (
        environment(True, PACKAGE, REPORT)
        .get_template("demo.html")
        .render(
            title=title, about=about, accept=accept, policy=policy, style=style, script=script, data=for_script(about)
        )
    )
    headers = {
        "content-security-policy": f"{policy}; frame-ancestors 'none'",
        "permissions-policy": "microphone=(self), camera=(), geolocation=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return Page(html, headers)
