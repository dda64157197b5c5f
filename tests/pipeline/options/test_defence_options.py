"""The flags of methods' variants are those that the defences declare; a user's module brings its own."""

import dataclasses
import sys

import pytest

from components.errors import InputError
from datamix_tf.defences import all_defences, flags_of, registry
from datamix_tf.settings import KEY, settings_of
from pipeline.options import parse
from pipeline.options.run_options import command

PLUGIN = """
import dataclasses
from datamix_tf.defences import ObfuscatedInput, register, variant

@register
@dataclasses.dataclass(frozen=True)
class Own(ObfuscatedInput):
    id = "own"
    strength: float = variant(
        1.0, "strengths of own", flag="own_strength", values=(1.0, 2.0), check=lambda v: v > 0, expected="above 0"
    )

    @property
    def label(self):
        return f"own {self.strength:g}"
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of a user's own that registers a defence; it is forgotten afterwards."""
    (tmp_path / "own_defence.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry.DEFENCES, "items", dict(registry.DEFENCES.items))
    yield "own_defence"
    sys.modules.pop("own_defence", None)


def test_flags_and_their_defaults_help_and_demands_are_those_of_the_defences():
    fields = {field.name: field for field in dataclasses.fields(command().options)}
    for kind in all_defences().values():
        for name, flag in flags_of(kind).items():
            told, field = settings_of(kind)[name], fields[flag.name]
            found = field.metadata[KEY]
            assert (field.default, found.help, found.demand) == (flag.default, told.help, told.demand)


def test_a_module_of_a_user_s_own_brings_a_method_and_its_flag(own):
    options, _ = parse([f"--plugin={own}", "--methods", "datamix,own", "--own_strength", "3,0.5"])
    assert options.methods == ("datamix", "own") and options.own_strength == (3.0, 0.5)
    assert [each.label for each in all_defences()["own"].variants(options)] == ["own 3", "own 0.5"]
    assert "own_strength" in {field.name for field in dataclasses.fields(command().options)}
    with pytest.raises(InputError, match=r"--own_strength must be above 0; received -1"):
        parse(["--plugin", own, "--own_strength", "-1"])


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"--plugin must be of modules that can be imported; 'not_there'"):
        parse(["--plugin", "not_there"])


def test_methods_that_there_are_not_and_none_that_mixes():
    with pytest.raises(InputError, match=r"--methods must be of edge, .*; received other"):
        parse(["--methods", "other"])
    with pytest.raises(InputError, match=r"must include one that mixes and is packaged \(datamix, .*; received cloud"):
        parse(["--methods", "cloud"])
