"""How much of a run is done, and how long the rest takes: what was expected, corrected by what the run shows."""

from __future__ import annotations

from components.progress.journal import Entry
from pipeline.orchestration.durations import Unit
from pipeline.orchestration.forecast import Forecast
from pipeline.orchestration.work import Part

#: Seconds after which what a run shows of its own pace counts as much as what was expected.
TRUSTED = 30.0
#: Most that a running unit counts as done by its time alone.
MOST = 0.9


class RunEstimate:
    """Follows a run, and teaches the machine's durations what units of work took.

    Args:
        forecast: The work.
        now: The time at which it begins, in seconds.
    """

    def __init__(self, forecast: Forecast, now: float):
        self.machine = forecast.machine
        self._parts = {part.name: part for part in forecast.parts}
        self._waiting = list(self._parts)
        self._units = {unit.name: unit for part in forecast.parts for unit in part.units}
        self._shares: dict[str, dict[int, float]] = {}
        self._began: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._started = self._part_started = now
        self._doing = ""

    def told(self, entry: Entry) -> str:
        """Takes an entry of the journal; returns a line to show if it is a result."""
        name = entry.unit
        if not entry.share and not entry.note:
            self._began.setdefault(name, entry.at)
        self._shares.setdefault(name, {})[entry.process] = entry.share
        self._last[name] = entry.at
        self._doing = name + (f", {entry.note}" if entry.note and entry.share < 1 else "")
        if entry.share < 1 or name in self._took:
            return ""
        self._finish(name, entry.at)
        return entry.note

    def part_done(self, name: str, now: float) -> None:
        """A component is done, and with it all of its units."""
        part = self._parts.get(name)
        if part is None or name not in self._waiting:
            return
        *told, rest = part.units
        for unit in told:
            if unit.name not in self._took:
                self._finish(unit.name, self._last.get(unit.name, now))
        self._took[rest.name] = max(0.0, now - self._part_started - sum(self._took[unit.name] for unit in told))
        self.machine.finished(rest, self._took[rest.name])
        self._waiting.remove(name)
        self._part_started, self._doing = now, ""

    def at(self, now: float) -> tuple[float, float, str]:
        """The share that is done (0 to 1), the seconds that are left, and what is being done."""
        done = left = 0.0
        for part in self._parts.values():
            active = self._waiting[:1] == [part.name]
            seconds = {unit.name: self._seconds(unit) for unit in part.units}
            of_part = sum(seconds[name] * self._share(name, seconds[name], now) for name in seconds)
            if part.name not in self._waiting:
                done += of_part
                continue
            if active:  # what tells nothing of itself goes on with the time
                of_part += self._beside(part, seconds, now)
            done += of_part
            left += sum(seconds.values()) - of_part
        elapsed = now - self._started
        left *= (elapsed + TRUSTED) / (done + TRUSTED)
        doing = self._doing or (self._waiting[0] if self._waiting else "")
        return elapsed / max(elapsed + left, 1e-9), left, doing

    def _beside(self, part: Part, seconds: dict[str, float], now: float) -> float:
        """What is done, by the time alone, of what a component does beside its units."""
        rest = part.units[-1].name
        spent = now - self._part_started - sum(self._took.get(unit.name, 0.0) for unit in part.units)
        running = any(unit.name in self._began and unit.name not in self._took for unit in part.units)
        return 0.0 if running else min(MOST * seconds[rest], max(0.0, spent))

    def _seconds(self, unit: Unit) -> float:
        """How long a unit took, or probably will: what was learned of others meanwhile counts."""
        return self._took[unit.name] if unit.name in self._took else self.machine.seconds(unit)

    def _share(self, name: str, seconds: float, now: float) -> float:
        if name in self._took:
            return 1.0
        told = min(1.0, sum(self._shares.get(name, {}).values()))
        if told or name not in self._began:
            return told
        return min(MOST, (now - self._began[name]) / max(seconds, 1.0))

    def _finish(self, name: str, at: float) -> None:
        self._took[name] = max(0.0, at - self._began[name]) if name in self._began else 0.0
        if name in self._units and name in self._began:
            self.machine.finished(self._units[name], self._took[name])
