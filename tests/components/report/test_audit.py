from components.report.audit import certified
from datamix_tf.certificate import certificate
from datamix_tf.defences import DataMix, MixedBottleneck


def test_the_certificate_of_a_bottleneck_is_told_for_one_mixture_and_for_the_group():
    (line,) = certified(MixedBottleneck(group_size=16, bottleneck_units=8))
    for view in ("single", "linked"):
        assert f"{certificate(8, 16, view=view).auc:.3f}" in line
    (line,) = certified(MixedBottleneck(group_size=8, bottleneck_units=64))
    assert "1.000 (standard error 0.000) for the whole group" in line
    assert certified(DataMix(group_size=8)) == [] == certified(MixedBottleneck(group_size=1))
