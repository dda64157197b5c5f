"""`metrics.json`: what a run measured of each of its methods. The evaluator writes it, the command its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.errors import InputError
from components.records.attacks import AttackResult
from components.records.dataset import Dataset
from components.records.serialising import Record, Versioned
from datamix_tf import defences
from datamix_tf.defences import Defence

METRICS_FILE = "metrics.json"


class Accuracy(Record, kw_only=True):
    """How well a network does, in shares from 0 to 1.

    Attributes:
        valid_accuracy: On the valid split.
        test_accuracy: On the test split.
        balanced_accuracy: On the test split, with thresholds from the valid split.
        auc: Area under the ROC curve on the test split, without thresholds.
        balanced_accuracy_at_half: The same with thresholds of one half, of several 0/1 labels.
    """

    valid_accuracy: float
    test_accuracy: float
    balanced_accuracy: float
    auc: float
    balanced_accuracy_at_half: float | None = None


class OfMethod(Record, kw_only=True):
    """What belongs to a method.

    Attributes:
        method: Id of its defence.
        settings: Those that tell the defence from others of the method, perhaps among more.
    """

    method: str
    settings: dict[str, Any]

    @property
    def defence(self) -> Defence:
        """The defence. Raises InputError if it is not known here."""
        try:
            return defences.get(self.method).of(self.settings)
        except KeyError as error:
            text = f"the method {self.method} needs the setting {error}; run it again with this version"
            raise InputError(text) from None
        except ValueError as error:
            raise InputError(str(error)) from None

    @property
    def label(self) -> str:
        """What the method is called in tables."""
        return self.defence.label


class Row(OfMethod, kw_only=True):
    """A method with one seed.

    Attributes:
        settings: All that mean something for the method, those of its training too.
        edge_params: Parameters on the edge.
        edge_macs: Multiply-adds on the edge for one input, mixing and de-mixing included.
        bytes_up: Of one input's tensor to the cloud.
        bytes_down: Of one input's answer back.
        valid_accuracy, ..., balanced_accuracy_at_half: As of `Accuracy`.
        attacks: Name -> result of the attack.
        training_seconds: Time of the training, in seconds.
        details: Name -> `Accuracy` of networks with its weights to compare it with (`Defence.references`), or a number:
            what the defence tells of the model (`Defence.details`), and `logit_change`, the largest difference from the
            logits of the model that it was made from, relative to the largest of those.
        model: Name of the trained model that it runs.
    """

    beside = "details"

    edge_params: int
    edge_macs: int
    bytes_up: int
    bytes_down: int
    valid_accuracy: float
    test_accuracy: float
    balanced_accuracy: float
    auc: float
    balanced_accuracy_at_half: float | None = None
    attacks: dict[str, AttackResult]
    training_seconds: float
    details: dict[str, Accuracy | int | float] = {}
    model: str


class Gain(Record, kw_only=True):
    """What a method gains in accuracy over what the edge could do alone with the blocks that it runs anyway.

    Attributes:
        over: What the edge alone is called in tables.
        share: Difference of the test accuracies, as a share: 0.01 is a point.
        standard_error: Of the difference, paired on the test examples, over examples and seeds.
        n: Test examples.
    """

    over: str
    share: float
    standard_error: float
    n: int


class SummaryEntry(OfMethod, kw_only=True):
    """A method over all seeds.

    Attributes:
        seeds: How many there are.
        models: The trained models, one for each seed.
        edge_params, edge_macs, bytes_up, bytes_down: As of `Row`.
        mean: Score, or `"attack <name>"` -> mean over seeds.
        std: Likewise, the standard deviation; 0 of one seed.
        gain: Over the edge alone, where the run has that and the method sends something.
    """

    beside = "settings"

    seeds: int
    models: tuple[str, ...]
    edge_params: int
    edge_macs: int
    bytes_up: int
    bytes_down: int
    mean: dict[str, float]
    std: dict[str, float]
    gain: Gain | None = None

    def members(self, rows: Sequence[Row]) -> list[Row]:
        """The rows, one for each seed, behind the entry."""
        return [row for row in rows if row.method == self.method and row.defence == self.defence]


class Answer(Record, kw_only=True):
    """What to use for the task, decided on the validation split.

    Attributes:
        text: The answer as one paragraph.
        method: Id of the defence to use; empty if no method keeps the limits.
        settings: Those of the defence to use.
        models: The trained models that it runs, one for each seed.
    """

    text: str
    method: str = ""
    settings: dict[str, Any] = {}
    models: tuple[str, ...] = ()

    @property
    def defence(self) -> Defence | None:
        """The defence to use, or `None`. Raises InputError if it is not known here."""
        return OfMethod(method=self.method, settings=self.settings).defence if self.method else None


class Metrics(Versioned, kw_only=True):
    """The file.

    Attributes:
        settings: Options of the run by name, and its `command`; not yet there in the evaluator's file.
        dataset: The data.
        rows: Methods and seeds.
        summary: Methods, in the order of the papers' tables.
        answer: What to use; not in files of before 0.2.
    """

    settings: dict[str, Any] = {}
    dataset: Dataset
    rows: tuple[Row, ...]
    summary: tuple[SummaryEntry, ...]
    answer: Answer | None = None

    @property
    def command(self) -> str:
        """The command line of the run, if it is known."""
        return self.settings.get("command", "")
