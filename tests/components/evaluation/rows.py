"""Rows of `metrics.json` for tests."""

from components.records.attacks import AttackResult
from components.records.metrics import Row


def row(defence, valid, test, macs=1000, attacks=None, seed=0):
    """The row of a method with these accuracies and gains of attacks (name -> share, chance is 0.5)."""
    results = {
        name: AttackResult(score=0.5 + gain / 2, chance=0.5, n=100, measure="accuracy", threat="single")
        for name, gain in (attacks or {}).items()
    }
    return Row(
        method=defence.id,
        settings={"seed": seed, **defence.settings},
        edge_params=10,
        edge_macs=macs,
        bytes_up=0 if defence.sends_nothing else 100,
        bytes_down=0 if defence.sends_nothing else 4,
        valid_accuracy=valid,
        test_accuracy=test,
        balanced_accuracy=test,
        auc=test,
        attacks=results,
        training_seconds=1.0,
        model=f"{defence.trained_as.model_name}-seed{seed}",
    )
