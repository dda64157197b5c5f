"""The models of a run: what is trained how, untrained networks, and the optimizers of the papers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from components.errors import InputError
from components.records.dataset import DatasetSchema
from components.training.data import target_task
from components.training.own_model import OwnModel
from datamix_tf import defences
from datamix_tf.defences import Cloud, Defence, NetworkSpec, Stage

#: Of SGD.
MOMENTUM = 0.9
#: Made-up examples for what stages measure on an untrained network.
BATCH = 8


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """One model to train.

    Attributes:
        defence: The `Defence` whose network it is.
        hidden_units: Units of a hidden layer in M_post; 0 for none, as in the papers.
        width: Filters of the stem; 64 is ResNet-18.
        epochs: Passes over the train split.
        batch_size: Examples in a batch; lowered to a multiple of the group size.
        curriculum: Share of the epochs in which the mixing rises from no group to all; 0 mixes fully from the start,
            as in the papers.
        standardize: Whether a batch normalisation without scale and offset stands in front of the mixing, so that the
            features' common mean does not carry the key's row sums into the mixtures. (Raw inputs are standardised
            anyway.)
        learning_rate: Peak learning rate.
        weight_decay: Weight decay.
        augment: Any of `"flip"`, `"shift"`, `"mask"` and `"randaugment"`.
        seed: Seed of initialisation, order, augmentation and training keys.
        optimizer: `"adamw"`, `"adam"` or `"sgd"` (momentum 0.9).
        schedule: `"cosine"` (linear warm-up, then decay to 0), `"steps"` (ten times slower after 40 % and 80 %), or
            `"constant"`.
        backbone: The network, one of `datamix_tf.models.backbones.BACKBONES`, or `"own"`.
        fine_tune_epochs: Passes in which a trained network gets used to a defence.
        people: The hidden column that a defence which needs people is trained against; empty for the others.
        distill: Share of the loss that follows the answers of the same network trained plainly, for models trained
            through the mixing.
        attribute_logits: Logits that the classifier has for each binary label, 1 or 2.
        decay: Whether the weight decay is `"decoupled"` from the gradient, or a part of it, `"l2"`.
        warmup_epochs: Of the schedule `"cosine"`; at most a quarter of the epochs.
        own: The user's own model that is the backbone `"own"`.
        dtype: What a network that is trained from the start computes in: `"float32"`, `"mixed_bfloat16"` or
            `"mixed_float16"`, Keras's names. A trained network is float32.
        jit_compile: Whether XLA compiles the steps of trainings that are plain `fit`s.
    """

    defence: Defence
    hidden_units: int
    width: int
    epochs: int
    batch_size: int
    curriculum: float
    standardize: bool
    learning_rate: float
    weight_decay: float
    augment: tuple[str, ...]
    seed: int
    optimizer: str = "adamw"
    schedule: str = "cosine"
    backbone: str = "resnet18"
    fine_tune_epochs: int = 5
    people: str = ""
    distill: float = 0.0
    attribute_logits: int = 1
    decay: str = "decoupled"
    warmup_epochs: int = 2
    own: OwnModel | None = None
    dtype: str = "float32"
    jit_compile: bool = False

    @property
    def name(self) -> str:
        """The model's name in a run."""
        return f"{self.defence.model_name}-seed{self.seed}"

    @property
    def start(self) -> ModelConfig | None:
        """The model that is trained first: the network that the defence changes, or the teacher of a distillation."""
        if self.defence.starts_from is not None:
            return _starting(self, self.defence.starts_from)
        return dataclasses.replace(self, defence=Cloud(), distill=0.0) if self.distill else None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description."""
        told = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "own"}
        own = {"own": self.own.to_dict()} if self.own else {}
        return told | {"defence": defences.to_dict(self.defence), "augment": list(self.augment)} | own

    def key(self) -> dict[str, Any]:
        """What decides about the trained model, JSON-ready: of the user's own model its content, not its place."""
        return self.to_dict() | ({"own": self.own.fingerprint} if self.own else {})

    @classmethod
    def from_dict(cls, described: dict[str, Any]) -> ModelConfig:
        """The config that `to_dict` described.

        Raises:
            InputError: If another version wrote it (before 0.2 there were no defences), or its defence is not known.
        """
        try:
            told = {"defence": defences.from_dict(described["defence"]), "augment": tuple(described["augment"])}
            own = {"own": OwnModel.from_dict(described["own"])} if "own" in described else {}
            return cls(**described | told | own)
        except ValueError as error:
            raise InputError(str(error)) from None
        except (KeyError, TypeError):
            text = "the run was trained by another version, which is not read; run it again with this one"
            raise InputError(text) from None


def _starting(config: ModelConfig, defence: Defence) -> ModelConfig:
    return dataclasses.replace(config, defence=defence, people="")


def network_spec(config: ModelConfig, schema: DatasetSchema) -> NetworkSpec:
    """What a config's network is built for, with the train split's statistics."""
    return spec_of(
        schema,
        width=config.width,
        hidden_units=config.hidden_units,
        standardize=config.standardize,
        seed=config.seed,
        backbone=config.backbone,
        attribute_logits=config.attribute_logits,
        own=config.own.backbone() if config.own else None,
    )


def spec_of(schema: DatasetSchema, **settings: Any) -> NetworkSpec:
    """What a network for a data set is built for; `settings` are the other fields of a `NetworkSpec`."""
    task = target_task(schema)
    return NetworkSpec(
        shape=schema.shape,
        outputs=task.outputs,
        binary=task.kind == "binary",
        item_bytes=np.dtype(schema.dtype).itemsize,
        mean=schema.mean,
        variance=schema.variance,
        **settings,
    )


def build_model(config: ModelConfig, schema: DatasetSchema) -> Any:
    """The untrained network of a config, with the train split's statistics in a normalisation layer."""
    return config.defence.build(network_spec(config, schema))


def untrained(config: ModelConfig, schema: DatasetSchema) -> Any:
    """The network of a config with all that its stages change in it, and no training: what it costs, it costs trained.

    Raises:
        InputError: If what it costs depends on its training.
    """
    defence, spec = config.defence, network_spec(config, schema)
    if defence.costs_are_learned:
        raise InputError(f"what {defence.label} costs depends on its training; run it without --costs")
    starts_from = defence.starts_from
    model = build_model(config, schema) if starts_from is None else untrained(_starting(config, starts_from), schema)

    def valid():
        x = np.random.default_rng(0).normal(size=(BATCH, *spec.shape)).astype("float32")
        return x, np.zeros((BATCH, spec.outputs) if spec.binary else BATCH, "int32")

    for stage in defence.stages(config.epochs, config.fine_tune_epochs):
        model = stage.change(model, spec, valid) if stage.change else model
    return model


def optimizer(config: ModelConfig, stage: Stage, steps: int, warmup_steps: int) -> Any:
    """The optimizer of a stage of a config's training, for so many steps."""
    import keras

    from datamix_tf.training.l2 import L2SGD, L2Adam
    from datamix_tf.training.schedules import falling_by_steps

    rate = stage.rate * config.learning_rate
    schedules = {
        "steps": lambda: falling_by_steps(rate, steps),
        "cosine": lambda: _cosine(rate, steps, warmup_steps),
        "constant": lambda: rate,
    }
    kinds = {
        ("sgd", "decoupled"): keras.optimizers.SGD,
        ("adam", "decoupled"): keras.optimizers.Adam,
        ("adamw", "decoupled"): keras.optimizers.AdamW,
        ("sgd", "l2"): L2SGD,
        ("adam", "l2"): L2Adam,
    }
    decay = {"l2" if config.decay == "l2" else "weight_decay": config.weight_decay}
    momentum = {"momentum": MOMENTUM} if config.optimizer == "sgd" else {}
    return kinds[config.optimizer, config.decay](schedules[config.schedule](), **decay, **momentum)


def _cosine(rate: float, steps: int, warmup_steps: int) -> Any:
    """Linear warm-up, then cosine decay to 0."""
    from datamix_tf.training.schedules import WarmupCosine

    warmup_steps = min(warmup_steps, steps // 4)
    return WarmupCosine(rate, max(1, steps - warmup_steps), warmup_steps)
