"""Every defence in turn."""

import dataclasses

import pytest

from tests.datamix_tf.defences.kinds import KINDS


@pytest.fixture(params=KINDS, ids=lambda kind: kind.id)
def defence(request):
    small = {"signal_rank": 4, "bottleneck_units": 6, "generator_width": 4, "channels": 4}
    kind = request.param
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in small.items() if name in names})
