"""The glossary speaks of flags, attacks and threat models that there are, and leaves no threat model out."""

import re

from datamix_tf.attacks.catalogue import OURS
from datamix_tf.attacks.threat_models import THREATS
from serving.edge.__main__ import _whole_parser
from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "docs" / "concepts" / "glossary.md").read_text(encoding="utf-8")


def test_flags_are_there():
    known = (REPOSITORY / "docs" / "reference" / "flags.md").read_text(encoding="utf-8")
    (commands,) = (action for action in _whole_parser()._actions if action.choices)
    known += commands.choices["predict"].format_help()
    flags = set(re.findall(r"--\w+", TEXT))
    assert len(flags) > 10 and not [flag for flag in flags if not re.search(rf"{flag}\b", known)]


def test_every_threat_model_has_a_line():
    assert not [name for name in THREATS if f"\n| `{name}` |" not in TEXT]


def test_attacks_are_there():
    ids = {spec.id for spec in OURS}
    (line,) = (line for line in TEXT.splitlines() if line.startswith("| label attack"))
    assert set(re.findall(r"`(\w+)`", line)) <= ids
    assert {"set", "probe", "reconstruction", "key"} <= ids and "| `set` |" in TEXT
    measures = (REPOSITORY / "datamix_tf" / "attacks" / "base.py").read_text(encoding="utf-8")
    assert '"key_agreement"' in measures and "measure `key_agreement`" in TEXT


def test_every_line_has_four_columns():
    rows = [line for line in TEXT.splitlines() if line.startswith("|")]
    assert len(rows) > 50 and {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}
