import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamix_tf.layers import SpectrogramMask
from datamix_tf.layers.masking import mask_span
from tests.datamix_tf.layer_test import run_layer_test

ONES = np.ones((6, 12, 20, 1), "float32")


def test_it_is_a_keras_layer():
    run_layer_test(SpectrogramMask(4, 5, seed=0), ONES)


@given(start=st.integers(0, 11), width=st.integers(0, 12))
def test_a_span_is_blanked_and_nothing_else(start, width):
    masked = np.asarray(mask_span(ONES, 1, np.full(6, start), np.full(6, width), value=-3.0))
    expected = ONES.copy()
    expected[:, start : start + width] = -3
    np.testing.assert_array_equal(masked, expected)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_in_training_each_example_loses_a_band_and_a_span_within_bounds(seed):
    masked = np.asarray(SpectrogramMask(4, 5, seed=seed)(ONES, training=True))[..., 0] == 0
    bands, spans = masked.all(2).sum(1), masked.all(1).sum(1)
    assert bands.max() < 4 and spans.max() < 5
    for example, band, span in zip(masked, bands, spans, strict=True):
        assert example.sum() == band * 20 + span * 12 - band * span


def test_nothing_is_blanked_at_inference():
    np.testing.assert_array_equal(SpectrogramMask(4, 5)(ONES), ONES)


def test_wrong_bounds():
    with pytest.raises(ValueError, match="at least 1"):
        SpectrogramMask(0, 5)
