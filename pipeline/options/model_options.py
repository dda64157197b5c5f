"""The network that all methods share."""

from __future__ import annotations

import dataclasses

from components.errors import InputError
from datamix_tf.models.backbones import BACKBONES, VALUES
from datamix_tf.settings import at_least, not_empty, setting

WEIGHTS = ("imagenet", "none")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The network that all methods share."""

    GROUP = "models"

    model: str | None = setting(
        None,
        "a Keras model of your own instead of --backbone: a .keras or .h5 file, or keras.applications:NAME "
        "(docs/how-to/own-model.md)",
        metavar="FILE",
        **not_empty("a file, or keras.applications:NAME"),
    )
    model_weights: str = setting(
        "imagenet",
        "of --model keras.applications:NAME: imagenet, which Keras downloads, or none, random ones",
        choices=WEIGHTS,
    )
    model_inputs: str = setting(
        "raw",
        "what --model takes: raw, inputs as they are stored (pictures: 0 to 255); unit, a 255th of that; standardized, "
        "with mean 0 and variance 1. What it does to them itself stays",
        choices=VALUES,
    )
    split_after: tuple[str, ...] = setting(
        (), "last layer of --model on the edge, or one for each N_pre = 1, 2, ... with commas (default: proposed)"
    )
    split_before: str | None = setting(
        None, "first layer of --model that is on the edge again (default: the classifier)", **not_empty("a layer")
    )
    hidden_units: int = setting(
        256, "units of a hidden layer in M_post; the papers have none: 0; not for --model", **at_least(0)
    )
    backbone: str = setting(
        "resnet18",
        "the network; splitnet, the six layers of the obfuscation paper, has neither a width nor a hidden layer",
        choices=tuple(BACKBONES),
    )
    attribute_logits: int = setting(
        1,
        "logits of the classifier for each binary attribute; 2, a softmax over no and yes, is the papers'",
        choices=(1, 2),
    )
    width: int = setting(32, "filters of the ResNet stem; 64 (--preset full) is ResNet-18", **at_least(1))


def check_model(options: ModelOptions) -> None:
    """Refuses flags that mean something for a model of one's own alone. Raises InputError."""
    if options.model is None:
        for name in ("split_after", "split_before"):
            if getattr(options, name):
                raise InputError(f"--{name} names a layer of --model FILE; give that, too")
