"""`python -m serving.relay`, as far as it goes before it listens."""

import pytest

from serving.relay import __main__ as command


@pytest.mark.parametrize("quiet", [False, True])
def test_an_operator_is_told_what_a_relay_does_not_protect(monkeypatch, capsys, quiet):
    monkeypatch.setattr(command, "_relay", lambda *_: None)
    url = ["--gateway_url", "https://cloud.example:8501", "--wait_ms", "70", "--batch", "9"]
    assert command.main([*url, *["--quiet"] * quiet]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith(("not protected", "this assumes"))]
    assert len(told) == (0 if quiet else 2)
    assert quiet or ("within 70 ms, or a batch of 9" in told[0] and "pipeline.audit" in told[1])
