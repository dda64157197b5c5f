"""Auditor: the attacker with the attacks of every threat model, and a report for a reviewer."""

from __future__ import annotations

import msgspec
import numpy as np

from components.attacker import Attacker
from components.base import ComponentSpec
from components.records.audit import AUDIT_FILE, AuditedData, AuditReport
from components.report.audit import text
from components.report.pictures import picture_row, rebuilt, stacked
from components.storage import files
from components.storage.artifacts import Audit, Examples, Models, atomic_file, write_json
from components.training import models as trained
from components.training.splits import Split
from datamix_tf.attacks.catalogue import PICTURES, all_attacks


class Auditor(Attacker):
    """Measures what the cloud learns of mixing models, threat model by threat model.

    Parameters:
        attacks: The `AttackConfig`s.
        keep: Folder that keeps scores, so that a stopped audit goes on.
        command: The command line, for the report.

    Inputs:
        examples: `Examples`. Attacks are fitted on its train split and scored on its test split.
        models: `Models`.

    Outputs:
        audit: `Audit`.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models},
        outputs={"audit": Audit},
        parameters={"attacks": list, "keep": str, "command": str},
    )
    without_effect = ("keep", "command")

    def write(self, scores, inputs, artifact):
        specs, schema = all_attacks(), inputs["examples"].schema()
        order = list(specs)
        scores = sorted(scores, key=lambda score: (score.model, order.index(score.id), score.name))
        models = list(dict.fromkeys(score.model for score in scores))
        result = AuditReport(
            schema=1,
            dataset=AuditedData(name=schema.name, fingerprint=schema.fingerprint, splits=schema.splits),
            command=self.parameters["command"],
            models={name: trained.training(inputs["models"], name).config for name in models},
            scores=tuple(msgspec.structs.replace(score, probe=specs[score.id].name) for score in scores),
        )
        write_json(artifact.path(AUDIT_FILE), result)
        with atomic_file(artifact.path("audit.md")) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(text(result) + "\n")
        for name in models:
            _write_picture(artifact, name, inputs["examples"], schema.shape[:2])


def _write_picture(audit, model, examples, size):
    """Raw inputs above what was rebuilt of their mixtures, as PNG, if that attack was run."""
    pictures = rebuilt(audit, model, PICTURES)
    if pictures is None:
        return
    raw = Split(examples, "test").x[: len(pictures)]
    rows = [picture_row(raw, size), picture_row(np.clip(pictures, 0, 255), size)]
    with atomic_file(audit.path(f"{model}.png")) as temporary, open(temporary, "wb") as file:
        file.write(stacked(rows))
    files.remove(audit.path(model))
