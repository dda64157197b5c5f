"""What the page says of a run, from figures to text; tests/components/report/test_report_in_a_browser.py opens it."""

import base64
import json
import re
import tomllib

import numpy as np
import pytest
from msgspec.structs import replace

from components.report.card import card, header
from components.report.curves import curves
from components.report.drawing import FeaturePictures
from components.report.headline import headline
from components.report.health import health, shortened
from components.report.page import SECTIONS, STYLE, RunPage, model_card, render
from components.report.separation import separable
from components.report.sound import audible, wav_uri
from components.report.tradeoff import trade_off
from components.report.worst_attack import attacks_on, worst_attack
from serving.edge.preprocess import SpeechPreprocessing
from tests import pages
from tests.conftest import REPOSITORY


@pytest.mark.parametrize("bands", [64, 0])
def test_an_inverted_spectrogram_sounds_like_the_recording(bands):
    preprocessing = SpeechPreprocessing(bands=bands)
    time = np.arange(16000) / 16000
    signal = 0.3 * np.sin(2 * np.pi * (300 + 400 * time) * time) * np.exp(-((time - 0.5) ** 2) / 0.02)

    def image(samples):
        return preprocessing(base64.b64decode(wav_uri(samples, 16000).partition(",")[2]))

    known = image(signal)
    again = image(np.pad(audible(known, preprocessing), (0, 16000))[:16000])
    frames = known.std(0)[:, 0] > 0.5  # silence has no shape
    assert np.corrcoef(known[:, frames].ravel(), again[:, frames].ravel())[0, 1] > 0.9


def test_features_of_too_few_directions_are_not_separated():
    random = np.random.default_rng(0)
    assert separable(random.normal(size=(4, 6, 6, 2)))
    assert not separable(random.normal(size=(4, 3))) and not separable(np.ones((4, 6, 6, 2)))


def test_features_are_drawn_in_one_range():
    maps = np.random.default_rng(0).normal(size=(4, 5, 6, 3))
    assert FeaturePictures(maps).draw(maps[0]).shape == (5, 6, 3)
    assert FeaturePictures(maps).draw(100 * maps[0]).max() == 255
    vectors = maps.reshape(4, -1)
    assert FeaturePictures(vectors).draw(vectors[0]).shape == (9, 10, 3)


def test_the_headline_is_the_worst_attack_whoever_ran_it():
    page = pages.page(leaking=0.75)
    assert headline(page, None).attack.name == "key by FastICA on gradients"
    told_of = headline(page, pages.audit(0.9))
    assert told_of.attack.name == "membership by the group's span" and told_of.attack.chance == 0.5
    assert told_of.attack.gain == pytest.approx(0.8) and told_of.attack.n == 50
    assert told_of.untried == ["pooled", "injected", "reuse", "output"]
    assert told_of.edge_share == 0.25 and told_of.plain.method in ("edge", "cloud")


def test_attacks_that_were_skipped_or_are_of_other_models_do_not_count():
    page = pages.page()
    entry = next(entry for entry in page.metrics.summary if entry.method == "datamix")
    audit = pages.audit(1.0)
    other = replace(audit, scores=tuple(replace(score, model="another") for score in audit.scores))
    assert {attack.name for attack in attacks_on(entry, page, other)} == {"identity", "key by FastICA on gradients"}
    assert worst_attack([]) is None


def test_every_method_of_every_run_is_a_point():
    drawn = trade_off([RunPage("a", pages.page()), RunPage("b", pages.page("audio"), pages.audit())])
    points = {point["label"]: point for point in drawn["points"]}
    assert len(points) == 6 and all(set(point["values"]) == set(drawn["axes"]) for point in points.values())
    leakage = {label: point["values"]["leakage"] for label, point in points.items()}
    assert leakage["a: all on the edge"] == 0 and leakage["a: all in the cloud"] == 1
    assert leakage["a: DataMix, N_pre=1, S_G=4"] == pytest.approx((0.99 - 0.7) / 0.3)
    assert "group_size 4" in points["b: DataMix, N_pre=1, S_G=4"]["settings"]
    json.dumps(drawn, allow_nan=False)


def test_a_method_that_nobody_attacked_is_not_called_safe():
    page = pages.page()
    rows = tuple(replace(row, attacks={}) for row in page.metrics.rows)
    page = replace(page, separation={}, metrics=replace(page.metrics, rows=rows))
    point = trade_off([RunPage("a", page)])["points"][-1]
    assert point["values"]["leakage"] is None and "not known" in point["note"]
    assert "nothing is known of what the cloud learns" in model_card(RunPage("a", page))
    assert "no attack was run on it" in render([RunPage("a", page)])


def test_training_curves_lie_in_their_picture():
    loss, accuracy = curves(pages.page().trainings)
    assert (loss["title"], accuracy["title"]) == ("training loss", "training accuracy")
    for figure in (loss, accuracy):
        places = [tuple(map(float, p.split(","))) for line in figure["lines"] for p in line["points"].split()]
        assert all(figure["left"] <= x <= figure["width"] and 0 <= y <= figure["height"] for x, y in places)
    assert curves([replace(pages.page().trainings[0], history={"loss": (1.0,)})])[0]["epochs"] == 1


def test_data_health_counts_splits_labels_and_bad_records():
    found = health(pages.page(bad=["a", "b"]))
    assert [part["count"] for part in found["splits"]] == [60, 20, 40] and found["reasons"] == [("damaged", 2)]
    labels, identity = found["columns"]
    assert [bar["share"] for bar in labels["bars"]] == [0.75, pytest.approx(1 / 120)]
    assert identity["many"] == {"classes": 60, "fewest": 1, "median": 30, "most": 60}
    assert shortened([*"abcdefghij"]) == "a, b, c, d, e, f and 4 more" and shortened(["a", "b"]) == "a, b"


def test_the_page_is_escaped_and_lets_only_itself_run():
    page = render([RunPage("run", pages.page(bad=["<img src=x>"]), command="python -m pipeline.run --dataset <b>")])
    assert "--dataset &lt;b&gt;" in page and "<img src=x>" not in page and "made up &lt;b&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "unsafe-inline" not in page and not re.search(r"\son\w+=|style=\"", page)
    assert STYLE not in page and all(f'href="#{name.removesuffix(".html")}"' in page for name in list(SECTIONS)[1:])


def test_templates_are_in_the_wheel():
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    patterns = declared["components.report"]
    files = [p for p in (REPOSITORY / "components" / "report").iterdir() if p.is_file() and p.suffix != ".py"]
    assert len(files) == len(SECTIONS) + 6 and all(any(file.match(p) for p in patterns) for file in files)


def test_what_only_the_pipeline_knows_is_said_to_be_unknown():
    page = render([RunPage("run", pages.page())])
    assert "rendered apart from a run" in page and "has not been audited" in page


def test_the_model_card_has_hugging_face_s_headings_and_says_what_is_not_protected():
    run = RunPage("run", pages.page(), pages.audit())
    headings = [section.heading for section in card(run)]
    for heading in ("Direct use", "Out-of-scope use", "Bias, risks, and limitations", "What is not protected"):
        assert heading in headings
    text = model_card(run)
    assert text.startswith("---\n") and "docs/threat-model.md" in text and "\n\n\n\n" not in text
    assert "The audit, candidate: a cloud that sees" in text and "not protected against it" in text
    assert "pooled: a cloud that sees the mixtures of many groups, shuffled: not measured." in text
    values = dict(line.split(": ", 1) for line in header(run).splitlines())
    assert json.loads(values["model-index"])[0]["results"][0]["metrics"][0]["value"] == 0.9
