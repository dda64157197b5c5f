"""Presets: options by name, which give way to flags."""

import pytest

from datamix_tf.settings import check
from pipeline.options import parse
from pipeline.options.presets import PRESETS
from pipeline.options.run_options import command


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_options_and_pass_their_checks(name):
    options, _ = parse(["--preset", name])
    check(options)
    assert options == command().options(preset=name, **PRESETS[name])


def test_the_hardened_preset_compares_the_bottleneck_with_the_unmixed_model():
    options, _ = parse(["--preset", "hardened-small"])
    assert options.methods == ("edge", "cloud", "edge_half", "edge_head", "bottleneck", "unmixed_bottleneck")
    assert options.bottleneck_cloud == ("network", "linear") and options.head_distill == (0.5,) == (options.distill,)
    assert options.bottleneck_units == (12,) and options.bottleneck_bits == (60.0,) and options.group_size == 192


def test_a_preset_gives_way_to_flags():
    options, _ = parse(["--experiment", "table2", "--preset", "datamix", "--epochs", "7"])
    assert (options.epochs, options.width, options.optimizer, options.repeats) == (7, 64, "sgd", 4)
    assert (options.hidden_units, options.curriculum, options.weight_decay) == (0, 0.0, 1e-4)
