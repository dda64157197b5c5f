"""Pages of the documentation's site in a real browser: without barriers, by day and by night, on a desk and a phone."""

import subprocess
import sys

import pytest
import yaml

from tests.browser import LOOKS
from tests.conftest import REPOSITORY

#: One with a table of links and a warning, one with a wide table and a chart, one with code in tabs or boxes.
PAGES = ("index", "results/growth", "how-to/own-model")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """These pages as our site has them, less the API, which is read from the sources."""
    folder = tmp_path_factory.mktemp("site")
    chosen = "".join(f"!/{page}.md\n" for page in PAGES)
    settings = {
        "INHERIT": str(REPOSITORY / "mkdocs.yml"),
        "docs_dir": str(REPOSITORY / "docs"),
        "site_dir": str(folder / "site"),
        "exclude_docs": f"*.md\n{chosen}",
        "hooks": [str(REPOSITORY / "tools/site_hook.py")],
        "nav": [{page: f"{page}.md"} for page in PAGES],
        "plugins": [],
        "strict": False,  # most pages that these lead to are left out
    }
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    words = [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(folder / "mkdocs.yml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def shown(browser, path, width, theme):
    """Opens a page for somebody who has not been here, or chosen a theme."""
    browser.visit(path, width, theme=theme)
    browser.run("localStorage.clear()")
    browser.visit(path, width, theme=theme)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_page_has_no_barriers(browser, site, page, width, theme):
    shown(browser, site / f"{page}.html", width, theme)
    scheme = browser.run("return document.body.dataset.mdColorScheme")
    assert scheme == {"light": "default", "dark": "slate"}[theme]
    assert browser.violations() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chart_is_shown_in_the_page_s_theme(browser, site, theme):
    shown(browser, site / "results/growth.html", 1280, theme)
    seen = [image.get_attribute("src") for image in browser.find("article img") if image.is_displayed()]
    assert [name.rpartition("/")[2].partition("#")[0] for name in seen] == [f"memory-{theme}.svg"]
    assert browser.run("return [...document.images].every(image => image.complete && image.naturalWidth > 0)")
