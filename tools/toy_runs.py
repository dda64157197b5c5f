"""Toy-size runs that reach every method, attack, experiment and figure: what `tools.compare_checkouts` compares."""

from __future__ import annotations

import dataclasses
import os

#: One `ModelConfig` has the same settings in all runs on avatars, so that a checkout trains and attacks it once.
SMALL = "--preset small --batch_size 64 --hidden_units 8 --epochs 2 --attack_epochs 2 --reconstruction_epochs 1"
AVATARS = f"--dataset avatars --examples 600 --image_size 32 {SMALL} --width 8 --reconstruction_width 4"
#: What comes behind the evaluator does not change a figure; the run `avatars` goes to the end.
FIGURES_ONLY = "--to_node evaluator"


@dataclasses.dataclass(frozen=True)
class ToyRun:
    """A command, and what it writes.

    Attributes:
        module: The module that is run.
        flags: Its flags, but the folders.
        files: Patterns of the files to compare, in the folder that it writes to.
        of: Name of the run that it takes as its input, if it does.
    """

    module: str
    flags: str
    files: tuple[str, ...]
    of: str = ""

    def arguments(self, folder: str, name: str) -> list[str]:
        """What stands behind `python`, if it is called `name` and `folder` has the output folders of all runs."""
        taken = [os.path.join(folder, self.of)] if self.of else []
        places = ["--output", os.path.join(folder, name), "--keep", os.path.join(folder, "kept")]
        return ["-m", self.module, *taken, *self.flags.split(), *places]


def _experiment(name, flags):
    return ToyRun("pipeline.run", f"--experiment {name} {flags} {FIGURES_ONLY}", ("metrics.json", f"{name}.md"))


#: Name -> run; one that takes another's output stands behind it.
RUNS = {
    "avatars": ToyRun(
        "pipeline.run",
        f"{AVATARS} --methods edge,cloud,noise,blur,anonymizer,mixup,obfuscation,datamix,obfuscated_datamix "
        "--attacks label,set,probe,reconstruction,separated,key --noise 4 --blur 8 --signal_rank 8",
        ("metrics.json",),
    ),
    # Of its own, because no picture is rebuilt from the vector that a bottleneck sends.
    "bottleneck": ToyRun(
        "pipeline.run",
        f"{AVATARS} --methods edge_half,bottleneck,unmixed_bottleneck --bottleneck_units 16 "
        "--attacks label,set,probe,separated,key",
        ("metrics.json",),
    ),
    "features": ToyRun(
        "pipeline.run",
        f"{AVATARS} --backbone splitnet --methods datamix,split,removal_trained,signal_content,pruning,adversarial,"
        "information_bottleneck,shredder,clipped_noise --pruned_channels 4 --fine_tune_epochs 1",
        ("metrics.json",),
    ),
    # audit.md says what audit.json says, and how many seconds it took.
    "audit": ToyRun(
        "pipeline.audit",
        "--attack_epochs 1 --steps 4 --training_groups 4 --restarts 2 --groups 4",
        ("audit.json", "*.png"),
        of="avatars",
    ),
    "table2": _experiment("table2", AVATARS),
    "table3": _experiment("table3", AVATARS),
    "table4": _experiment("table4", f"--dataset tones --examples 400 {SMALL} --width 8"),
    "figure4": _experiment("figure4", AVATARS),
    "figure7": _experiment("figure7", AVATARS),
    # Its largest signal rank needs this width.
    "composition": _experiment("composition", f"{AVATARS} --width 24"),
    "obfuscation": ToyRun(
        "pipeline.obfuscation",
        "--dataset avatars --examples 300 --image_size 32 --target Smiling --hidden Mustache,Bangs --repeats 1 "
        "--epochs 2 --fine_tune_epochs 2 --batch_size 32 --attack_epochs 1",
        ("obfuscation.json", "obfuscation.md", "profile.json", "choice.json", "figure*.png"),
    ),
}
