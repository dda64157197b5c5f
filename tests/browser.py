"""A real browser without a window, for the page people look at; tests skip where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


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
