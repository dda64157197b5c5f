"""Answers in JSON. `given` is what is written and in which format; a text in `theirs` is compared as it stands."""

from tests.serving.contract_cases.case import Case, Refused, not_offered

ROWS, COLUMNS, CLASSES, VALUES, ERROR = "instances", "inputs", "classifications", "regressions", "error"
DIGITS = (
    "The digits of numbers are orjson's: `9000000.0` and `0.00003` there are `9e+06` and `3e-05`; they read back as "
    "the same numbers"
)
NO_EXAMPLES = "Answers for no examples: such requests are refused before"


def _json(what, given, theirs, ours=None, why=""):
    return Case("json_tensor", what, given, theirs, ours, why)


_NESTED = [[[1, 2], [3, 4]], [[5, 6], [7, -8]]]
_TEXTS, _BYTES = [["a", "b"], ["c", "d"]], [[{"b64": "YQ=="}, {"b64": "Yg=="}], [{"b64": "Yw=="}, {"b64": "ZA=="}]]
_FIVE = {
    "whole": ("int32", _NESTED),
    "text": ("string", _TEXTS),
    "single": ("float32", [[1.5], [2.5]]),
    "double": ("float64", [8, 9]),
    "text_bytes": ("string", _TEXTS),
}

CASES = [
    _json("whole numbers, by row", (ROWS, {"n": ("int32", _NESTED)}), {"predictions": _NESTED}),
    _json("whole numbers, by column", (COLUMNS, {"n": ("int32", _NESTED)}), {"outputs": _NESTED}),
    _json("one number a row", (ROWS, {"n": ("int32", [3, 1, 2])}), {"predictions": [3, 1, 2]}),
    _json("one number a row, by column", (COLUMNS, {"n": ("int32", [3, 1, 2])}), {"outputs": [3, 1, 2]}),
    _json("an output called *_bytes", (ROWS, {"out_bytes": ("string", _TEXTS)}), {"predictions": _BYTES}),
    _json(
        "floats as texts of six digits and more",
        (ROWS, {"f": ("float32", [9e6, 999999, 0.5, 0.0003, 3e-5, 555557.5])}),
        '{"predictions":[9e+06,999999.0,0.5,0.0003,3e-05,555557.5]}',
        '{"predictions":[9000000.0,999999.0,0.5,0.0003,0.00003,555557.5]}',
        DIGITS,
    ),
    _json(
        "floats that are not finite",
        (ROWS, {"f": ("float32", [[float("nan"), float("inf")], [0.25, float("-inf")]])}),
        '{"predictions":[[NaN,Infinity],[0.25,-Infinity]]}',
    ),
    _json("no outputs", (ROWS, {}), Refused(400, "empty tensor map")),
    _json("complex numbers", (ROWS, {"z": ("complex64", [1, 2])}), Refused(400, "tensor type: complex64")),
    _json("a scalar by row", (ROWS, {"n": ("int32", 1)}), Refused(400, "no shape information")),
    _json(
        "five outputs, by row",
        (ROWS, _FIVE),
        {
            "predictions": [
                {"whole": _NESTED[0], "text": _TEXTS[0], "single": [1.5], "double": 8, "text_bytes": _BYTES[0]},
                {"whole": _NESTED[1], "text": _TEXTS[1], "single": [2.5], "double": 9, "text_bytes": _BYTES[1]},
            ]
        },
    ),
    _json(
        "five outputs, by column",
        (COLUMNS, _FIVE),
        {
            "outputs": {
                "whole": _NESTED,
                "text": _TEXTS,
                "single": [[1.5], [2.5]],
                "double": [8, 9],
                "text_bytes": _BYTES,
            }
        },
    ),
    _json(
        "outputs of two and one rows, by row",
        (ROWS, {"n": ("int32", [[1], [2]]), "t": ("string", [["a"]])}),
        Refused(400, "inconsistent batch size"),
    ),
    _json("no rows", (ROWS, {"n": ("int32", (0, 2))}), {"predictions": []}),
    _json(
        "no rows of two outputs", (ROWS, {"t": ("string", (0, 1, 2)), "f": ("float32", (0, 3))}), {"predictions": []}
    ),
    _json(
        "no row of one output and one of another",
        (ROWS, {"n": ("int32", (0, 2)), "t": ("string", [["a", "b"]])}),
        Refused(400, "inconsistent batch size"),
    ),
    _json(
        "classes",
        (CLASSES, [[("cat", 0.25), ("dog", 0.7)], [("cat", 0.1), ("dog", 1.0)]]),
        {"results": [[["cat", 0.25], ["dog", 0.7]], [["cat", 0.1], ["dog", 1.0]]]},
    ),
    _json("regressions", (VALUES, [0.3, 0.5, -1]), {"results": [0.3, 0.5, -1.0]}),
    _json(
        "regressions that are not finite",
        (VALUES, [0.3, float("inf"), float("-inf"), float("nan")]),
        '{"results":[0.3,Infinity,-Infinity,NaN]}',
    ),
    not_offered("json_tensor", "classes of no examples", NO_EXAMPLES),
    not_offered("json_tensor", "regressions of no examples", NO_EXAMPLES),
    not_offered(
        "json_tensor", "the text of a status that is no error", "Answers that are no errors have no status text"
    ),
    _json("an error with double quotes", (ERROR, 'no key "a"'), {"error": 'no key "a"'}),
    _json("an error with single quotes", (ERROR, "no key 'a'"), {"error": "no key 'a'"}),
]
