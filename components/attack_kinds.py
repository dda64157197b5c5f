"""The kinds of attacks of a run: its own, and by their ids those of `datamix_tf.audit.probes`."""

from __future__ import annotations

LINKED = ("separated", "key")  # kinds of attacks on mixtures that are known to belong together
#: Kind -> what tables call it.
NAMES = {
    "label": "{task}",
    "set": "{task} set",
    "probe": "{task}, linear probe",
    "reconstruction": "reconstruction",
    "separated": "{task}, separated group",
    "key": "key of a group",
}


def reads_labels(kind: str) -> bool:
    """Whether a kind of attack, or one of `datamix_tf.audit.probes` by its id, is after a label column."""
    if kind in NAMES:
        return "{task}" in NAMES[kind]
    from datamix_tf.audit import probes

    return probes()[kind].labels


def name_of_probe(id: str, task: str) -> str:
    """What tables call an attack of the audit on the labels of a task."""
    from datamix_tf.audit import probes

    probe = probes()[id]
    return f"{task} by {probe.name}" if probe.labels else probe.name


def reads_binary(kind: str) -> bool:
    """Whether a kind of attack reads several 0/1 labels, too, not classes alone."""
    from datamix_tf.audit import probes

    return kind in NAMES or probes()[kind].binary


def needs_group(kind: str) -> bool:
    """Whether a kind of attack needs groups that are mixed with an orthogonal key."""
    from datamix_tf.audit import probes

    return kind in LINKED or (kind not in NAMES and probes()[kind].threat != "single")
