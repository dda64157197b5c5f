"""A real browser without a window, for the page people look at; tests skip where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: axe-core, as Deque publishes it (docs/decisions/dependencies.md says why it lies here).
AXE = pathlib.Path(__file__).parent / "axe_core" / "axe.min.js"
#: The sizes and themes at which pages have no barrier: of a desk and of a phone, by day and by night.
LOOKS = [(width, theme) for width in (1280, 390) for theme in ("light", "dark")]


def missing() -> str:
    """Why there is no browser to test with, or nothing."""
    try:
        import selenium  # noqa: F401
    except ModuleNotFoundError:
        return "selenium is not installed (pip install 'datamix-tf[dev]')"
    if not _binary() or not shutil.which("chromedriver"):
        return "there is no chromium with its driver here (Debian: apt-get install chromium chromium-driver)"
    return ""


def _binary():
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def opened(*flags: str):
    """A `Browser` with more flags on its command line, closed at the end of the block."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = _binary()
    arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    for argument in [*arguments, *flags, *(["--no-sandbox"] if os.geteuid() == 0 else [])]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """What the tests ask of a browser.

    Attributes:
        driver: Selenium's.
    """

    def __init__(self, driver):
        self.driver = driver

    def visit(self, path: pathlib.Path, width=1280, height=800, theme="light") -> None:
        """Opens a file in a window of a size, on a device with a light or a dark theme."""
        self.open(path.resolve().as_uri(), width, height, theme)

    def open(self, url: str, width=1280, height=800, theme="light") -> None:
        """Likewise, a URL."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.complaints(), self.requests()  # forgets those of earlier pages
        self.driver.get(url)

    def run(self, script: str, *arguments):
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> list:
        """Elements by a CSS selector."""
        return self.driver.find_elements("css selector", selector)

    def complaints(self) -> list[str]:
        """What was written to the console since the page was opened: errors, and what the policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The URLs that were asked for since the page was opened, but for data in the page itself."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith("data:")]

    def violations(self) -> list[str]:
        """What keeps people with disabilities from using the page as it is shown, as far as axe-core finds it.

        Returns:
            A line for each place: the rule, the element, and what is wrong.
        """
        self.driver.set_script_timeout(300)  # it takes a second, but tens of them on a busy machine
        self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run(document).then(arguments[arguments.length - 1])")
        return [
            f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
