"""Cutter: where a user's own model is cut: where the user says, or where little is sent that tells of people."""

from __future__ import annotations

import math

import apache_beam as beam
import msgspec
import numpy as np

from components.base import Component, ComponentSpec
from components.errors import InputError
from components.records.cuts import CUTS_FILE, Cut, CutTable, Reading
from components.storage.artifacts import Cuts, Examples, write_json
from components.training.data import hidden_task, target_task
from components.training.networks import spec_of
from components.training.own_model import OwnModel
from components.training.splits import Split
from datamix_tf.defences import NetworkSpec

#: Most cuts that probes are trained at, of those within the limits; and most that the table tells.
PROBED, TOLD = 8, 16
#: Share of the network's multiply-adds that a proposal leaves to the edge at most: else the cloud is no help.
MOST_SHARE = 0.5
#: Multiply-adds that the features of all probes may take: about half a minute on two cores.
BUDGET = 5e11
LEAST, MOST = 200, 1000


class Cutter(Component):
    """Finds the cuts of a user's own model, and proposes one if the user names none.

    A proposal is within the limits, leaves the edge at most half of the network's work, and is the one at which a
    linear probe on the frozen features gains most of the target less what it gains of a hidden column; of equal ones
    the cheapest. What is sent is then mixed: how much of it the cloud reads is for attacks and audit to say.

    Parameters:
        network: The `OwnModel`; with cuts, they are taken as they are.
        attribute_logits: Logits of the classifier for each binary label.
        max_edge_macs: Most multiply-adds on the edge.
        max_bytes_up: Most bytes of a feature, in float32.

    Inputs:
        examples: `Examples`.

    Outputs:
        cuts: `Cuts`: `cuts.json`.

    Raises:
        InputError: If the model cannot be used for the task, cannot be cut where the user says, or has no cut within
            the limits.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples},
        outputs={"cuts": Cuts},
        parameters={"network": OwnModel, "attribute_logits": int, "max_edge_macs": float, "max_bytes_up": float},
    )

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Model" >> beam.Create([self.parameters["network"]])
                | "Cut" >> beam.Map(cut_table, inputs["examples"], self._limits(), self.parameters["attribute_logits"])
                | "Write" >> beam.Map(lambda table, path: write_json(path, table), outputs["cuts"].path(CUTS_FILE))
            )

    def _limits(self):
        return self.parameters["max_edge_macs"], self.parameters["max_bytes_up"]


def cut_table(network: OwnModel, examples: Examples, limits: tuple[float, float], attribute_logits: int) -> CutTable:
    """The possible cuts of a model for a data set, with probes, and the chosen ones."""
    schema = examples.schema()
    table, model = costs_table(network, spec_of(schema, attribute_logits=attribute_logits), limits)
    wanted = [cut.after for cut in table.cuts if not cut.refused]
    probed = _evenly(wanted, PROBED) if table.proposed else list(table.chosen)
    if table.proposed and not probed:
        raise InputError(
            f"no cut of {network.name} has at most {limits[0]:g} multiply-adds (--max_edge_macs) and {limits[1]:g} "
            f"bytes (--max_bytes_up) and leaves half of the work to the cloud; the least are "
            f"{min(cut.macs for cut in table.cuts):,} and {min(cut.bytes_up for cut in table.cuts):,}: raise the "
            "limits, or name a cut with --split_after"
        )
    most = _examples_for(max(cut.macs for cut in table.cuts if cut.after in probed))
    number = min(most, examples.schema().splits["train"])
    readings = _readings(model, probed, examples, number)
    cuts = tuple(
        msgspec.structs.replace(cut, target=readings[cut.after][0], hidden=readings[cut.after][1])
        if cut.after in readings
        else cut
        for cut in table.cuts
    )
    chosen = table.chosen or (max((c for c in cuts if c.worth is not None), key=lambda c: (c.worth, -c.macs)).after,)
    told = _told(cuts, set(probed))
    return msgspec.structs.replace(table, cuts=told, chosen=chosen, examples=number)


def costs_table(network: OwnModel, spec: NetworkSpec, limits: tuple[float, float]):
    """The possible cuts of a model and their costs, without probes, and the network.

    Raises:
        InputError: If the model cannot be used for the task, or cannot be cut where the user says.
    """
    from datamix_tf.costs import cost_of
    from datamix_tf.cut_proposals import cost_of_cut, cut_costs
    from datamix_tf.models.own import adapted
    from datamix_tf.split import split

    try:
        made = adapted(
            network.load(),
            spec.shape,
            spec.classifier_units,
            values=network.values,
            normalization=spec.normalization(),
        )
        whole, before = cost_of(made.network), network.before or made.classifier
        for name in network.cuts:
            split(made.network, after=name, before=before)
        named = [cost_of_cut(made.network, name) for name in network.cuts]
        found = {cost.after: cost for cost in (*cut_costs(made.network, before), *named)}
    except ValueError as error:
        text = " ".join(str(error).split())
        text = text.replace("after=", "--split_after ").replace("before=", "--split_before ")
        raise InputError(f"--model {network.name} cannot be used: {text}") from None
    if not found:
        raise InputError(f"--model {network.name} cannot be cut in one tensor in front of {before!r}; choose another")
    cuts = tuple(
        Cut(
            after=cost.after,
            macs=cost.macs,
            params=cost.params,
            bytes_up=cost.bytes_up,
            shape=cost.shape,
            refused=_refusal(cost, whole["macs"], limits),
        )
        for cost in sorted(found.values(), key=lambda cost: cost.macs)
    )
    table = CutTable(
        schema=1,
        model=network.name,
        macs=whole["macs"],
        params=whole["params"],
        chosen=network.cuts,
        before=before,
        proposed=not network.cuts,
        notes=made.notes,
        examples=0,
        cuts=cuts,
    )
    return table, made.network


def _refusal(cost, whole, limits):
    most_macs, most_bytes = limits
    if cost.macs > most_macs:
        return "above --max_edge_macs"
    if cost.bytes_up > most_bytes:
        return "above --max_bytes_up"
    return "more than half of the work" if cost.macs > MOST_SHARE * whole else ""


def _examples_for(macs):
    """Examples whose features can be had in the time that there is; the same on every machine."""
    return int(np.clip(BUDGET / max(1.5 * macs, 1), LEAST, MOST))


def _readings(model, names, examples, number):
    """Cut -> what a linear probe reads of the target, and hidden column -> what it reads of that."""
    from datamix_tf.cut_proposals import FrozenProbe, probed_features

    schema = examples.schema()
    tasks = {"": target_task(schema)} | {column: hidden_task(schema, column) for column in schema.hidden}
    labels, features = {}, {}
    for split, most in (("train", number), ("valid", math.ceil(number / 2))):
        found, few = Split(examples, split), slice(most)
        features[split] = probed_features(model, names, found.x[few])
        labels[split] = {column: found.labels(column or "target", few) for column in tasks}
    readings = {}
    for place, name in enumerate(names):
        probe = FrozenProbe(*(features[split][place] for split in ("train", "valid")))
        read = {column: _reading(probe, labels, column, task) for column, task in tasks.items()}
        readings[name] = read.pop(""), read
    return readings


def _reading(probe, labels, column, task):
    train, valid = (labels[split][column] for split in ("train", "valid"))
    score, chance = probe.score(train, valid, task.kind == "binary")
    return Reading(score=float(score), chance=float(chance), n=len(valid))


def _told(cuts, always):
    """Those that are told: with probes, and others evenly."""
    others = [cut.after for cut in cuts if cut.after not in always]
    shown = always | set(_evenly(others, max(0, TOLD - len(always))))
    return tuple(cut for cut in cuts if cut.after in shown)


def _evenly(items, most):
    from datamix_tf.cut_proposals import evenly

    return evenly(items, most)
