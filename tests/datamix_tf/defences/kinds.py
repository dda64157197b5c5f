"""All defences of this project, and their networks."""

import dataclasses

import numpy as np

from datamix_tf import defences
from datamix_tf.defences import NetworkSpec

SPEC = NetworkSpec((32, 32, 3), 2, True, 1, (120.0,) * 3, (3000.0,) * 3, width=8, hidden_units=4, seed=0)
KINDS = [kind for kind in defences.all_defences().values() if kind.__module__.startswith("datamix_tf.")]


def made(defence):
    """Its network as far as it can be made without training, and what that is built for."""
    spec = dataclasses.replace(SPEC, backbone=(defence.backbones or ("resnet18",))[0])
    if defence.starts_from is None:
        model = defence.trained_as.build(spec)
    else:
        model = defence.starts_from.build(spec)
    x = np.random.default_rng(1).uniform(0, 255, (8, 32, 32, 3)).astype("float32")
    for stage in defence.stages(4, 2):
        model = stage.change(model, spec, lambda: (x, np.arange(8) % 2)) if stage.change else model
    return model, spec
