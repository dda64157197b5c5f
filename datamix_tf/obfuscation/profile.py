"""What a server publishes of its obfuscation, and how a client chooses from it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from datamix_tf.costs import count_macs
from datamix_tf.obfuscation.signal import fields_of, front_of, obfuscate, preserved_content
from datamix_tf.obfuscation.statistics import kept_statistics, recompute_statistics
from datamix_tf.typing import Array, Tensor

BYTES_PER_VALUE = 4


@dataclasses.dataclass(frozen=True)
class ProfileEntry:
    """What removing signal content costs at one split layer.

    Attributes:
        split_layer: The paper's split layer: its input is sent.
        kept: Coefficients kept at each place, m'.
        rank: All that the server's first layer sees, m.
        accuracy: Share of examples that are classified correctly.
        accuracy_drop: How much less that is than with all signal content.
        edge_macs: Multiply-adds on the edge, those of the coefficients included.
        bytes_up: Bytes of one example's coefficients as float32.
    """

    split_layer: int
    kept: int
    rank: int
    accuracy: float
    accuracy_drop: float
    edge_macs: int
    bytes_up: int

    @property
    def removed_fraction(self) -> float:
        """Share of the coefficients that are not sent."""
        return 1 - self.kept / self.rank


def profile(
    network: keras.Model,
    sent: Mapping[int, Tensor],
    x: Array,
    y: Array,
    fractions: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0),
) -> list[ProfileEntry]:
    """Measures accuracy against the fraction of signal content removed, for every split layer.

    Where content is removed, the server's batch normalisations have the statistics of what is left (`serving`).

    Args:
        network: A functional classifier, inputs -> logits.
        sent: Split layer -> the symbolic tensor that is sent there.
        x: Inputs `[n, ...]`, best of a validation split.
        y: Classes, int `[n]`.
        fractions: Shares of coefficients to remove; one coefficient always stays.
    """
    entries = []
    for split_layer, tensor in sent.items():
        model, _ = obfuscate(network, tensor)
        content, rebuild = model.get_layer("signal_content"), model.get_layer("signal_rebuild")
        client = keras.Model(network.inputs[0], tensor)
        server = keras.Model(content.output, model.outputs[0])
        macs, whole = count_macs(client), np.asarray(rebuild.basis)
        sender = keras.Model(model.inputs[0], content.output)
        coefficients = sender.predict(x, batch_size=256, verbose=0)
        full = None
        for kept in sorted({max(1, round(content.rank * (1 - fraction))) for fraction in fractions}, reverse=True):
            rebuild.basis.assign(whole * (np.arange(content.rank) < kept))
            with kept_statistics(server):
                if kept < content.rank:
                    recompute_statistics(server, coefficients)
                accuracy = float((server.predict(coefficients, batch_size=256, verbose=0).argmax(1) == y).mean())
            full = accuracy if full is None else full
            places = math.prod(content.places)
            entries.append(
                ProfileEntry(
                    split_layer,
                    kept,
                    content.rank,
                    accuracy,
                    full - accuracy,
                    macs + places * kept * whole.shape[0],
                    places * kept * BYTES_PER_VALUE,
                )
            )
    return entries


def serving(
    network: keras.Model, sent: Tensor, kept: int | None, x: Array, *, exact: bool = False, distortion: float = 0.0
) -> keras.Model:
    """The network as it is served when so many coefficients of signal content are sent.

    Args:
        network: A trained functional model. Its layers are used, and the statistics of batch normalisation behind the
            cut are changed to those of what is sent, unless all of the signal content is.
        sent: The symbolic tensor in it that would be sent.
        kept: Coefficients kept at each place, m'; `None` for all that the server's first layers see.
        x: Inputs `[n, ...]` to measure the statistics on, best of a validation split; labels are not used.
        exact: As of `obfuscate`.
        distortion: Likewise; takes `kept=None`.

    Returns:
        A functional model with a `SignalContent` layer, as `obfuscate` makes it.

    Reference: Samragh et al., Unsupervised Information Obfuscation (2021), section 4.3, "Inference".
    """
    model, front = obfuscate(network, sent, kept, exact=exact, distortion=distortion)
    if distortion or (kept is not None and kept < front.decompose()[0].shape[1]):
        coefficients = model.get_layer("signal_content").output
        sender = keras.Model(model.inputs[0], coefficients)
        received = np.concatenate([np.asarray(sender(x[i : i + 256])) for i in range(0, len(x), 256)])
        recompute_statistics(keras.Model(coefficients, model.outputs[0]), received)
    return model


def content_by_layer(network: keras.Model, sent: Mapping[int, Tensor], x: Array) -> dict[int, float]:
    """Log of the share of each feature that the next layer sees, by split layer (figure 2 before it is summed).

    Args:
        network: A functional model.
        sent: As for `profile`.
        x: Inputs `[n, ...]`.
    """
    result = {}
    for split_layer, tensor in sent.items():
        front = front_of(keras.Model(tensor, network.outputs[0]))
        features = keras.Model(network.inputs[0], tensor).predict(x, batch_size=64, verbose=0)
        basis, _ = front.decompose()
        fields = fields_of(front, features).reshape(len(features), -1, basis.shape[0])
        result[split_layer] = preserved_content(fields, basis)
    return result


def choose(entries: Iterable[ProfileEntry], max_macs: float, max_accuracy_drop: float) -> ProfileEntry:
    """The client's choice: as many layers on the edge as it can afford, then as little content as accuracy allows.

    Args:
        entries: What `profile` measured.
        max_macs: Most multiply-adds on the edge.
        max_accuracy_drop: Largest loss of accuracy, a share from 0 to 1.

    Raises:
        ValueError: If no entry is within both.

    Reference: Samragh et al., Unsupervised Information Obfuscation (2021), section 4.3, "Inference".
    """
    possible = [entry for entry in entries if entry.edge_macs <= max_macs and entry.accuracy_drop <= max_accuracy_drop]
    if not possible:
        least = min(entries, key=lambda entry: entry.edge_macs)
        raise ValueError(
            f"No entry of the profile has at most {max_macs} multiply-adds and loses at most {max_accuracy_drop} of "
            f"accuracy; the least work is {least.edge_macs} multiply-adds at split layer {least.split_layer}."
        )
    return min(possible, key=lambda entry: (-entry.split_layer, entry.kept))
