"""Classification and regression of `tf.Example`s, as TensorFlow Serving does them: on signatures that take examples.

Such a signature has one input called `inputs`, serialized examples. A classifier's outputs are called `classes` (texts)
and `scores`, one of them at least, `[examples, classes]`; a regressor's is called `outputs`, `[examples]` or
`[examples, 1]`.
Reference: tensorflow_serving/servables/tensorflow/classifier.cc, regressor.cc and multi_inference.cc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import classification_pb2, inference_pb2, input_pb2, regression_pb2

from serving.cloud.saved_model import SERVING_DEFAULT
from serving.protocol.errors import ServingError

if TYPE_CHECKING:
    from serving.cloud.predictor import Predictor
    from serving.cloud.servable import Servable, Signature

PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{method}" for method in ("predict", "classify", "regress"))
INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"
_KINDS = {CLASSIFY: "classification", REGRESS: "regression"}
Result: TypeAlias = Any  # ClassificationResult or RegressionResult, whose module has no types


def serialized(given: input_pb2.Input, max_bytes: int) -> np.ndarray:
    """The examples of a request, serialized, `[examples]` objects; a context's features are part of each of them.

    Args:
        given: The examples.
        max_bytes: What the context may take in all of them together.

    Raises:
        ServingError: 400 if there are none, 413 if the context is too large for so many.
    """
    kind = given.WhichOneof("kind")
    examples = getattr(given, kind).examples if kind else ()
    if not examples:
        raise ServingError(400, "Input is empty.")
    context = given.example_list_with_context.context.SerializeToString() if kind != "example_list" else b""
    if len(context) * len(examples) > max_bytes:
        raise ServingError(
            413,
            f"the context is part of each of {len(examples)} examples: {len(context) * len(examples)} bytes, at most "
            f"{max_bytes} are allowed; send fewer examples at a time",
        )
    array = np.empty(len(examples), object)
    array[:] = [context + example.SerializeToString() for example in examples]
    return array


def signature_for(servable: Servable, name: str, method: str, check_method: bool) -> Signature:
    """The signature of that name, by default `serving_default`, if it is for that method.

    Args:
        servable: The model version.
        name: Name of the signature, or empty.
        method: `CLASSIFY` or `REGRESS`.
        check_method: Whether the signature must name the method as its own, not only look like it.

    Raises:
        ServingError: 400 if there is no such signature, or it is none for the method.
    """
    name = name or SERVING_DEFAULT
    if name not in servable.signatures:
        raise ServingError(400, f"No signature was found with the name: {name}")
    definition, kind = servable.signature_defs[name], _KINDS[method]
    if check_method and definition.method_name != method:
        raise ServingError(400, f"Expected {kind} signature method_name to be {method}. Was: {definition.method_name}")
    if len(definition.inputs) != 1:
        raise ServingError(400, f"Expected one input Tensor. Signature {name!r} has {sorted(definition.inputs)}")
    most = 2 if method == CLASSIFY else 1
    if not 1 <= len(definition.outputs) <= most:
        wanted = "one or two output Tensors" if method == CLASSIFY else "one output Tensor"
        raise ServingError(400, f"Expected {wanted}, found {len(definition.outputs)}")
    if INPUTS not in definition.inputs:
        raise ServingError(400, f"No {kind} inputs found in SignatureDef: {definition}")
    if method == REGRESS and OUTPUTS not in definition.outputs:
        raise ServingError(400, f"No {kind} outputs found in SignatureDef: {definition}")
    if method == CLASSIFY and not {CLASSES, SCORES} & set(definition.outputs):
        raise ServingError(
            400,
            f'Expected {kind} signature outputs to contain at least one of "{CLASSES}" or "{SCORES}". Signature was: '
            f"{definition}",
        )
    signature = servable.signatures[name]
    if signature.inputs[INPUTS].dtype != tf.string:
        dtype = signature.inputs[INPUTS].dtype.name
        raise ServingError(400, f"the input of signature {name!r} must take examples (string), and takes {dtype}")
    return signature


def check_predict_method(servable: Servable, signature: Signature) -> None:
    """Raises `ServingError` 500, as there, if a signature names a method that nobody knows as its own."""
    method, known = servable.signature_defs[signature.name].method_name, (PREDICT, CLASSIFY, REGRESS)
    if method not in known:
        wanted = f"Expected prediction signature method_name to be one of {{{', '.join(known)}}}"
        raise ServingError(500, f"{wanted}. Was: {method}")


async def infer(
    predictor: Predictor, servable: Servable, signature: Signature, method: str, examples: np.ndarray, timeout: float
) -> Result:
    """What the model says of examples.

    Args:
        predictor: Answers requests.
        servable: The model version.
        signature: From `signature_for`.
        method: `CLASSIFY` or `REGRESS`.
        examples: From `serialized`.
        timeout: Seconds for an answer.

    Raises:
        ServingError: 400 if the outputs are not what the method gives; 501, 503 or 504.
    """
    result = await _infer(predictor, servable, signature, method, examples, timeout)
    predictor.metrics.count_examples(servable.name, len(examples))
    return result


async def infer_all(
    predictor: Predictor,
    servable: Servable,
    request: inference_pb2.MultiInferenceRequest,
    check_method: bool,
    timeout: float,
    examples: np.ndarray,
) -> inference_pb2.MultiInferenceResponse:
    """Several classifications and regressions of the same examples.

    Raises:
        ServingError: What `signatures_of` and `infer` raise.
    """
    signatures = signatures_of(servable, request, check_method)
    response = inference_pb2.MultiInferenceResponse()
    for task, signature in zip(request.tasks, signatures, strict=True):
        result = await _infer(predictor, servable, signature, task.method_name, examples, timeout)
        entry = response.results.add()
        describe(entry.model_spec, servable, task.model_spec.signature_name)
        part = entry.classification_result if task.method_name == CLASSIFY else entry.regression_result
        part.CopyFrom(result)
    predictor.metrics.count_examples(servable.name, len(examples))
    return response


def signatures_of(
    servable: Servable, request: inference_pb2.MultiInferenceRequest, check_method: bool
) -> list[Signature]:
    """The signatures of a request's tasks, in their order.

    Raises:
        ServingError: 400 if a task has no model, another model or a signature that another has; 501 for other methods;
            and what `signature_for` raises.
    """
    signatures: dict[str, Signature] = {}
    for task in request.tasks:
        spec, name = task.model_spec, task.model_spec.signature_name or SERVING_DEFAULT
        if not spec.name:
            raise ServingError(400, "Found ModelSpec with an empty model name.")
        if spec.name != request.tasks[0].model_spec.name:
            raise ServingError(400, "All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        if name in signatures:
            raise ServingError(400, f"Duplicate evaluation of signature: {name}")
        if name not in servable.signatures:
            raise ServingError(400, f"Requested signature not found in model graph: {name}")
        if task.method_name not in _KINDS:
            raise ServingError(501, f"Unsupported signature method_name: {task.method_name}")
        signatures[name] = signature_for(servable, name, task.method_name, check_method)
    return list(signatures.values())


def describe(spec: Any, servable: Servable, signature_name: str) -> None:
    """Fills in the `ModelSpec` of an answer."""
    spec.name, spec.signature_name = servable.name, signature_name
    spec.version.value = servable.version


async def _infer(
    predictor: Predictor, servable: Servable, signature: Signature, method: str, examples: np.ndarray, timeout: float
) -> Result:
    outputs = await predictor.predict(servable, signature, {INPUTS: examples}, timeout)
    return _classifications(outputs, len(examples)) if method == CLASSIFY else _regressions(outputs, len(examples))


def _classifications(outputs: dict[str, np.ndarray], count: int) -> classification_pb2.ClassificationResult:
    classes, scores = outputs.get(CLASSES), outputs.get(SCORES)
    for name, array, dtype in ((CLASSES, classes, tf.string), (SCORES, scores, tf.float32)):
        if array is None:
            continue
        if array.ndim != 2:
            raise ServingError(400, f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}")
        if (given := tf.as_dtype(array.dtype)) != dtype:
            raise ServingError(400, f"Expected {name} Tensor of {_type(dtype)}. Got: {_type(given)}")
        if len(array) != count:
            raise ServingError(400, f"Expected {name} output batch size of {count}. Got: {len(array)}")
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise ServingError(
            400,
            f"Tensors class and score should match in dim_size(1). Got {classes.shape[1]} vs. {scores.shape[1]}",
        )
    result = classification_pb2.ClassificationResult()
    given = scores if classes is None else classes
    for row in range(count):
        entry = result.classifications.add()
        for column in range(0 if given is None else given.shape[1]):
            label = b"" if classes is None else classes[row, column]
            score = 0.0 if scores is None else float(scores[row, column])
            entry.classes.add(label=label.decode("utf-8", "replace"), score=score)
    return result


def _regressions(outputs: dict[str, np.ndarray], count: int) -> regression_pb2.RegressionResult:
    values = outputs[OUTPUTS]
    if values.ndim not in (1, 2) or values.shape[1:] not in ((), (1,)):
        raise ServingError(
            400,
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {list(values.shape)}",
        )
    if values.dtype != np.float32:
        raise ServingError(400, f"Expected output Tensor of DT_FLOAT. Got: {_type(tf.as_dtype(values.dtype))}")
    if len(values) != count:
        raise ServingError(400, f"Input batch size did not match output batch size: {count} vs. {len(values)}")
    result = regression_pb2.RegressionResult()
    for value in values.reshape(-1).tolist():
        result.regressions.add(value=value)
    return result


def _type(dtype: tf.DType) -> str:
    return types_pb2.DataType.Name(dtype.as_datatype_enum)
