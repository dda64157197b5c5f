"""A real server that speaks S3, in this process: moto's."""

from __future__ import annotations

import contextlib
import urllib.request

import fsspec
import pytest

BUCKET = "models"


@contextlib.contextmanager
def s3_server(cache):
    """Starts a server with one bucket and makes it the one that fsspec, here and in child processes, talks to.

    Args:
        cache: A folder for what this machine copies.

    Yields:
        The server's URL.
    """
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    _post(f"{url}/moto-api/reset")  # servers of one process share what they hold
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DATAMIX_CACHE": str(cache),
        }.items():
            patch.setenv(name, value)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        fsspec.filesystem("s3").mkdir(BUCKET)
        yield url
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


def refuse_everybody(url: str, refused: bool = True) -> None:
    """Makes the server ask for credentials, which nobody has, or ask no more."""
    count = b"0" if refused else b"1e9"
    _post(f"{url}/moto-api/reset-auth", count)


def _post(url, data=b""):
    request = urllib.request.Request(url, data, {"Content-Type": "text/plain"}, method="POST")
    urllib.request.urlopen(request).close()
