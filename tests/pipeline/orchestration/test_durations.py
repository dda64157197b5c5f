"""What is known of a machine's speed, and learned from runs."""

import pytest

from pipeline.orchestration import durations
from pipeline.orchestration.durations import Machine, Unit, Work


@pytest.fixture(autouse=True)
def speeds(monkeypatch):
    """A machine that takes 1 ms for a layer and 1 ns for a multiply-add; counts how often it was measured."""
    measured = []
    monkeypatch.setattr(durations, "_layer_seconds", lambda: measured.append("layer") or 1e-3)
    monkeypatch.setattr(durations, "_mac_seconds", lambda: measured.append("mac") or 1e-9)
    return measured


def unit(name, *kinds, layers=1000.0, macs=0.0):
    return Unit(name, (*kinds, "any"), Work(layers, macs))


def test_a_run_measures_the_machine_once(tmp_path, speeds):
    machine = Machine(str(tmp_path / "kept"))
    assert machine.seconds(unit("a", "train", macs=2e9)) == pytest.approx(3)
    assert machine.seconds(unit("a", "train", layers=10)) == pytest.approx(0.01)
    assert speeds == ["layer", "mac"]


def test_what_was_learned_on_a_busy_machine_holds_on_a_quiet_one(tmp_path, monkeypatch):
    path = str(tmp_path / "kept")
    monkeypatch.setattr(durations, "_layer_seconds", lambda: 9e-3)
    Machine(path).finished(unit("a", "train"), 18.0)
    monkeypatch.setattr(durations, "_layer_seconds", lambda: 1e-3)
    assert Machine(path).seconds(unit("a", "train")) == pytest.approx(2)


def test_what_a_unit_took_counts_for_the_next_of_its_kind_however_large(tmp_path):
    path = str(tmp_path / "kept")
    Machine(path).finished(unit("a", "train net a", "train net", "train"), 4.0)
    again = Machine(path)
    assert again.seconds(unit("b", "train net a", "train net", "train", layers=500)) == pytest.approx(2)
    assert again.seconds(unit("c", "train net c", "train net", "train")) == pytest.approx(4)
    assert again.seconds(Unit("d", ("attack",), Work(1000))) == pytest.approx(1)


def test_the_nearest_kind_counts_and_of_it_the_latest(tmp_path):
    machine = Machine(str(tmp_path / "kept"))
    for seconds in (1, 1, 1, 9, 9, 9):
        machine.finished(unit("a", "train a", "train"), seconds)
    machine.finished(unit("b", "train b", "train"), 2)
    assert machine.seconds(unit("a", "train a", "train")) == pytest.approx(9)
    assert machine.seconds(unit("b", "train b", "train")) == pytest.approx(2)


def test_quite_other_units_correct_by_a_bounded_factor(tmp_path):
    machine = Machine(str(tmp_path / "kept"))
    machine.finished(unit("a", "train a"), 50)
    assert machine.seconds(unit("b", "train b")) == pytest.approx(2)
    assert machine.seconds(unit("a", "train a")) == pytest.approx(50)


def test_a_broken_line_and_a_folder_that_cannot_be_written_are_no_error(tmp_path):
    path = tmp_path / "kept"
    path.write_text('{"kinds": ["train"], "factor": 3}\n{"kin\n7\n')
    assert Machine(str(path)).seconds(unit("a", "train")) == pytest.approx(3)
    nowhere = Machine(str(tmp_path / "missing" / "kept"))
    nowhere.finished(unit("a", "train"), 5)
    assert nowhere.seconds(unit("a", "train")) == pytest.approx(5)


def test_the_file_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(durations, "KEPT", 20)
    path = tmp_path / "kept"
    machine = Machine(str(path))
    machine.counted("net", Work(7, 8))
    for _ in range(50):
        machine.finished(unit("a", "train"), 2)
    assert Machine(str(path)).seconds(unit("a", "train")) == pytest.approx(2)
    assert len(path.read_text().splitlines()) <= 22
    assert Machine(str(path)).seconds(unit("a", "train")) == pytest.approx(2)


def test_speeds_that_are_measured_are_times(monkeypatch):
    monkeypatch.undo()
    assert 1e-5 < durations._layer_seconds() < 10 and 1e-14 < durations._mac_seconds() < 1e-6
