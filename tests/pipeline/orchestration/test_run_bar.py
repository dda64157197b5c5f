"""What is shown of a run: one bar on a terminal, a line a minute elsewhere."""

import io
import os
import pty
import sys
import time

import pytest

from components.progress import journal
from components.progress.journal import tell
from pipeline.orchestration import run_bar
from pipeline.orchestration.durations import Machine, Unit, Work
from pipeline.orchestration.forecast import Forecast, about
from pipeline.orchestration.run_bar import RunBar
from pipeline.orchestration.work import Part


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def forecast(tmp_path, monkeypatch):
    monkeypatch.setattr(run_bar, "LOOK", 0.01)
    units = (Unit("training a", ("train",), Work(300)), Unit("trainer", ("trainer",), Work(100), False))
    return Forecast([Part("trainer", units)], Machine(str(tmp_path / "kept"), {"layer": 1.0, "mac": 0.0}))


def waited(shown, text):
    deadline = time.monotonic() + 10
    while text not in shown.getvalue():
        assert time.monotonic() < deadline, shown.getvalue()
        time.sleep(0.01)


def test_without_a_terminal_a_line_a_minute_at_most(forecast):
    shown, now = io.StringIO(), [0.0]
    with RunBar(forecast, stream=shown, clock=lambda: now[0]):
        tell("training a", 0.0)
        tell("training a", 0.5, "epoch 1 of 2")
        time.sleep(0.1)
        assert shown.getvalue() == ""
        for minute in (1, 2):
            now[0] = 61.0 * minute
            waited(shown, f"% done after {minute if minute > 1 else '60'}")
        time.sleep(0.1)
    lines = shown.getvalue().splitlines()
    assert len(lines) == 2 and all("left: training a, epoch 1 of 2" in line for line in lines)
    assert "\r" not in shown.getvalue()


def test_on_a_terminal_one_bar_that_goes_away_and_lines_above_it(forecast, monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    with RunBar(forecast) as bar:
        tell("training a", 0.5, "epoch 1 of 2")
        waited(shown, "left: training a, epoch 1 of 2")
        print("*** A WARNING ***", file=sys.stderr)
        bar.node_done("trainer", "[1/1] trainer: done")
    assert sys.stderr is shown
    text = shown.getvalue()
    assert "*** A WARNING ***\n" in text and "[1/1]" not in text
    assert text.rstrip(" ").endswith("\r")  # nothing of the bar stays


def test_a_terminal_that_does_not_know_its_size_has_a_bar_all_the_same(forecast, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    leader, follower = pty.openpty()  # of 0 rows and 0 columns
    with open(follower, "w") as terminal, RunBar(forecast, stream=terminal):
        tell("training a", 0.5, "epoch 1 of 2")
        time.sleep(0.2)
    os.set_blocking(leader, False)
    shown = os.read(leader, 1 << 16).decode()
    assert "left: training a, epoch 1 of 2" in shown
    assert max(len(line) for line in shown.split("\r")) <= 80
    os.close(leader)


def test_verbose_tells_components_and_results(forecast):
    shown = io.StringIO()
    with RunBar(forecast, verbose=True, stream=shown) as bar:
        tell("training a", 1.0, "right for 90 %")
        bar.node_done("trainer", "[1/1] trainer: done")
    assert shown.getvalue().splitlines() == ["right for 90 %", "[1/1] trainer: done"]


def test_the_journal_goes_away(forecast):
    with RunBar(forecast, stream=io.StringIO()):
        path = os.environ[journal.VARIABLE]
        assert os.path.exists(path)
    assert not os.path.exists(path) and journal.VARIABLE not in os.environ


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "a few seconds"), (47, "about 50 seconds"), (240, "about 4 minutes"), (9000, "about 2.5 hours")],
)
def test_times_as_people_say_them(seconds, text):
    assert about(seconds) == text
