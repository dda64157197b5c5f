"""docs/reference/flags.md is what the tool makes of the dataclasses."""

from tools.flag_table import PATH, page


def test_the_page_is_up_to_date():
    assert PATH.read_text(encoding="utf-8") == page(), "python -m tools.flag_table writes it"
