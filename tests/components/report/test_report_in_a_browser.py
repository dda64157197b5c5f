"""The page in a real browser: whole, silent, without the network, readable on a phone and by keyboard."""

import pytest

from components.report.page import SECTIONS, RunPage, render
from tests import pages


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Pages of a run on pictures with an audit, of one on speech, and of both."""
    folder = tmp_path_factory.mktemp("pages")
    step = dict.fromkeys(("node", "started", "code", "key", "settings", "command"), "x")
    step |= {"inputs": [], "outputs": ["Report"], "versions": {"python": "3"}}
    faces = RunPage("faces", pages.page(bad=["a.png"]), pages.audit(), [step], "python -m pipeline.run --dataset faces")
    speech = RunPage("speech", pages.page("audio", leaking=0.71))
    for name, runs in {"faces": [faces], "speech": [speech], "both": [faces, speech]}.items():
        (folder / f"{name}.html").write_text(render(runs), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["faces", "speech", "both"])
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_page_is_whole_silent_and_asks_the_network_for_nothing(browser, written, name, width, theme):
    browser.visit(written / f"{name}.html", width, theme=theme)
    assert [section.get_attribute("id") for section in browser.find("main > section")] == [
        template.removesuffix(".html") for template in SECTIONS
    ]
    assert all(section.text and section.is_displayed() for section in browser.find("main > section"))
    assert browser.requests() == [(written / f"{name}.html").as_uri()]
    names = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert all(name.startswith("data:") for name in names)
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.run("return [...document.images].every(image => image.complete && image.naturalWidth > 0)")
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (theme == "light")
    assert browser.complaints() == []


def test_every_method_is_a_point_that_tells_its_settings(browser, written):
    browser.visit(written / "both.html")
    points = browser.find("#plot .point")
    assert len(points) == 6
    wanted = next(point for point in points if point.get_attribute("data-label") == "faces: DataMix, N_pre=1, S_G=4")
    browser.run("arguments[0].focus()", wanted)
    told_of = browser.find("#told")[0].text
    assert "group_size 4" in told_of and "chance" in told_of and "n = " in told_of
    other = next(point for point in points if point != wanted)
    browser.run("arguments[0].dispatchEvent(new PointerEvent('pointerenter'))", other)
    assert browser.find("#told")[0].text != told_of


def test_axes_and_methods_can_be_chosen(browser, written):
    browser.visit(written / "faces.html", 390)
    before = [point.get_attribute("d") for point in browser.find("#plot .point")]
    choose = "const s = document.getElementById(arguments[0]); s.value = arguments[1]; "
    choose += "s.dispatchEvent(new Event('change'))"
    browser.run(choose, "axis-x", "bytes_up")
    assert [point.get_attribute("d") for point in browser.find("#plot .point")] != before
    browser.run(choose, "axis-x", "attack: identity (score)")  # nothing is sent by the edge: it has no such figure
    assert len(browser.find("#plot .point")) == 2 and "all on the edge" in browser.find("#undrawn")[0].text
    browser.run("document.querySelector('#legend button').click()")
    assert browser.find("#undrawn")[0].text == ""
    assert browser.complaints() == []


def test_speech_can_be_played(browser, written):
    browser.visit(written / "speech.html", 390)
    assert len(browser.find("audio[controls]")) == 10
    length = "const [audio, done] = arguments; audio.onloadedmetadata = () => done(audio.duration); "
    length += "audio.preload = 'auto'; audio.load()"
    assert browser.driver.execute_async_script(length, browser.find("audio")[0]) == pytest.approx(1.0)
    assert browser.complaints() == []


def test_the_policy_lets_nothing_in_or_out(browser, written, tmp_path):
    text = (written / "faces.html").read_text(encoding="utf-8")
    (tmp_path / "changed.html").write_text(
        text.replace("</main>", '<img src="http://127.0.0.1:9/x.png"><script>document.title = "run"</script></main>')
    )
    browser.visit(tmp_path / "changed.html")
    assert len([line for line in browser.complaints() if "Content Security Policy" in line]) == 2
    assert browser.driver.title != "run"
