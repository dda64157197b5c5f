"""gRPC: Classify, Regress and MultiInference. `given` is the method and the request as JSON."""

from tests.serving.contract_cases.case import Case, Refused, held, not_offered
from tests.serving.contract_cases.grpc_predict import OVERRIDE, THREADS
from tests.serving.contract_cases.names import NAME, OLD_NAME, VERSION

INVALID = "INVALID_ARGUMENT"
CLASSIFIER, CLASSIFY, REGRESSOR, REGRESS = (
    "classifier",
    "classification_service",
    "regressor",
    "regression_service",
)
MULTI, BINARY = "multi_inference multi_inference_helper", "tensorflow_model_server"
INTERNAL = "Errors that are not the request's fault have one text; the log has theirs"


def _features(**values):
    return {"features": {"feature": {name: {"float_list": {"value": [value]}} for name, value in values.items()}}}


def _list(*values):
    return {"example_list": {"examples": [_features(x=value) for value in values]}}


def _with_context(context, *examples):
    return {"example_list_with_context": {"context": context, "examples": examples}}


def _spec(signature, name=NAME):
    return {"name": name, "signature_name": signature}


def _answered(spec):
    return {**spec, "version": str(VERSION)}


def _classes(*rows):
    return {
        "classifications": [{"classes": [{"label": label, "score": score} for label, score in row]} for row in rows]
    }


def _values(*values):
    return {"regressions": [{"value": value} for value in values]}


def _case(files, what, method, spec, given, theirs):
    if not isinstance(theirs, Refused):
        theirs = {"model_spec": _answered(spec), "result": theirs}
    return Case(files, what, (method, {"model_spec": spec, "input": given}), theirs)


def _classify(what, signature, given, theirs, files=CLASSIFIER, name=NAME):
    return _case(files, what, "Classify", _spec(signature, name), given, theirs)


def _regress(what, signature, given, theirs, files=REGRESSOR, name=NAME):
    return _case(files, what, "Regress", _spec(signature, name), given, theirs)


def _infer(what, tasks, given, theirs, files=MULTI):
    tasks = [
        {"model_spec": _spec(signature, name), "method_name": f"tensorflow/serving/{method}"}
        for name, signature, method in tasks
    ]
    if not isinstance(theirs, Refused):
        theirs = {
            "results": [
                {"model_spec": _answered(task["model_spec"]), **result}
                for task, result in zip(tasks, theirs, strict=True)
            ]
        }
    return Case(files, what, ("MultiInference", {"tasks": tasks, "input": given}), theirs)


_EMPTY = Refused(INVALID, "Input is empty")
_ONE, _TWO = _list(3.0), _list(3.0, -1.0)
_X = _features(x=3.0)
_TASK = (NAME, "regress_x", "regress")


def _specifications(files, method):
    return [
        Case(files, "no model specification", (method, {}), Refused(INVALID, "Missing ModelSpec")),
        Case(
            files, "a specification without a name", (method, {"model_spec": {}}), Refused(INVALID, "no name specified")
        ),
        Case(files, "a model that is not there", (method, {"model_spec": {"name": "m"}}), Refused("NOT_FOUND")),
        Case(
            files,
            "a signature that is not there",
            (method, {"model_spec": _spec("other"), "input": _ONE}),
            Refused(INVALID, "No signature was found with the name: other"),
        ),
        not_offered(files, "another model than the request's", OVERRIDE),
        not_offered(files, "threads of the caller's", THREADS),
    ]


def _inputs(files, method, signature):
    """What `Input` may hold; the answers are of the first feature `x`."""
    ask = _classify if method == "Classify" else _regress
    return [
        ask("no input", signature, {}, _EMPTY, files=f"{files} util"),
        ask("an empty list of examples", signature, {"example_list": {}}, _EMPTY, files=f"{files} util"),
        ask("a context without examples", signature, _with_context(_X), _EMPTY, files=f"{files} util"),
    ]


def _methods(files, kind):
    test = "test_methods_are_checked_where_it_is_switched_on"
    return [
        held(files, f"method names: {name}, {checked}", test)
        for name in (f"{kind}'s own", "an unknown one", "none")
        for checked in ("checked", "not checked")
    ]


_BOTH = [("any", 3.0), ("any", -3.0)]

CASES = [
    *_specifications(CLASSIFY, "Classify"),
    *_inputs(CLASSIFIER, "Classify", "classify_both"),
    _classify("examples", "classify_both", _TWO, _classes(_BOTH, [("any", -1.0), ("any", 1.0)])),
    _classify(
        "a context for two examples without features",
        "classify_both",
        _with_context(_X, {}, {}),
        _classes(_BOTH, _BOTH),
    ),
    _classify(
        "an example that has the context's feature, too",
        "classify_both",
        _with_context(_X, {}, _features(x=5.0)),
        _classes(_BOTH, [("any", 5.0), ("any", -5.0)]),
    ),
    _classify("classes without scores", "classes_only", _ONE, _classes([("any", 0.0)] * 2)),
    _classify("scores without classes", "classify_x", _ONE, _classes([("", 3.5)]), files=f"{CLASSIFIER} {BINARY}"),
    _classify("a model of TensorFlow 1", "classify_x", _ONE, _classes([("", 3.5)]), BINARY, OLD_NAME),
    _classify("a score of zero", "classify_x", _list(-4.0), _classes([("", 0.0)])),
    _classify(
        "features that the signature does not read",
        "classify_x",
        {"example_list": {"examples": [_features(x=3.0, age=5.0)]}},
        _classes([("", 3.5)]),
        files=CLASSIFY,
    ),
    _classify("a signature for regress", "regress_x", _ONE, Refused(INVALID)),
    _classify("scores of three dimensions", "scores_of_rank_3", _TWO, Refused(INVALID, "Expected Tensor shape")),
    _classify("a signature for neither", "serving_default", _ONE, Refused(INVALID)),
    _classify("fewer classes than examples", "fewer_classes", _TWO, Refused(INVALID, "batch size")),
    _classify(
        "numbers as classes",
        "classes_of_numbers",
        _TWO,
        Refused(INVALID, "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
    ),
    _classify("fewer scores than examples", "fewer_scores", _TWO, Refused(INVALID, "batch size")),
    _classify(
        "texts as scores",
        "scores_of_texts",
        _TWO,
        Refused(INVALID, "Expected scores Tensor of DT_FLOAT. Got: DT_STRING"),
    ),
    _classify(
        "more scores than classes",
        "scores_without_class",
        _TWO,
        Refused(INVALID, "Tensors class and score should match in dim_size(1). Got 2 vs. 4"),
    ),
    Case(
        CLASSIFIER,
        "a graph that fails",
        ("fails", "Classify", "classify_x"),
        Refused("INTERNAL", "the graph broke"),
        Refused("INTERNAL", "internal error; the server's log says more"),
        INTERNAL,
    ),
    *_methods(CLASSIFIER, "classify"),
    *_specifications(REGRESS, "Regress"),
    *_inputs(REGRESSOR, "Regress", "regress_x"),
    _regress("examples", "regress_x", _TWO, _values(3.5, 1.5), files=f"{REGRESSOR} {REGRESS} {BINARY}"),
    _regress("a model of TensorFlow 1", "regress_x", _TWO, _values(3.5, 1.5), BINARY, OLD_NAME),
    _regress("a context", "regress_x", _with_context(_X, {}, {}), _values(3.5, 3.5)),
    _regress("another signature, its values in one dimension", "regress_x_more", _TWO, _values(4.5, 2.5)),
    _regress("a signature for classify", "classify_x", _ONE, Refused(INVALID)),
    _regress("values of three dimensions", "regress_rank_3", _TWO, Refused(INVALID, "Expected output Tensor shape")),
    _regress("more values than examples", "regress_surplus", _ONE, Refused(INVALID, "output batch size")),
    _regress(
        "texts as values", "regress_texts", _ONE, Refused(INVALID, "Expected output Tensor of DT_FLOAT. Got: DT_STRING")
    ),
    _regress("a signature for neither", "serving_default", _ONE, Refused(INVALID)),
    Case(
        REGRESSOR,
        "a graph that fails",
        ("fails", "Regress", "regress_x"),
        Refused("INTERNAL", "the graph broke"),
        Refused("INTERNAL", "internal error; the server's log says more"),
        INTERNAL,
    ),
    *_methods(REGRESSOR, "regress"),
    # What the graph is given: the context's features first, so that the example's own win.
    _regress(
        "a context and examples with others",
        "regress_x",
        _with_context(_X, _features(z=1.0)),
        _values(3.5),
        files="util",
    ),
    _regress(
        "an example's own feature before the context's",
        "regress_x",
        _with_context(_X, _features(z=1.0), _features(x=5.0)),
        _values(3.5, 4.5),
        files="util",
    ),
    _regress(
        "examples in the field with context, without one",
        "regress_x",
        _with_context({}, _X, _X),
        _values(3.5, 3.5),
        files="util",
    ),
    _regress("an empty field with context", "regress_x", _with_context({}), _EMPTY, files="util"),
    held("util", "how many examples requests had", "test_examples_are_counted"),
    held("util", "the number of a request's examples, in a histogram and a counter", "test_examples_are_counted"),
    # Several at once.
    _infer("no input", [_TASK], {}, _EMPTY),
    _infer(
        "a signature that is not there", [(NAME, "other", "regress")], _ONE, Refused(INVALID, "signature not found")
    ),
    _infer(
        "two models", [_TASK, ("m", "regress_x", "regress")], _ONE, Refused(INVALID, "must access the same model name")
    ),
    _infer("a signature twice", [_TASK, _TASK], _ONE, Refused(INVALID, "Duplicate evaluation of signature: regress_x")),
    _infer(
        "a method of another kind",
        [(NAME, "serving_default", "predict")],
        _ONE,
        Refused("UNIMPLEMENTED", "Unsupported signature"),
    ),
    _infer("one regression", [_TASK], _ONE, [{"regression_result": _values(3.5)}]),
    _infer(
        "two regressions",
        [_TASK, (NAME, "regress_x_more", "regress")],
        _ONE,
        [{"regression_result": _values(3.5)}, {"regression_result": _values(4.5)}],
    ),
    _infer(
        "a regression and a classification",
        [_TASK, (NAME, "classify_x", "classify")],
        _ONE,
        [{"regression_result": _values(3.5)}, {"classification_result": _classes([("", 3.5)])}],
        files=f"{MULTI} {BINARY}",
    ),
    _infer(
        "a model of TensorFlow 1",
        [(OLD_NAME, "regress_x", "regress"), (OLD_NAME, "classify_x", "classify")],
        _ONE,
        [{"regression_result": _values(3.5)}, {"classification_result": _classes([("", 3.5)])}],
        files=f"{MULTI} {BINARY}",
    ),
    not_offered("multi_inference_helper", "another model than the request's", OVERRIDE),
    not_offered(MULTI, "threads of the caller's", THREADS),
]
