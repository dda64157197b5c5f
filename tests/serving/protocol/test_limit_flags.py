"""Limits as flags: the same names, defaults and checks for every server."""

import argparse
import dataclasses

import pytest

from serving.protocol.limit_flags import add_limits, limits_of
from serving.protocol.limits import Limits


def read(*flags):
    parser = argparse.ArgumentParser()
    add_limits(parser.add_argument)
    return limits_of(parser.parse_args(flags))


def test_every_limit_is_a_flag():
    assert read() == Limits()
    assert read("--max_body_bytes", "7", "--read_seconds", "0.5") == dataclasses.replace(
        Limits(), max_body_bytes=7, read_seconds=0.5
    )


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
def test_limits_must_be_above_0(name):
    with pytest.raises(ValueError, match=f"--{name} must be above 0; received 0"):
        read(f"--{name}", "0")


def test_no_time_is_no_number():
    with pytest.raises(ValueError, match="--read_seconds must be above 0; received nan"):
        read("--read_seconds", "nan")
