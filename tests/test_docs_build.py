"""`make docs` fails on a broken link, a missing anchor and a page that is in no menu: mkdocs.yml asks for it."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.conftest import REPOSITORY

GOOD = {"index.md": "# Start\n\n[Other](other.md#a-part)\n", "other.md": "# Other\n\n## A part\n"}


def command():
    """What `make docs` runs, less the interpreter."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return re.search(r"\$\(BIN\)/python (-m mkdocs build .*)", makefile)[1].split()


@pytest.fixture
def build(tmp_path):
    """Builds a site of a few pages as ours is built, but for its plugins; returns status and output."""
    read = re.sub(
        r"^plugins:\n(?:  .*\n)+", "plugins: []\n", (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.M
    )
    settings = yaml.safe_load(read)
    settings |= {
        "nav": [{"Start": "index.md"}, {"Other": "other.md"}],
        "hooks": [str(REPOSITORY / "tools/site_hook.py")],
    }

    def run(pages):
        (tmp_path / "docs").mkdir()
        for name, text in pages.items():
            (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
        (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        done = subprocess.run([sys.executable, *command()], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stderr

    return run


def test_a_site_without_faults_is_built(build, tmp_path):
    status, told = build(GOOD)
    assert status == 0, told
    assert (tmp_path / "site" / "other.html").exists()


@pytest.mark.parametrize(
    ("pages", "named"),
    [
        ({"index.md": "# Start\n\n[Other](another.md)\n"}, "another.md"),
        ({"index.md": "# Start\n\n[Other](other.md#another-part)\n"}, "another-part"),
        ({"third.md": "# In no menu\n"}, "third.md"),
        ({"other.md": "# Other\n\n## A part\n\n![A](https://example.org/a.png)\n"}, "example.org"),
    ],
)
def test_faults_stop_it(build, pages, named):
    status, told = build(GOOD | pages)
    assert status == 1 and named in told
