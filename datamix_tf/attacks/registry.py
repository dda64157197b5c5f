"""What an attack is to commands, and how one is added; `datamix_tf.attacks.catalogue` has ours and knows all.

An attack is one class (`Attack`: fit on what an attacker has, score on others) and one `AttackSpec`; every command then
knows it by its id. A package of your own adds one by an entry point of the group `datamix_tf.attacks` that imports its
module, or a user names the module with `--plugin`. Nothing here imports Keras before an attack is made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from datamix_tf.attacks.threat_models import SINGLE, THREATS
from datamix_tf.registry import Registry

if TYPE_CHECKING:
    import keras

    from datamix_tf.attacks import Attack, AttackTraining, ReconstructionTraining, SeparatorTraining


def _made(name: str) -> Callable[[], Any]:
    def make() -> Any:
        from datamix_tf import attacks

        return getattr(attacks, name)()

    return make


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is attacked and what for.

    Attributes:
        model: A trained model, see `datamix_tf.transmission`; for attacks that need a key a `DataMixModel`.
        outputs: Number of logits of the label that is read, if one is.
        binary: Whether that label is several 0/1 ones.
        training: For attacks that train a network on labels.
        separation: For separators and linkers that learn.
        groups: Most test groups.
        reconstruction: For those that train a network to rebuild pictures.
        mean, variance: Of the train split's raw inputs, one number a channel.
        mates, shuffle: Of attacks that train a network on single tensors, see `NetworkAttack`.
        callbacks: Keras callbacks for those that train a network, for example a progress bar.
    """

    model: keras.Model
    outputs: int = 0
    binary: bool = False
    training: AttackTraining = dataclasses.field(default_factory=_made("AttackTraining"))
    separation: SeparatorTraining = dataclasses.field(default_factory=_made("SeparatorTraining"))
    groups: int = 64
    reconstruction: ReconstructionTraining = dataclasses.field(default_factory=_made("ReconstructionTraining"))
    mean: tuple[float, ...] = ()
    variance: tuple[float, ...] = ()
    mates: str = "any"
    shuffle: bool = False
    callbacks: tuple[keras.callbacks.Callback, ...] = ()


@dataclasses.dataclass(frozen=True)
class AttackSpec:
    """An attack by its id.

    Attributes:
        id: Its name in `--attacks` and in files.
        name: What tables call it; `{task}` stands for the label that it reads.
        threat: Name of its threat model, one of `THREATS`.
        make: From a `Subject` to an `Attack`, not yet fitted.
        labels: Whether it reads a label; it then runs for the target and for the hidden columns.
        binary: Whether it reads several 0/1 labels, too, not classes alone.
        pictures: Whether it rebuilds pictures (`rebuild(x)`, in raw units).
        needs_map: Whether what is sent must have rows, columns and channels.
        audited: Whether an audit runs it if nobody names attacks; those of the papers' tables are run by name.
        groups: Groups that it needs of each split.
        mixed: Whether it needs mixed groups even though it sees one tensor alone.
        needs_numbers: Whether a tensor must have at least as many numbers as a group has inputs: a key of more rows
            does not follow from them.
        quick: Whether it trains nothing and takes seconds, so that every run tries it on what it mixes.
        streams: Whether it reads inputs by rows, `x[indices]`, and holds no more than `datamix_tf.sampling` has room
            for. Others get arrays, of very many examples a part.
        seconds: About how long it takes on 2 cores with an audit's default settings, to be told beforehand.
        grows_with: The setting that this grows with: `"epochs"`, `"steps"` or none.
    """

    id: str
    name: str
    threat: str
    make: Callable[[Subject], Attack]
    labels: bool = False
    binary: bool = True
    pictures: bool = False
    needs_map: bool = False
    audited: bool = True
    groups: int = 2
    mixed: bool = False
    needs_numbers: bool = False
    quick: bool = False
    streams: bool = False
    seconds: float = 60.0
    grows_with: str = ""

    @property
    def needs_key(self) -> bool:
        """Whether it needs groups that are mixed with an orthogonal key: all do that see several, and `mixed` ones."""
        return self.mixed or self.threat != SINGLE

    def title(self, task: str) -> str:
        """What tables call it on the labels of a task."""
        if "{task}" in self.name:
            return self.name.format(task=task)
        return f"{task} by {self.name}" if self.labels else self.name


#: Filled by `datamix_tf.attacks.catalogue` with ours.
ATTACKS: Registry[AttackSpec] = Registry("attack", "datamix_tf.attacks")


def register_attack(spec: AttackSpec) -> AttackSpec:
    """Adds an attack.

    Raises:
        ValueError: If its threat model is none of `THREATS`, or another attack has its id.
    """
    if spec.threat not in THREATS:
        raise ValueError(f"the attack {spec.id!r} must have a threat of {', '.join(THREATS)}; received {spec.threat}")
    known = ATTACKS.items.get(spec.id)
    ATTACKS.add(spec.id, spec, repr(spec.name), None if known is None else repr(known.name))
    return spec
