"""`cuts.json`: where a user's own model can be cut, and where it was."""

from __future__ import annotations

from components.records.serialising import Record, Versioned

CUTS_FILE = "cuts.json"


class Reading(Record, kw_only=True):
    """What a probe read of frozen features.

    Attributes:
        score: Its accuracy, or balanced accuracy of binary labels.
        chance: What guessing reaches.
        n: Examples that it was scored on.
    """

    score: float
    chance: float
    n: int

    @property
    def gain(self) -> float:
        """Over chance, as a share of what there is to gain; at least 0."""
        return max(0.0, (self.score - self.chance) / max(1 - self.chance, 1e-9))


class Cut(Record, kw_only=True):
    """A possible cut.

    Attributes:
        after: The last layer on the edge.
        macs, params, bytes_up: On the edge, and of the feature in float32.
        shape: Of the feature.
        refused: Why it is not proposed; empty if it may be.
        target: What a probe reads of the target; `None` where none was trained.
        hidden: Hidden column -> what a probe reads of it.
    """

    after: str
    macs: int
    params: int
    bytes_up: int
    shape: tuple[int, ...]
    refused: str = ""
    target: Reading | None = None
    hidden: dict[str, Reading] = {}

    @property
    def worth(self) -> float | None:
        """Gain of the target less that of the hidden column that is read best; `None` where no probe was trained."""
        if self.target is None:
            return None
        return self.target.gain - max((reading.gain for reading in self.hidden.values()), default=0.0)


class CutTable(Versioned, kw_only=True):
    """What the cutter found.

    Attributes:
        model: What the user named.
        macs, params: Of the whole network.
        chosen: The last layers on the edge for N_pre = 1, 2, ...
        before: M_post's first layer.
        proposed: Whether the run chose.
        notes: What was changed in the model.
        examples: Train examples that probes learned from.
        cuts: The cuts, by their work on the edge.
    """

    model: str
    macs: int
    params: int
    chosen: tuple[str, ...]
    before: str
    proposed: bool
    notes: tuple[str, ...]
    examples: int
    cuts: tuple[Cut, ...]
