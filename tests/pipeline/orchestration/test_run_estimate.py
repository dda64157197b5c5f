"""How much of a run is done and how long the rest takes."""

import pytest

from components.progress.journal import Entry
from pipeline.orchestration.durations import Machine, Unit, Work
from pipeline.orchestration.forecast import Forecast
from pipeline.orchestration.run_estimate import RunEstimate
from pipeline.orchestration.work import Part


@pytest.fixture
def machine(tmp_path):
    return Machine(str(tmp_path / "kept"), {"layer": 1.0, "mac": 0.0})


def estimate(machine, at=1000.0):
    """A run of two trainings of 100 s and 10 s beside them, and 40 s of something else."""
    trainings = [Unit(f"training {name}", (f"train {name}", "train", "any"), Work(100)) for name in "ab"]
    trainer = Part("trainer", (*trainings, Unit("trainer", ("trainer here", "trainer"), Work(10), False)))
    packager = Part("packager", (Unit("packager", ("packager",), Work(40), False),))
    return RunEstimate(Forecast([trainer, packager], machine), at)


def entry(unit, share, at, note="", process=1):
    return Entry(unit, share, note, process, at)


def test_it_begins_with_what_was_expected(machine):
    share, left, doing = estimate(machine).at(1000)
    assert share == 0 and left == pytest.approx(250) and doing == "trainer"


def test_epochs_move_it_and_the_pace_of_the_run_corrects_it(machine):
    run = estimate(machine)
    run.told(entry("training a", 0, 1000))
    run.told(entry("training a", 0.5, 1100, "epoch 1 of 2"))
    share, left, doing = run.at(1100)  # 50 of 250 s of work took 100 s
    assert left == pytest.approx(200 * 130 / 80) and share == pytest.approx(100 / (100 + left))
    assert doing == "training a, epoch 1 of 2"


def test_a_unit_that_ended_teaches_the_others_of_its_kind(machine):
    run = estimate(machine)
    run.told(entry("training a", 0, 1000))
    assert run.told(entry("training a", 1, 1200, "right for 90 %")) == "right for 90 %"
    _, left, _ = run.at(1200)
    assert left == pytest.approx(200 + 10 + 40)
    assert machine.seconds(Unit("training c", ("train c", "train", "any"), Work(50))) == pytest.approx(100)


def test_the_end_of_a_component_is_the_end_of_its_units(machine):
    run = estimate(machine)
    run.told(entry("training a", 0, 1000))
    run.told(entry("training a", 1, 1100))
    run.part_done("trainer", 1130)  # b was kept; 30 s beside
    assert machine.seconds(Unit("trainer", ("trainer here", "trainer"), Work(10), False)) == pytest.approx(30)
    share, left, doing = run.at(1130)
    assert doing == "packager" and left == pytest.approx(40) and share == pytest.approx(130 / 170)
    assert run.at(1150)[1] == pytest.approx(20)  # what tells nothing goes on with the time
    run.part_done("packager", 1170)
    assert run.at(1170)[:2] == pytest.approx((1, 0))


def test_shares_of_several_processes_add_up_and_a_training_that_goes_on_teaches_nothing(machine):
    run = estimate(machine)
    for process in (1, 2):
        run.told(entry("training a", 0.25, 1010, "30 examples", process))
    assert run.at(1000)[1] == pytest.approx(200 * 30 / 80)
    run.told(entry("training b", 0, 1010, "goes on after a stop"))
    run.told(entry("training b", 1, 1011))
    assert machine.seconds(Unit("training b", ("train b",), Work(100))) == pytest.approx(100)
