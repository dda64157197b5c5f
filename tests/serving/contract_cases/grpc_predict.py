"""gRPC: Predict. `given` is the method and the request as JSON; the answer is the response as JSON."""

from tests.serving.contract_cases.case import Case, Refused, held, not_offered
from tests.serving.contract_cases.names import NAME, OLD_NAME, VERSION

BOTH, UTIL, BINARY = "predict_util predict_impl", "predict_util", "tensorflow_model_server"
SPEC = {"name": NAME, "version": str(VERSION)}
INVALID = "INVALID_ARGUMENT"
THREADS = "Thread pools of the caller's own are an interface of C++"
OVERRIDE = "A model specification beside the request's is an interface of C++"


def floats(*values, shape=()):
    """A tensor of float32, as JSON; by default a scalar."""
    return {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": size} for size in shape]}, "float_val": values}


def _request(signature="", inputs=None, spec=SPEC, **more):
    spec = {**spec, "signature_name": signature} if signature else spec
    return {"model_spec": spec, "inputs": inputs or {}, **more}


def _answer(signature, **outputs):
    return {"model_spec": {**SPEC, "signature_name": signature}, "outputs": outputs}


def _predict(what, request, theirs, ours=None, why="", files=BOTH):
    return Case(files, what, ("Predict", request), theirs, ours, why)


_X = {"x": floats(4.0)}
_TEXT = {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": 1}]}, "string_val": ["YQ=="]}

CASES = [
    _predict("no model specification", {}, Refused(INVALID, "Missing ModelSpec")),
    _predict(
        "a specification without a name",
        {"model_spec": {}},
        Refused(INVALID, "no name specified"),
        files="predict_impl",
    ),
    _predict(
        "a model that is not there",
        {"model_spec": {"name": "m"}},
        Refused("NOT_FOUND", "not found"),
        files="predict_impl",
    ),
    _predict("no inputs", _request(), Refused(INVALID, "input size does not match signature")),
    _predict(
        "inputs of other names",
        _request(inputs={"b": _TEXT, "a": floats(1.0)}),
        Refused(INVALID, "Sent extra: {a,b}. Missing but required: {x}"),
    ),
    _predict(
        "a bool for a float",
        _request(inputs={"x": {"dtype": "DT_BOOL", "tensor_shape": {}, "bool_val": [True]}}),
        Refused(INVALID, "to be float but bool is provided"),
        files=UTIL,
    ),
    _predict(
        "a text for a float", _request(inputs={"x": _TEXT}), Refused(INVALID, "to be float but string is provided")
    ),
    _predict(
        "an output that the signature does not have",
        _request(inputs=_X, output_filter=["other"]),
        Refused(INVALID, "output tensor alias not found in signature: other"),
    ),
    _predict("an output by name", _request(inputs=_X, output_filter=["y"]), _answer("serving_default", y=floats(4.0))),
    _predict(
        "an output twice",
        _request(inputs=_X, output_filter=["y", "y"]),
        Refused(INVALID, "duplicate output tensor alias: y"),
    ),
    _predict("a scalar", _request(inputs=_X), _answer("serving_default", y=floats(4.0))),
    _predict(
        "one row, as upstream's client sends it",
        _request("serving_default", {"x": floats(6.0, shape=(1,))}, {"name": NAME}),
        _answer("serving_default", y=floats(5.0, shape=(1,))),
        files=BINARY,
    ),
    _predict(
        "one row, the output by name",
        _request("serving_default", {"x": floats(6.0, shape=(1,))}, {"name": NAME}, output_filter=["y"]),
        _answer("serving_default", y=floats(5.0, shape=(1,))),
        files=BINARY,
    ),
    _predict(
        "a model of TensorFlow 1",
        _request(inputs=_X, spec={"name": OLD_NAME}),
        {
            **_answer("serving_default", y=floats(4.0)),
            "model_spec": {**SPEC, "name": OLD_NAME, "signature_name": "serving_default"},
        },
        files=f"{BOTH} {BINARY}",
    ),
    _predict("another signature", _request("more", _X), _answer("more", y=floats(5.0)), files=BINARY),
    _predict(
        "rows of one number, as Keras's models have them",
        _request(inputs={"x": floats(6.0, shape=(1, 1))}),
        _answer("serving_default", y=floats(5.0, shape=(1, 1))),
        files=BINARY,
    ),
    _predict(
        "a signature for regress",
        _request("regress_numbers", {"inputs": floats(4.0)}),
        _answer("regress_numbers", outputs=floats(5.0)),
    ),
    _predict(
        "a signature for classify",
        _request("classify_numbers", {"inputs": floats(4.0)}),
        _answer("classify_numbers", scores=floats(5.0)),
    ),
    # In this order: the model keeps a count.
    _predict("a signature without inputs", _request("get_counter"), _answer("get_counter", output=floats(0.0))),
    _predict("one that counts", _request("incr_counter"), _answer("incr_counter", output=floats(1.0))),
    _predict("one that begins anew", _request("reset_counter"), _answer("reset_counter", output=floats(0.0))),
    _predict(
        "one that counts, the output by name",
        _request("incr_counter", output_filter=["output"]),
        _answer("incr_counter", output=floats(1.0)),
    ),
    _predict(
        "one that counts by what is given",
        _request("incr_counter_by", {"delta": floats(4.0)}),
        _answer("incr_counter_by", output=floats(5.0)),
    ),
    _predict(
        "a signature that is not there",
        _request("other", _X),
        Refused("FAILED_PRECONDITION", 'Serving signature key "other" not found.'),
        files=f"{UTIL} {BINARY}",
    ),
    held(UTIL, "method names: a known one, checked", "test_methods_are_checked_where_it_is_switched_on"),
    held(UTIL, "method names: an unknown one, checked", "test_methods_are_checked_where_it_is_switched_on"),
    held(UTIL, "method names: a known one, not checked", "test_methods_are_checked_where_it_is_switched_on"),
    held(UTIL, "method names: an unknown one, not checked", "test_methods_are_checked_where_it_is_switched_on"),
    not_offered("predict_impl", "another model than the request's", OVERRIDE),
    not_offered(BOTH, "threads of the caller's", THREADS),
]
