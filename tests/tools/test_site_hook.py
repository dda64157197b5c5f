"""Pages that load something from elsewhere stop the build; links to elsewhere do not."""

from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from tools.site_hook import on_page_content, on_post_page

PAGE = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://example.org/x.js"></script>',
        "<link rel=stylesheet href=//fonts.example.org/css>",
        '<img alt="a" src="http://example.org/a.png">',
    ],
)
def test_what_comes_from_elsewhere_is_refused(html):
    with pytest.raises(PluginError, match=r"index\.md loads \S*//\S*example\.org"):
        on_post_page(html, PAGE, None)


def test_own_files_and_links_are_fine():
    html = '<script src="assets/x.js"></script><a href="https://example.org">there</a><img src="../a.png">'
    assert on_post_page(html, PAGE, None) == html


def test_an_empty_heading_is_a_cell():
    html = '<tr><th></th><th style="text-align: left"></th><th>a</th></tr>'
    mended = '<tr><td></td><td style="text-align: left"></td><th>a</th></tr>'
    assert on_page_content(html, PAGE, None, None) == mended
