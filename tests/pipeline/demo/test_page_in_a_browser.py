"""The demo's page has no barriers, before anything is sent and after; what it is told of a run is made up here."""

import concurrent.futures

import numpy as np
import pytest

from components.report import drawing, sound
from pipeline.demo.app import make_app
from pipeline.demo.page import page
from pipeline.demo.responses import TITLES
from tests.browser import LOOKS
from tests.serving.running import running

ABOUT = {
    "group_size": 4,
    "numbers": 4096,
    "sample_rate": 16000,
    "samples": 16000,
    "cloud": "http://127.0.0.1:8501",
    "embedded": True,
    "examples": 200,
    "left_out": ["learned critic"],
    "answer": "For this task, run it on the edge.",
    "draws_covers": False,
    "known": "test examples",
    "covers": "test examples",
    "notes": ["A model that nobody has trained."],
    "sounds": {},
    "level": None,
}
TONE = np.sin(np.arange(16000) / 10)


def response(kind):
    """An answer with one input, one file that is refused, and an attack that succeeds."""
    picture = drawing.png_uri(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))
    cell = {"pictures": [picture, picture]}
    if kind == "audio":
        cell["sound"] = sound.wav_uri(TONE, 16000)
    columns = [{"key": "raw", "title": "raw"}]
    columns += [{"key": key, "title": title or "attack: FastICA", "correlation": 0.5} for key, title in TITLES.items()]
    labels = [["Smiling", 0.9, True], ["Beard", 0.2, False], ["Earrings", 0.1, None]]
    row = {"name": "me", "cells": dict.fromkeys(["raw", *TITLES], cell), "labels": dict.fromkeys(TITLES, labels)}
    return {
        "columns": [column | ({"chance": 0.2} if column["key"] == "attack" else {}) for column in columns],
        "rows": [row, row | {"name": "you"}],
        "refused": [{"name": "bad.png", "reason": "not a readable picture"}],
        "attack": {"name": "FastICA", "agreement": 0.99, "chance": 0.7, "tried": {"FastICA": 0.99, "Picard": 0.8}},
        "traffic": {"up": 4000, "down": 100, "wire": "float16"},
        "covers": 2,
        "milliseconds": dict.fromkeys(("prepare", "mix", "cloud", "demix", "attack"), 1.0),
    }


@pytest.fixture(scope="module", params=["image", "audio", "samples"])
def url(request):
    """A demo of pictures, of recordings, and of recordings with sounds that the page offers."""
    fitted = concurrent.futures.Future()
    fitted.set_result(None)
    kind = "image" if request.param == "image" else "audio"
    about = ABOUT | {"kind": kind, "sounds": {"up": sound.wav_uri(TONE, 16000)} if request.param == "samples" else {}}
    shown = page("made up", about, ".png" if kind == "image" else ".wav")
    with running(make_app(shown, lambda query: response(kind), fitted, None, "t")) as url:
        yield f"{url}/?token=t"


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_page_has_no_barriers(browser, url, width, theme):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.open(url, width, theme=theme)
    assert browser.violations() == []
    browser.find("#examples, .sample")[0].click()
    WebDriverWait(browser.driver, 60).until(lambda _: browser.find("#cards .item"))
    assert len(browser.find("#refused li")) == 1 and browser.violations() == []
    browser.find("#keys input[value=attack]")[0].click()
    assert browser.find("#cards .item.attack") and browser.violations() == []
