import functools
import http.server
import io
import threading

import pytest

from pipeline.datasets.builders import prepare
from tests.pipeline.datasets.builders.official_files import RECORDINGS, accept_files, write_speech_commands


def test_downloads_where_there_is_a_network(tmp_path, monkeypatch):
    from pipeline.datasets.builders import speech_commands

    remote = tmp_path / "remote"
    remote.mkdir()
    expected = write_speech_commands(remote)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(remote))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/speech_commands_v0.02.tar.gz"
        official = speech_commands.Builder.url_infos[speech_commands.URL]
        monkeypatch.setattr(speech_commands, "URL", url)
        monkeypatch.setattr(speech_commands.Builder, "url_infos", {url: official})
        accept_files("speech_commands", remote, monkeypatch)
        builder = prepare("speech_commands", str(tmp_path / "data"))
        server.shutdown()
    assert builder.info.splits.total_num_examples == len(expected)


def test_truncated_archive(tmp_path, manual, monkeypatch, no_network):
    write_speech_commands(manual)
    accept_files("speech_commands", manual, monkeypatch)
    archive = manual / "speech_commands_v0.02.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"damaged or another file.*speech_commands_v0\.02\.tar\.gz"):
        prepare("speech_commands", str(tmp_path))
    write_speech_commands(manual)
    accept_files("speech_commands", manual, monkeypatch)
    assert prepare("speech_commands", str(tmp_path)).info.splits.total_num_examples == len(
        RECORDINGS
    )  # nothing half-made was left


def test_archive_without_a_list():
    from pipeline.datasets.builders.speech_commands import read_lists

    with pytest.raises(ValueError, match=r"missing: \['testing_list\.txt'\]"):
        read_lists([("validation_list.txt", io.BytesIO(b""))])
