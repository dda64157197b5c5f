"""Values as texts of a command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamix_tf.settings import Setting
from pipeline.options import texts
from pipeline.options.data_options import size, write_size

WORDS = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def again(value, kind):
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    shown = Setting("").text(value)
    assert shown == repr("") or texts.read(shown, kind) == value
    return texts.read(text, kind)


@given(st.lists(st.integers(), min_size=1).map(tuple), st.lists(NUMBERS, min_size=1).map(tuple))
def test_tuples_of_numbers_are_read_as_they_are_written(whole, real):
    assert again(whole, tuple[int, ...]) == whole and again(real, tuple[float, ...]) == real


@given(st.lists(WORDS).map(tuple))
def test_tuples_of_texts_are_read_as_they_are_written(words):
    assert texts.read(",".join(words), tuple[str, ...] | None) == words


@given(st.integers(1, 9999), st.integers(1, 9999))
def test_sizes_are_read_as_they_are_written(height, width):
    assert size(write_size((height, width))) == (height, width) and size(str(height)) == (height, height)


@pytest.mark.parametrize("text", ["", "x", "32x", "x32", "1x2x3", "-1", "²", "٣", "3.5", "1_0"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError):
        size(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, int) for text in ("", "x", "1.5", "²", "٣", "1_000", "1,2")),
        *((text, float) for text in ("", "x", "nan", "inf", "-inf", "1_0.0")),
        *((text, tuple[int, ...]) for text in ("", "1,", "1,x", "1 2")),
        *((text, tuple[float, ...]) for text in ("", ",", "1,nan")),
    ],
)
def test_what_is_no_number_is_refused(text, kind):
    with pytest.raises(ValueError):
        texts.read(text, kind)


def test_nouns():
    assert texts.noun(int | None) == "a whole number" and texts.noun(tuple[float, ...]) == "numbers with commas"
