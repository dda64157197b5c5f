"""The edge client: private queries to the cloud."""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from serving.edge import examples, messages, preprocess
from serving.edge.bundle import Ends, Halves, gateway_keys, load_manifest
from serving.edge.cover_uses import CoverUses
from serving.edge.covers import CoverPool, Drawing
from serving.edge.drawn import DrawnGroup, shortened
from serving.edge.keys import Key, random_normal, random_permutation
from serving.edge.messages import Message
from serving.edge.notices import notices
from serving.edge.trace import Exchange, Trace
from serving.edge.transport import Deadline, Transport
from serving.protocol.extras import needs
from serving.protocol.terminal import printable

if TYPE_CHECKING:
    from serving.edge.oblivious import ObliviousTransport

_MOST_THREADS = 4
_MOST_GROUPS = 8
_MOST_REQUESTS = 16  # under way at once
_REMEMBERED = 64
_SMALL_POOL = 10  # messages that a pool should be good for before a cover comes again
_log = logging.getLogger("serving.edge")


@dataclasses.dataclass
class Traffic:
    """What a client sent and received: bodies of HTTP messages, without headers, TLS and repeated attempts.

    Attributes:
        messages: Requests that were answered.
        examples: True inputs that were predicted.
        rows: Mixtures that were sent, covers included.
        bytes_up: Bytes sent.
        bytes_down: Bytes received, decompressed.
    """

    messages: int = 0
    examples: int = 0
    rows: int = 0
    bytes_up: int = 0
    bytes_down: int = 0

    @property
    def bytes_up_per_example(self) -> float:
        """Bytes sent for each true input."""
        return self.bytes_up / self.examples if self.examples else 0.0

    @property
    def bytes_down_per_example(self) -> float:
        """Bytes received for each true input."""
        return self.bytes_down / self.examples if self.examples else 0.0


class EdgeClient:
    """Predicts with the cloud's help, without showing it the inputs' features.

    For every query the true inputs and their covers are put into groups in a secret order; each group is mixed with a
    fresh key; the mixtures of all groups in a message are shuffled. The cloud sees how many messages and rows come,
    hence the number of groups, but not which rows or how many of them are true.

    Args:
        bundle: Folder of the edge bundle.
        url: Base URL of the cloud, such as `http://HOST:8501`.
        covers: Inputs to complete groups with, `[covers, ...]`, preprocessed like the true ones, which nobody else has:
            whoever knows a group's covers undoes its mixing by linear algebra. The more there are, the later one comes
            again. Without any, a bundle of codes that look like noise draws its covers
            (`serving.edge.drawn`); others refuse to predict what does not fill its groups.
        reuse_inputs: Whether earlier inputs of this client may complete later groups where covers are too few. It
            saves covers and costs privacy: an input that is sent in two messages can be found in what they share.
        wire: How mixtures travel: `"float32"`, `"float16"` (default), `"bfloat16"`, `"int8"`, or `"json"` for numbers
            that a person can read; with `"json"` the model's fingerprint and the order of the rows are not checked.
        precision: Which halves run here: `"float32"` (default), `"float16"` or `"int8"`.
        inputs_per_group: Most true inputs in a group, where covers are drawn; default: the group size. With 1, what the
            cloud can learn of each is bounded (`datamix_tf.certificate`), and each costs a group.
        groups: Groups in every message, exactly: then messages tell the number of true inputs only by their number.
            Default: as
            many as the inputs need, at most 8.
        deadline: Seconds for one `predict`, repeated attempts included.
        threads: Threads for M_pre and M_post; default: the machine's cores, at most 4.
        token: Bearer token, or None.
        ca_file: PEM file of the authority that signed the server's certificate.
        oblivious: Whether to ask through an Oblivious HTTP relay, of which `url` is then the address: every mixture
            travels as a request of its own, sealed for the gateway in front of the cloud, padded to one size, and in a
            random order, so that the cloud sees neither who asks nor which mixtures belong together. The gateway's key
            is the bundle's.
        oblivious_key: The gateway's key configurations from elsewhere, which are compared with the bundle's if it has
            some; `oblivious` is then not needed.
        cover_uses: File that counts how often each cover was sent, across clients and processes
            (`serving.edge.cover_uses`); None: this client counts alone.
        trusted_key: Public key (PEM, Ed25519) of who must have signed the bundle (`serving.edge.signing`); None:
            whoever made it is believed.
        quiet: Whether to leave out the lines, from the logger `serving.edge` to standard error where logging is not set
            up, that say what is not protected: at the first prediction, and when covers run out.

    Attributes:
        manifest: The bundle's `Manifest`.
        traffic: `Traffic` so far.

    Raises:
        BundleError: If the bundle cannot be used.
        CloudError: If the URL is not one.
        ValueError: If `wire`, `groups` or `inputs_per_group` cannot be used, or `wire` is `"json"` through a relay: its
            messages differ in size.
    """

    def __init__(
        self,
        bundle: str,
        url: str,
        *,
        covers: np.ndarray | None = None,
        reuse_inputs: bool = False,
        wire: str = "float16",
        precision: str = "float32",
        groups: int | None = None,
        inputs_per_group: int | None = None,
        deadline: float = 30.0,
        threads: int | None = None,
        token: str | None = None,
        ca_file: str | None = None,
        oblivious: bool = False,
        oblivious_key: bytes | None = None,
        cover_uses: str | None = None,
        trusted_key: bytes | None = None,
        quiet: bool = False,
    ) -> None:
        oblivious = oblivious or oblivious_key is not None
        if wire not in messages.WIRES:
            raise ValueError(f"wire must be one of {', '.join(messages.WIRES)}. Received: {wire!r}")
        if oblivious and wire == messages.JSON:
            raise ValueError(
                "wire must be packed through a relay: messages in json differ in size, which tells them apart"
            )
        if groups is not None and groups < 1:
            raise ValueError(f"groups must be at least 1. Received: {groups}")
        self.manifest = load_manifest(bundle, trusted_key)
        self.traffic = Traffic()
        self._inputs_per_group = self.manifest.group_size if inputs_per_group is None else inputs_per_group
        self._check_inputs_per_group(given=inputs_per_group is not None, covers=covers is not None)
        self._preprocessing = preprocess.from_config(self.manifest.preprocessing)
        threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self._halves = Halves(bundle, self.manifest, precision, threads)
        self._ends = Ends(bundle, self.manifest, precision, threads) if self.manifest.drawn else None
        self._pool = CoverPool(_REMEMBERED if reuse_inputs else 0, CoverUses(cover_uses))
        # One query at a time: the interpreters hold one group, the pool counts uses.
        self._lock = threading.Lock()
        if covers is not None:
            self.add_covers(covers)
        self._transport: Transport | ObliviousTransport
        if oblivious:
            with needs("oblivious"):
                from serving.edge.oblivious import ObliviousTransport

            sources = [source for source in (gateway_keys(self.manifest), oblivious_key) if source]
            self._transport = ObliviousTransport(url, sources, token, ca_file)
        else:
            self._transport = Transport(url, token, ca_file)
        self._rows_in_message = 1 if oblivious else None
        self._wire, self._groups, self._deadline = wire, groups, deadline
        self._told: set[str] = {"protection", "covers"} if quiet else set()
        self._sending: dict[str, Any] = {
            "url": url,
            "oblivious": self._rows_in_message is not None,
            "token": token is not None,
            "signed": trusted_key is not None,
            "counted": cover_uses is not None,
        }

    def close(self) -> None:
        """Closes the connections to the cloud."""
        self._transport.close()

    def __enter__(self) -> EdgeClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def predict(self, x: np.ndarray, trace: Trace | None = None) -> np.ndarray:
        """Probabilities of the labels; all inputs or none. May be called from several threads, which take turns.

        Args:
            x: `[inputs, ...]` of the manifest's `input_shape`, preprocessed (`load` makes them from files).
            trace: Gets what is mixed, sent, received and de-mixed, and the keys if it asks for them.

        Returns:
            float32 `[inputs, labels]`.

        Raises:
            ValueError: If `x` has another shape or numbers that are not finite.
            CoverError: If there are too few covers.
            DeadlineError: If the deadline passes.
            BadAnswerError: If the cloud's answer cannot be this bundle's model's.
            CloudError: If the cloud refuses the request.
        """
        x = examples.checked(x, self.manifest.input_shape)
        if not len(x):
            return np.zeros((0, len(self.manifest.labels)), np.float32)
        deadline = Deadline(self._deadline)
        # Equal inputs would leave less than a whole mixture: each is sent once.
        distinct, inverse = np.unique(x.reshape(len(x), -1), axis=0, return_inverse=True)
        distinct = distinct.reshape(-1, *x.shape[1:])
        with self._lock:
            self._tell("protection", self._notices)
            predict = self._predict_drawn if self.draws_covers else self._predict
            outputs = predict(distinct, len(x), deadline, trace)
        return examples.probabilities(outputs[inverse.ravel()], self.manifest.task)

    def _notices(self) -> list[str]:
        """What is not protected, and what the sending assumes."""
        return notices(self.manifest, drawn=self.draws_covers, inputs_per_group=self._inputs_per_group, **self._sending)

    def _tell(self, what: str, lines: Callable[[], list[str]]) -> None:
        """Warns of something, once."""
        if what not in self._told:
            found = lines()
            self._told |= {what} if found else set()
            for line in found:
                _log.warning("%s", printable(line))

    @property
    def draws_covers(self) -> bool:
        """Whether covers are drawn: where the bundle allows it and none were named."""
        return self._ends is not None and not len(self._pool)

    def _check_inputs_per_group(self, given: bool, covers: bool) -> None:
        size = self.manifest.group_size
        if not 1 <= self._inputs_per_group <= size:
            raise ValueError(f"inputs_per_group must be from 1 to {size}. Received: {self._inputs_per_group}")
        if given and (covers or not self.manifest.drawn):
            why = "covers were named" if covers else "this bundle's covers must be collected"
            raise ValueError(f"inputs_per_group needs covers that are drawn, but {why}; leave it out")

    def _predict_drawn(self, x: np.ndarray, examples: int, deadline: Deadline, trace: Trace | None) -> np.ndarray:
        """Outputs for distinct inputs, hidden among covers that are drawn."""
        groups = -(-len(x) // self._inputs_per_group)
        per_message = self._groups or min(groups, _MOST_GROUPS)
        groups = -(-groups // per_message) * per_message if self._groups else groups
        places = np.array_split(random_permutation(len(x)), groups)
        outputs = np.empty((len(x), len(self.manifest.labels)), np.float32)
        traffic = dataclasses.replace(self.traffic, examples=self.traffic.examples + examples)
        for start in range(0, groups, per_message):
            chosen = places[start : start + per_message]
            found = self._ask_drawn([x[part] for part in chosen], deadline, traffic, trace)
            outputs[np.concatenate(chosen)] = found
        self.traffic = traffic
        return outputs

    def _ask_drawn(
        self, groups: list[np.ndarray], deadline: Deadline, traffic: Traffic, trace: Trace | None
    ) -> np.ndarray:
        """Outputs for the inputs of some groups, one after the other, through one message."""
        assert self._ends is not None
        size = self.manifest.group_size
        drawn = [DrawnGroup(size, len(group)) for group in groups]
        rows = np.concatenate(groups)
        handed_over = False
        try:
            times, up, down = [time.perf_counter()], traffic.bytes_up, traffic.bytes_down
            ends = np.cumsum([len(group) for group in groups])[:-1]
            codes = np.split(self._codes(rows), ends)
            shuffle = random_permutation(size * len(groups))
            mixtures = np.concatenate([one.mix(code) for one, code in zip(drawn, codes, strict=True)])[shuffle]
            times.append(time.perf_counter())
            received = self._exchange(mixtures, deadline, traffic)
            times.append(time.perf_counter())
            answers = np.empty_like(received)
            answers[shuffle] = received
            parts = np.split(answers, len(groups))
            demixed = np.concatenate([one.demix(part) for one, part in zip(drawn, parts, strict=True)])
            outputs = self._ends.finish(demixed) if len(rows) else np.zeros((0, len(self.manifest.labels)), np.float32)
            times.append(time.perf_counter())
            if trace is not None:
                sizes = traffic.bytes_up - up, traffic.bytes_down - down
                exchange = Exchange(rows, mixtures, received, outputs, *sizes, *(1000 * np.diff(times)))
                handed_over = trace.add(exchange, drawn, shuffle)
            return outputs
        finally:
            if not handed_over:
                for one in drawn:
                    one.wipe()

    def _codes(self, x: np.ndarray) -> np.ndarray:
        """What is hidden of inputs, `[k, d]`: codes with the manifest's noise, none too long."""
        assert self._ends is not None
        if not len(x):
            return np.zeros((0, *self.manifest.feature_shape), np.float32)
        codes = self._ends.encode(x)
        return shortened(codes + self.manifest.noise_stddev * random_normal(codes.shape))

    def _predict(self, x: np.ndarray, examples: int, deadline: Deadline, trace: Trace | None) -> np.ndarray:
        """Outputs for distinct inputs."""
        size = self.manifest.group_size
        groups = -(-len(x) // size)
        per_message = self._groups or min(groups, _MOST_GROUPS)
        if self._groups:
            groups = -(-groups // per_message) * per_message
        total = groups * size
        drawing = self._pool.draw(x, total - len(x))
        self._tell("covers", lambda: _about(drawing))
        rows = np.concatenate([x, drawing.covers])
        order = random_permutation(total)
        outputs = np.empty((total, len(self.manifest.labels)), np.float32)
        traffic = dataclasses.replace(self.traffic, examples=self.traffic.examples + examples)
        for start in range(0, total, per_message * size):
            part = order[start : start + per_message * size]
            outputs[part] = self._ask(rows[part], deadline, traffic, trace)
        self.traffic = traffic
        self._pool.remember(x)
        return outputs[: len(x)]

    def add_covers(self, covers: np.ndarray) -> None:
        """Adds inputs, `[covers, ...]`, to complete groups with."""
        with self._lock:
            self._pool.add(examples.checked(covers, self.manifest.input_shape))

    def load(self, paths: list[str]) -> np.ndarray:
        """Inputs from files, preprocessed as in training, `[files, ...]`.

        Raises:
            EdgeError: If a file cannot be read or used; the text names it.
        """
        return examples.load(paths, self._preprocessing)

    def _ask(self, rows: np.ndarray, deadline: Deadline, traffic: Traffic, trace: Trace | None = None) -> np.ndarray:
        """Outputs for whole groups of rows, in their order, through one message."""
        size = self.manifest.group_size
        keys = [Key(size) for _ in range(len(rows) // size)]
        handed_over = False
        try:
            times, up, down = [time.perf_counter()], traffic.bytes_up, traffic.bytes_down
            shuffle = random_permutation(len(rows))
            mixtures = self._mix(rows, keys)[shuffle]
            times.append(time.perf_counter())
            received = self._exchange(mixtures, deadline, traffic)
            times.append(time.perf_counter())
            answers = np.empty_like(received)
            answers[shuffle] = received
            outputs = self._demix(answers, keys)
            times.append(time.perf_counter())
            if trace is not None:
                sizes = traffic.bytes_up - up, traffic.bytes_down - down
                exchange = Exchange(rows, mixtures, received, outputs, *sizes, *(1000 * np.diff(times)))
                handed_over = trace.add(exchange, keys, shuffle)
            return outputs
        finally:
            if not handed_over:
                for key in keys:
                    key.wipe()

    def _mix(self, rows: np.ndarray, keys: list[Key]) -> np.ndarray:
        """Mixtures of groups of rows, with the noise that the manifest asks for."""
        groups = rows.reshape(len(keys), -1, *rows.shape[1:])
        mixtures = np.concatenate([self._halves.mix(group, key) for group, key in zip(groups, keys, strict=True)])
        if self.manifest.noise_stddev:
            mixtures += self.manifest.noise_stddev * random_normal(mixtures.shape)
        return mixtures

    def _demix(self, answers: np.ndarray, keys: list[Key]) -> np.ndarray:
        """Outputs of groups of answers."""
        groups = answers.reshape(len(keys), -1, *answers.shape[1:])
        return np.concatenate([self._halves.demix(group, key) for group, key in zip(groups, keys, strict=True)])

    def _exchange(self, mixtures: np.ndarray, deadline: Deadline, traffic: Traffic) -> np.ndarray:
        """The cloud's answers to mixtures, in one message or in one for each, side by side."""
        size = self._rows_in_message or len(mixtures)
        parts = [
            Message(mixtures[start : start + size], self._wire, self.manifest)
            for start in range(0, len(mixtures), size)
        ]
        path = messages.path(self.manifest)
        if len(parts) == 1:
            contents = [self._transport.post(path, parts[0].body, deadline)]
        else:
            with ThreadPoolExecutor(min(_MOST_REQUESTS, len(parts))) as threads:
                contents = list(threads.map(lambda part: self._transport.post(path, part.body, deadline), parts))
        answers = [part.read(content) for part, content in zip(parts, contents, strict=True)]
        traffic.messages += len(parts)
        traffic.rows += len(mixtures)
        traffic.bytes_up += sum(len(part.body) for part in parts)
        traffic.bytes_down += sum(map(len, contents))
        return np.concatenate(answers)


def _about(drawing: Drawing) -> list[str]:
    """What a user should know of the covers that are sent now."""
    sent = len(drawing.covers)
    if drawing.again:
        return [
            f"covers: {drawing.again} of the {sent} that are sent now were sent before; what messages share can be "
            "found in them: add covers that nobody else has"
        ]
    if drawing.unused < _SMALL_POOL * sent:
        return [
            f"covers: a small pool, {drawing.unused} are left that were never sent, {sent} are sent now; when they "
            "come again, what messages share can be found in them"
        ]
    return []
