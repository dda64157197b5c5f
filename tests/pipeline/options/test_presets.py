"""Presets: options by name, which give way to flags."""

import pytest

from components.training.networks import optimizer
from datamix_tf.settings import check
from pipeline import experiments
from pipeline.experiments.plan import plan
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


@pytest.mark.parametrize(
    ("preset", "kind", "rates"),
    [
        ("datamix", "L2SGD", (0.05, 0.025, 0.0)),  # cosine annealing, no warm-up
        ("datamix-lfwa", "L2SGD", (0.05, 0.025, 0.0)),
        ("facemix", "L2Adam", (1e-3,) * 3),
        ("facemix-lfwa", "L2Adam", (1e-3,) * 3),
    ],
)
def test_the_papers_presets_train_as_their_papers_tell(preset, kind, rates):
    """From the command line to the optimizer: DataMix, section 5.1, and FaceMix, section 4."""
    options, _ = parse(["--experiment", "table2", "--preset", preset])
    model = plan(list(experiments.load("table2").rows), options, ("identity",)).models[0]
    assert model.epochs == (600 if "lfwa" in preset else 100) and model.augment == () and model.distill == 0
    (stage,) = model.defence.stages(model.epochs, model.fine_tune_epochs)
    made = optimizer(model, stage, 1000, model.warmup_epochs * 10)
    assert type(made).__name__ == kind and made.l2 == 1e-4 and not made.weight_decay
    for step, rate in zip((0, 500, 1000), rates, strict=True):
        made.iterations.assign(step)
        assert float(made.learning_rate) == pytest.approx(rate, rel=1e-6, abs=1e-9)
