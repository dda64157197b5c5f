"""What people see of an address."""

import pytest

from serving.protocol.addresses import at, masked


@pytest.mark.parametrize(
    "text, shown",
    [
        ("postgresql+psycopg://me:secret@db:5432/runs", "postgresql+psycopg://me:***@db:5432/runs"),
        ("--lineage=mysql://me:s@c/ret@db/runs", "--lineage=mysql://me:***@db/runs"),
        ("postgresql://me:a 'secret' \"word\"@db/runs", "postgresql://me:***@db/runs"),
        ("http://:secret@host", "http://:***@host"),
        (
            "cannot open 'HTTPS://me:secret@host/x' or s3://me:secret@bucket: no",
            "cannot open 'HTTPS://me:***@host/x' or s3://me:***@bucket: no",
        ),
        (
            "postgresql://db/runs?user=me&password=secret&sslmode=require",
            "postgresql://db/runs?user=me&password=***&sslmode=require",
        ),
        ("https://host/x?api_key=secret#top", "https://host/x?api_key=***#top"),
        ("az://box/x?se=2026&sig=se%2Fcret", "az://box/x?se=2026&sig=***"),
    ],
)
def test_passwords_are_masked(text, shown):
    assert masked(text) == shown and "secret" not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "sqlite:///runs/a/lineage.db",
            "s3://bucket/run",
            "https://me@host:8501/x",
            "hdfs://name:8020/user/me@corp",
            "runs/a",
        ),
        *("folder:/home/me/me@home", "python -m pipeline.run --hidden a:b@c", "", "a?b", "key=1", "runs/a"),
    ],
)
def test_other_texts_stay(text):
    assert masked(text) == text


def test_ipv6_has_brackets():
    assert at("::1", 8501) == "[::1]:8501" and at("127.0.0.1", None) == "127.0.0.1:None"
