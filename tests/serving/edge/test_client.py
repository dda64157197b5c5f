"""The client against a real server: right predictions, nothing told, nothing half done."""

import base64
import dataclasses
import json
import threading

import keras
import numpy as np
import pytest

from serving.edge import client as client_module
from serving.edge.client import EdgeClient
from serving.edge.errors import BadAnswerError, BundleError, CloudError
from serving.edge.keys import Key
from serving.edge.messages import WIRES
from serving.protocol import wire
from tests.serving.deployments import GROUP_SIZE, deploy, private_model, served


class Recorded(Key):
    """Keys that stay readable for a test."""

    made = []

    def __init__(self, size):
        super().__init__(size)
        Recorded.made.append(np.array(self.matrix))


@pytest.fixture
def keys(monkeypatch):
    Recorded.made = []
    monkeypatch.setattr(client_module, "Key", Recorded)
    return Recorded.made


def in_process(model, rows, keys):
    """The Keras model's logits for rows in whole groups, with the given keys."""
    keys = np.stack(keys)
    features = model.mix(model.pre(rows, training=False), keys)
    answers = model.main(features, training=False)
    return np.asarray(model.post(model.demix(answers, keys), training=False))


# What values lose on the wire, relative to a mixture's largest: half a unit in the last place, or half an int8 step.
LOSS = {"float32": 0, "json": 0, "float16": 2**-11, "bfloat16": 2**-8, "int8": 0.5 / 127}


@pytest.mark.parametrize("wire_format", WIRES)
def test_answers_equal_the_in_process_models_with_the_same_keys(make, deployed, inputs, keys, wire_format):
    client = make(wire=wire_format)
    rows = inputs[:8]
    asked = client._ask(rows, client_module.Deadline(10), client.traffic)
    expected = in_process(deployed.model, rows, keys)
    # The small network's gain from features to logits is below 10; float32 sums differ by 1e-5.
    assert np.abs(asked - expected).max() <= 1e-4 + 10 * LOSS[wire_format] * 2


@pytest.mark.parametrize("precision, tolerance", [("float32", 1e-4), ("float16", 1e-2), ("int8", 0.1)])
def test_smaller_halves_agree(make, deployed, inputs, keys, precision, tolerance):
    client = make(wire="float32", precision=precision)
    asked = client._ask(inputs[:8], client_module.Deadline(10), client.traffic)
    expected = in_process(deployed.model, inputs[:8], keys)
    assert np.abs(asked - expected).max() <= tolerance * np.abs(expected).max()


@pytest.fixture(scope="module")
def linear_deployment(tmp_path_factory):
    """A linear network, whose right predictions do not depend on keys, covers and mates."""
    keras.utils.set_random_seed(3)
    deployed = deploy(str(tmp_path_factory.mktemp("linear")), model=private_model(activation=None))
    with served(deployed.serving) as server:
        yield deployed, server


@pytest.fixture
def linear(linear_deployment, inputs, covers, request):
    """A client of the linear network, and what it should predict for the inputs."""
    deployed, server = linear_deployment
    logits = np.asarray(deployed.model.post(deployed.model.main(deployed.model.pre(inputs))))
    groups = getattr(request, "param", None)
    with EdgeClient(deployed.edge, server.rest_url, covers=covers, wire="float32", groups=groups) as client:
        yield client, 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("count", [1, 3, 4, 5, 11])
@pytest.mark.parametrize("linear", [None, 1, 3], indirect=True)
def test_predictions_come_in_the_order_of_the_inputs(linear, inputs, count):
    client, expected = linear
    assert np.abs(client.predict(inputs[:count]) - expected[:count]).max() < 1e-4


@pytest.mark.parametrize("subtract", [True, False])
def test_the_bundle_holds_the_clouds_constant(tmp_path, inputs, covers, subtract):
    """A cloud that is linear but for its biases: de-mixing is exact only if what it answers to zero is known."""
    model = private_model(activation=None, subtract_constant=subtract)
    conv = model.main.layers[1]
    conv.bias.assign(np.linspace(-2, 2, conv.filters, dtype=np.float32))
    deployed = deploy(str(tmp_path), model=model)
    logits = np.asarray(model.post(model.main(model.pre(inputs))))
    with (
        served(deployed.serving) as server,
        EdgeClient(deployed.edge, server.rest_url, covers=covers, wire="float32") as client,
    ):
        difference = np.abs(client.predict(inputs) - 1 / (1 + np.exp(-logits))).max()
    assert difference < 1e-4 if subtract else difference > 1e-2


def test_no_inputs(make):
    client = make()
    assert client.predict(np.zeros((0, 8, 8, 3))).shape == (0, 3) and client.traffic.messages == 0


def test_the_true_count_does_not_show_on_the_wire(make, inputs):
    """From 1 to 4 inputs, messages are equally long; with a fixed number of groups up to 8 inputs are."""
    for options, counts in (({}, (1, 2, 3, 4)), ({"groups": 2}, (1, 4, 5, 8))):
        sizes = []
        for count in counts:
            client = make(**options)
            client.predict(inputs[:count])
            sizes.append((client.traffic.messages, client.traffic.rows, client.traffic.bytes_up))
        assert len(set(sizes)) == 1


def test_what_is_sent_never_repeats(make, inputs, monkeypatch):
    bodies = []
    client = make()
    post = client._transport.post
    monkeypatch.setattr(
        client._transport, "post", lambda path, body, deadline: bodies.append(body) or post(path, body, deadline)
    )
    for _ in range(3):
        client.predict(inputs[:4])
    # Behind the header with its random tag: the mixtures themselves.
    values = [
        base64.b64decode(instance["b64"])[wire.REQUEST_HEADER :]
        for body in bodies
        for instance in json.loads(body)["instances"]
    ]
    assert len(values) == 12 and len(set(values)) == 12


def test_traffic_is_counted(make, inputs):
    client = make(wire="int8")
    client.predict(inputs[:3])
    client.predict(inputs[3:8])
    traffic = client.traffic
    assert (traffic.messages, traffic.examples, traffic.rows) == (2, 8, 12)
    # 80 int8 values and a header of 16 bytes, in base64, with the JSON around them.
    assert traffic.bytes_up == 12 * (4 * 32 + len('{"b64":""}')) + 10 + 2 * len(
        '{"signature_name":"packed","instances":[]}'
    )
    assert traffic.bytes_up_per_example == traffic.bytes_up / 8
    assert traffic.bytes_down_per_example == traffic.bytes_down / 8 > 0


def test_equal_inputs_are_sent_once(make, inputs, monkeypatch):
    client, sent = make(wire="float32"), []
    ask = client._ask
    monkeypatch.setattr(
        client, "_ask", lambda rows, *rest: sent.extend(row.tobytes() for row in rows) or ask(rows, *rest)
    )
    result = client.predict(inputs[[0, 1, 0, 0, 1]])
    assert len(sent) == len(set(sent)) == 4 and client.traffic.examples == 5
    assert (result[0] == result[2]).all() and (result[0] == result[3]).all() and (result[1] == result[4]).all()
    assert (result[0] != result[1]).any()


def test_one_client_in_several_threads(linear, inputs):
    client, expected = linear
    wrong = []

    def use():
        for _ in range(10):
            wrong.append(float(np.abs(client.predict(inputs) - expected).max()))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 40 and max(wrong) < 1e-4


@pytest.mark.parametrize("x", [np.zeros((2, 8, 8)), np.full((4, 8, 8, 3), np.nan), np.zeros((4, 8, 8, 1))])
def test_inputs_that_cannot_be_used(make, x):
    with pytest.raises(ValueError, match="inputs must"):
        make().predict(x)


def test_options_that_cannot_be_used(make):
    for options in ({"wire": "float64"}, {"groups": 0}):
        with pytest.raises(ValueError):
            make(**options)
    with pytest.raises(BundleError, match="not in 'int4'"):
        make(precision="int4")
    with pytest.raises(CloudError, match="expected a URL"):
        make(url="nowhere")


def test_a_cloud_without_the_bundles_version_is_refused(make, inputs, tmp_path):
    with served(deploy(str(tmp_path), version=2).serving) as other:
        client = make(url=other.rest_url)
        with pytest.raises(CloudError, match=r"404.*Specific\(toy, 1\)"):
            client.predict(inputs[:4])


def test_a_cloud_with_another_model_is_refused(make, inputs, tmp_path):
    keras.utils.set_random_seed(2)
    with served(deploy(str(tmp_path)).serving) as other:
        client = make(url=other.rest_url)
        with pytest.raises(BadAnswerError, match=r"comes from the model .* belongs to"):
            client.predict(inputs[:4])


def test_a_bottleneck_s_noise_is_added_to_what_is_sent(make, deployed, covers, monkeypatch):
    """An orthogonal key keeps the sum of squares; the noise adds its variance for each number."""
    sent = []

    class Kept(client_module.Message):
        def __init__(self, mixtures, *more):
            sent.append(mixtures.copy())
            super().__init__(mixtures, *more)

    monkeypatch.setattr(client_module, "Message", Kept)
    plain, noisy = make(groups=1), make(groups=1)
    noisy.manifest = dataclasses.replace(noisy.manifest, noise_stddev=3.0)
    for asking in (plain, noisy):
        for start in range(0, 40, GROUP_SIZE):
            asking.predict(covers[start : start + GROUP_SIZE])
    features = np.asarray(deployed.model.pre(covers))
    quiet, loud = (np.square(np.concatenate(part)).sum() for part in (sent[:10], sent[10:]))
    assert np.isclose(quiet, np.square(features).sum(), rtol=1e-4)
    added = (loud - quiet) / features.size
    # Variance of a sum of squares of noise and of its products with the features, over all numbers.
    error = (2 * 3.0**4 + 4 * 3.0**2 * np.square(features).mean()) ** 0.5 / features.size**0.5
    assert abs(added - 3.0**2) < 5 * error
