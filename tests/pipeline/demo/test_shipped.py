"""The model of spoken words that is part of the package, as a visitor meets it."""

import dataclasses
import os
import pathlib
import re
import urllib.request

import numpy as np
import pytest

from components.records.serialising import read
from pipeline.demo.inputs import named_examples
from pipeline.demo.page import page
from pipeline.demo.responses import page_context
from pipeline.demo.shipped import FOLDER, MEASURED, SAMPLES, Measured, generated, load_shipped, samples, word_of
from serving.edge import preprocess
from serving.edge.manifest import hash_files
from tests import browser as browsers
from tests.conftest import REPOSITORY
from tests.pipeline.demo.demos import command, demo_of, page_of, until

WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
MOST_BYTES = 3_000_000
folder = pathlib.Path(FOLDER)


@pytest.fixture(scope="module")
def shipped():
    run = load_shipped()
    convert = preprocess.from_config(run.manifest.preprocessing)
    few = generated(convert, 60, 0)  # the attacker's own examples: so few make it faster
    with demo_of(dataclasses.replace(run, known=lambda: few, known_count=60)) as made:
        yield made


@pytest.fixture(scope="module")
def measured():
    return read(str(folder / MEASURED), Measured)


def test_it_is_small_and_whole_and_has_no_recording_of_a_person(shipped):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files if path.parent.name != SAMPLES) <= MOST_BYTES
    recordings = [path for path in files if path.suffix == ".wav"]
    assert {path.parent for path in recordings} == {folder / SAMPLES} and len(recordings) == 2 * len(WORDS)
    run = shipped.run  # it was loaded: the hashes of the edge's files fit
    served = os.path.join(run.served, str(run.manifest.model_version))
    assert hash_files(served) == run.manifest.cloud_files
    assert run.manifest.labels == WORDS and not run.draws_covers


def test_its_card_tells_what_it_is(measured):
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert f"right for {measured.right} of {measured.clips} recordings of the {measured.speakers} people" in card
    assert f"{measured.samples_right} of these {measured.samples} are answered rightly" in card
    for told in ("Pete Warden", "1804.03209", "CC BY 4.0", "python -m tools.spoken_words", "lineage.txt"):
        assert told in card, told
    low, high = measured.interval
    assert low < measured.right / measured.clips < high
    notice = (REPOSITORY / "NOTICE").read_text(encoding="utf-8")
    assert "Pete Warden" in notice and "CC BY 4.0" in notice


def test_its_lineage_goes_back_to_the_data():
    lineage = (folder / "lineage.txt").read_text(encoding="utf-8")
    assert [step for step in ("pusher", "packager", "trainer", "example_gen") if f"\n{step}  " in f"\n{lineage}"] == [
        *("pusher", "packager", "trainer", "example_gen")
    ]
    assert "command: python -m pipeline.run" in lineage
    for name in ("lineage.txt", "metrics.json", "model_card.md", "schema.json"):
        assert not re.search(r"[\s\"':]/(home|root|tmp|work|Users)\b", (folder / name).read_text(encoding="utf-8")), (
            name
        )


def test_the_samples_are_answered_as_it_is_told(shipped, measured):
    found = []
    for row in shipped.run.x:
        (probabilities,) = shipped.client.predict(row[None])
        found.append(shipped.run.manifest.labels[probabilities.argmax()])
    right = sum(answer == word_of(name) for answer, name in zip(found, shipped.run.names, strict=True))
    assert abs(right - measured.samples_right) <= 3  # keys are drawn anew each time


def test_a_sample_is_asked_for_by_its_name(shipped):
    result = shipped.query({"samples": ["yes-man.wav", "no-such.wav", "yes-man.wav"]})
    (row,) = result["rows"]
    assert row["name"] == "yes-man.wav" and row["cells"]["raw"]["sound"].startswith("data:audio/wav")
    assert {name for name, _, true in row["labels"]["right"] if true} <= {"yes"}
    assert result["refused"] == [{"name": "no-such.wav", "reason": "there is no such sample"}]
    assert {"none", "attack"} <= row["cells"].keys() and all("sound" in cell for cell in row["cells"].values())
    taken, refused = named_examples(shipped.run, list(samples()))
    assert len(taken) == 8 and {one.reason for one in refused} == {"a group takes 8 inputs"}


def test_a_cloud_that_sees_the_group_undoes_the_key(shipped):
    found = [shipped.compare(shipped.run.x[start : start + 4]).attack.agreement for start in range(0, 12, 4)]
    assert np.mean(found) > shipped.attacker.chance + 0.1


def test_covers_are_invented_at_every_start(shipped):
    again = load_shipped()
    known = {row.tobytes() for row in shipped.run.covers}
    assert len(known) == len(again.covers) and known.isdisjoint(row.tobytes() for row in again.covers)
    convert = preprocess.from_config(again.manifest.preprocessing)
    assert again.covers.shape[1:] == convert.shape


def test_the_page_says_what_it_knows(shipped, measured):
    context = page_context(shipped.run, shipped.url, True, [])
    assert set(context["sounds"]) == set(samples()) and context["level"] == measured.level
    html = page("speech", context, ".wav").html
    assert "down, go, left, no, off, on, right, stop, up, yes" in html and "CC BY 4.0" in html
    assert f"Of {measured.clips} recordings of {measured.speakers} people" in html
    assert "▶ yes, woman" in html and "Say a word" in html and "Use test examples" not in html
    assert shipped.run.answer.split(":")[0] in html and "sounds that this device invents anew" in html


def test_the_command_without_a_run_starts_it():
    with command() as (url, token), urllib.request.urlopen(f"{url}/?token={token}", timeout=60) as answer:
        html = answer.read().decode()
    assert "live: spoken words" in html and "Say one of 10 English words" in html


def test_a_sample_is_played_and_answered_in_a_browser(browser, shipped):
    with page_of(shipped) as url:
        browser.open(f"{url}/?token=t", 390)
        sample = next(one for one in browser.find(".sample") if one.get_attribute("data-name") == "stop-woman.wav")
        sample.click()
        until(browser, lambda: browser.find("#cards .item, #status.bad"))
        assert [card.text for card in browser.find("#cards h3")] == ["stop-woman.wav"], browser.find("#status")[0].text
        assert len(browser.find("#strip audio")) == 5 and browser.find(".sample")[0].is_enabled()
        assert browser.run("return document.documentElement.scrollWidth") == 390
        assert browser.complaints() == []


@pytest.mark.slow
def test_what_is_said_into_the_microphone_is_answered(shipped):
    """A sample that the model knows comes through the browser's microphone."""
    if reason := browsers.missing():
        pytest.skip(reason)
    answers = shipped.client.predict(shipped.run.x)
    sure = answers[np.arange(len(answers)), shipped.run.y]
    name = shipped.run.names[int(sure.argmax())]
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    flags += [f"--use-file-for-fake-audio-capture={folder / SAMPLES / name}%noloop"]
    with page_of(shipped) as url, browsers.opened(*flags) as browser:
        browser.open(f"{url}/?token=t")
        browser.find("#record")[0].click()
        until(browser, lambda: browser.find("#cards .item, #status.bad"))
        assert [card.text for card in browser.find("#cards h3")] == ["recording 1.wav"], browser.find("#status")[0].text
        assert browser.find("#cards .what")[0].text == word_of(name)
        assert browser.complaints() == []
