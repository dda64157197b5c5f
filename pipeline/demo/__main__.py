"""`python -m pipeline.demo [RUN_DIR]`: a local page on which a finished run, or the shipped model, can be tried."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import secrets
import signal
import socket
import sys
import tempfile
import threading

from serving.protocol.addresses import at
from serving.protocol.command_names import called
from serving.protocol.extras import MissingPackageError, needs
from serving.protocol.quiet import quieten
from serving.protocol.terminal import printable

DESCRIPTION = """\
Serves a page on which pictures can be dropped or a word recorded: it shows what leaves the device, what the cloud
answers, what the best attack makes of it, and what becomes of both with the right key, a wrong one and none. The cloud
is a real server, embedded, on the run's serving/ folder. Without RUN_DIR it is a small model of ten spoken words, which
is part of this package: nothing is trained or downloaded."""
SHIPPED = "the shipped model of spoken words"
PROBE_SECONDS = 10.0


def main(argv=None) -> int:
    """Serves until told to stop; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    quieten(argv)
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    from components.errors import InputError
    from serving.edge.errors import EdgeError
    from serving.protocol.errors import ServingError

    try:
        with needs("pipeline"), contextlib.ExitStack() as stack:
            _check(arguments)
            _serve(arguments, stack)
    except (InputError, ServingError, EdgeError, MissingPackageError) as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _check(arguments):
    from components.errors import InputError
    from pipeline.demo.guard import LOOPBACK

    if arguments.run is not None and not arguments.run.count("://") and not os.path.isdir(arguments.run):
        raise InputError(
            f"expected the output folder of a finished `python -m pipeline.run`; {arguments.run!r} is none"
        )
    if not 0 <= arguments.port <= 65535:
        raise InputError(f"--port must be from 0 to 65535; received {arguments.port}")
    if arguments.attack_steps < 0:
        raise InputError(f"--attack_steps must be at least 0; received {arguments.attack_steps}")
    if arguments.host not in LOOPBACK:
        print(
            f"*** LISTENING ON {arguments.host}, WITHOUT TLS: whoever reads the network learns the page's token and "
            "sees raw inputs ***",
            file=sys.stderr,
        )


def _serve(arguments, stack):
    listener = stack.enter_context(_listen(arguments))
    # The imports take seconds; --help, a wrong flag and a port in use need not wait for them.
    import uvicorn

    from pipeline.demo.app import LIMITS, make_app
    from pipeline.demo.attacker import Attacker, skipped_separators
    from pipeline.demo.embedded_cloud import embedded_cloud
    from pipeline.demo.loaded_run import load_run
    from pipeline.demo.page import page
    from pipeline.demo.queries import query_handler
    from pipeline.demo.responses import page_context
    from pipeline.demo.shipped import load_shipped
    from serving.edge.file_names import EXTENSIONS
    from serving.protocol.http_server import http_config

    run = load_shipped() if arguments.run is None else load_run(arguments.run)
    url = arguments.url or stack.enter_context(embedded_cloud(run.manifest, run.served))
    with run.client(url, deadline=PROBE_SECONDS) as probe:
        probe.predict(run.x[:1])  # a cloud that does not answer is an error now, not at the first query
    if not run.draws_covers:
        print(f"covers: {run.covers_told}", file=sys.stderr)
    client = stack.enter_context(run.client(url, quiet=True))  # the first client has told what there is to tell
    attacker = _in_background(lambda: Attacker(run, arguments.attack_steps))
    context = page_context(run, url, arguments.url is None, skipped_separators(arguments.attack_steps))
    html = page(run.title, context, ",".join(EXTENSIONS[run.schema.kind]))
    token = secrets.token_urlsafe(16)
    app = make_app(html, query_handler(run, client, attacker), attacker, arguments.host, token)
    where = f"http://{at(arguments.host, listener.getsockname()[1])}/?token={token}"
    print(f"{where}: the demo of {arguments.run or SHIPPED}; the cloud: {url}", flush=True)
    if arguments.open:
        _open(where, stack)
    config = http_config(app, LIMITS, drain_seconds=2)
    if threading.current_thread() is threading.main_thread():
        # Uvicorn stops gracefully on these and then raises them again; a stop on request is no failure.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listener])


def _open(where, stack):
    """Opens the page in the browser, through a file: the address has the token, and all users see command lines."""
    import webbrowser

    folder = stack.enter_context(tempfile.TemporaryDirectory())  # for its owner alone
    path = pathlib.Path(folder, "demo.html")
    path.write_text(f'<meta http-equiv="refresh" content="0; url={where}">', encoding="ascii")
    webbrowser.open(path.as_uri())


def _in_background(work) -> concurrent.futures.Future:
    """The result of `work`, done in a thread that keeps nobody from leaving."""
    future = concurrent.futures.Future()

    def do():
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, name="attacker", daemon=True).start()
    return future


def _listen(arguments):
    from components.errors import InputError

    family = socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
    try:
        return socket.create_server((arguments.host, arguments.port), family=family)
    except OSError as error:
        raise InputError(
            f"cannot listen on {at(arguments.host, arguments.port)}: {error.strerror}; choose another --port or --host"
        ) from error


def make_parser() -> argparse.ArgumentParser:
    """The command's parser."""
    parser = argparse.ArgumentParser(
        called("pipeline.demo"), description=DESCRIPTION, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add(
        "run",
        metavar="RUN_DIR",
        nargs="?",
        help=f"output folder of a finished `python -m pipeline.run`; else {SHIPPED}",
    )
    add("--port", type=int, default=8600, help="port of the page; 0 picks a free one")
    add("--host", default="127.0.0.1", help="address to listen on; anything but loopback shows raw inputs to others")
    add("--url", help="a cloud that serves this run's model, such as http://HOST:8501, instead of the embedded one")
    add("--attack_steps", type=int, default=0, help="batches to train the attacks on that learn; 0 leaves them out")
    add("--verbose", action="store_true", help="show what other packages say, too")
    add("--open", action="store_true", help="open the page in this machine's browser")
    return parser


if __name__ == "__main__":
    sys.exit(main())
