"""TensorFlow Serving's configuration messages that no package brings: batching and monitoring parameters.

tensorflow-serving-api has the message of `models.config`, not these two. They are declared here for protobuf's own text
parser, in a pool of their own: a program around the server may have the generated ones.
Reference: tensorflow_serving/servables/tensorflow/session_bundle_config.proto, config/monitoring_config.proto.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from serving.protocol.errors import ServingError

_BOOL, _TEXT = ("TYPE_BOOL", ""), ("TYPE_STRING", "")
_INTS = ("TYPE_INT64", "repeated")
_WRAPPED = {name: ("TYPE_MESSAGE", f".google.protobuf.{name}Value") for name in ("Int64", "Bool", "String")}
_MESSAGES: dict[str, dict[str, tuple[int, tuple[str, str]]]] = {
    "BatchingParameters": {
        "max_batch_size": (1, _WRAPPED["Int64"]),
        "batch_timeout_micros": (2, _WRAPPED["Int64"]),
        "max_enqueued_batches": (3, _WRAPPED["Int64"]),
        "num_batch_threads": (4, _WRAPPED["Int64"]),
        "thread_pool_name": (5, _WRAPPED["String"]),
        "allowed_batch_sizes": (6, _INTS),
        "pad_variable_length_inputs": (7, _BOOL),
        "enable_large_batch_splitting": (8, _WRAPPED["Bool"]),
        "max_execution_batch_size": (9, _WRAPPED["Int64"]),
    },
    "PrometheusConfig": {"enable": (1, _BOOL), "path": (2, _TEXT)},
    "MonitoringConfig": {"prometheus_config": (1, ("TYPE_MESSAGE", ".tensorflow.serving.PrometheusConfig"))},
}


def read(path: str, kind: Any, what: str) -> Any:
    """Reads a file in protobuf's text format.

    Args:
        path: The file.
        kind: Class of the message, or the name of one that is declared here.
        what: What the file is, for errors.

    Raises:
        ServingError: 400 if the file cannot be read or is no such message.
    """
    message = (_declared(kind) if isinstance(kind, str) else kind)()
    try:
        with open(path, encoding="utf-8") as file:
            return text_format.Parse(file.read(), message)
    except (OSError, ValueError, text_format.ParseError) as error:
        name = message.DESCRIPTOR.full_name
        raise ServingError(400, f"cannot use {what} {path}: Error parsing text-format {name}: {error}") from error


def _declared(name: str) -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="datamix_tf/config.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for kind, fields in _MESSAGES.items():
        message = file.message_type.add(name=kind)
        for field, (number, (type_name, more)) in fields.items():
            entry = message.field.add(name=field, number=number)
            entry.type = descriptor_pb2.FieldDescriptorProto.Type.Value(type_name)
            entry.label = descriptor_pb2.FieldDescriptorProto.Label.Value(
                "LABEL_REPEATED" if more == "repeated" else "LABEL_OPTIONAL"
            )
            if more.startswith("."):
                entry.type_name = more
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))
