"""Flags derived from dataclasses, on a small command of our own and on all that there are."""

import dataclasses

import pytest

from components.errors import InputError
from datamix_tf.settings import REQUIRED, at_least, setting, settings_of
from pipeline.options import flags
from tools.flag_table import commands


@dataclasses.dataclass(frozen=True, kw_only=True)
class Base:
    GROUP = "base"

    width: int = setting(64, "filters, 50 % of them", **at_least(1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(Base):
    GROUP = "own"

    folder: str = setting(REQUIRED, "where", metavar="FOLDER")
    group_size: int = setting(8, "inputs of a group")
    levels: tuple[float, ...] = setting((1.0, 2.5), "levels", **at_least(0))
    names: tuple[str, ...] | None = setting(None, "names (default: all)")
    no_cache: bool = setting(False, "run again")
    standardize: bool = setting(True, "standardise")
    kind: str = setting("a", "which", choices=("a", "b"))


COMMAND = flags.Command("python -m own", Options, "What it does.", positional="folder")


def test_types_follow_from_annotations_and_the_rest_is_left():
    arguments = ["--group_size", "4", "F", "--levels", "3,4", "--names=x,y", "--runner", "R", "--no_cache"]
    options, left = flags.parse(COMMAND, arguments)
    assert options == Options(folder="F", group_size=4, levels=(3.0, 4.0), names=("x", "y"), no_cache=True)
    assert left == ["--runner", "R"]


@pytest.mark.parametrize("flag", ["--no-standardize", "--no_standardize"])
def test_what_is_on_can_be_switched_off(flag):
    assert not flags.parse_all(COMMAND, ["F", flag]).standardize


def test_minus_signs_may_stand_for_underscores_in_our_own_flags_only():
    options, left = flags.parse(COMMAND, ["F", "--no-cache", "--group-size=2", "--direct-num-workers", "3"])
    assert options.no_cache and options.group_size == 2 and left == ["--direct-num-workers", "3"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--group_size", "x"], "--group_size must be a whole number; received x"),
        (["--width", "²"], "--width must be a whole number, at least 1; received ²"),
        (["--width", ""], "--width must be a whole number, at least 1; received ''"),
        (["--width", "0"], "--width must be at least 1; received 0"),
        (["--levels", "1,x"], "--levels must be numbers with commas, at least 0; received 1,x"),
        (["--levels", "-1"], "--levels must be at least 0; received -1"),
        (["--levels", "-1,2"], "--levels must be at least 0; received -1,2"),
        (["--levels", "-1e-3"], "--levels must be at least 0; received -0.001"),
        (["--kind", "c"], "--kind must be one of a, b; received c"),
        (["--width"], "--width: expected one argument"),
        (["--stray", "1"], "expected flags that --help explains; received --stray 1"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(arguments, message):
    with pytest.raises(InputError) as caught:
        flags.parse_all(COMMAND, ["F", *arguments])
    assert str(caught.value) == message


def test_what_must_be_given():
    with pytest.raises(InputError, match="required: FOLDER"):
        flags.parse(COMMAND, [])


def test_groups_stand_in_the_order_of_the_classes_that_declare_first():
    titles = {title: [field.name for field in fields] for title, fields in flags.groups(Options).items()}
    assert list(titles) == ["own", "base"] and titles["base"] == ["width"] and titles["own"][0] == "folder"


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_help_explains_every_flag_with_its_default(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100000")  # nothing is wrapped
    text = flags.parser(command).format_help()
    for field in dataclasses.fields(command.options):
        told = settings_of(command.options)[field.name]
        assert told.help and told.explanation in text
        if flags.default(field):
            assert f"{told.explanation} (default: {flags.default(field)})" in text


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_defaults_pass_their_own_checks(command):
    for field in dataclasses.fields(command.options):
        if field.default is not REQUIRED:
            assert not settings_of(command.options)[field.name].refusal(field.default)
