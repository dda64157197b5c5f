"""The browser of the tests finds barriers, with axe-core as it was published."""

import base64
import hashlib

from tests.browser import AXE

#: What Deque's package says of its file (`sri-history.json`, axe-core 4.14.1 on npm).
PUBLISHED = "KTSJmUUM3yhJqOcLeRL8LahahJ2jnA0NU5T1HUqe2Vw="
GOOD = '<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1><img alt="A face" src="data:,"></main>'


def test_axe_core_is_the_published_one():
    assert base64.b64encode(hashlib.sha256(AXE.read_bytes()).digest()).decode() == PUBLISHED


def test_barriers_are_found_and_named(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(GOOD, encoding="utf-8")
    browser.visit(page)
    assert browser.violations() == []
    page.write_text(GOOD.replace(' alt="A face"', "").replace("<h1>", '<h1 style="color:#ccc">'), encoding="utf-8")
    browser.visit(page)
    contrast, image = sorted(browser.violations())
    assert contrast.startswith("color-contrast: h1: ") and image.startswith("image-alt: img: ")
