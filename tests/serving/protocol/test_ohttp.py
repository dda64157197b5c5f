"""Oblivious HTTP: the example of RFC 9458, what comes back, what is refused."""

import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhpke import KEMKeyPair

from serving.protocol import bhttp, ohttp
from serving.protocol.dates import read_date, write_date

# RFC 9458, appendix A.
PRIVATE_KEY = bytes.fromhex("3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a")
EPHEMERAL_KEY = bytes.fromhex("bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73")
REQUEST = bytes.fromhex("00034745540568747470730b6578616d706c652e636f6d012f")
SEALED = bytes.fromhex(
    "010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e"
    "1268c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525"
)
RESPONSE = bytes.fromhex("0140c8")
CONFIG = ohttp.GatewayKey(1, PRIVATE_KEY).config.to_bytes()
SEALED_RESPONSE = bytes.fromhex("c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd")


def test_the_example_of_the_standard():
    key = ohttp.GatewayKey(1, PRIVATE_KEY)
    request = key.open(SEALED).request
    assert request == REQUEST and bhttp.read_request(request) == ("GET", "/", {}, b"")
    suite = ohttp._suite()
    private = suite.kem.deserialize_private_key(EPHEMERAL_KEY)
    public = suite.kem.deserialize_public_key(ohttp.GatewayKey(0, EPHEMERAL_KEY).config.public_key)
    sealed = ohttp.Sealed(key.config, REQUEST, KEMKeyPair(private, public))
    assert sealed.body == SEALED
    assert sealed.open(SEALED_RESPONSE) == RESPONSE and bhttp.read_response(RESPONSE) == (200, {}, b"")


@given(
    st.binary(max_size=9000),
    st.dictionaries(st.text("abc-", min_size=1, max_size=9), st.text("xyz 09", max_size=20), max_size=3),
    st.integers(100, 599),
)
def test_what_is_sealed_comes_back(content, headers, status):
    key = ohttp.GatewayKey(7)
    message = bhttp.write_request("POST", "/v1/models/m:predict", headers, content)
    (config,) = ohttp.read_configs(key.config.to_bytes())
    sealed = ohttp.Sealed(config, message)
    opened = key.open(sealed.body)
    assert bhttp.read_request(opened.request) == ("POST", "/v1/models/m:predict", headers, content)
    answer = sealed.open(opened.seal(bhttp.write_response(status, headers, content)))
    assert bhttp.read_response(answer) == (status, headers, content)
    assert len(message) % bhttp.PAD == 0 and len(answer) % bhttp.PAD == 0


def test_two_sealings_share_no_bytes_but_the_header_and_have_one_size():
    key = ohttp.GatewayKey()
    first, second = (
        ohttp.Sealed(key.config, bhttp.write_request("POST", "/", {}, b"x" * size)).body for size in (10, 900)
    )
    assert len(first) == len(second) and first[:7] == second[:7]
    # 1,072 bytes that are equal by chance with probability 1/256 each: 4 on average.
    assert sum(a == b for a, b in zip(first[7:], second[7:], strict=True)) < 20


def test_what_was_changed_or_sealed_for_others_is_refused():
    key, other = ohttp.GatewayKey(), ohttp.GatewayKey()
    sealed = ohttp.Sealed(key.config, bhttp.write_request("GET", "/", {}, b""))
    for body, reason in (
        (sealed.body[:-1] + bytes([sealed.body[-1] ^ 1]), "cannot be opened"),
        (sealed.body[:20], "expected a sealed request"),
        (b"\2" + sealed.body[1:], "sealed for another key"),
    ):
        with pytest.raises(ohttp.ObliviousError, match=reason):
            key.open(body)
    with pytest.raises(ohttp.ObliviousError, match="cannot be opened"):
        other.open(sealed.body)
    answer = key.open(sealed.body).seal(bhttp.write_response(200, {}, b""))
    again = ohttp.Sealed(key.config, bhttp.write_request("GET", "/", {}, b""))
    with pytest.raises(ohttp.ObliviousError, match="answers another request"):
        again.open(answer)


@pytest.mark.parametrize(
    "content", [b"", b"\0\5abcde", ohttp.GatewayKey(1, PRIVATE_KEY).config.to_bytes().replace(b"\0\1\0\1", b"\0\3\0\3")]
)
def test_other_suites_are_explained(content):
    with pytest.raises(ohttp.ObliviousError, match=r"expected (a )?key"):
        ohttp.read_configs(content)


def other_config(kem=0x0010, size=65):
    """A configuration for another KEM, P-256, whose key has another length."""
    config = b"\x05" + kem.to_bytes(2, "big") + bytes(size) + b"\0\4\0\1\0\1"
    return len(config).to_bytes(2, "big") + config


def test_of_several_configurations_those_that_are_known_are_taken():
    first, second = (ohttp.GatewayKey(key_id).config for key_id in (9, 0))
    collection = other_config() + first.to_bytes() + second.to_bytes()
    assert ohttp.read_configs(collection) == (first, second)
    assert first.fingerprint == hashlib.sha256(first.to_bytes()).hexdigest() != second.fingerprint


@pytest.mark.parametrize(
    "fault", [b"\0", b"\0\5", b"\0\2\1\0", CONFIG[:-1], CONFIG[:1] + b"\x2d" + CONFIG[2:] + b"\0" * 4]
)
@pytest.mark.parametrize("behind", [False, True])
def test_a_collection_with_a_fault_is_refused_whole(fault, behind):
    with pytest.raises(ohttp.ObliviousError, match="expected key configurations"):
        ohttp.read_configs(CONFIG + fault if behind else fault)


def test_keys_of_a_gateway_have_ids_of_their_own():
    with pytest.raises(ValueError, match="different ids"):
        ohttp.GatewayKeys([ohttp.GatewayKey(4), ohttp.GatewayKey(4)])
    with pytest.raises(ValueError, match="different ids"):
        ohttp.GatewayKeys([])


def test_what_looks_sealed_does():
    body = ohttp.Sealed(ohttp.GatewayKey(8).config, b"").body
    assert ohttp.looks_sealed(body) and not ohttp.looks_sealed(body[:-1])
    assert not ohttp.looks_sealed(b"\1" * len(body))


def test_dates_are_read_as_they_are_written():
    assert write_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT" and read_date(write_date(1e9 + 0.5)) == 1e9
    assert [read_date(text) for text in ("", "now", "Thu, 99 Jan 1970 00:00:00 GMT")] == [None] * 3


def test_messages_that_are_cut_off_are_explained():
    message = bhttp.write_request("POST", "/", {"a": "b"}, b"x" * 100, pad=1)
    with pytest.raises(bhttp.MessageError, match="cut off"):
        bhttp.read_request(message[:-50])
    with pytest.raises(bhttp.MessageError, match="answer of known length"):
        bhttp.read_response(message)
    assert bhttp.read_request(message + b"\0\0")[3] == b"x" * 100
    with pytest.raises(bhttp.MessageError, match="expected zeros behind"):
        bhttp.read_request(message + b"\0\1")


def test_the_private_key_is_not_pickled():
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(ohttp.GatewayKey())
