"""How long attacks will take, told beforehand, and one progress bar for all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import keras
from tqdm import tqdm

from datamix_tf.attacks.catalogue import get_attack

#: The settings that `AttackSpec.seconds` is told for: those of an audit.
EPOCHS, STEPS = 10, 800
#: Seconds below which an attack is a short one.
LEAST = 10
FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left {postfix}"
_BARS: dict[str, AttackBar] = {}


def expected_seconds(config: Any) -> float:
    """About how long an attack takes on 2 cores, on a half-width ResNet-18 at 64 x 64 and some thousand examples.

    Args:
        config: Its `components.attacker.AttackConfig`.
    """
    spec = get_attack(config.attack)
    share = {"epochs": config.epochs / EPOCHS, "steps": config.steps / STEPS}.get(spec.grows_with, 1.0)
    return spec.seconds * share


def forecast(configs: Iterable[Any]) -> str:
    """How long attacks will take in all, and a line for each kind that takes more than a moment."""
    by_name: dict[str, list[float]] = {}
    for config in configs:
        by_name.setdefault(get_attack(config.attack).name, []).append(expected_seconds(config))
    total, count = sum(map(sum, by_name.values())), sum(map(len, by_name.values()))
    short = [sum(seconds) for seconds in by_name.values() if max(seconds) < LEAST]
    lines = [
        f"{count} attacks, about {_time(total)} on 2 cores, less where some are kept; those that take longest last:"
    ]
    if short:
        lines.append(f"  {len(short)} that train nothing or little: {_time(sum(short))}")
    for name, seconds in sorted(by_name.items(), key=lambda item: sum(item[1])):
        if max(seconds) >= LEAST:
            lines.append(f"  {name.replace('{task}', 'labels')}: {_time(sum(seconds))}")
    return "\n".join(lines)


def is_short(config: Any) -> bool:
    """Whether an attack takes but a moment: such attacks come first."""
    return expected_seconds(config) < LEAST


def bar_of(folder: str, total: float) -> AttackBar:
    """The bar of this process for the attacks whose scores go to a folder; made at the first call."""
    if folder not in _BARS:
        _BARS[folder] = AttackBar(total)
    return _BARS[folder]


class AttackBar:
    """A bar over the expected seconds of all attacks.

    Args:
        total: Their sum.
    """

    def __init__(self, total: float):
        self.bar = tqdm(
            total=max(1, round(total)), desc="attacks", file=sys.stderr, mininterval=1, bar_format=FORMAT, leave=False
        )
        self.done = self.finished = 0.0

    def start(self, name: str) -> None:
        """Says what runs."""
        self.bar.set_postfix_str(name)

    def advance(self, seconds: float) -> None:
        """Moves it within an attack."""
        self.done += seconds
        self._show()

    def finish(self, seconds: float, line: str = "") -> None:
        """Moves it to the end of an attack that was expected to take so long, and prints a line above it."""
        self.finished += seconds
        self.done = self.finished
        if line:
            self.bar.write(line, file=sys.stderr)
        self._show()
        if self.finished >= self.bar.total - 1:
            self.bar.close()

    def _show(self) -> None:
        self.bar.n = min(self.bar.total, round(self.done))
        self.bar.update(0)


class EpochsOfAttack(keras.callbacks.Callback):
    """Moves the bar with the epochs of an attack's training.

    Args:
        bar: The bar.
        seconds: What the attack is expected to take.
    """

    def __init__(self, bar: AttackBar, seconds: float):
        super().__init__()
        self.bar, self.seconds, self.moved = bar, seconds, 0.0

    def on_epoch_end(self, epoch, logs=None):
        step = min(self.seconds / max(1, self.params["epochs"]), self.seconds - self.moved)
        self.moved += step
        self.bar.advance(step)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
