"""The live demo, on real small runs: what a group's keys make of it, who may ask, and the page in a real browser."""

import base64
import contextlib
import dataclasses
import http.client
import json
import shutil
import socket
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.storage.artifacts import Models
from components.training import models as trained
from datamix_tf.attacks.linked.separation import chance_agreement
from datamix_tf.defences import MixedBottleneck
from datamix_tf.layers import without_noise
from pipeline.demo.attacker import skipped_separators
from pipeline.demo.guard import Guard
from pipeline.demo.inputs import draw_test_examples, read_uploads
from pipeline.demo.key_comparison import compare_keys
from pipeline.demo.loaded_run import load_run
from pipeline.demo.page import page
from pipeline.demo.responses import page_context
from serving.edge.errors import EdgeError
from serving.edge.examples import probabilities
from serving.edge.keys import random_orthogonal
from serving.edge.preprocess import ImagePreprocessing, SpeechPreprocessing
from tests import browser as browsers
from tests import datasets
from tests.pipeline.demo.demos import command, demo_of, page_of, until
from tests.serving.finished_runs import CONFIG, finished_run
from tests.serving.raw_http import UPGRADES, post_with_upgrade

BOTTLENECK = dataclasses.replace(CONFIG, defence=MixedBottleneck(4, 12, 30.0))
SPEECH = SpeechPreprocessing(frame_step=980, bands=16)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A run with feature maps, and a second model of the same shapes that was not packaged."""
    folder = tmp_path_factory.mktemp("pictures")
    other = dataclasses.replace(CONFIG, seed=1)
    data = datasets.pictures(folder / "faces")
    return finished_run(data, folder / "run", ImagePreprocessing(32, 32), (other, CONFIG))


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """A run with a bottleneck: features are vectors, and the client adds noise."""
    folder = tmp_path_factory.mktemp("speech")
    return finished_run(datasets.recordings(folder / "words"), folder / "run", SPEECH, (BOTTLENECK,))


def model_of(folder):
    """The Keras model that a run packaged."""
    models = Models(str(folder / "artifacts" / "trainer" / "models"))
    return trained.load(models, trained.names(models)[-1])


@pytest.fixture(scope="module")
def words(speech):
    with demo_of(load_run(str(speech))) as made:
        yield made


@pytest.fixture(scope="module")
def faces(pictures):
    with demo_of(load_run(str(pictures))) as made:
        yield made


@pytest.fixture(scope="module")
def network(pictures):
    return model_of(pictures)


@pytest.fixture(scope="module")
def hiding(speech):
    return model_of(speech)


def file(name, content):
    return {"name": name, "base64": base64.b64encode(content).decode()}


def test_what_the_keys_make_of_a_group(faces, network):
    run, model, sent = faces.run, network, faces.client.traffic
    comparison = faces.compare(run.x[:3])
    exchange = comparison.exchange
    np.testing.assert_array_equal(comparison.x[:3], run.x[:3])
    assert len(comparison.x) == 4 and not (comparison.x[3] == run.x[:3]).all(axis=(1, 2, 3)).any()
    true = np.asarray(model.pre(comparison.x, training=False))
    np.testing.assert_allclose(comparison.features["right"], true, atol=1e-3)
    assert np.abs(comparison.features["wrong"] - true).max() > 0.1
    assert np.linalg.norm(exchange.mixtures) == pytest.approx(np.linalg.norm(true), rel=1e-4)
    # The cloud alone, with the mixtures as they were sent, finds what the page says that it can.
    alone = model.post(model.main(exchange.mixtures, training=False), training=False)
    assert np.abs(probabilities(np.asarray(alone), "binary") - comparison.probabilities["none"]).max() < 0.02
    np.testing.assert_array_equal(comparison.features["none"], exchange.mixtures)
    assert {"right", "wrong", "attack", "none"} == set(comparison.probabilities)
    served = faces.client.traffic
    assert (served.messages, served.rows) == (sent.messages + 1, sent.rows + 4)
    assert (served.bytes_up - sent.bytes_up, served.bytes_down - sent.bytes_down) == (
        exchange.bytes_up,
        exchange.bytes_down,
    )


def test_the_key_is_overwritten(faces):
    exchange = faces.compare(faces.run.x[:3]).exchange
    assert not exchange.keys[0].matrix.any() and not exchange.shuffle.any()


def test_the_right_key_s_labels_are_those_of_the_network_that_mixes(faces, network):
    comparison = faces.compare(faces.run.x[:4])
    mixtures = comparison.exchange.mixtures
    rows, features = mixtures.reshape(4, -1), comparison.features["right"].reshape(4, -1)
    unmixing = np.linalg.lstsq(rows.T, features.T, rcond=None)[0].T
    np.testing.assert_allclose(unmixing @ unmixing.T, np.eye(4), atol=1e-3)
    answers = np.asarray(network.main(mixtures, training=False))
    outputs = network.post(np.tensordot(unmixing, answers, 1).astype("float32"), training=False)
    expected = probabilities(np.asarray(outputs), "binary")
    assert np.abs(comparison.probabilities["right"] - expected).max() < 0.02  # float16 on the way


def test_the_attack_is_measured_with_the_key_and_stands_beside_chance(faces, network):
    attacker, features = faces.attacker, np.asarray(network.pre(faces.run.x[:4], training=False))
    key = random_orthogonal(4)
    found = attacker.attack(np.tensordot(key, features, 1), key)
    assert set(found.tried) == {separator.name for separator in attacker.separators}
    assert found.agreement == max(found.tried.values()) == found.tried[found.name]
    assert np.diag(found.estimate @ key).mean() == pytest.approx(found.agreement, abs=1e-6)  # order and signs fit
    assert attacker.attack(np.repeat(features[:1], 4, 0), key) is None  # nothing to separate
    assert skipped_separators(0) == ["learned critic", "unmixing network"] and skipped_separators(9) == []
    # The best of six rotations is above one, whose mean is `chance_agreement`.
    assert chance_agreement(4)[0] < attacker.chance < 1
    agreements = [np.diag(guess).mean() for guess in attacker.guesses]
    assert np.mean(agreements) == pytest.approx(attacker.chance)


def test_what_the_page_is_sent(faces):
    response = faces.query({"examples": 2})
    columns = {column["key"]: column for column in response["columns"]}
    assert list(columns) == ["raw", "none", "attack", "wrong", "right"]
    assert columns["right"]["correlation"] > columns["attack"]["chance"]
    assert columns["right"]["correlation"] > columns["none"]["correlation"]
    assert len(response["rows"]) == response["covers"] == 2 and response["traffic"]["up"] > 0
    assert {"prepare", "mix", "cloud", "demix", "attack"} == set(response["milliseconds"])
    json.dumps(response, allow_nan=False)


def test_noise_is_added_where_the_manifest_asks_for_it(faces):
    x = faces.run.x[:4]
    with faces.run.client(faces.url) as noisy:
        noisy.manifest = dataclasses.replace(noisy.manifest, noise_stddev=0.5)
        loud = compare_keys(faces.run, noisy, x, faces.attacker).features["right"]
    added = loud - faces.compare(x).features["right"]
    assert added.std() == pytest.approx(0.5, rel=0.1)  # an orthogonal key leaves it as it is; of 1024 numbers


def test_covers_are_drawn_where_the_model_allows(words, faces, hiding):
    assert words.run.draws_covers and words.client.draws_covers and not faces.client.draws_covers
    x = words.run.x[:2]
    comparison = words.compare(x)
    np.testing.assert_array_equal(comparison.x, x)
    assert comparison.exchange.mixtures.shape == (4, 12) and len(comparison.probabilities["right"]) == 2
    codes = np.asarray(without_noise(hiding.pre)[0](x, training=False))
    noise = words.run.manifest.noise_stddev
    assert np.abs(comparison.features["right"][:2] - codes).max() < 6 * noise
    assert np.abs(comparison.features["wrong"][:2] - codes).max() > 6 * noise
    # The rest is what is orthogonal to them: noise of unit variance, that the cloud cannot tell from a true code.
    assert np.abs(comparison.features["right"][2:]).max() < 6
    assert not comparison.exchange.keys[0].matrix.any()


@pytest.mark.slow
def test_a_bottleneck_and_speech(words):
    assert words.run.manifest.noise_stddev > 0 and len(words.run.manifest.feature_shape) == 1
    response = words.query({"examples": 9})
    assert len(response["rows"]) == 4 and response["covers"] == 0 and response["refused"] == []  # a group takes 4
    for row in response["rows"]:
        assert all("sound" in cell for cell in row["cells"].values())
        (truth,) = [name for name, _, true in row["labels"]["right"] if true]
        assert row["name"].startswith(truth)
    # A recording of one's own; nobody knows its label.
    content = datasets.recording(700.0, np.random.default_rng(5))
    (row,) = words.query({"files": [file("mine.wav", content)]})["rows"]
    assert [true for _, _, true in row["labels"]["wrong"]] == [None, None]


def test_equal_test_examples_are_drawn_once(faces):
    twice = dataclasses.replace(faces.run, x=np.repeat(faces.run.x[:2], 2, axis=0))
    drawn = draw_test_examples(twice, 4)
    assert len(drawn) == len({one.x.tobytes() for one in drawn}) == 2


def test_bad_files_are_named_and_the_others_go(pictures):
    run = load_run(str(pictures))
    rng = np.random.default_rng(0)
    good = [datasets.picture(1, 0, identity, rng) for identity in range(4)]
    files = [file("a.png", good[0]), file("a.txt", b"hello"), {"name": "b.png", "base64": "?"}, file("c.png", good[0])]
    files += [file(f"{number}.png", content) for number, content in enumerate([*good[1:], good[0]])]
    inputs, rejected = read_uploads(run, files)
    assert [one.name for one in inputs] == ["a.png", "0.png", "1.png", "2.png"]
    reasons = {one.name: one.reason for one in rejected}
    assert list(reasons) == ["a.txt", "b.png", "c.png", "3.png"] and "\n" not in "".join(reasons.values())
    assert "not a readable picture" in reasons["a.txt"] and "base64" in reasons["b.png"]
    assert "the same input as a.png" in reasons["c.png"] and "the same input as a.png" in reasons["3.png"]
    five = [file(f"{n}.png", datasets.picture(0, 1, n % 4, rng)) for n in range(5)]
    assert [one.reason[:21] for one in read_uploads(run, five)[1]] == ["a group takes 4 input"]
    assert len({one.name for one in draw_test_examples(run, 4)}) == 4


def test_a_folder_that_is_no_run_is_said_in_one_line(pictures, tmp_path):
    with pytest.raises(InputError, match="has no artifacts/transform"):
        load_run(str(tmp_path))
    for missing, words in (("edge", "is no bundle"), ("serving", "found none; run `python -m pipeline.run`")):
        copy = tmp_path / missing
        copy.mkdir()
        for name in {"artifacts", "edge", "serving"} - {missing}:
            (copy / name).symlink_to(pictures / name)
        with pytest.raises(InputError, match=words) as error:
            load_run(str(copy))
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="expected a folder on this machine"):
        load_run("s3://bucket/run")


def test_a_run_of_another_version_is_said_in_one_line(pictures, tmp_path):
    shutil.copytree(pictures, tmp_path / "run")
    schema = tmp_path / "run" / "artifacts" / "transform" / "examples" / "schema.json"
    schema.write_text('{"name": "faces"}')
    with pytest.raises(InputError, match=f"expected {schema} as this version writes it, but .*; run what"):
        load_run(str(tmp_path / "run"))


def test_a_model_of_drawn_faces_says_that_photos_are_outside_of_what_it_knows(pictures, tmp_path):
    shutil.copytree(pictures, tmp_path / "run")
    schema = tmp_path / "run" / "artifacts" / "transform" / "examples" / "schema.json"
    schema.write_text(json.dumps(json.loads(schema.read_text()) | {"name": "avatars"}))
    loaded = load_run(str(tmp_path / "run"))
    assert "Photos of people are outside of what it knows" in loaded.notes[0] and load_run(str(pictures)).notes == ()
    assert loaded.notes[0] in page("avatars", page_context(loaded, "http://cloud", True, []), ".png").html


def test_features_are_those_that_the_edge_mixes(faces, words, network):
    x = np.concatenate([faces.run.x, faces.run.x])[:6]  # not a whole number of groups
    np.testing.assert_allclose(faces.run.features(x), network.pre(x, training=False), atol=1e-3)
    once, again = (words.run.features(words.run.x[:5], seed) for seed in (0, 1))
    noise = words.run.manifest.noise_stddev
    assert (once - again).std() == pytest.approx(noise * 2**0.5, rel=0.5) and once.shape == (5, 12)  # of 60 numbers


def test_a_cloud_that_does_not_answer(pictures):
    run = load_run(str(pictures))
    with run.client("http://127.0.0.1:9", deadline=0.3) as client, pytest.raises(EdgeError, match=":9 "):
        client.predict(run.x[:1])


@pytest.fixture(scope="module")
def opened(pictures):
    with command(pictures) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(opened):
    """Where the demo listens."""
    return opened[0]


@pytest.fixture(scope="module")
def token(opened):
    """What other users of the machine do not know, as it stands behind an address."""
    return f"?token={opened[1]}"


def asked(url, body=None, **headers):
    """Status, headers and body of an answer."""
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_the_page_comes_with_a_policy_and_only_to_this_machine(url, token):
    status, headers, content = asked(url + token)
    assert status == 200 and "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"] and "unsafe" not in content.decode()
    assert "What is not protected" in content.decode()
    port = url.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", ""):
        status, _, content = asked(url + token, Host=host)
        assert status in (400, 403) and b"Host" in content, host
    assert asked(url + token, Host=f"localhost:{port}")[0] == 200


def test_other_users_of_this_machine_do_not_know_the_token(url, token):
    for path in ("", "/", "/api/state", "/api/query"):
        for wrong in ("", "?token=", "?token=x", token[:-1], "?" + token[1:].upper()):
            body, headers = ({"examples": 1}, {"Origin": url}) if path == "/api/query" else (None, {})
            status, _, content = asked(url + path + wrong, body, **headers)
            assert status == 403 and b"the whole address that the demo printed" in content, (path, wrong)
    assert asked(f"{url}/api/state{token}")[0] == 200


def test_the_token_is_on_no_command_line(monkeypatch):
    import webbrowser

    from pipeline.demo.__main__ import _open

    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    with contextlib.ExitStack() as stack:
        _open("http://127.0.0.1:8600/?token=secret", stack)
        (address,) = opened
        assert "secret" not in address
        with urllib.request.urlopen(address) as page_file:
            assert b"url=http://127.0.0.1:8600/?token=secret" in page_file.read()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address)


def test_queries_come_from_the_page_itself(url, token):
    query, body = f"{url}/api/query{token}", {"examples": 1}
    for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}):
        status, _, content = asked(query, body, **headers)
        assert status == 403 and b"demo's own page" in content
    status, _, content = asked(query, body, Origin=url)
    assert status == 200 and len(json.loads(content)["rows"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"[" * 100_000, {}, {"files": []}, {"files": [{}]}, {"files": "x"}, {"examples": True}),
        *({"examples": 0}, {"files": [{"name": 1, "base64": ""}]}, {"examples": 1, "files": []}),
        *({"samples": []}, {"samples": [1]}, {"samples": "yes"}),
    ],
)
def test_a_query_that_is_none_is_refused(url, token, body):
    status, _, content = asked(f"{url}/api/query{token}", body, Origin=url)
    assert status == 400 and json.loads(content)["error"]


def test_a_query_may_have_so_many_bytes(url, token):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", f"/api/query{token}")
    connection.putheader("Origin", url)
    connection.putheader("Content-Length", str((32 << 20) + 1))
    connection.endheaders()  # the answer comes without the body
    answer = connection.getresponse()
    assert answer.status == 413 and b"at most 33554432 bytes" in answer.read()
    connection.close()


def test_a_user_may_open_it_further():
    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"box.local:8600")], "query_string": b"token=t"}
    assert "expected the Host header" in Guard(None, "127.0.0.1", "t")._refusal(scope)
    assert Guard(None, "0.0.0.0", "t")._refusal(scope) == ""
    assert "expected the token" in Guard(None, "0.0.0.0", "other")._refusal(scope)
    scope |= {"method": "POST", "headers": [*scope["headers"], (b"origin", b"http://evil.example")]}
    assert "expected a request from the demo's own page" in Guard(None, "0.0.0.0", "t")._refusal(scope)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere"], "expected the output folder of a finished"),
        ([".", "--port", "70000"], "--port must be from 0 to 65535; received 70000"),
        ([".", "--attack_steps", "-1"], "--attack_steps must be at least 0; received -1"),
    ],
)
def test_bad_arguments_are_one_line(arguments, words, capsys):
    from pipeline.demo.__main__ import main

    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and words in line


def test_a_port_in_use_and_a_cloud_that_is_away_are_one_line(pictures, capsys, monkeypatch):
    from pipeline.demo import __main__ as command

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command.main([str(pictures), "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1:{port}: " in capsys.readouterr().err
    monkeypatch.setattr(command, "PROBE_SECONDS", 0.3)
    assert command.main([str(pictures), "--port", "0", "--url", "http://127.0.0.1:9"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert "no complete answer from http://127.0.0.1:9" in line


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_pictures_are_dropped_and_the_key_is_flipped(browser, url, token, tmp_path, width, theme):
    rng = np.random.default_rng(width)
    (tmp_path / "good.png").write_bytes(datasets.picture(1, 0, 2, rng))
    Image.fromarray(rng.integers(0, 255, (40, 70), np.uint8)).save(tmp_path / "gray.jpg")
    (tmp_path / "<b>bad.png").write_bytes(b"no picture")
    browser.open(url + "/" + token, width, theme=theme)
    browser.find("#files")[0].send_keys("\n".join(str(path) for path in sorted(tmp_path.iterdir())))
    until(browser, lambda: browser.find("#cards .item"))
    assert {card.text for card in browser.find("#cards h3")} == {"good.png", "gray.jpg"}
    assert len(browser.find("#strip tbody tr")) == 3 and len(browser.find("#strip thead th")) == 5
    (bad,) = browser.find("#refused li")
    assert bad.text.startswith("<b>bad.png: not a readable picture")
    seen = {}
    for key in ("right", "wrong", "none", "attack"):
        browser.find(f"#keys input[value={key}]")[0].click()
        pictures = [image.get_attribute("src") for image in browser.find("#cards img")]
        seen[key] = (tuple(card.text for card in browser.find("#cards .bars")), tuple(pictures))
    assert len({labels for labels, _ in seen.values()}) >= 3 and len({p for _, p in seen.values()}) >= 3
    assert "chance" in browser.find("#note")[0].text and "random rotations" in browser.find("#figures")[0].text
    from selenium.webdriver.common.keys import Keys

    browser.find("#keys input[value=attack]")[0].send_keys(Keys.ARROW_LEFT)  # by keyboard, too
    assert browser.run("return document.activeElement.value") == "none"
    assert seen["none"][0] == tuple(card.text for card in browser.find("#cards .bars"))
    assert browser.run("return [...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert all(asked_for.startswith(url) for asked_for in browser.requests())
    assert browser.complaints() == []


def test_test_examples_know_their_labels(browser, url, token):
    browser.open(url + "/" + token)
    browser.find("#examples")[0].click()
    until(browser, lambda: browser.find("#cards .item"))
    assert len(browser.find("#cards .item")) == 4 and browser.find("#cards .what.true, #cards .what.false")
    assert browser.find("#record") == [] and browser.complaints() == []


def test_the_page_tells_what_the_run_recommends(words):
    run = dataclasses.replace(words.run, answer="For this task, run it on the <edge>.")
    html = page("words", page_context(run, words.url, True, []), ".wav").html
    assert '<p class="answer">For this task, run it on the &lt;edge&gt;.</p>' in html
    assert '<p class="answer">' not in page("words", page_context(words.run, words.url, True, []), ".wav").html


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("upgrade", UPGRADES[:1])  # the server is that of tests/serving/protocol/test_http_server.py
def test_the_page_reads_the_body_of_a_query_that_would_upgrade(words, upgrade, late):
    with page_of(words) as url:
        origin = {"Origin": "http://127.0.0.1"}
        ((status, answer),) = post_with_upgrade(url, "/api/query?token=t", b'{"examples": 1}', upgrade, late, **origin)
        assert status == 200 and "columns" in json.loads(answer)
        hidden = b"GET /api/state?token=t HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        assert [
            status for status, _ in post_with_upgrade(url, "/api/query?token=t", hidden, upgrade, late, **origin)
        ] == [400]


@pytest.mark.slow
def test_a_word_is_recorded(words):
    """With the browser's own fake microphone, which beeps."""
    if reason := browsers.missing():
        pytest.skip(reason)
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with page_of(words) as url, browsers.opened(*flags) as browser:
        browser.open(f"{url}/?token=t")
        browser.find("#record")[0].click()
        until(browser, lambda: browser.find("#cards .item, #status.bad"))
        assert [card.text for card in browser.find("#cards h3")] == ["recording 1.wav"], browser.find("#status")[0].text
        assert len(browser.find("#strip audio")) == 5 and browser.find("#refused li") == []
        assert browser.complaints() == []
