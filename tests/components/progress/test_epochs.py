"""Trainings tell their epochs."""

import pytest

from components.progress import journal
from components.progress.epochs import MOST, Epochs


@pytest.fixture
def told(tmp_path, monkeypatch):
    reader = journal.Reader(str(tmp_path / "journal"))
    monkeypatch.setenv(journal.VARIABLE, reader.path)
    yield lambda: [(entry.share / MOST, entry.note) for entry in reader.new()]
    reader.close()


def test_stages_are_one_after_the_other(told):
    second = Epochs("training a", total=5, before=2)
    second.on_train_begin()
    for epoch in range(3):
        second.on_epoch_end(epoch, {"loss": 0.25})
    shares, notes = zip(*told(), strict=True)
    assert shares == pytest.approx([0.6, 0.8, 1.0]) and notes[0] == "epoch 3 of 5, loss 0.250"


def test_a_stage_that_goes_on_and_fits_in_a_row(told):
    resumed = Epochs("training a", total=4)
    resumed.on_train_begin()
    resumed.on_epoch_end(2)
    assert told()[0][0] == pytest.approx(0.75)
    row = Epochs("attack", total=4)
    for _ in range(3):  # one more than was said: what is shown stays within the unit
        row.on_train_begin()
        row.on_epoch_end(0)
        row.on_epoch_end(1)
    assert [share for share, _ in told()] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
