"""`page.json`: all that the page tells of a run. The reporter writes it; whatever is rendered is made from it."""

from __future__ import annotations

from components.records.attacks import Separation
from components.records.dataset import Dataset
from components.records.metrics import Metrics
from components.records.serialising import Record, Versioned
from components.records.training import Training
from components.storage.records import BadRecord

PAGE_FILE = "page.json"


class Traffic(Record, kw_only=True):
    """Bytes of one input's share of an HTTP body to the cloud, and of its answer."""

    bytes_up: float
    bytes_down: float


class Column(Record, kw_only=True):
    """A column of the strip.

    Attributes:
        title: Its heading.
        key: `"raw"`, `"cloud"`, `"wrong"`, `"attack"` or `"right"`.
        correlation: Mean over all inputs of the attacked groups, of rebuilt with true inputs, both less the mean input.
        chance: The same of random rotations, for the attack.
    """

    title: str
    key: str
    correlation: float | None = None
    chance: float | None = None


class Cell(Record, kw_only=True):
    """An input in a column of the strip.

    Attributes:
        pictures: Data URIs: features, and the input that is rebuilt from them.
        sound: Data URI of the same as a recording.
    """

    pictures: tuple[str, ...]
    sound: str | None = None


class Strip(Record, kw_only=True):
    """Inputs of one group: raw, as the cloud sees them, with a wrong key, attacked, and with the right key.

    Attributes:
        kind: `"image"` or `"audio"`.
        columns: The columns.
        rows: For each input a cell in each column.
        n: Inputs behind the correlations.
        score: Of the attack.
    """

    kind: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n: int
    score: Separation


class Page(Versioned, kw_only=True):
    """The file.

    Attributes:
        model: Name of the packaged model.
        metrics: The evaluator's.
        data: What is told of the data.
        bad: Records that were left out.
        traffic: Wire format -> bytes.
        edge_shares: Label of a method -> share of all multiply-adds that the edge does, 0 to 1.
        trainings: Of every model, with its name.
        separation: Model -> what separation alone makes of its mixtures, where it mixes groups that can be separated.
        strip: Of the packaged model, likewise.
        figures, defences: Pairs of a caption and a picture's data URI: the papers' figures; what the cloud receives of
            every method.
    """

    model: str
    metrics: Metrics
    data: Dataset
    bad: tuple[BadRecord, ...]
    traffic: dict[str, Traffic]
    edge_shares: dict[str, float]
    trainings: tuple[Training, ...]
    separation: dict[str, Separation]
    strip: Strip | None
    figures: tuple[tuple[str, str], ...]
    defences: tuple[tuple[str, str], ...]
