"""tensorflow_model_server's own flags: which are taken, which change no answer here, and which are refused.

`docker-compose.yml` of a run, the stock image's entry point and people's own commands give them. They are
listed in `docs/reference/serving-flags.md`. Reference: tensorflow_serving/model_servers/main.cc.
"""

from __future__ import annotations

import argparse
import logging
from typing import Any

_log = logging.getLogger(__name__)

#: Taken: a flag of ours with its meaning.
TAKEN = (
    *("port", "grpc_socket_path", "rest_api_port", "rest_api_timeout_in_ms", "rest_api_enable_cors_support"),
    *("enable_batching", "batching_parameters_file", "model_name", "model_base_path", "model_config_file"),
    *("model_config_file_poll_wait_seconds", "file_system_poll_wait_seconds", "monitoring_config_file"),
    *("allow_version_labels_for_unavailable_models", "grpc_channel_arguments", "enable_signature_method_name_check"),
    *("enable_serialization_as_tensor_content", "tensorflow_session_parallelism", "tensorflow_intra_op_parallelism"),
    *("tensorflow_inter_op_parallelism", "version"),
)
#: Ignored, and why no answer changes.
IGNORED = {
    "rest_api_num_threads": "one event loop reads all requests",
    "grpc_max_threads": "one event loop reads all requests",
    "num_load_threads": "versions are loaded one after the other, beside the requests",
    "num_unload_threads": "versions are unloaded beside the requests",
    "max_num_load_retries": "a version that could not be loaded is tried again when its files change",
    "load_retry_interval_micros": "a version that could not be loaded is tried again when its files change",
    "flush_filesystem_caches": "the system frees what it needs",
    "per_process_gpu_memory_fraction": "TensorFlow's own default is used",
    "enable_model_warmup": "models are always warmed up",
    "num_request_iterations_for_warmup": "warm-up requests are sent once",
    "remove_unused_fields_from_bundle_metagraph": "it is a matter of memory",
    "num_tflite_pools": "no TFLite models are served",
    "num_tflite_interpreters_per_pool": "no TFLite models are served",
    "xla_cpu_compilation_enabled": "graphs run as they were saved",
    "xla_gpu_compilation_enabled": "graphs run as they were saved",
    "enable_profiler": "there is no profiler service",
    "thread_pool_factory_config_file": "TensorFlow's own thread pools are used",
    "skip_initialize_tpu": "there are no TPUs",
    "enable_grpc_healthcheck_service": "the gRPC health service is always there",
}
#: Refused unless they say what is so anyway: the values that say it, and what to do instead.
REFUSED = {
    "enable_per_model_batching_parameters": (
        ("false",),
        "batching is the same for all models: --batching_parameters_file",
    ),
    "tensorflow_session_config_file": (
        ("",),
        "sessions have no configuration here; --tensorflow_*_parallelism are taken",
    ),
    "use_alts_credentials": (("false",), "use --ssl_certificate and --ssl_private_key"),
    "ssl_config_file": (("",), "use --ssl_certificate and --ssl_private_key, which are for both APIs"),
    "platform_config_file": (("",), "the only platform is tensorflow"),
    "saved_model_tags": (("", "serve"), "models with the tag serve are served"),
    "prefer_tflite_model": (("false",), "no TFLite models are served; the edge runs them (serving.edge)"),
    "mixed_precision": (("",), "graphs run in the precision that they were saved in"),
}
_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")


def switch(text: str) -> bool:
    """The value of a flag that is on or off, as TensorFlow Serving writes it."""
    if text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    raise argparse.ArgumentTypeError(f"expected true or false, received {text!r}")


def add_switch(add: Any, name: str, default: bool, help: str) -> None:
    """Adds a flag that may stand alone (`--NAME`) or with a value (`--NAME=false`)."""
    add(f"--{name}", type=switch, nargs="?", const=True, default=default, metavar="BOOL", help=help)


def add_others(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that are ignored or refused; `--help` names them together."""
    group = parser.add_argument_group(
        "TensorFlow Serving's other flags",
        f"Ignored, with a line that says so: {', '.join(IGNORED)}. Refused: {', '.join(REFUSED)}.",
    )
    for name in (*IGNORED, *REFUSED):
        group.add_argument(f"--{name}", nargs="?", const="true", default=None, help=argparse.SUPPRESS)


def check_others(arguments: argparse.Namespace) -> None:
    """Logs the flags that are ignored.

    Raises:
        ValueError: If a flag is given that would have to change something here; the text says what to do instead.
    """
    for name, why in IGNORED.items():
        if getattr(arguments, name) is not None:
            _log.info("--%s is ignored: %s", name, why)
    for name, (harmless, instead) in REFUSED.items():
        value = getattr(arguments, name)
        if value is not None and _plain(value) not in harmless:
            raise ValueError(f"--{name} is not offered: {instead}")


def channel_arguments(text: str) -> dict[str, int | str]:
    """Channel arguments of gRPC, `NAME=VALUE,NAME=VALUE`; a value that is a whole number is one.

    Raises:
        ValueError: If a part is not of this form.
    """
    found: dict[str, int | str] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise ValueError(f"--grpc_channel_arguments must be NAME=VALUE,NAME=VALUE; received {part!r}")
        found[name] = int(value) if value.lstrip("-").isdecimal() else value
    return found


def _plain(value: str) -> str:
    """A value with its spellings of true and false made one."""
    return "true" if value.lower() in _TRUE else "false" if value.lower() in _FALSE else value
