"""The file of a gateway's keys: made, added to, cut, read while a server uses it."""

import os

import pytest

from serving.cloud.gateway_keys import KeyFile, main
from serving.protocol import ohttp
from serving.protocol.errors import ServingError


def sealed(config):
    return ohttp.Sealed(config, b"request").body


def test_a_key_is_replaced_while_requests_for_the_old_one_are_answered(tmp_path, capsys):
    path, public = str(tmp_path / "gateway.key"), tmp_path / "gateway.keys"
    keys = KeyFile(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    (old,) = keys().configs
    assert main([path, "--add", "--public", str(public)]) == 0
    new, second = keys().configs  # without a restart
    assert (new.key_id, second) == (2, old) and ohttp.read_configs(public.read_bytes()) == (new, old)
    assert f"key 2: SHA-256 {new.fingerprint}\nkey 1: SHA-256 {old.fingerprint}\n" == capsys.readouterr().out
    assert {keys().open(sealed(config)).request for config in (new, old)} == {b"request"}
    assert main([path, "--keep", "1"]) == 0 and os.stat(path).st_mode & 0o777 == 0o600
    assert keys().configs == (new,)
    with pytest.raises(ohttp.KeyProblemError, match="for another key"):
        keys().open(sealed(old))


def test_a_faulty_file_is_told_and_leaves_the_keys(tmp_path, capsys, caplog):
    path = tmp_path / "gateway.key"
    keys = KeyFile(str(path))
    before = keys().configs
    for text in ("1 abc", "300 " + "0" * 64, "1 " + "0" * 64 + "\n1 " + "1" * 64, "", "x y z"):
        path.write_text(text)
        assert keys().configs == before and "the keys of before stay" in caplog.text
        with pytest.raises(ServingError, match="cannot use the key file"):
            KeyFile(str(path))
        caplog.clear()
    assert main([str(path)]) == 2 and capsys.readouterr().err.startswith("error: cannot use the key file")
    assert main([str(tmp_path / "none" / "key")]) == 2


def test_digits_alone_are_key_1_as_they_were(tmp_path):
    (tmp_path / "key").write_text("ab" * 32 + "\n")
    assert KeyFile(str(tmp_path / "key"))().configs == (ohttp.GatewayKey(1, b"\xab" * 32).config,)
