"""Attacks in two worker processes against one: the same scores, and how much less time.

    python -m benchmarks.bench_attack_workers [--run RUN] [--epochs 4] [--rounds 3]

RUN is the output folder of a `python -m pipeline.run`; without it, a small one on generated faces is made first. Every
attack (target and hidden labels on each model) is an independent Beam element. Runs alternate; prints one JSON line:
the median ratio two / one of the attacker's seconds, with all ratios, and the largest difference of a score.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

from benchmarks.figures import short, show

TWO_WORKERS = ["--direct_running_mode", "multi_processing", "--direct_num_workers", "2"]
SMALL_RUN = ["--examples", "600", "--width", "16", "--epochs", "2", "--attack_epochs", "0", "--hidden_units", "0"]


def attacked(folder, run, attacks, arguments):
    """Seconds and scores of the attacks under Beam arguments."""
    from apache_beam.options.pipeline_options import PipelineOptions

    from components.attacker import Attacker
    from components.storage.artifacts import Examples, Models

    inputs = {
        "examples": Examples(os.path.join(run, "artifacts", "transform", "examples")),
        "models": Models(os.path.join(run, "artifacts", "trainer", "models")),
    }
    attacker = Attacker(attacks=attacks, keep=os.path.join(folder, "kept"))
    started = time.monotonic()
    scores = attacker.run(inputs, folder, PipelineOptions(arguments))["scores"].read_json("scores.json")
    return time.monotonic() - started, {(score["model"], score["name"]): score.get("score", 0.0) for score in scores}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="output folder of a run")
    parser.add_argument("--epochs", type=int, default=4, help="passes of each attack network")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of one and two workers")
    arguments = parser.parse_args()
    from components.attacker import TARGET, AttackConfig
    from components.storage.artifacts import Examples, Models
    from components.training import models as trained

    with tempfile.TemporaryDirectory() as folder:
        run = arguments.run or os.path.join(folder, "run")
        if not arguments.run:
            from pipeline.run import main as run_pipeline

            if run_pipeline(["--output", run, *SMALL_RUN]):
                sys.exit("error: the run to attack failed")
        schema = Examples(os.path.join(run, "artifacts", "transform", "examples")).schema()
        names = trained.names(Models(os.path.join(run, "artifacts", "trainer", "models")))
        attacks = [
            AttackConfig(name, label, epochs=arguments.epochs) for name in names for label in (TARGET, *schema.hidden)
        ]
        ratios, differences = [], []
        for number in range(arguments.rounds):
            one, first = attacked(os.path.join(folder, f"one{number}"), run, attacks, [])
            two, second = attacked(os.path.join(folder, f"two{number}"), run, attacks, TWO_WORKERS)
            ratios.append(two / one)
            differences.append(max(abs(first[key] - second[key]) for key in first))
    show(
        "attacks, two worker processes / one",
        ratios,
        attacks=len(attacks),
        largest_score_difference=short(max(differences)),
    )


if __name__ == "__main__":
    main()
