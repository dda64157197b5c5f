"""Records and their files: the same JSON before and after, and one clear error for what is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.records.serialising import Record, Versioned, converted, plain, read
from components.storage.artifacts import write_json

NAMES = st.text(min_size=1).filter(lambda name: name not in Found.__struct_fields__)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class Found(Record, kw_only=True):
    beside = "details"

    name: str = ""
    score: float
    details: dict[str, Any] = {}
    seconds: float | None = None


class Paper(Versioned, kw_only=True):
    found: dict[str, Found]
    several: tuple[Found, ...]
    strip: str | None


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(NAMES, JSON),
    st.sampled_from([{}, {"seconds": 1.5}]),
)
def test_what_was_written_is_read_and_written_the_same(score, details, last):
    found = {"name": "a", "score": score, **details, **last}
    written = json.dumps({"schema": 1, "found": {"key": found}, "several": [found, {"score": 0.5}], "strip": None})
    paper = converted(json.loads(written), Paper)
    assert paper.several[0].details == details and paper.several[1] == Found(score=0.5)
    assert json.dumps(plain(paper)) == written and converted(plain(paper), Paper) == paper == converted(paper, Paper)


@pytest.mark.parametrize("name", ["score", "seconds", "details"])
def test_details_overwrite_no_field(name):
    with pytest.raises(ValueError, match=f"the details of Found overwrite its fields {name}; rename"):
        Found(score=1.0, details={name: 2.0, "other": 3.0})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"schema": 2, "found": {}, "several": [], "strip": null}', "its schema is 2, and 1 is read"),
        (b'{"found": {}, "several": [], "strip": null}', "its schema is None, and 1 is read"),
        (b'{"schema": 1, "found": {"a": {}}, "several": [], "strip": null}', "missing required field `score`"),
        (b'{"schema": 1, "found": {}, "several": [{"score": "high"}], "strip": null}', r"\$.several\[0\].score"),
        (b'["another file"]', "Expected `object`, got `array`"),
        (b'{"schema": 1', "delimiter"),
        (b"\xff\xfe\x00", "decode"),
        (b"[" * 100_000, "it is not: "),
        (b"", "Expecting value"),
        (None, "it is not there"),
    ],
)
def test_a_file_that_is_no_such_record_is_named_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "paper.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read(str(path), Paper)
    text = str(caught.value)
    assert text.startswith(f"expected {path} as this version writes it") and "\n" not in text
    assert text.endswith("run what wrote it again with this version")


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_file_holds_the_error_is_ours(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "paper.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read(str(path), Paper)


def test_records_are_written_like_their_json(tmp_path):
    paper = Paper(schema=1, found={"a": Found(score=0.1, details={"n": 3})}, several=(), strip=None)
    write_json(str(tmp_path / "paper.json"), paper)
    assert read(str(tmp_path / "paper.json"), Paper) == paper
    again = {"schema": 1, "found": {"a": {"score": 0.1, "n": 3}}, "several": [], "strip": None}
    assert (tmp_path / "paper.json").read_text() == json.dumps(again, indent=1) + "\n"
