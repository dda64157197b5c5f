"""The model card of the packaged model: one list of sections, for the page and for `model_card.md`.

Headings and YAML header are those of Hugging Face's model cards.
"""

from __future__ import annotations

import dataclasses
import json

from components.report.headline import headline
from components.report.health import shortened

#: Tasks by the names of the Hugging Face hub.
TASKS = {"image": "image-classification", "audio": "audio-classification"}
START = """\
python -m serving.cloud --model_base_path RUN/serving
python -m serving.edge predict --bundle RUN/edge --url http://127.0.0.1:8501 --covers COVERS FILE"""
GETTING_STARTED = (
    "RUN is the output folder of the run. COVERS are files that nobody else has: whoever knows them undoes the mixing."
)


@dataclasses.dataclass(frozen=True)
class Section:
    """One heading of the card with what stands below it.

    Attributes:
        heading: Its text.
        level: 2, or 3 below another.
        text: Paragraphs.
        items: A list of points.
        code: Commands.
    """

    heading: str
    level: int = 2
    text: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    code: str = ""


def card(run) -> list[Section]:
    """The sections of a run's card; `run` is a `components.report.page.RunPage`."""
    page = run.page
    head, data = headline(page, run.audit), page.data
    entry = head.entry
    settings = entry.members(page.metrics.rows)[0].settings
    labels = shortened(data.target)
    return [
        Section("Model details"),
        Section(
            "Model description",
            3,
            (
                f"A network in three parts for private split inference, {entry.label}: the edge runs the first "
                "part and mixes the features of a group of inputs with a secret random orthogonal matrix, the cloud "
                "computes on the mixtures, the edge de-mixes the answers and runs the last part.",
                *((page.metrics.answer.text,) if page.metrics.answer else ()),
                f"The edge holds {entry.edge_params:,} parameters and does {_percent(head.edge_share)} of the "
                f"multiply-adds ({entry.edge_macs:,}); each input sends {entry.bytes_up:,} bytes up and gets "
                f"{entry.bytes_down:,} bytes back.",
            ),
            (
                f"Task: {labels} ({data.task}), from {data.kind} of shape {'x'.join(map(str, data.shape))}",
                "Framework: Keras 3 on TensorFlow; the edge's halves are TFLite files",
                "Licence: not stated by this card; it is for the publisher to say, and the data set has its own",
            ),
        ),
        Section("Uses"),
        Section(
            "Direct use",
            3,
            (
                f"Prediction of {labels} on inputs like those of {data.name}, where edge devices are too weak for "
                "the whole network and the cloud should see less than raw inputs.",
            ),
        ),
        Section(
            "Out-of-scope use",
            3,
            items=(
                "Any use in which a person is harmed if the cloud learns something of an input: what is measured here "
                "is no proof of privacy.",
                "A cloud that is not among the attackers named below, such as one that answers wrongly on purpose.",
                "Decisions on people by these labels alone, and inputs unlike those of the training data.",
            ),
        ),
        Section("Bias, risks, and limitations", text=(_balance(data),), items=tuple(_limits(run, head))),
        Section("What is not protected", 3, (_worst(head),), tuple(_unprotected(run, head))),
        Section("How to get started with the model", text=(GETTING_STARTED,), code=START),
        Section("Training details"),
        Section(
            "Training data",
            3,
            (
                f"{data.name}, fingerprint {data.fingerprint}: {data.splits['train']} train, "
                f"{data.splits['valid']} validation and {data.splits['test']} test examples, split by "
                f"{'the official lists' if data.official_split else 'a hash of the content'}; "
                f"{data.bad_records} bad records were left out.",
            ),
        ),
        Section("Training procedure", 3, items=tuple(f"{key}: {_plain(value)}" for key, value in settings.items())),
        Section("Evaluation", text=(_metrics(head),), items=tuple(_results(head))),
    ]


def header(run) -> str:
    """The YAML header of `model_card.md`: Hugging Face's metadata, values as JSON, which is YAML."""
    page, data = run.page, run.page.data
    head, task = headline(page, run.audit), TASKS.get(data.kind, "other")
    results = [
        {"type": kind, "value": round(head.entry.mean[key], 4), "name": name}
        for key, kind, name in (
            ("test_accuracy", "accuracy", "test accuracy"),
            ("balanced_accuracy", "balanced_accuracy", "balanced test accuracy"),
            ("auc", "roc_auc", "area under the ROC curve"),
        )
    ]
    tested = {"task": {"type": task}, "dataset": {"name": data.name, "type": data.name}, "metrics": results}
    values = {
        "license": "unknown",
        "library_name": "keras",
        "pipeline_tag": task,
        "tags": ["split-inference", "privacy", "datamix"],
        "model-index": [{"name": page.model, "results": [tested]}],
    }
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in values.items())


def _metrics(head):
    return (
        f"On {head.n} test examples that neither training nor thresholds have seen; mean over "
        f"{head.entry.seeds} seed(s). Balanced accuracy chooses its thresholds on validation data."
    )


def _results(head):
    named = (("test accuracy", "test_accuracy"), ("balanced", "balanced_accuracy"), ("AUC", "auc"))
    yield ", ".join(f"{name} {_percent(head.entry.mean[key])}" for name, key in named)
    if head.plain:
        means = head.plain.mean
        yield "the same network without mixing: " + ", ".join(f"{name} {_percent(means[key])}" for name, key in named)


def _balance(data):
    if data.task != "binary":
        counts = [count for name in data.target for count in data.label_counts[name].values()]
        return f"Examples of a class: {min(counts)} to {max(counts)}. What the data lack, the model lacks."
    total = sum(data.splits.values())
    shares = {name: data.label_counts[name].get("1", 0) / max(total, 1) for name in data.target}
    rarest, commonest = min(shares, key=shares.get), max(shares, key=shares.get)
    return (
        f"The target labels are unbalanced: from {rarest} ({_percent(shares[rarest])} of the examples) to {commonest} "
        f"({_percent(shares[commonest])}). What the data lack, the model lacks."
    )


def _limits(run, head):
    yield "Accuracy for groups of people was not measured apart."
    if not head.audited:
        yield "No audit of this run was found: `python -m pipeline.audit RUN` attacks it under six threat models."
    if head.untried:
        yield f"Threat models under which nothing was tried: {', '.join(head.untried)}."
    yield "An attack that fails proves nothing: another may succeed."


def _worst(head):
    attack = head.attack
    if attack is None:
        return "No attack was run on this model: nothing is known of what the cloud learns."
    return (
        f"The worst attack that was measured, under the threat model {attack.threat}: {attack.name}, "
        f"{attack.measure} {_percent(attack.score)}; chance {_percent(attack.chance)}, n = {attack.n}. "
        "Threat models are defined in docs/concepts/threat-model.md."
    )


def _unprotected(run, head):
    from datamix_tf.attacks.threat_models import THREATS

    if run.audit:
        yield from (f"The audit, {sentence}" for sentence, _ in run.audit.sentences(head.entry.models))
    yield from (f"{name}: a cloud that sees {THREATS[name].sees}: not measured." for name in head.untried)
    yield "The model itself: the cloud knows its part and what it was trained for."
    yield "Covers that others know, too: whoever knows them undoes the mixing of their groups."
    yield "Timing, sizes and counts of requests, and inputs that are sent again."
    yield "An edge that reuses keys, and a relay that shares with the cloud what it knows."


def _plain(value):
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _percent(share):
    return f"{100 * share:.1f} %"
