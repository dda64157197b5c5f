"""Named settings: the papers' own, and small ones for two cores. `--preset NAME` sets what no flag sets."""

from __future__ import annotations

# The whole ResNet-18, trained to the end: hours on two cores. The flags' defaults are a quarter of its multiply-adds
# and as many epochs as a first answer takes: minutes.
FULL = {"width": 64, "epochs": 40, "batch_size": 32, "attack_epochs": 10}
SMALL = {
    "width": 32,
    "epochs": 10,
    "batch_size": 32,
    "hidden_units": 256,
    "augment": ("shift", "flip"),
    "anonymizer": (16,),
    "attack_epochs": 16,
    "attack_patience": 4,
    "reconstruction_epochs": 5,
    "reconstruction_width": 16,
}
# DataMix, sections 5.1 and 5.2: ResNet-18, SGD with weight decay 1e-4, cosine annealing, four runs. Rates, batch sizes
# and the momentum are not given; these are ResNet's usual ones. Nothing is told of a warm-up or augmentation: none.
# docs/results/fidelity.md sets each line beside its paper.
DATAMIX = {
    "width": 64,
    "epochs": 100,
    "batch_size": 64,
    "hidden_units": 0,
    "attribute_logits": 2,
    "curriculum": 0.0,
    "linear_path": False,
    "standardize": False,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "schedule": "cosine",
    "warmup_epochs": 0,
    "weight_decay": 1e-4,
    "decay": "l2",
    "augment": (),
    "distill": 0.0,
    "repeats": 4,
    "image_size": (218, 178),
    "spectrogram": "paper",
    "anonymizer": (64,),
    "attack_epochs": 100,
    "attack_patience": 20,
    "attack_starts": ("trained", "fresh"),
    "attack_learning_rates": (1e-3, 3e-3),
    "reconstruction_epochs": 200,
    "reconstruction_width": 64,
}
# FaceMix, section 4: the same with Adam; no schedule is told.
FACEMIX = {**DATAMIX, "optimizer": "adam", "learning_rate": 1e-3, "schedule": "constant"}
# Few numbers among many drawn covers, beside what the edge could do alone; docs/results/audit.md has the figures.
HARDENED = {
    "methods": ("edge", "cloud", "edge_half", "edge_head", "bottleneck", "unmixed_bottleneck"),
    "bottleneck_units": (12,),
    "bottleneck_bits": (60.0,),
    "group_size": 192,
    "distill": 0.5,
    "head_distill": (0.5,),
}
# The obfuscation paper, section 5.1: 50 epochs, Adam at 1e-3, ten times slower after 20 and 40 of them.
OBFUSCATION = {
    "backbone": "splitnet",
    "image_size": (50, 50),
    "epochs": 20,
    "batch_size": 64,
    "optimizer": "adam",
    "schedule": "steps",
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "augment": (),
    "repeats": 3,
    "attack_epochs": 10,
    "attack_patience": 4,
    "attack_learning_rates": (3e-3,),
}
# All that the paper says of its trainings and its adversary, for each of its data sets (table 2): 50 epochs each; the
# adversary has the server's architecture and is trained like it, from fresh weights. Not in the paper, and ours: the
# batch size, the shares of UTKFace's and FaceScrub's splits, and which part of CelebA's pictures the face region is
# (146 x 120 pixels around the centre of the aligned ones, twice the size that it is resized to).
AS_IN_THE_PAPER = {
    **OBFUSCATION,
    "epochs": 50,
    "attack_epochs": 50,
    "attack_patience": 0,
    "attack_optimizer": "adam",
    "attack_schedule": "steps",
    "attack_learning_rates": (1e-3,),
    "attack_starts": ("fresh",),
}
CELEBA_HIDDEN = (
    *("Male", "Heavy_Makeup", "High_Cheekbones", "Mouth_Slightly_Open", "Wearing_Lipstick"),
    "Attractive",
)
#: Of `python -m pipeline.obfuscation`.
OBFUSCATION_PRESETS = {
    "emnist": {
        **AS_IN_THE_PAPER,
        "dataset": "emnist_writers",
        "target": ("digit",),
        "hidden": ("writer",),
        "image_size": (28, 28),
        "split": "official",
    },
    "utkface": {**AS_IN_THE_PAPER, "dataset": "utkface", "target": ("gender",), "hidden": ("race",)},
    "facescrub": {**AS_IN_THE_PAPER, "dataset": "facescrub", "target": ("gender",), "hidden": ("identity",)},
    "celeba": {
        **AS_IN_THE_PAPER,
        "dataset": "celeb_a",
        "target": ("Smiling",),
        "hidden": CELEBA_HIDDEN,
        "image_size": (73, 60),
        "crop": (146, 120),
        "split": "official",
    },
}
PRESETS = {
    "full": FULL,
    "hardened": {**FULL, **HARDENED},
    "hardened-small": {**SMALL, **HARDENED, "epochs": 12},
    "small": SMALL,
    "small-speech": {**SMALL, "epochs": 24, "augment": ("shift",)},
    "datamix": DATAMIX,
    "datamix-lfwa": {**DATAMIX, "epochs": 600},
    "facemix": FACEMIX,
    "facemix-lfwa": {**FACEMIX, "epochs": 600},
    "obfuscation": OBFUSCATION,
}
