"""docs/reference/metrics.md is what the tool makes of the records, and tells of every field of a file."""

import json

import msgspec

from components.records.attacks import AttackResult
from components.records.serialising import plain
from tools.metrics_table import PATH, RECORDS, page, section, spelled_out


def test_the_page_is_up_to_date():
    assert PATH.read_text(encoding="utf-8") == page(), "python -m tools.metrics_table writes it"


def test_every_field_has_a_line_and_a_meaning():
    for kind in RECORDS:
        rows = [line for line in section(kind).splitlines() if line.startswith("| `")]
        assert all(row.count(" | ") == 3 and not row.endswith("|  |") for row in rows)
        assert {row.split("`")[1] for row in rows} == {
            field.name for field in msgspec.structs.fields(kind) if field.name != kind.beside
        }


def test_what_stands_beside_the_fields_is_told():
    result = AttackResult(score=0.5, chance=0.5, n=8, measure="accuracy", details={"classes": 2})
    assert json.loads(json.dumps(plain(result)))["classes"] == 2
    assert "**Beside these fields**" in section(AttackResult) and "`classes`" in section(AttackResult)


def test_names_in_between_are_found():
    assert spelled_out(["b", "...", "d"], ["a", "b", "c", "d"]) == ["b", "c", "d"]
