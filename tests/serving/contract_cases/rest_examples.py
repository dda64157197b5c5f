"""Bodies of classify and regress requests: JSON to examples. `given` is the body.

The answer is the signature's name and protobuf's JSON of an `Input`: whole numbers of 64 bits are texts there, bytes
are base64.
"""

from tests.serving.contract_cases.case import Case, Refused


def _json(what, body, theirs):
    return Case("json_tensor", what, body, theirs)


def _refused(what, body, text):
    return _json(what, body, Refused(400, text))


def _example(**features):
    kinds = {"texts": "bytesList", "floats": "floatList", "ints": "int64List"}
    return {
        "features": {"feature": {name: {kinds[kind]: {"value": value}} for name, (kind, value) in features.items()}}
    }


CASES = [
    _json(
        "lists and single values",
        '{"examples": [{"words": ["a", "b"], "marks": [0.5, 1.5], "age": 7}, {"words": ["c"], "marks": 2.5}]}',
        {
            "signature_name": "",
            "input": {
                "exampleList": {
                    "examples": [
                        _example(words=("texts", ["YQ==", "Yg=="]), marks=("floats", [0.5, 1.5]), age=("ints", ["7"])),
                        _example(words=("texts", ["Yw=="]), marks=("floats", [2.5])),
                    ]
                }
            },
        },
    ),
    _json(
        "a context, a signature, base64, NaN, infinities, true and false among whole numbers",
        """{"signature_name": "mine", "context": {"town": "b", "roads": ["c"]}, "examples": [
            {"marks": [1.5, NaN, Infinity]}, {"words": ["a", {"b64": "Yg=="}], "flags": [3, true, false]},
            {"words": "c", "marks": -Infinity}]}""",
        {
            "signature_name": "mine",
            "input": {
                "exampleListWithContext": {
                    "context": _example(town=("texts", ["Yg=="]), roads=("texts", ["Yw=="])),
                    "examples": [
                        _example(marks=("floats", [1.5, "NaN", "Infinity"])),
                        _example(words=("texts", ["YQ==", "Yg=="]), flags=("ints", ["3", "1", "0"])),
                        _example(words=("texts", ["Yw=="]), marks=("floats", ["-Infinity"])),
                    ],
                }
            },
        },
    ),
    _refused(
        "a list as the signature's name",
        '{"signature_name": ["a"], "examples": [{}]}',
        "'signature_name' key must be a string",
    ),
    _refused("a list as the context", '{"context": [{"a": 1}]}', "Example must be JSON object"),
    _refused("an object as the examples", '{"examples": {"a": ["b"]}}', "list/array"),
    _refused("a list as an example", '{"examples": [[{"a": 1}]]}', "Example must be JSON object"),
    _refused("null in a feature", '{"examples": [{"a": [5, null]}]}', "a has element with unexpected JSON type: Null"),
    _refused("a decimal among whole numbers", '{"examples": [{"a": [5, 5.0]}]}', "feature: a expecting type: int64"),
    _refused(
        "an object in a feature",
        '{"examples": [{"a": [5, {"b": 5}]}]}',
        "a has element with unexpected JSON type: Object",
    ),
    _refused(
        "a list in a feature", '{"examples": [{"a": [[5], 6]}]}', "a has element with unexpected JSON type: Array"
    ),
    _refused("more than int64 holds", '{"examples": [{"a": [5, 18446744073709551000]}]}', "Only int64_t is supported"),
]
