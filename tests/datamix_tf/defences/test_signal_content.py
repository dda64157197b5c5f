import dataclasses

import keras
import pytest

from datamix_tf.defences import STRIDED, SignalContentAlone
from datamix_tf.obfuscation.signal import front_of
from tests.datamix_tf.defences.kinds import SPEC


def test_the_most_coefficients_are_what_the_cloud_s_first_layers_see():
    spec = dataclasses.replace(SPEC, width=4)
    network = spec.network()
    sent = network.get_layer(spec.pre_layer(STRIDED)).output
    basis, _ = front_of(keras.Model(sent, network.outputs[0])).decompose()
    most = basis.shape[1]
    SignalContentAlone(signal_rank=most).check(4)
    with pytest.raises(ValueError, match=f"--signal_rank must be at most .* = {most}; received {most + 1}"):
        SignalContentAlone(signal_rank=most + 1).check(4)
