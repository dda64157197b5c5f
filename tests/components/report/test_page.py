"""What the page says of a run; test_report_in_a_browser.py opens it."""

import re
import tomllib

from components.report.page import SECTIONS, STYLE, RunPage, render
from tests import pages
from tests.conftest import REPOSITORY


def test_the_page_is_escaped_and_lets_only_itself_run():
    page = render([RunPage("run", pages.page(bad=["<img src=x>"]), command="python -m pipeline.run --dataset <b>")])
    assert "--dataset &lt;b&gt;" in page and "<img src=x>" not in page and "made up &lt;b&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "unsafe-inline" not in page and not re.search(r"\son\w+=|style=\"", page)
    assert STYLE not in page and all(f'href="#{name.removesuffix(".html")}"' in page for name in list(SECTIONS)[1:])


def test_templates_are_in_the_wheel():
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    patterns = declared["components.report"]
    files = [p for p in (REPOSITORY / "components" / "report").iterdir() if p.is_file() and p.suffix != ".py"]
    assert len(files) == len(SECTIONS) + 7 and all(any(file.match(p) for p in patterns) for file in files)


def test_what_only_the_pipeline_knows_is_said_to_be_unknown():
    page = render([RunPage("run", pages.page())])
    assert "rendered apart from a run" in page and "has not been audited" in page
