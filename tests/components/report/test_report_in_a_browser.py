"""The page in a real browser: whole, silent, without the network, readable on a phone and by keyboard."""

import csv
import urllib.parse

import pytest

from components.report.page import SECTIONS, RunPage, render
from tests import pages
from tests.browser import LOOKS


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


@pytest.mark.parametrize("name", ["faces", "speech", "both"])
@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_page_has_no_barriers(browser, written, name, width, theme):
    browser.visit(written / f"{name}.html", width, theme=theme)
    assert browser.violations() == []


@pytest.mark.parametrize("width", [360, 390, 800, 1280])
def test_no_table_scrolls_sideways_and_all_of_it_is_there(browser, written, width):
    browser.visit(written / "both.html", width)
    browser.run("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    places = "return [...document.querySelectorAll('.scroll')].filter(place => place.scrollWidth > place.clientWidth)"
    assert browser.run(f"{places}.map(place => place.ariaLabel)") == []
    assert browser.run("return document.documentElement.scrollWidth") == width
    stacked = browser.run("return document.querySelectorAll('table.stacked').length")
    assert stacked >= 4 if width < 400 else width < 1280 or stacked <= 4
    if stacked:
        cell = browser.find("table.stacked td")[0]
        shown = browser.run("return getComputedStyle(arguments[0], '::before').content", cell)
        assert shown == f'"{cell.get_attribute("data-label")}"' and cell.get_attribute("role") == "cell"
    assert browser.complaints() == []


def test_every_table_can_be_had_as_csv(browser, written):
    browser.visit(written / "faces.html")
    links = browser.find("a.csv")
    assert len(links) == len(browser.find(".scroll > table:not(.strip)")) >= 5
    assert len({link.get_attribute("download") for link in links}) == len(links)
    for link in links:
        text = urllib.parse.unquote(link.get_attribute("href").removeprefix("data:text/csv;charset=utf-8,"))
        rows = list(csv.reader(text.splitlines()))
        assert len(rows) > 1 and all(len(row) <= len(rows[0]) for row in rows), rows
    text = urllib.parse.unquote(links[0].get_attribute("href"))
    assert "method,edge parameters" in text and '"DataMix, N_pre=1, S_G=4",' in text


def test_attacks_have_a_table_of_their_own(browser, written):
    browser.visit(written / "faces.html")
    heads = {place.get_attribute("aria-label"): place.text for place in browser.find("#tables .scroll")}
    assert "attack" not in heads["Methods"] and "worst attack measured" in heads["Attacks by method"]


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
