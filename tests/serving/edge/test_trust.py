"""Whom the client believes: bundles that do not mix, point outside, are broken, or are not signed."""

import json
import os
import pathlib
import shutil
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.export.tflite import _convert
from serving.edge import bundle as bundles
from serving.edge import manifest
from serving.edge.__main__ import main
from serving.edge.bundle import Halves, kind_of, load_manifest
from serving.edge.client import EdgeClient
from serving.edge.edge_only import EdgeOnlyModel
from serving.edge.errors import BundleError, EdgeError
from serving.edge.trace import Trace
from tests.serving.deployments import GROUP_SIZE


@pytest.fixture
def bundle(deployed, tmp_path):
    return shutil.copytree(deployed.edge, tmp_path / "edge")


def changed(bundle, **values):
    """The bundle with other values in its manifest."""
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return str(bundle)


def with_halves(bundle, model, mix=None, demix=None):
    """The bundle with halves that make something else of the key; every hash is right, as its maker's would be."""
    import tensorflow as tf

    key = tf.TensorSpec((GROUP_SIZE, GROUP_SIZE), tf.float32, name="key")
    x = tf.TensorSpec((GROUP_SIZE, 8, 8, 3), tf.float32, name="x")
    y = tf.TensorSpec((GROUP_SIZE, *model.main.output_shape[1:]), tf.float32, name="y")
    functions = {
        "pre.tflite": mix and ("mix", model.pre, [x, key], lambda x, key: {"mixtures": mix(model.pre(x), key)}),
        "post.tflite": demix and ("demix", model.post, [y, key], lambda y, key: {"outputs": model.post(demix(y, key))}),
    }
    for name, made in functions.items():
        if made:
            signature, tracked, taken, function = made
            contents = _convert(tracked, function, taken, signature, ("float32",))
            (bundle / name).write_bytes(contents["float32"])
    hashes = manifest.hash_files(bundle)
    pair = ["pre.tflite", "post.tflite"]
    return changed(bundle, halves={"float32": pair}, files={name: hashes[name] for name in pair})


def as_they_are(rows, key):
    """What a bundle's maker would like to be sent: the key, which the signature must have, has no effect."""
    return rows + 1e-30 * key[0, 0]


def by_place(features, key):
    """Mixes, but each place of the group is told apart by where its features are not zero."""
    import tensorflow as tf

    marks = np.zeros((GROUP_SIZE, 1, 1, 5), np.float32)
    marks[range(GROUP_SIZE), 0, 0, range(GROUP_SIZE)] = 1
    return tf.tensordot(key, features * marks, 1)


@pytest.mark.parametrize("mix, demix, text", [(as_they_are, as_they_are, "does not mix"), (by_place, None, "not mix")])
def test_a_bundle_that_does_not_mix_is_refused_in_one_line(bundle, deployed, tmp_path, capsys, mix, demix, text):
    folder = with_halves(bundle, deployed.model, mix, demix)
    load_manifest(folder)  # its hashes are right
    with pytest.raises(BundleError, match=text):
        EdgeClient(folder, "http://127.0.0.1:9")
    picture = tmp_path / "me.png"
    picture.write_bytes(b"")
    assert main(["predict", "--bundle", folder, "--url", "http://127.0.0.1:9", str(picture)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and text in line


def test_a_bundle_that_does_not_demix_is_refused(bundle, deployed):
    with pytest.raises(BundleError, match="does not de-mix"):
        EdgeClient(with_halves(bundle, deployed.model, demix=as_they_are), "http://127.0.0.1:9")


def test_what_leaves_is_mixed_even_if_the_files_fool_the_check(bundle, deployed, server, inputs, monkeypatch):
    """Files may tell a question from a query; the client mixes by itself all the same."""
    monkeypatch.setattr(bundles, "check_mixing", lambda *_: None)
    folder = with_halves(bundle, deployed.model, as_they_are, as_they_are)
    with Trace(keys=True) as trace, EdgeClient(folder, server.rest_url, wire="float32") as client:
        client.predict(inputs[:4], trace)
        (exchange,) = trace.exchanges
        features = np.asarray(deployed.model.pre(exchange.inputs, training=False)).reshape(4, -1)
        sent = exchange.mixtures.reshape(4, -1)
        np.testing.assert_allclose(exchange.keys[0].matrix[exchange.shuffle] @ features, sent, atol=1e-4)
    # No row of what left is a row of features.
    assert min(np.abs(row - feature).max() for row in sent for feature in features) > 1e-2 * np.abs(features).max()


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_honest_halves_pass_the_check_every_time(deployed, precision):
    for _ in range(20):
        Halves(deployed.edge, load_manifest(deployed.edge), precision, 1)


def test_files_outside_of_the_bundle_are_refused(bundle, tmp_path):
    described = json.loads((bundle / "manifest.json").read_text())
    shutil.copy(bundle / "pre.tflite", tmp_path / "pre.tflite")
    digest = described["files"]["pre.tflite"]
    for name in (
        "../pre.tflite",
        str(tmp_path / "pre.tflite"),
        "a/../../pre.tflite",
        "..\\pre.tflite",
        "manifest.json",
    ):
        halves, files = {"float32": [name, "post.tflite"]}, {**described["files"], name: digest}
        for change in ({"halves": halves, "files": files}, {"halves": halves}, {"files": files}):
            with pytest.raises(BundleError, match="expected the names of files inside the bundle"):
                load_manifest(changed(bundle, **{**described, **change}))
    os.remove(bundle / "pre.tflite")
    (bundle / "pre.tflite").symlink_to(tmp_path / "pre.tflite")
    with pytest.raises(BundleError, match=r"pre\.tflite leads out of the bundle"):
        load_manifest(changed(bundle, **described))


def test_every_file_that_is_used_has_a_hash(bundle):
    described = json.loads((bundle / "manifest.json").read_text())
    for files in ({}, {name: digest for name, digest in described["files"].items() if name != "post.int8.tflite"}):
        with pytest.raises(BundleError, match="expected a hash in `files` for every file"):
            load_manifest(changed(bundle, files=files))


def test_what_runs_is_what_was_checked(bundle):
    """A file that is exchanged between the check and its use."""
    described = load_manifest(str(bundle))
    (bundle / "pre.tflite").write_bytes((bundle / "post.tflite").read_bytes())
    with pytest.raises(BundleError, match=r"pre\.tflite was changed"):
        Halves(str(bundle), described, "float32", 1)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"a":' * 100_000,
        "\ud800".encode("utf-8", "surrogatepass"),
        "1e999",
        '"x"',
    ],
)
def test_manifests_that_are_none(bundle, content):
    (bundle / "manifest.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    for read in (kind_of, load_manifest):
        with pytest.raises(BundleError, match="cannot use") as error:
            read(str(bundle))
        assert "\n" not in str(error.value)


BROKEN = [
    {"group_size": 0},
    {"group_size": -4},
    {"group_size": 1.5},
    {"group_size": 10**9},
    {"group_size": 10**30},
    {"feature_shape": 7},
    {"feature_shape": [0, 4]},
    {"answer_shape": [2**31, 2**31, 2**31]},
    {"input_shape": [9, 9, 3]},
    {"labels": "abc"},
    {"labels": []},
    {"task": "guess"},
    {"halves": []},
    {"halves": {}},
    {"halves": {"float32": "pre.tflite"}},
    {"files": ["pre.tflite"]},
    {"files": {"pre.tflite": 3}},
    {"noise_stddev": -1},
    {"preprocessing": {}},
    {"preprocessing": {"kind": []}},
    {"preprocessing": {"kind": "image", "height": 0}},
    {"preprocessing": {"kind": "image", "surprise": 1}},
    {"preprocessing": {"kind": "image", "crop": [1]}},
    {"preprocessing": {"kind": "audio", "frame_step": 0}},
    {"preprocessing": {"kind": "audio", "samples": 10**13}},
    {"constant": "../x"},
    {"drawn": {"float32": ["../encode.tflite", "post.tflite"]}},
    {"drawn": {"float32": ["encode.tflite", "finish.tflite"]}},
    {"attacks": [{"name": "x"}]},
]


@pytest.mark.parametrize("change", BROKEN, ids=str)
def test_broken_manifests_are_one_error(bundle, change):
    with pytest.raises(BundleError, match=r"cannot use .*manifest\.json: ") as error:
        load_manifest(changed(bundle, **change))
    assert "\n" not in str(error.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_value_in_any_field_loads_or_is_one_error(deployed, data):
    described = json.loads(pathlib.Path(deployed.edge, "manifest.json").read_text())
    described[data.draw(st.sampled_from(sorted(described)))] = data.draw(VALUES)
    try:
        manifest.Manifest.from_json(json.dumps(described))
    except ValueError as error:
        assert str(error)


def test_a_file_that_is_no_model_of_the_manifest_s_shapes(bundle):
    hashes = manifest.hash_files(bundle)
    swapped = {"float32": ["post.tflite", "pre.tflite"]}
    with pytest.raises(BundleError, match=r"post\.tflite cannot be used: "):
        EdgeClient(changed(bundle, halves=swapped), "http://127.0.0.1:9")
    (bundle / "pre.tflite").write_bytes(b"no model")
    files = {**hashes, **manifest.hash_files(bundle)}
    files.pop("manifest.json")
    right = {"float32": ["pre.tflite", "post.tflite"]}
    with pytest.raises(BundleError, match=r"pre\.tflite cannot be used: ") as error:
        EdgeClient(changed(bundle, halves=right, files=files), "http://127.0.0.1:9")
    assert "\n" not in str(error.value)
    with pytest.raises(BundleError, match=r"cannot be used: expected mix\(key \[2, 2\], .* it has mix\(key \[4, 4\]"):
        half = {"float32": ["pre.float16.tflite", "post.tflite"]}
        EdgeClient(changed(bundle, halves=half, group_size=2), "http://127.0.0.1:9")


@pytest.fixture
def signed(bundle, tmp_path, capsys):
    """A signed bundle, and the file of the key that is trusted."""
    assert main(["sign", "--bundle", str(bundle), "--key_file", str(tmp_path / "maker.key")]) == 0
    (tmp_path / "maker.pub").write_text(capsys.readouterr().out)
    assert os.stat(tmp_path / "maker.key").st_mode & 0o77 == 0
    return types.SimpleNamespace(folder=bundle, key=tmp_path / "maker.pub", private=tmp_path / "maker.key")


def test_a_signed_bundle_is_taken_and_others_are_refused(signed, deployed, tmp_path, capsys):
    trusted = signed.key.read_bytes()
    load_manifest(str(signed.folder), trusted)
    EdgeClient(str(signed.folder), "http://127.0.0.1:9", trusted_key=trusted).close()
    with pytest.raises(BundleError, match="is not signed, and a trusted key was given"):
        load_manifest(deployed.edge, trusted)
    other = tmp_path / "other.key"
    assert main(["sign", "--bundle", str(signed.folder), "--key_file", str(other)]) == 0
    with pytest.raises(BundleError, match="is not signed by the owner of the trusted key"):
        load_manifest(str(signed.folder), trusted)
    assert main(["sign", "--bundle", str(signed.folder), "--key_file", str(signed.private)]) == 0
    load_manifest(str(signed.folder), trusted)
    with pytest.raises(BundleError, match="or was changed afterwards"):
        load_manifest(changed(signed.folder, noise_stddev=0.5), trusted)
    capsys.readouterr()
    asked = ["predict", "--bundle", deployed.edge, "--url", "http://127.0.0.1:9", "--trusted_key_file", str(signed.key)]
    assert main([*asked, "me.png"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {deployed.edge} is not signed")


def test_openssl_reads_the_signature(signed):
    import subprocess

    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(signed.key), "-rawin"]
    command += ["-in", str(signed.folder / "manifest.json"), "-sigfile", str(signed.folder / "manifest.sig")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_keys_that_are_none(signed, tmp_path):
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    curve = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for wrong in (b"", b"no key", signed.private.read_bytes(), curve):
        with pytest.raises(EdgeError, match="the trusted key cannot be used"):
            load_manifest(str(signed.folder), wrong)
    for content in (b"no key", signed.key.read_bytes()):
        (tmp_path / "wrong").write_bytes(content)
        assert main(["sign", "--bundle", str(signed.folder), "--key_file", str(tmp_path / "wrong")]) == 1


def test_an_edge_only_bundle_is_held_to_the_same(tmp_path, capsys):
    import keras

    from components.export.edge_only import write_edge_only
    from serving.edge import preprocess

    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
    pictures = preprocess.to_config(preprocess.ImagePreprocessing(8, 8))
    folder = tmp_path / "edge_only"
    write_edge_only(model, str(folder), task="binary", labels=("a", "b"), preprocessing=pictures)
    good = json.loads((folder / "manifest.json").read_text())
    assert main(["sign", "--bundle", str(folder), "--key_file", str(tmp_path / "maker.key")]) == 0
    trusted = capsys.readouterr().out.encode()
    EdgeOnlyModel(str(folder), trusted_key=trusted)
    os.remove(folder / "manifest.sig")
    with pytest.raises(BundleError, match="is not signed"):
        EdgeOnlyModel(str(folder), trusted_key=trusted)
    for change in ({"files": {}}, {"files": {"../model.tflite": "0"}}, {"labels": 3}, {"input_shape": [8, 8, 4]}):
        with pytest.raises(BundleError, match="cannot use"):
            EdgeOnlyModel(changed(folder, **{**good, **change}))
    with pytest.raises(BundleError, match=r"model\.tflite cannot be used: expected run\(x .*\) -> \[1, 3\]"):
        EdgeOnlyModel(changed(folder, **{**good, "labels": ["a", "b", "c"]}))
