"""The charts of the documentation are those of the figures that are kept there; every one is shown and described."""

import functools
import re
import shutil

import pytest

from tests.conftest import REPOSITORY
from tools.charts import group_size
from tools.charts.__main__ import CHARTS, charts
from tools.charts.markdown_tables import read_table
from tools.charts.theme import THEMES, svg

DOCS = REPOSITORY / "docs"
SHOWN = re.compile(r"!\[([^\]]*)\]\(\.\./images/([\w-]+)-(light|dark)\.svg#gh-(light|dark)-mode-only\)")


@pytest.fixture(scope="module")
def drawn():
    return charts(DOCS / "results")


def test_they_are_up_to_date(drawn):
    kept = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "images").glob("*.svg")}
    assert set(kept) == set(drawn)
    old = [name for name, text in drawn.items() if kept[name] != text]
    assert not old, "`make figures` draws them anew"


def test_each_is_shown_by_day_and_by_night_with_words_for_those_who_do_not_see_it():
    shown = {}
    for page in (DOCS / "results").glob("*.md"):
        for words, name, theme, mode in SHOWN.findall(page.read_text(encoding="utf-8")):
            assert theme == mode and len(words.split()) >= 12, (page.name, name, words)
            shown.setdefault(name, {})[theme] = words
    assert set(shown) == set(CHARTS)
    assert all(set(found) == {"light", "dark"} and len(set(found.values())) == 1 for found in shown.values()), shown


def test_axes_have_names_and_nothing_tells_when_they_were_drawn(drawn):
    for name, text in drawn.items():
        assert text.count("</text>") > 10 and "<dc:date>" not in text, name
    assert "group size S_G" in drawn["group-size-light.svg"] and "accuracy, %" in drawn["group-size-light.svg"]
    assert "multiply-adds on the edge, millions" in drawn["edge-work-dark.svg"]


def test_a_chart_is_of_what_stands_in_the_page(drawn, tmp_path):
    page = tmp_path / "results.md"
    text = (DOCS / "results" / page.name).read_text(encoding="utf-8")
    head, body = text.split("### Table 2", 1)
    row = re.search(r"^\| DataMix, N_pre ?= ?1, S_G ?= ?4 .*$", body, re.M)[0]
    shutil.copy(DOCS / "results" / page.name, page)
    place = read_table(page, "Table 2", "balanced").headings.index("test")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    cells[place] = "60.0 ± 2.5"
    page.write_text(f"{head}### Table 2{body.replace(row, '| ' + ' | '.join(cells) + ' |')}", encoding="utf-8")
    assert redrawn(tmp_path) != drawn["group-size-light.svg"]
    page.write_text(text.replace("### Table 2", "### The second table"), encoding="utf-8")
    with pytest.raises(ValueError, match="'Table 2'"):
        redrawn(tmp_path)


def redrawn(results):
    return svg(functools.partial(group_size.draw, results=results), THEMES["light"], group_size.SIZE)
