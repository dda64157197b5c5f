"""Kept figures and the page made of them."""

import json

from benchmarks import __main__ as command


def figure(benchmark, name, ratio=1.0, **more):
    told = {"benchmark": benchmark, "ratio": ratio, "quartiles": [0.5, 2.0], "rounds": 3, "machine": "a machine"}
    return told | {"command": f"python -m benchmarks.bench_{name} --rounds 3"} | more


def test_the_page_is_made_of_the_kept_figures():
    figures = [json.loads(line) for line in (command.DOCS / "benchmarks.jsonl").read_text().splitlines()]
    page = (command.DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert page.partition(command.MARK)[2] == "\n" + command.tables(figures)


def test_a_benchmark_that_runs_again_replaces_its_own_figures(tmp_path):
    lines = tmp_path / "lines.jsonl"
    command.keep([figure("a / b", "mixing", 2.0), figure("c / d", "mixing")], "mixing", lines)
    command.keep([figure("e / f", "mixing_more")], "mixing_more", lines)
    command.keep([figure("a / b", "mixing", 4.0)], "mixing", lines)
    kept = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(one["benchmark"], one["ratio"]) for one in kept] == [("a / b", 4.0), ("e / f", 1.0)]


def test_missed_targets_stand_out():
    missed = figure("a / b", "mixing", target="<= 0.5", met=False, input="64x64", copy_ms=0.1)
    met = figure("a / b", "mixing", target="<= 2", met=True, input="8x8", copy_ms=0.1)
    targets, own = command.tables([missed, met]).split("## `python")
    assert "| a / b | input 64x64 | 1.0 (0.5 to 2.0) | <= 0.5 | **no** |" in targets
    assert "| a / b | input 8x8 | 1.0 (0.5 to 2.0) | <= 2 | yes |" in targets
    assert "| input | copy ms | ratio | quartiles | target | met |" in own


def test_what_is_measured_once_has_no_ratio():
    said = {"benchmark": "setting", "pictures": [28, 28], "command": "python -m benchmarks.bench_x", "machine": "m"}
    assert "| pictures |\n| --- |\n| 28, 28 |" in command.tables([said])
