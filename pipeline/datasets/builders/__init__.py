"""tensorflow-datasets builders for the data sets whose official download has what the pipeline needs.

Each module has one class `Builder`: an ordinary tensorflow-datasets builder with a string feature
`name` and these class attributes, from which `pipeline.datasets.tfds_source.TfdsSource` works:

    KIND: `"image"` or `"audio"`.
    TARGET, HIDDEN: label columns, as in `components.storage.records.Source`.
    CLASSES: label column -> how many values it has, where that is known without the data.
    OFFICIAL: the splits that official lists have; none without lists.
    CONTENT: the feature that holds the encoded picture or recording.
    labels: a static method from one decoded example to label column -> text.

tensorflow-datasets is imported inside the functions, so that a command's --help answers at once.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from urllib.parse import urlsplit

from components.errors import InputError

NAMES = ("celeb_a", "lfwa", "utkface", "facescrub", "speech_commands", "emnist_writers")
CONNECT_SECONDS = 3  # tensorflow-datasets itself retries for minutes


def builder_class(name: str):
    """Returns the builder class for a name of `NAMES`."""
    return importlib.import_module(f"{__name__}.{name}").Builder


def prepare(name: str, data_dir: str | None):
    """Returns a builder whose data set is on disk, after download and preparation where needed.

    Args:
        name: One of `NAMES`.
        data_dir: Where data sets are prepared; `None` stands for tensorflow-datasets' default.

    Raises:
        InputError: If the official files are neither at hand nor to be had, or are damaged.
    """
    import requests
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

    builder = builder_class(name)(data_dir=data_dir)
    if builder.data_path.exists():
        return builder
    _check_manual_files(builder)
    _check_files_or_network(builder)
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except NonMatchingChecksumError as error:
        raise InputError(_not_prepared(builder, f"a damaged or another file. {error}")) from error
    # Google Drive's pages about quotas end in a ValueError or, without beautifulsoup4, an ImportError.
    except (tfds.download.DownloadError, requests.RequestException, ImportError, ValueError) as error:
        raise InputError(_not_prepared(builder, f"{type(error).__name__}: {error}.")) from error
    return builder


def _check_manual_files(builder) -> None:
    """Fails where files that can only be fetched by hand are missing (`manual_files` of the builder)."""
    folder = _downloads(builder) / "manual"
    groups = [(group,) if isinstance(group, str) else group for group in getattr(builder, "manual_files", ())]
    missing = [" or ".join(group) for group in groups if not any((folder / name).exists() for name in group)]
    if missing:
        raise InputError(
            f"{builder.name} is not prepared in {builder.data_dir_root}. Expected in {folder}, fetched by hand: "
            f"{builder.MANUAL_DOWNLOAD_INSTRUCTIONS}. Missing: {', '.join(missing)}."
        )


def _check_files_or_network(builder) -> None:
    """Fails fast where files are missing and the hosts that have them do not answer."""
    import requests

    for host in {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in _missing(builder)}:
        try:
            requests.head(host, timeout=CONNECT_SECONDS)  # any answer will do; proxies are honoured
        except requests.RequestException as error:
            reason = f"no answer from {host} ({type(error).__name__})."
            raise InputError(_not_prepared(builder, reason)) from error


def _missing(builder) -> dict[str, str]:
    """Returns url -> file name of the files that were neither put there by hand nor downloaded before."""
    return {url: info.filename for url, info in builder.url_infos.items() if not _at_hand(builder, url, info)}


def _at_hand(builder, url: str, info) -> bool:
    from tensorflow_datasets.core.download.resource import get_dl_fname

    downloads = _downloads(builder)
    cached = (downloads / builder.name).rglob(get_dl_fname(url, info.checksum))
    return (downloads / "manual" / info.filename).exists() or any(cached)


def _downloads(builder) -> Path:
    return Path(builder.data_dir_root) / "downloads"


def _not_prepared(builder, received: str) -> str:
    if not builder.url_infos:
        return f"{builder.name} could not be prepared from {_downloads(builder) / 'manual'}. Received: {received}"
    files = ", ".join(f"{info.filename} ({url})" for url, info in builder.url_infos.items())
    received = " ".join(received.split())  # a checksum error comes on several lines
    return (
        f"{builder.name} is not prepared in {builder.data_dir_root}. Expected a network, or these official "
        f"files in {_downloads(builder) / 'manual'}: {files}. Received: {received} Missing files: "
        f"{', '.join(_missing(builder).values()) or 'none'}. To mend it, fetch the missing or damaged files "
        "by hand and put them there."
    )
