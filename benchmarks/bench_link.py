"""Bytes and time of a query over the papers' 4G link, by wire format, against the plain cloud and against Eq. 1.

    python -m benchmarks.bench_link [--rounds 7] [--size 64] [--computed]

A message of one group of 8 goes from LiteRT's edge halves to the embedded server and back: ResNet-18's feature maps of
N_pre = 1, and the 64 numbers of the hardened preset. Weights are random: bytes and times need no training (only gzip
sees values). Each wire format as it is and under gzip, which the server takes and the edge client does not use. The
plain cloud runs the whole network on the picture, as pixels or as a JPEG of quality 90, one in a message or eight.

The link is shaped (`benchmarks/shaped_link.py`: 15 Mbit/s up, 30 down, 25 ms one way, without loss), the server stands
in a network namespace behind it. In every round each variant asks on loopback, over the link with a new connection, and
at once again with the same (`link_ms`). One JSON line for each variant beside one picture as pixels, and one beside Eq.
1: the time over the link less that on loopback, relative to `datamix_tf.costs.transmission_seconds` of the bodies.
`bytes_up` and `bytes_down` are bodies as HTTP carries them, `packet_bytes` what IP carries up and down. Without root or
tc the times over the link are loopback's and Eq. 1's, and the lines say so. Five minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gzip
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import shaped_link
from benchmarks.figures import milliseconds, short, show

GROUP_SIZE, LABELS, QUALITY = 8, 40, 90
UNITS, BITS = 64, 90.0  # of the hardened preset (pipeline/options/presets.py)
MAPS, NUMBERS, PLAIN = "feature maps, N_pre = 1", "64 numbers, hardened", "plain cloud"
REFERENCE = (PLAIN, "uint8 x 1", False)


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to ask.

    Attributes:
        what: What is sent.
        wire: In which format.
        gzipped: Whether the request is compressed.
        path: Where to.
        make: Pictures to a request's body and a function that makes outputs of the answer.
    """

    what: str
    wire: str
    gzipped: bool
    path: str
    make: Callable

    @property
    def key(self):
        return self.what, self.wire, self.gzipped


@dataclasses.dataclass
class Asked:
    """Of one query: seconds, and bytes of the bodies as HTTP carried them."""

    seconds: float
    up: int
    down: int


class Place:
    """A server to ask, over one connection at a time."""

    def __init__(self, url: str):
        import urllib3

        self._url, self._pool = url, urllib3.PoolManager(retries=False)

    def new_connection(self):
        """Leaves the connection there may be; the next query opens one."""
        self._pool.clear()

    def ask(self, variant: Variant, pictures) -> Asked:
        """One query, from the pictures to the outputs."""
        begun = time.perf_counter()
        body, read = variant.make(pictures)
        headers = {"content-type": "application/json", "accept-encoding": "gzip"}
        if variant.gzipped:
            body, headers["content-encoding"] = gzip.compress(body, 6), "gzip"
        response = self._pool.request("POST", self._url + variant.path, body=body, headers=headers)
        if response.status != 200:
            raise RuntimeError(f"the server refused {variant.key} with {response.status}: {response.data[:200]!r}")
        read(response.data)
        return Asked(time.perf_counter() - begun, len(body), int(response.headers["content-length"]))


def networks(size: int):
    """The private models, by what the edge sends, and the whole network."""
    import keras

    from datamix_tf import DataMixModel, split
    from datamix_tf.models.bottleneck import bottleneck_parts
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18

    keras.utils.set_random_seed(0)
    shape = (size, size, 3)
    normalization = keras.layers.Normalization(mean=[127.5] * 3, variance=[64.0**2] * 3)
    whole = resnet18(shape, LABELS, normalization=normalization)
    parts = split(whole, after=pre_layer(1), before=CLASSIFIER)
    numbers = bottleneck_parts(shape, LABELS, UNITS, BITS, normalization=normalization)
    private = {MAPS: parts, NUMBERS: numbers}
    return {what: DataMixModel(*halves, group_size=GROUP_SIZE) for what, halves in private.items()}, whole


def variants(bundles: dict[str, str]) -> list[Variant]:
    """All ways to ask; `bundles` are the edge's, by what they send."""
    from benchmarks.deployment import plain_path
    from serving.edge import messages

    private = [
        Variant(what, wire, gzipped, messages.path(_manifest(bundle)), _mixing(bundle, wire))
        for what, bundle in bundles.items()
        for wire in (messages.JSON, "float32", "float16", "bfloat16", "int8")
        for gzipped in (False, True)
    ]
    plain = [
        Variant(PLAIN, f"{kind} x {count}", gzipped, plain_path(), _plain(kind, count))
        for kind in ("uint8", "jpeg")
        for count in (1, GROUP_SIZE)
        for gzipped in (False, True)
    ]
    return plain + private


def _manifest(bundle):
    from serving.edge.bundle import load_manifest

    return load_manifest(bundle)


def _mixing(bundle, wire):
    from serving.edge.bundle import Halves
    from serving.edge.keys import Key, random_normal
    from serving.edge.messages import Message

    manifest = _manifest(bundle)
    halves = Halves(bundle, manifest, "float32", min(4, os.cpu_count() or 1))

    def make(pictures):
        key = Key(GROUP_SIZE)
        mixtures = halves.mix(pictures.astype(np.float32), key)
        if manifest.noise_stddev:
            mixtures = mixtures + manifest.noise_stddev * random_normal(mixtures.shape)
        message = Message(mixtures, wire, manifest)
        return message.body, lambda content: halves.demix(message.read(content), key)

    return make


def _plain(kind, count):
    from benchmarks.deployment import plain_body

    def make(pictures):
        pictures = pictures[:count]
        contents = [jpeg(picture) if kind == "jpeg" else picture.tobytes() for picture in pictures]
        signature = "jpeg" if kind == "jpeg" else "serving_default"
        return plain_body(contents, signature), lambda content: np.array(json.loads(content)["predictions"])

    return make


def jpeg(picture: np.ndarray) -> bytes:
    """A uint8 picture `[height, width, 3]` as a JPEG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def photos(size: int) -> np.ndarray:
    """A group of generated faces, uint8 `[8, size, size, 3]`."""
    from pipeline.datasets.avatars import Avatars
    from serving.edge.preprocess import ImagePreprocessing

    source, decode = Avatars(GROUP_SIZE), ImagePreprocessing(size, size)
    return np.stack([decode(source.example(index).content) for index in range(GROUP_SIZE)])


@dataclasses.dataclass
class Taken:
    """Of one variant, a value for each round: queries on loopback, over the link anew and again; bytes of packets."""

    loopback: list = dataclasses.field(default_factory=list)
    new: list = dataclasses.field(default_factory=list)
    kept: list = dataclasses.field(default_factory=list)
    packets: list = dataclasses.field(default_factory=list)


def measure(asks: list[Variant], pictures, rounds: int, here: Place, there: Place | None, link) -> dict[tuple, Taken]:
    """Every variant in turns, after a round that does not count. Without `there` only loopback."""
    taken = {variant.key: Taken() for variant in asks}
    for number in range(-1, rounds):
        for variant in asks:
            one = taken[variant.key] if number >= 0 else Taken()
            here.new_connection()
            here.ask(variant, pictures)
            one.loopback.append(here.ask(variant, pictures))
            if there:
                there.new_connection()
                one.new.append(there.ask(variant, pictures))
                before = link.carried()
                one.kept.append(there.ask(variant, pictures))
                one.packets.append(np.subtract(link.carried(), before))
    return taken


def report(about: dict, one: Taken, reference: Taken) -> None:
    """Prints the figures of a variant.

    Args:
        about: What it is.
        one: What it took.
        reference: What the plain cloud took for one picture as pixels.
    """
    from datamix_tf.costs import transmission_seconds

    up, down = one.loopback[-1].up, one.loopback[-1].down
    expected = transmission_seconds(up, down)
    over, near = _over(one), [ask.seconds for ask in one.loopback]
    details = about | {
        "bytes_up": up,
        "bytes_down": down,
        "loopback_ms": milliseconds(near),
        "link_ms": milliseconds(over),
    }
    if one.kept:
        packets = np.median(one.packets, axis=0)
        details |= {
            "new_connection_ms": milliseconds([ask.seconds for ask in one.new]),
            "packet_bytes": [int(packets[0]), int(packets[1])],
        }
    details["bytes_ratio"] = short((up + down) / (reference.loopback[-1].up + reference.loopback[-1].down))
    show("a query / one picture as pixels to the plain cloud, time", np.divide(over, _over(reference)), **details)
    if one.kept:
        equation = {"equation_1_ms": milliseconds([expected])}
        show("time over the link less loopback's / Eq. 1", np.subtract(over, near) / expected, **about, **equation)


def _over(taken):
    """Seconds over the link in each round; loopback's and Eq. 1's where it was not shaped."""
    from datamix_tf.costs import transmission_seconds

    if taken.kept:
        return [ask.seconds for ask in taken.kept]
    return [ask.seconds + transmission_seconds(ask.up, ask.down) for ask in taken.loopback]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of all variants")
    parser.add_argument("--size", type=int, default=64, help="rows and columns of the pictures")
    parser.add_argument("--computed", action="store_true", help="do not shape a link, compute by Eq. 1")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or not 32 <= arguments.size <= 224:
        parser.error(f"--rounds must be at least 1 and --size 32 to 224; received {arguments.rounds}, {arguments.size}")
    from benchmarks.deployment import cloud_process, deploy_plain, deploy_private

    reason = "--computed" if arguments.computed else shaped_link.unavailable()
    private, whole = networks(arguments.size)
    pictures = photos(arguments.size)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        labels = tuple(map(str, range(LABELS)))
        names = {what: f"private{index}" for index, what in enumerate(private)}
        bundles = {what: deploy_private(private[what], folder, labels, name) for what, name in names.items()}
        deploy_plain(whole, folder)
        here, there, link = Place(stack.enter_context(cloud_process(folder))[1]), None, None
        if not reason:
            link = stack.enter_context(shaped_link.shaped_link())
            there = Place(stack.enter_context(cloud_process(folder, link.cloud, link.prefix))[1])
        asks = variants(bundles)
        taken = measure(asks, pictures, arguments.rounds, here, there, link)
    about = {"link": "4G, shaped"} if not reason else {"link": "4G, computed by Eq. 1", "why": reason}
    for variant in asks:
        sent = {"sent": variant.what, "format": variant.wire + ", gzip" * variant.gzipped, "input": arguments.size}
        report(about | sent, taken[variant.key], taken[REFERENCE])


if __name__ == "__main__":
    sys.exit(main())
