"""Configurations of models, one after another, and what is served then. No model is loaded: a stand-in is."""

from __future__ import annotations

import dataclasses

from tests.serving.contract_cases.case import Case, Refused, held, not_offered

CORE, BINARY, SOURCE = "server_core", "tensorflow_model_server", "file_system_storage_path_source"
CPP = "Options of the server's C++ class that no flag sets"
BROKEN = "one that is broken does not keep the others from answering"
CUSTOM = "`custom_model_config` is not offered"
PLATFORMS = "The only platform is TensorFlow"
EMPTY = "A `models.config` without anything in it is refused at the start, too"
LOGGING = "`logging_config` is ignored with a line"


@dataclasses.dataclass(frozen=True)
class Configs:
    """Texts of `models.config`, read one after another.

    Attributes:
        texts: The texts; `BASE` in them is the folder of the models.
        missing_labels: `--allow_version_labels_for_unavailable_models`.
        polled: Whether the file is read again.
        ask: Name, version and label of a model that is asked for then; without, the states of versions are compared.
    """

    texts: tuple[str, ...]
    missing_labels: bool = False
    polled: bool = True
    ask: tuple = ()


def model(name="a", path="BASE/one", more="", platform="tensorflow"):
    """One model's entry."""
    platform = f'model_platform: "{platform}"' if platform else ""
    return f'config {{ name: "{name}" base_path: "{path}" {platform} {more} }}'


def models(*entries):
    """The text of a file."""
    return f"model_config_list {{ {' '.join(entries)} }}"


def labels(**versions):
    """The part of an entry that gives labels."""
    return " ".join(f'version_labels {{ key: "{label}" value: {version} }}' for label, version in versions.items())


def _case(what, texts, theirs, ours=None, why="", files=CORE, **more):
    return Case(files, what, Configs(tuple(texts), **more), theirs, ours, why)


_ALL = "model_version_policy { all {} }"
_ONE, _NONE = models(model()), models()
_TWO = model(path="BASE/two", more=f"{_ALL} {labels(first=3, second=30)}")
_MOVED = model(path="BASE/two", more=f"{_ALL} {labels(first=31, second=30)}")
_UNAVAILABLE = Refused(None, "not currently available for inference")
_SERVED = {"a": {3: "AVAILABLE"}}

CASES = [
    held(CORE, "the server waits for its models", "test_ports_open_once_the_models_are_loaded"),
    _case("a model is available", [_ONE], _SERVED),
    _case("no models, then one", [_NONE, _ONE], _SERVED),
    _case("a file without anything, then a model", ["", _ONE], _SERVED, Refused(400, "is empty"), EMPTY),
    _case("a model, then none", [_ONE, _NONE], {"a": {3: "END"}}),
    _case("a model, none, the same model", [_ONE, _NONE, _ONE], _SERVED),
    _case(
        "another base path, and back",
        [_ONE, models(model(path="BASE/two")), _ONE],
        {"a": {3: "AVAILABLE", 30: "END"}},
    ),
    _case("an absolute path", [_ONE], _SERVED),
    _case(
        "a relative path",
        [models(model(path="one"))],
        Refused(400, "to have an absolute path or URI; got base_path()=one"),
    ),
    _case(
        "an absolute and a relative path", [models(model("b"), model(path="one"))], Refused(400, "absolute path or URI")
    ),
    *(
        not_offered(CORE, what, CPP)
        for what in (
            "a hook before each model is loaded",
            "relative paths below a root",
            "absolute and relative paths below a root",
            "an empty root",
            "a prefix of all paths",
            "labels that are not allowed at all",
            "labels that may be moved to versions that are not there",
        )
    ),
    _case(
        "a model that cannot be loaded",
        [models(model(path="BASE/broken"))],
        Refused(None, "1 servable(s) did not become available"),
        {"a": {1: "END"}},
        BROKEN,
    ),
    not_offered(CORE, "a custom configuration after a list", CUSTOM),
    not_offered(CORE, "a list after a custom configuration", CUSTOM),
    _case(
        "model_type and model_platform",
        [models(model(more="model_type: TENSORFLOW"))],
        Refused(None, "Illegal setting both"),
    ),
    _case("model_type alone", [models(model(more="model_type: TENSORFLOW", platform=""))], _SERVED),
    _case("a name twice", [models(model(), model(path="BASE/two"))], Refused(None)),
    _case("an unknown platform", [models(model(platform="other"))], Refused(None)),
    not_offered(CORE, "two platforms", PLATFORMS),
    not_offered(CORE, "a model of another platform than before", PLATFORMS),
    _case(
        "models 0 and 1, then 1 and 2",
        [models(model("m0"), model("m1")), models(model("m1"), model("m2"))],
        {"m0": {3: "END"}, "m1": {3: "AVAILABLE"}, "m2": {3: "AVAILABLE"}},
        files=f"{CORE} {SOURCE}",
    ),
    not_offered(CORE, "requests that are not logged", LOGGING),
    not_offered(CORE, "requests that are logged", LOGGING),
    _case("two versions: the latest", [models(_TWO)], 30, ask=("a",)),
    _case("two versions: by number", [models(_TWO)], 3, ask=("a", 3)),
    _case("two versions: by the first's label", [models(_TWO)], 3, ask=("a", None, "first")),
    _case("two versions: by the second's label", [models(_TWO)], 30, ask=("a", None, "second")),
    _case(
        "two versions: by a label that is not there",
        [models(_TWO)],
        Refused(None, "Unrecognized servable version label"),
        ask=("a", None, "third"),
    ),
    _case("a label for a version that is not there", [_ONE, models(model(more=labels(new=9)))], _UNAVAILABLE),
    _case(
        "the same, where it is allowed",
        [_ONE, models(model(more=labels(new=9)))],
        _SERVED,
        missing_labels=True,
    ),
    _case(
        "a label moved to a version that is not there",
        [models(_TWO), models(_MOVED)],
        _UNAVAILABLE,
        missing_labels=True,
    ),
    # The binary.
    _case(
        "a file with two models",
        [models(model(), model("b", "BASE/two"))],
        {"a": {3: "AVAILABLE"}, "b": {30: "AVAILABLE"}},
        files=BINARY,
    ),
    _case(
        "a file that is none",
        ["model_configs { }"],
        Refused(None, "Error parsing text-format tensorflow.serving.ModelServerConfig"),
        files=BINARY,
    ),
    _case("the file is polled", [_ONE, models(model("b"))], {"a": {3: "END"}, "b": {3: "AVAILABLE"}}, files=BINARY),
    _case("the file is read once", [_ONE, models(model("b"))], _SERVED, files=BINARY, polled=False),
    held(BINARY, "arguments of gRPC's channels", "test_a_unix_socket"),
    held(BINARY, "a UNIX socket", "test_a_unix_socket"),
    held(BINARY, "a SavedModel with variables, in a folder with leading zeros", "test_rest_requests"),
    held(BINARY, "a SavedModel with several signatures", "test_grpc_requests"),
    held(BINARY, "a SavedModel of Keras", "test_a_keras_model"),
    not_offered(
        BINARY,
        "a SavedModel of Keras under tf.distribute",
        "A model of two devices was not tried: it takes a process of its own",
    ),
]
