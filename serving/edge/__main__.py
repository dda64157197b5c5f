"""`python -m serving.edge`: classifies files from the command line, through the cloud or, if it can, without one."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from serving.edge import file_names
from serving.edge.errors import EdgeError
from serving.edge.file_names import EXTENSIONS
from serving.protocol.command_names import called
from serving.protocol.extras import MissingPackageError, needs
from serving.protocol.quiet import quieten
from serving.protocol.terminal import printable

if TYPE_CHECKING:
    from serving.edge.client import Traffic

DESCRIPTION = """\
Classifies pictures or recordings with the cloud's help. The files stay here: what leaves is their features, mixed in
groups with a key that only this process knows. Groups are completed with covers, so name a folder of pictures or
recordings that nobody else has: whoever knows the covers undoes the mixing. With an edge-only bundle nothing leaves:
name the bundle and the files. Two lines on standard error say what is not protected."""
WIRES = ("float32", "float16", "bfloat16", "int8", "json")
#: Flags that mean something only where a cloud is asked.
FOR_A_CLOUD = (
    *("url", "covers", "token_file", "oblivious", "oblivious_key_file", "ca_file"),
    *("wire", "precision", "groups", "deadline", "uses_file"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    parser = _whole_parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest:
        parser.error(_unknown(rest))
    quieten(argv)
    try:
        with needs("edge"):
            arguments.run(arguments)
    except (EdgeError, ValueError, MissingPackageError) as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was predicted", file=sys.stderr)
        return 130
    return 0


def _unknown(rest: list[str]) -> str:
    """What to say of arguments that are left over."""
    if rest[0].startswith("-"):
        return f"unrecognized arguments: {' '.join(rest)}"
    return f"{' '.join(rest)}: files to classify stand together, and --covers takes one PATH; repeat it for each"


def _predict(arguments: argparse.Namespace) -> None:
    from serving.edge.bundle import EDGE_ONLY, kind_of, load_manifest

    if kind_of(arguments.bundle) == EDGE_ONLY:
        _predict_here(arguments)
        return
    if arguments.url is None:
        raise EdgeError(f"{arguments.bundle} needs a cloud: give its address with --url, such as http://HOST:8501")
    from serving.edge.client import EdgeClient
    from serving.edge.cover_uses import default_file

    trusted_key = _content(arguments.trusted_key_file)
    preprocessing = load_manifest(arguments.bundle, trusted_key).preprocessing
    extensions = EXTENSIONS[preprocessing["kind"]]
    paths = _files(arguments.files, extensions)
    token, oblivious_key = _content(arguments.token_file), _content(arguments.oblivious_key_file)
    options = {
        "oblivious": arguments.oblivious,
        "oblivious_key": oblivious_key,
        "wire": arguments.wire,
        "precision": arguments.precision,
        "groups": arguments.groups,
        "inputs_per_group": arguments.inputs_per_group,
        "deadline": arguments.deadline,
        "threads": arguments.threads,
        "token": token.decode().strip() if token else None,
        "ca_file": arguments.ca_file,
        "cover_uses": arguments.uses_file or default_file(),
        "trusted_key": trusted_key,
        "quiet": arguments.quiet,
    }
    with EdgeClient(arguments.bundle, arguments.url, **options) as client:
        if arguments.covers:
            client.add_covers(client.load(_files(arguments.covers, extensions)))
        probabilities = client.predict(client.load(paths))
        _print(arguments, client.manifest.labels, client.traffic, paths, probabilities)


def _predict_here(arguments: argparse.Namespace) -> None:
    from serving.edge.client import Traffic
    from serving.edge.edge_only import EdgeOnlyModel

    given = [f"--{name}" for name in FOR_A_CLOUD if getattr(arguments, name) != arguments.defaults[name]]
    if given:
        raise EdgeError(f"{arguments.bundle} is an edge-only bundle: nothing is sent, so leave out {', '.join(given)}")
    model = EdgeOnlyModel(arguments.bundle, arguments.threads, _content(arguments.trusted_key_file))
    paths = _files(arguments.files, EXTENSIONS[model.manifest.preprocessing["kind"]])
    _print(arguments, model.manifest.labels, Traffic(), paths, model.predict(model.load(paths)))


def _sample(arguments: argparse.Namespace) -> None:
    import numpy as np

    from serving.edge.bundle import load_manifest
    from serving.edge.messages import Message

    described = load_manifest(arguments.bundle)
    rows = np.random.default_rng(0).normal(size=(arguments.rows, *described.feature_shape)).astype(np.float32)
    print(Message(rows, arguments.wire, described).body.decode())


def _sign(arguments: argparse.Namespace) -> None:
    from serving.edge import signing
    from serving.edge.edge_only import load_either

    load_either(arguments.bundle)  # what is broken is not signed
    public = signing.sign(arguments.bundle, arguments.key_file)
    print(public.decode(), end="")
    print(f"signed {arguments.bundle}; above is the public key, for --trusted_key_file", file=sys.stderr)


def _print(
    arguments: argparse.Namespace, labels: Sequence[str], traffic: Traffic, paths: list[str], probabilities: np.ndarray
) -> None:
    if arguments.json:
        rows = [
            {"file": path, "probabilities": dict(zip(labels, map(float, row), strict=True))}
            for path, row in zip(paths, probabilities, strict=True)
        ]
        sent = {
            "messages": traffic.messages,
            "rows": traffic.rows,
            "bytes_up": traffic.bytes_up,
            "bytes_down": traffic.bytes_down,
            "bytes_up_per_example": traffic.bytes_up_per_example,
            "bytes_down_per_example": traffic.bytes_down_per_example,
        }
        print(json.dumps({"predictions": rows, "traffic": sent}, indent=1))
        return
    for path, row in zip(paths, probabilities, strict=True):
        best = sorted(zip(row, labels, strict=True), reverse=True)[: arguments.top]
        print(printable(f"{path}: " + ", ".join(f"{label} {probability:.3f}" for probability, label in best)))
    if not traffic.messages:
        print("nothing was sent", file=sys.stderr)
        return
    print(
        f"sent {traffic.bytes_up:,} bytes, received {traffic.bytes_down:,} "
        f"({traffic.bytes_up_per_example:,.0f} and {traffic.bytes_down_per_example:,.0f} for each file)",
        file=sys.stderr,
    )


def _files(paths: list[str], extensions: Any) -> list[str]:
    """Files as they are named, and the files of the right kind in named folders."""
    found = []
    for path in paths:
        if os.path.isdir(path):
            names = list(file_names.below(path))
            inside = [os.path.join(path, name) for name in names if name.casefold().endswith(extensions)]
            if not inside:
                unread = any(name.casefold().endswith(file_names.UNREAD_PICTURES) for name in names)
                remedy = "; HEIC pictures are not read: save them as JPEG or PNG" if unread else ""
                raise EdgeError(f"the folder {path} has no files that end in {', '.join(extensions)}{remedy}")
            found += inside
        else:
            found.append(path)
    return found


def _content(path: str | None) -> bytes | None:
    """What is in a file that a flag names, if it does."""
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise EdgeError(f"cannot read {path}: {error.strerror}") from error


def make_parser() -> argparse.ArgumentParser:
    """The parser of `predict`."""
    return _add_predict(_parser().add_subparsers())


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        called("serving.edge predict").removesuffix(" predict"), description="The edge's side of private inference."
    )


def _whole_parser() -> argparse.ArgumentParser:
    parser = _parser()
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_sample(commands)
    _add_sign(commands)
    return parser


def _add_sample(commands: Any) -> None:
    sample = commands.add_parser(
        "sample",
        help="print a request of random numbers, to try a cloud with curl",
        description="Prints the body of a predict request for the bundle's model, with rows of random numbers.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    sample.set_defaults(run=_sample)
    sample.add_argument("--bundle", required=True, help="folder of the edge bundle (edge/ of a run)")
    sample.add_argument("--rows", type=int, default=2, help="rows of the request")
    sample.add_argument("--wire", default="json", choices=WIRES, help="json: readable; others: packed bytes")


def _add_sign(commands: Any) -> None:
    sign = commands.add_parser(
        "sign",
        help="sign a bundle, so that its users can tell who made it",
        description="Signs a bundle's manifest, which has the hashes of all its files, with Ed25519: writes "
        "manifest.sig beside it and prints the public key.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    sign.set_defaults(run=_sign)
    sign.add_argument("--bundle", required=True, help="folder of the bundle, edge/ or edge_only/ of a run")
    sign.add_argument("--key_file", required=True, help="PEM file of the private key; made if it is not there")


def _add_predict(commands: Any) -> argparse.ArgumentParser:
    predict = commands.add_parser(
        "predict",
        help="classify files, through the cloud or with an edge-only bundle",
        description=DESCRIPTION,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    predict.set_defaults(run=_predict)
    add = predict.add_argument
    add("files", nargs="+", metavar="FILE", help="pictures or WAV files, as the model takes, or folders of them")
    add("--bundle", required=True, help="folder of the bundle (edge/ of a run, or edge_only/, which needs no cloud)")
    add("--url", help="the cloud's REST API, such as http://HOST:8501, or a relay; not for edge_only/")
    add(
        "--covers",
        action="append",
        default=[],
        metavar="PATH",
        help="a file, or a folder of files, to complete groups with, which nobody else has: whoever knows them undoes "
        "the mixing; may be given several times; a bundle whose codes look like noise (the hardened preset) draws "
        "covers and needs none",
    )
    add(
        "--uses_file",
        metavar="FILE",
        help="file that counts how often each cover was sent, so that those sent least come first (default: "
        "datamix_tf/cover_uses.json in the user's folder for state)",
    )
    add("--json", action="store_true", help="all probabilities, and the bytes sent, as JSON")
    add("--top", type=int, default=3, help="labels to print for each file")
    add(
        "--wire",
        default="float16",
        choices=WIRES,
        help="how mixtures travel",
    )
    add("--precision", default="float32", choices=("float32", "float16", "int8"), help="weights of the edge halves")
    add("--groups", type=int, help="groups in every message, exactly (default: as many as needed, at most 8)")
    add(
        "--inputs_per_group",
        type=int,
        help="most true inputs in a group of drawn covers (default: the group size); 1 bounds what the cloud can learn "
        "of each, and costs a group for each",
    )
    add("--deadline", type=float, default=30.0, help="seconds for all files, repeated attempts included")
    add("--threads", type=int, help="threads of the model or its halves (default: all cores, at most 4)")
    add(
        "--trusted_key_file",
        help="PEM file of the public Ed25519 key whose owner must have signed the bundle; others are refused",
    )
    add("--verbose", action="store_true", help="show what other packages say, too")
    add("--quiet", action="store_true", help="leave out the lines that say what is not protected")
    add("--token_file", help="file with the bearer token of the cloud")
    add("--ca_file", help="PEM file of the authority that signed the certificate of --url")
    add(
        "--oblivious",
        action="store_true",
        help="ask through the Oblivious HTTP relay at --url (python -m serving.relay), sealed for the gateway whose "
        "key the bundle has",
    )
    add(
        "--oblivious_key_file",
        help="the same, with the gateway's key from a file (application/ohttp-keys); if the bundle has one, it must be "
        "the same",
    )
    predict.set_defaults(defaults={name: predict.get_default(name) for name in FOR_A_CLOUD})
    return predict


if __name__ == "__main__":
    sys.exit(main())
