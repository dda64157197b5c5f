"""The code of how-to pages, run as a reader who copies it would."""

import os
import re
import subprocess
import sys

from tests.conftest import REPOSITORY


def code(page):
    """The first Python block of a page."""
    text = (REPOSITORY / "docs" / "how-to" / page).read_text(encoding="utf-8")
    return re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]


def test_the_defence_of_the_page_is_a_method_of_a_run(tmp_path):
    (tmp_path / "mine.py").write_text(code("add-a-defence.md"), encoding="utf-8")
    flags = "--plugin mine --methods cloud,dim,datamix --dim 2,4 --width 8 --image_size 32x32 --costs"
    result = subprocess.run(
        [sys.executable, "-m", "pipeline.run", *flags.split()],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert "dimmed by 2" in result.stdout and "dimmed by 4" in result.stdout


def test_the_data_set_of_the_page_is_read(tmp_path):
    import apache_beam as beam
    from apache_beam.testing.test_pipeline import TestPipeline
    from apache_beam.testing.util import assert_that

    names = {"__name__": "stripes"}
    exec(code("add-a-data-set.md"), names)
    source = names["Stripes"]()

    def read(examples):
        assert len(examples) == 600 and len({example.name for example in examples}) == 600
        assert {example.labels["direction"] for example in examples} == {"flat", "upright"}

    with TestPipeline() as pipeline:
        assert_that(pipeline | source.read() | beam.combiners.ToList() | beam.FlatMap(lambda all: all), read)
    assert source.classes("direction") == 2

