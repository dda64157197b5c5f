"""The flags of methods' variants are those that the defences declare."""

import dataclasses

from datamix_tf.defences import all_defences, flags_of
from datamix_tf.settings import KEY, settings_of
from pipeline.options.defence_options import DefenceOptions
from pipeline.options.model_options import OURS


def test_ours_are_all_methods():
    assert tuple(name for name, kind in all_defences().items() if kind.__module__.startswith("datamix_tf.")) == OURS


def test_flags_and_their_defaults_help_and_demands_are_those_of_the_defences():
    declared = {}
    for kind in (kind for name, kind in all_defences().items() if name in OURS):
        for name, flag in flags_of(kind).items():
            told = settings_of(kind)[name]
            declared[flag.name] = (flag.default, told.help, told.demand)
    ours = {
        field.name: (field.default, field.metadata[KEY].help, field.metadata[KEY].demand)
        for field in dataclasses.fields(DefenceOptions)
    }
    assert ours == declared
