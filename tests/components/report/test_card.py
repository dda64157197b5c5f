import json

from components.report.card import card, header
from components.report.page import RunPage, model_card
from tests import pages


def test_the_model_card_has_hugging_face_s_headings_and_says_what_is_not_protected():
    run = RunPage("run", pages.page(), pages.audit())
    headings = [section.heading for section in card(run)]
    for heading in ("Direct use", "Out-of-scope use", "Bias, risks, and limitations", "What is not protected"):
        assert heading in headings
    text = model_card(run)
    assert text.startswith("---\n") and "docs/concepts/threat-model.md" in text and "\n\n\n\n" not in text
    assert "The audit, linked: a cloud that sees" in text and "not protected against it" in text
    assert "pooled: a cloud that sees the mixtures of many groups, shuffled: not measured." in text
    values = dict(line.split(": ", 1) for line in header(run).splitlines())
    assert json.loads(values["model-index"])[0]["results"][0]["metrics"][0]["value"] == 0.9
