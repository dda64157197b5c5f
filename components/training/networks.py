"""The networks of every method, untrained, and the optimizers of the papers."""

from __future__ import annotations

import dataclasses

from components.training.data import target_task


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """One model to train.

    Attributes:
        method: `"plain"`, `"datamix"` (trained through the mixing), `"mixup"` (trained with mixup, raw inputs are mixed
            in pairs), `"noise"`, `"blur"` or `"anonymizer"` (the edge obfuscates the raw input), `"obfuscation"` (the
            edge sends signal content).
        level: Variance of the noise, the size that blurring leaves, or the width of the anonymizer; 0 for the others.
        num_pre_blocks: N_pre, blocks on the edge: 0 (raw inputs are mixed), 1, 2 or 3.
        group_size: S_G, inputs mixed with each other.
        hidden_units: Units of a hidden layer in M_post; 0 for none, as in the papers.
        width: Filters of the stem; 64 is ResNet-18.
        epochs: Passes over the train split.
        batch_size: Examples in a batch; lowered to a multiple of the group size.
        curriculum: Share of the epochs in which the mixing rises from no group to all; 0 mixes fully from the start,
            as in the papers.
        standardize: Whether a batch normalisation without scale and offset stands in front of the mixing, so that the
            features' common mean does not carry the key's row sums into the mixtures. (Raw inputs are standardised
            anyway.)
        learning_rate: Peak learning rate (linear warm-up, then cosine decay to 0).
        weight_decay: Decoupled weight decay.
        augment: Any of `"flip"`, `"shift"` and `"mask"`.
        seed: Seed of initialisation, order, augmentation and training keys.
        optimizer: `"adamw"`, `"adam"` or `"sgd"` (momentum 0.9), all with decoupled weight decay.
        people: The hidden column that the anonymizer is trained against; empty for the other methods.
        signal_rank: Coefficients of signal content that are sent for each place, in front of the mixing if there is
            any; 0 sends all of the feature. Takes N_pre = 3, behind which the cloud starts with strides.
        bottleneck_units: Numbers that the edge sends through a `GaussianBottleneck` (of the network of
            `datamix_tf.models.bottleneck`); 0 for none.
        bottleneck_bits: Upper bound of the information in them.
        distill: Share of the loss that follows the answers of the same network trained plainly (`teacher`), for models
            trained through the mixing.
    """

    method: str
    level: float
    num_pre_blocks: int
    group_size: int
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
    people: str = ""
    signal_rank: int = 0
    bottleneck_units: int = 0
    bottleneck_bits: float = 0.0
    distill: float = 0.0

    @property
    def name(self) -> str:
        rank = f"-rank{self.signal_rank}" if self.signal_rank else ""
        if self.bottleneck_units:
            sent = f"{self.bottleneck_units}-bits{self.bottleneck_bits:g}"
            return f"bottleneck{sent}-group{self.group_size}-seed{self.seed}"
        if self.mixing:
            return f"datamix-pre{self.num_pre_blocks}-group{self.group_size}{rank}-seed{self.seed}"
        if rank:
            return f"{self.method}-pre{self.num_pre_blocks}{rank}-seed{self.seed}"
        return f"{self.method}{f'{self.level:g}' if self.level else ''}-seed{self.seed}"

    @property
    def mixing(self) -> bool:
        """Whether it is trained through the mixing."""
        return self.method == "datamix"

    @property
    def teacher(self) -> ModelConfig:
        """The plain network, all in one place, with the same settings."""
        plain = {"method": "plain", "num_pre_blocks": 0, "group_size": 1, "signal_rank": 0}
        return dataclasses.replace(self, **plain, bottleneck_units=0, bottleneck_bits=0.0, distill=0.0)


def build_model(config: ModelConfig, schema):
    """The untrained network of a config, with the train split's statistics in a normalisation layer."""
    import keras

    from datamix_tf import DataMixModel, split
    from datamix_tf.mixup_model import MixupModel
    from datamix_tf.models.bottleneck import bottleneck_parts, edge_half
    from datamix_tf.models.resnet import post_layer, pre_layer, resnet18

    normalization = keras.layers.Normalization(mean=schema["mean"], variance=schema["variance"], name="normalization")
    task = target_task(schema)
    if config.bottleneck_units:
        parts = bottleneck_parts(
            tuple(schema["shape"]),
            task.outputs,
            config.bottleneck_units,
            config.bottleneck_bits,
            width=config.width,
            hidden_units=config.hidden_units,
            normalization=normalization,
            seed=config.seed,
        )
        return DataMixModel(*parts, group_size=config.group_size, seed=config.seed, name="bottleneck")
    if config.method == "edge_half":
        shape, outputs = tuple(schema["shape"]), task.outputs
        return edge_half(shape, outputs, config.width, config.hidden_units, normalization)
    network = resnet18(
        tuple(schema["shape"]),
        task.outputs,
        width=config.width,
        hidden_units=config.hidden_units,
        normalization=normalization,
        obfuscation=obfuscation(config),
    )
    if config.method == "mixup":
        raw = normalization.output
        pre, cloud = keras.Model(network.inputs[0], raw, name="pre"), keras.Model(raw, network.outputs[0], name="main")
        return MixupModel(pre, cloud, binary=task.kind == "binary", seed=config.seed, name="mixup")
    if not config.mixing:
        return network
    pre, main, post = split(network, after=pre_layer(config.num_pre_blocks), before=post_layer(network))
    if config.standardize and config.num_pre_blocks:
        standardize = keras.layers.BatchNormalization(center=False, scale=False, momentum=0.9, name="standardize")
        pre = keras.Model(pre.inputs[0], standardize(pre.outputs[0]), name=pre.name)
    return DataMixModel(pre, main, post, group_size=config.group_size, seed=config.seed, name="datamix")


def with_signal_content(model, config: ModelConfig):
    """A trained model whose edge sends signal content only, `config.signal_rank` coefficients for each place."""
    import keras

    from datamix_tf import DataMixModel
    from datamix_tf.models.resnet import pre_layer
    from datamix_tf.obfuscation.signal import halves, obfuscate

    if not config.mixing:
        return obfuscate(model, model.get_layer(pre_layer(config.num_pre_blocks)).output, config.signal_rank)[0]
    content, main, _ = halves(model.main, config.signal_rank)
    pre = keras.Model(model.pre.inputs[0], content(model.pre.outputs[0]), name=model.pre.name)
    return DataMixModel(pre, main, model.post, group_size=config.group_size, seed=config.seed, name="datamix")


def obfuscation(config: ModelConfig):
    """The layer with which the edge obfuscates raw inputs, or `None`."""
    from datamix_tf.layers import Blur, FaceAnonymizer, InputNoise

    if config.method == "noise":
        return InputNoise(config.level, seed=config.seed)
    if config.method == "anonymizer":
        return FaceAnonymizer(width=int(config.level), name="anonymizer")
    return Blur(int(config.level)) if config.method == "blur" else None


def optimizer(config: ModelConfig, steps: int, warmup_steps: int):
    """The optimizer of a config, with linear warm-up and cosine decay to 0 over `steps`."""
    import keras

    from datamix_tf.training.schedules import WarmupCosine

    warmup_steps = min(warmup_steps, steps // 4)
    schedule = WarmupCosine(config.learning_rate, max(1, steps - warmup_steps), warmup_steps)
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=config.weight_decay)
    kinds = {"adamw": keras.optimizers.AdamW, "adam": keras.optimizers.Adam}
    return kinds[config.optimizer](schedule, weight_decay=config.weight_decay)
