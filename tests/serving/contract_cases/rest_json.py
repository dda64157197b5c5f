"""Bodies of predict requests: JSON to tensors. `given` is the inputs' dtypes by name and the body."""

from tests.serving.contract_cases.case import Case, Refused

INT, FLOAT, DOUBLE, TEXT = "int32", "float32", "float64", "string"
ONE_INT, ONE_FLOAT, ONE_TEXT = {"n": INT}, {"f": FLOAT}, {"t": TEXT}
NEST = 20_000
DEEP = "lists deeper than the parser allows (1,024), also under keys that are not read"


def _json(what, inputs, body, theirs, ours=None, why=""):
    return Case("json_tensor", what, (inputs, body), theirs, ours, why)


def _refused(what, inputs, body, text):
    return _json(what, inputs, body, Refused(400, text))


_PAIRS = [[1, 2], [-3, 4], [5, 60]]
_FOUR = {"whole": INT, "text": TEXT, "single": FLOAT, "double": DOUBLE}
_TWO = {"whole": INT, "text": TEXT}
_NOT_ALIKE = '{"instances": [{"whole": [[1], [2]], "text": "a"}, {"whole": %s, "text": "b"}]}'

CASES = [
    _json("rows of pairs, one input", ONE_INT, '{"instances": [[1, 2], [-3, 4], [5, 60]]}', {"n": _PAIRS}),
    _json(
        "lists nested without end under a key that nobody reads",
        ONE_INT,
        '{"instances": [7], "more": ' + "[" * NEST + "]" * NEST + "}",
        {"n": [7]},
        Refused(400, "JSON Parse error"),
        DEEP,
    ),
    _json(
        "lists nested without end as the signature's name",
        ONE_INT,
        '{"signature_name": ' + "[" * NEST + "]" * NEST + "}",
        Refused(400, "key must be a string value"),
        Refused(400, "JSON Parse error"),
        DEEP,
    ),
    _json(
        "whole numbers among decimals, for float",
        ONE_FLOAT,
        '{"instances": [4, 2.5, 0, -1, 0.125, 0.0]}',
        {"f": [4, 2.5, 0, -1, 0.125, 0]},
    ),
    _json(
        "whole numbers among decimals, for double",
        {"d": DOUBLE},
        '{"instances": [0.1, 7, 0, 0.0, 1e-9]}',
        {"d": [0.1, 7, 0, 0, 1e-9]},
    ),
    _json("a whole number that float rounds", ONE_FLOAT, '{"instances": [123456789]}', {"f": [123456792.0]}),
    _json("the same with a decimal point", ONE_FLOAT, '{"instances": [123456789.0]}', {"f": [123456792.0]}),
    _json("a number too large for float", ONE_FLOAT, '{"instances": [1.5e300]}', {"f": [float("inf")]}),
    _json("the same below zero", ONE_FLOAT, '{"instances": [-1.5e300]}', {"f": [float("-inf")]}),
    _json("a number too small for float", ONE_FLOAT, '{"instances": [3e-300]}', {"f": [0.0]}),
    _json("the same below zero", ONE_FLOAT, '{"instances": [-3e-300]}', {"f": [-0.0]}),
    _json(
        "a signature's name beside the rows",
        ONE_INT,
        '{"signature_name": "faces", "instances": [[8, 9]]}',
        {"signature_name": "faces", "n": [[8, 9]]},
    ),
    _json("a body cut out of a larger buffer", ONE_INT, b'{"instances": [[1, 2]]}more'[:-4], {"n": [[1, 2]]}),
    _json(
        "base64, one value a row",
        ONE_TEXT,
        '{"instances": [{"b64": "b25l"}, {"b64": "dHdv"}]}',
        {"t": ["one", "two"]},
    ),
    _json(
        "base64, a list a row",
        ONE_TEXT,
        '{"instances": [[{"b64": "b25l"}], [{"b64": "dHdv"}]]}',
        {"t": [["one"], ["two"]]},
    ),
    _json(
        "base64 in lists under the input's name",
        ONE_TEXT,
        '{"instances": [{"t": [[{"b64": "b25l"}], [{"b64": "dHdv"}]]}]}',
        {"t": [[["one"], ["two"]]]},
    ),
    _json(
        "four named inputs of different types, NaN and Infinity among them",
        _FOUR,
        """{"instances": [
            {"whole": [[1, 2]], "text": ["a", "b"], "single": [0.5, NaN], "double": [NaN]},
            {"whole": [[3, 4]], "text": ["c", ""], "single": [2, Infinity], "double": [-1.5]}]}""",
        {
            "whole": [[[1, 2]], [[3, 4]]],
            "text": [["a", "b"], ["c", ""]],
            "single": [[0.5, float("nan")], [2, float("inf")]],
            "double": [[float("nan")], [-1.5]],
        },
    ),
    _json("columns, one input by name", ONE_INT, '{"inputs": {"n": [[[1, 2], [3, 4]]]}}', {"n": [[[1, 2], [3, 4]]]}),
    _json("columns, one input without its name", ONE_INT, '{"inputs": [[[1, 2], [3, 4]]]}', {"n": [[[1, 2], [3, 4]]]}),
    _json(
        "columns of different lengths, and a scalar in base64",
        {**_TWO, "bytes": TEXT},
        '{"inputs": {"whole": [[[1], [2]]], "text": ["a", "b", "c"], "bytes": {"b64": "b25l"}}}',
        {"whole": [[[1], [2]]], "text": ["a", "b", "c"], "bytes": "one"},
    ),
    _refused("no body", ONE_INT, "", "document is empty"),
    _refused(
        "a number as the signature's name", ONE_INT, '{"signature_name": 1, "inputs": [1]}', "must be a string value"
    ),
    _refused("rows and columns at once", ONE_INT, '{"instances": [1], "inputs": [1]}', "Not formatted correctly"),
    _refused("a row with one number more", ONE_INT, '{"instances": [[1], [2], [3, 4]]}', "Expecting tensor size"),
    _refused("a row nested deeper", ONE_INT, '{"instances": [[1, 2], [[3, 4]]]}', "Expecting shape"),
    _refused("a number, then a list", ONE_INT, '{"instances": [5, [5]]}', "Expecting shape"),
    _refused("texts for whole numbers", ONE_INT, '{"instances": [[1], ["one"]]}', "not of expected type"),
    _refused("named: a row nested deeper", _TWO, _NOT_ALIKE % "[[[3], [4]]]", "Expecting shape"),
    _refused("named: a row of another length", _TWO, _NOT_ALIKE % "[[3], [4], [5]]", "Expecting tensor size"),
    _refused(
        "an object, then a list",
        _TWO,
        '{"instances": [{"whole": 1, "text": "a"}, [2, 3]]}',
        "Expecting object but got list",
    ),
    _refused(
        "a list, then an object",
        ONE_TEXT,
        '{"instances": [["a"], {"t": ["b"]}]}',
        "Expecting value/list but got object",
    ),
]
