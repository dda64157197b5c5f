"""The benchmarks of private inference as commands."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks import shaped_link
from tests.conftest import REPOSITORY


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("benchmarks.bench_private_inference", "--rounds", "0"), "--rounds must be at least 1; received 0"),
        (("benchmarks.bench_private_inference", "--dataset", "x"), "--dataset must be digits or folder:PATH"),
        (("benchmarks.bench_private_inference", "--dataset", "folder:/nowhere"), "does not exist"),
        (("benchmarks.bench_link", "--size", "7"), "--size 32 to 224; received 7, 7"),
    ],
)
def test_bad_flags_are_one_line(words, expected):
    done = run(*words)
    assert done.returncode == 2 and expected in done.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("link", ["shaped", "computed"])
def test_private_inference(link):
    done = run(
        "benchmarks.bench_private_inference", "--epochs", "1", "--rounds", "1", "--link_rounds", "1", "--link", link
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    shaped = link == "shaped" and not shaped_link.unavailable()
    measured = {(line["link"], line["alternative"]) for line in lines if "latency_ms" in line and "ratio" in line}
    over = "4G, shaped" if shaped else "4G, computed by Eq. 1 with one round trip"
    for name in ("plain edge", "plain cloud", "DataMix, 1 of 8 true", "DataMix, 8 of 8 true"):
        assert {("loopback", name), (over, name)} <= measured


@pytest.mark.slow
@pytest.mark.parametrize("flags", [(), ("--computed",)])
def test_link(flags):
    done = run("benchmarks.bench_link", "--rounds", "1", "--size", "32", *flags)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    sizes = {line["format"]: line["bytes_up"] for line in lines if "maps" in line["sent"] and "bytes_up" in line}
    assert sizes["json"] > sizes["float32"] > sizes["float16"] == sizes["bfloat16"] > sizes["int8"]
    shaped = not flags and not shaped_link.unavailable()
    assert len(lines) == (56 if shaped else 28)
    assert all(("new_connection_ms" in line) == shaped for line in lines if "bytes_up" in line)
