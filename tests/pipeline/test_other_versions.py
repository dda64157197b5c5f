"""Runs of another version, and damaged ones: one clear error of every command, before it does anything."""

import json
import os

import pytest

from components.records.training import Training
from components.storage.artifacts import write_json
from pipeline import audit, compare
from tests import pages
from tests.components.records.test_files import SCHEMA

CONFIG = {"defence": {"id": "datamix", "num_pre_blocks": 1, "group_size": 4}, "augment": [], "later": "setting"}
EXAMPLES, MODELS = "artifacts/transform/examples", "artifacts/trainer/models"
PAGE = "artifacts/reporter/report/page.json"
FILES = {
    "metrics.json": pages.metrics([pages.row("cloud", "plain-seed0")], "python -m pipeline.run"),
    PAGE: pages.page(),
    f"{EXAMPLES}/schema.json": SCHEMA,
    f"{MODELS}/models.json": ["m"],
    f"{MODELS}/m/training.json": Training(config=CONFIG, seconds=1.0, steps=1, history={}),
}
OF_METRICS = {"schema": 2, "rows": []}


@pytest.fixture
def run(tmp_path):
    for name, value in FILES.items():
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(str(path), value)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("command", "file", "content", "message"),
    [
        (compare, "metrics.json", json.dumps(OF_METRICS), "its schema is 2, and 1 is read"),
        (compare, "metrics.json", "{}", "its schema is None, and 1 is read"),
        (
            compare,
            PAGE,
            json.dumps({"schema": 1, "metrics": OF_METRICS}),
            "value 2 - at `$.metrics.schema`",
        ),
        (compare, PAGE, "[" * 100_000, "it is not: "),
        (audit, PAGE, json.dumps({"schema": 3}), "its schema is 3, and 1 is read"),
        (audit, "metrics.json", '{"schema": 1, "da', "it is not: Unterminated string"),
        (audit, f"{EXAMPLES}/schema.json", json.dumps(SCHEMA | {"shape": None}), "Expected `array`, got `null` - at"),
        (audit, f"{MODELS}/models.json", '{"m": 1}', "Expected `array`, got `object`"),
        (audit, f"{MODELS}/m/training.json", "\0", "Expecting value"),
        (audit, f"{MODELS}/m/training.json", None, "it is not there"),
        (audit, None, None, "the run was trained by another version, which is not read; run it again with this one"),
    ],
)
def test_it_is_one_line_with_file_reason_and_remedy(run, tmp_path, capsys, command, file, content, message):
    if file:
        os.remove(run / file)
    if content:
        (run / file).write_text(content)
    assert command.main([str(run), "--output", str(tmp_path / "made")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert file is None or f"expected {run / file} as this version writes it, but " in error
    assert not (tmp_path / "made" / "audit.json").exists() and not (run / "report.html").exists()
