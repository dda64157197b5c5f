"""How long a run will take is told before it begins, with what makes it shorter."""

import dataclasses

import pytest

from components.attacker import unit_of as attack_unit
from components.trainer import unit_of as training_unit
from pipeline.datasets import open_dataset
from pipeline.options.run_options import parse
from pipeline.orchestration import dag
from pipeline.orchestration.announcing import smaller
from pipeline.orchestration.durations import Machine, Unit, Work
from pipeline.orchestration.forecast import Forecast, Known, forecast, splits_of
from pipeline.orchestration.work import Part


@pytest.fixture
def machine(tmp_path):
    return Machine(str(tmp_path / "kept"), {"layer": 0.005, "mac": 2e-11})


def expected(machine, *flags):
    options, _ = parse(["--methods", "cloud,datamix", *flags])
    source = open_dataset(options.dataset, examples=options.examples)
    nodes = dag.build(options, source)
    return forecast(nodes, Known(splits_of(options, source, None), None, []), machine)


def seconds_of(found, name):
    return next(found.seconds_of(part) for part in found.parts if part.name == name)


def test_trainings_grow_with_epochs_and_examples_and_attacks_with_theirs(machine):
    plain, longer, more = (expected(machine, *flags) for flags in ((), ("--epochs", "64"), ("--examples", "12000")))
    assert 2.5 < seconds_of(longer, "trainer") / seconds_of(plain, "trainer") < 4.5
    assert 2.5 < seconds_of(more, "trainer") / seconds_of(plain, "trainer") < 4.5
    assert seconds_of(longer, "attacker") == pytest.approx(seconds_of(plain, "attacker"))
    assert seconds_of(expected(machine, "--attack_epochs", "0"), "attacker") < seconds_of(plain, "attacker") / 10


def test_every_unit_has_the_name_that_the_journal_tells(machine):
    options, _ = parse(["--methods", "cloud,datamix"])
    nodes = dag.build(options, open_dataset("avatars"))
    found = {part.name: [unit.name for unit in part.units] for part in expected(machine).parts}
    trainer, attacker = (
        next(node.component for node in nodes if node.name == name) for name in ("trainer", "attacker")
    )
    assert found["trainer"] == [*map(training_unit, trainer.parameters["models"]), "trainer"]
    assert found["attacker"] == [*map(attack_unit, attacker.parameters["attacks"]), "attacker"]
    assert len(set(found["attacker"])) == len(found["attacker"])


def test_the_line_tells_the_time_its_parts_and_what_saves_much(tmp_path):
    machine = Machine(str(tmp_path / "none"), {"layer": 1.0, "mac": 0.0})
    units = [Unit(f"training {name}", ("train",), Work(120)) for name in "ab"]
    parts = [Part("trainer", (*units, Unit("trainer", ("trainer",), Work(60), False)))]
    line = Forecast(parts, machine, kept=3).text([("--epochs 4", 100.0), ("--examples 9", 290.0)])
    assert line == (
        "this run takes about 5 minutes on this machine (2 trainings 5 minutes; 3 more are kept from before); "
        "shorter: --epochs 4 (about 2 minutes)"
    )
    assert Forecast([], machine).text() == "nothing has changed since the last run: nothing is done again"


def test_flags_that_are_tried_differ_from_what_was_typed():
    options, _ = parse(["--attack_epochs", "0", "--epochs", "8"])
    flags = ("attack_epochs", "epochs", "examples")
    found = dict(smaller(options, 3000, flags))
    assert list(found) == ["--epochs 2", "--examples 1500"]
    assert found["--epochs 2"] == dataclasses.replace(options, epochs=2)
    assert [flag for flag, _ in smaller(options, None, flags)] == ["--epochs 2"]
