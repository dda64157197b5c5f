"""Demos to test: the command, and what is behind it without the command around it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import re
import subprocess
import sys

from pipeline.demo.app import make_app
from pipeline.demo.attacker import Attacker
from pipeline.demo.embedded_cloud import embedded_cloud
from pipeline.demo.key_comparison import compare_keys
from pipeline.demo.loaded_run import LoadedRun
from pipeline.demo.page import page
from pipeline.demo.queries import query_handler
from pipeline.demo.responses import page_context
from serving.edge.client import EdgeClient
from tests.conftest import REPOSITORY
from tests.serving.running import running


@dataclasses.dataclass(frozen=True)
class Demo:
    """A loaded run, an edge client with a cloud to ask, and an attacker."""

    run: LoadedRun
    client: EdgeClient
    attacker: Attacker
    url: str

    def compare(self, x):
        """Sends inputs and de-mixes them with every key."""
        return compare_keys(self.run, self.client, x, self.attacker)

    def query(self, query):
        """Answers a query as the page's are."""
        fitted = concurrent.futures.Future()
        fitted.set_result(self.attacker)
        return query_handler(self.run, self.client, fitted)(query)


@contextlib.contextmanager
def demo_of(run: LoadedRun):
    """The demo of a loaded run."""
    attacker = Attacker(run)
    with embedded_cloud(run.manifest, run.served) as url, run.client(url, quiet=True) as client:
        yield Demo(run, client, attacker, url)


@contextlib.contextmanager
def page_of(demo: Demo):
    """The page of a demo; yields its URL."""
    fitted = concurrent.futures.Future()
    fitted.set_result(demo.attacker)
    html = page("words", page_context(demo.run, demo.url, True, []), ".wav")
    with running(make_app(html, demo.query, fitted, None, "t")) as url:
        yield url


@contextlib.contextmanager
def command(*arguments):
    """The command, as a user calls it; yields its URL and its token."""
    typed = [sys.executable, "-m", "pipeline.demo", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(typed, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        try:
            line = run.stdout.readline()
            url, _, rest = line.partition(": the demo of ")
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{22}", url) and "the cloud: " in rest, line
            yield tuple(url.split("/?token="))
        finally:
            run.terminate()
            assert run.wait(20) == 0


def until(browser, condition):
    """Waits for a condition of the page, at most a minute."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser.driver, 60).until(lambda _: condition())
