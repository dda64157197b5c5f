"""What the methods of a run cost, from its options alone: `python -m pipeline.run --costs` trains nothing.

    python -m pipeline.run --experiment table2 --preset datamix --dataset celeb_a --costs

The way is that of a run: options, rows, plan, networks, costs. No examples are read, for a network's size follows from
the options and from how many classes a label has.
"""

from __future__ import annotations

import dataclasses

from components.cutter import costs_table
from components.errors import InputError
from components.records.dataset import DatasetSchema
from components.storage.temporaries import temporary_folder
from components.training.networks import network_spec, spec_of, untrained
from components.training.own_model import OwnModel
from datamix_tf.costs import transmission_seconds
from datamix_tf.defences.base import Costs
from pipeline import experiments, own_model
from pipeline.experiments.plan import plan
from pipeline.experiments.rows import Row, rows_of
from pipeline.options.run_options import RunOptions
from pipeline.orchestration.dag import hidden_columns, preprocessing
from serving.edge.preprocess import to_config

HEADINGS = ("method", "edge params", "edge MACs", "bytes up", "bytes down", "seconds")
#: Columns of the papers' tables that stand in ours, by our heading.
PAPER = {"edge params": "params", "edge MACs": "MACs"}


@dataclasses.dataclass(frozen=True)
class Line:
    """A row of a comparison and what it costs; `None` where that depends on a training."""

    row: Row
    label: str
    costs: Costs | None


def lines(options: RunOptions, source, wanted=lambda row: True, network: OwnModel | None = None) -> list[Line]:
    """What each row of a run costs.

    Args:
        options: `RunOptions`, of a run or an experiment.
        source: The data set; its kind and its columns are asked for, and no example.
        wanted: Tells which of the rows.
        network: The user's own model, cut, if there is one.

    Raises:
        InputError: As `plan`, or if it is not known how many classes the target has.
    """
    options = dataclasses.replace(options, repeats=1)
    rows = list(experiments.load(options.experiment).rows) if options.experiment else rows_of(options)
    rows = [row for row in rows if wanted(row)]
    hidden = hidden_columns(options, source)
    work, schema = plan(rows, options, hidden, network), schema_of(options, source, network)
    configs, networks = {config.name: config for config in work.models}, {}

    def line(row, defence, name):
        if name not in networks:
            try:
                networks[name] = untrained(configs[name], schema)
            except InputError:
                networks[name] = None
        model = networks[name]
        costs = None if model is None else defence.costs(model, network_spec(configs[name], schema))
        return Line(row, defence.label, costs)

    return [line(row, *method) for row, method in zip(rows, work.methods, strict=True)]


def schema_of(options: RunOptions, source, network: OwnModel | None = None) -> DatasetSchema:
    """What is known of a data set's examples without reading one; statistics are those of standardised inputs.

    Raises:
        InputError: If it is not known how many classes the one target column has.
    """
    target = source.target if options.target is None else options.target
    made = preprocessing(options, source.kind, network)
    if not target:
        raise InputError(f"data set {source.name!r} names no target; name label columns with --target")
    classes = source.classes(target[0]) if len(target) == 1 else 0
    if classes is None:
        raise InputError(
            f"--costs expects a target whose classes are known without its data; those of {target[0]!r} of data set "
            f"{source.name!r} are not: name another with --target, or take the data as folder:PATH"
        )
    return DatasetSchema(
        name=source.name,
        kind=source.kind,
        fingerprint="",
        target=target,
        hidden=hidden_columns(options, source),
        task="binary" if len(target) > 1 else "categorical",
        classes={target[0]: tuple(map(str, range(classes)))},
        label_counts={},
        splits={},
        official_split=False,
        bad_records=0,
        preprocessing=to_config(made),
        shape=made.shape,
        dtype=made.dtype,
        mean=(0.0,) * made.shape[-1],
        variance=(1.0,) * made.shape[-1],
    )


def table(options: RunOptions, source) -> str:
    """The costs as Markdown, each row of a paper's table followed by the paper's figures.

    Of a user's own model that is not cut yet, those of its cuts.
    """
    if not options.model:
        return _table(options, source)
    with temporary_folder() as folder:
        network, options = own_model.brought(options, source.kind, folder)
        if network.cuts:
            return _table(options, source, network)
        schema = schema_of(options, source, network)
        limits = options.max_edge_macs, options.max_bytes_up
        return own_model.table(
            costs_table(network, spec_of(schema, attribute_logits=options.attribute_logits), limits)[0]
        )


def _table(options, source, network=None):
    found = [HEADINGS, ("---",) * len(HEADINGS)]
    for line in lines(options, source, network=network):
        found.append((line.label, *_cells(line.costs)))
        if paper := line.row.paper:
            found.append(("*the paper*", *(str(paper.get(PAPER.get(heading), "")) for heading in HEADINGS[1:])))
    shape = "x".join(map(str, preprocessing(options, source.kind, network).shape))
    title = f"Costs of one input of {source.name}, {shape}; docs/results/costs.md says how they are counted."
    return "\n".join([title, "", *("| " + " | ".join(cells) + " |" for cells in found)])


def _cells(costs):
    if costs is None:
        return ("depends on its training",) + ("",) * (len(HEADINGS) - 2)
    seconds = f"{transmission_seconds(costs.bytes_up, costs.bytes_down):.2f}" if costs.bytes_up else "0"
    exact = (costs.bytes_up, costs.bytes_down)
    return (_both(costs.params, "M", 1e6), _both(costs.macs, "G", 1e9), *(f"{n:,}" for n in exact), seconds)


def _both(count, unit, size):
    """A count to the last digit, and in the papers' unit with two digits more than theirs."""
    return f"{count:,} ({count / size:.4f}{unit})" if count else "0"
