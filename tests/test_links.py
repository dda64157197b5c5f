"""Pages that texts outside of docs/ name are there; mkdocs looks after those inside."""

import re
import subprocess

import pytest

from tests.conftest import REPOSITORY

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")
#: Names of pages in comments, docstrings and messages.
NAMED = re.compile(r"\bdocs/[\w./-]+\.(?:md|jsonl)\b")
TEXTS = ("*.py", "*.html", "*.md", "*.toml", "*.yml", "Makefile", "*.Dockerfile")


def anchors(path):
    """The anchors of a page's headings, as mkdocs and code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", (REPOSITORY / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for name, anchor in LINK.findall(text):
        target = REPOSITORY / (name or page)
        assert target.exists(), f"{page}: {name}"
        assert not anchor or anchor in anchors(target), f"{page}: {name}#{anchor}"


def test_pages_that_sources_name_are_there():
    listed = subprocess.run(["git", "ls-files", *TEXTS], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    # The changelog tells what moved.
    sources = [name for name in listed.stdout.split() if name != "CHANGELOG.md" and (REPOSITORY / name).is_file()]
    missing = {
        f"{source}: {named}"
        for source in sources
        for named in NAMED.findall((REPOSITORY / source).read_text(encoding="utf-8"))
        if not (REPOSITORY / named).exists()
    }
    assert len(sources) > 500 and not missing
