"""`audit.json`: what the cloud learns of a run's mixing models, under every threat model. The auditor writes it."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from components.records.attacks import AttackResult
from components.records.serialising import Record, Versioned, plain

AUDIT_FILE = "audit.json"


class AuditedData(Record, kw_only=True):
    """The data; the fields are those of `DatasetSchema`."""

    name: str
    fingerprint: str
    splits: dict[str, int]


class AuditReport(Versioned, kw_only=True):
    """The file.

    Attributes:
        dataset: The data.
        command: The command line.
        models: Name of each audited model -> its `ModelConfig` as of `to_dict`.
        scores: Of every attack on them.
    """

    dataset: AuditedData
    command: str
    models: dict[str, dict[str, Any]]
    scores: tuple[AttackResult, ...]

    def __post_init__(self):
        super().__post_init__()
        for score in self.scores:
            if not score.skipped and (score.standard_error is None or score.seconds is None):
                raise ValueError(f"the audit's attack {score.name!r} must have a standard error and seconds")

    def of(self, models: Container[str]) -> list[AttackResult]:
        """The scores of some models."""
        return [score for score in self.scores if score.model in models]

    def sentences(self, models: Container[str]) -> list[tuple[str, bool]]:
        """For each threat model the worst attack on some models: a sentence, and whether it succeeds."""
        from datamix_tf.audit import headlines, sentence, succeeds

        worst = headlines(map(plain, self.of(models))).values()
        return [(sentence(score), succeeds(score)) for score in worst]
