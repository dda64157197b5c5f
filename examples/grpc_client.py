"""Asks a cloud model through TensorFlow Serving's own gRPC stubs.

    python examples/grpc_client.py --bundle runs/avatars/edge --address 127.0.0.1:8500

Works against the embedded server and against TensorFlow Serving. The rows are random numbers: mixing and de-mixing are
the edge client's business (`serving.edge`), which speaks REST.
"""

import argparse
import json
import pathlib

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", required=True, help="edge bundle of a run, for the model's name and shapes")
    parser.add_argument("--address", default="127.0.0.1:8500", help="HOST:PORT of the gRPC API")
    parser.add_argument("--rows", type=int, default=2, help="rows to send")
    arguments = parser.parse_args()

    manifest = json.loads(pathlib.Path(arguments.bundle, "manifest.json").read_text(encoding="utf-8"))
    rows = np.random.default_rng(0).normal(size=(arguments.rows, *manifest["feature_shape"]))
    request = predict_pb2.PredictRequest()
    request.model_spec.name = manifest["model_name"]
    request.model_spec.signature_name = manifest["signature"]
    request.inputs[manifest["input_name"]].CopyFrom(tf.make_tensor_proto(rows, tf.float32))
    # gRPC's clients take answers of 4 MiB at most unless they are told otherwise.
    with grpc.insecure_channel(arguments.address, [("grpc.max_receive_message_length", -1)]) as channel:
        answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)
    answers = tf.make_ndarray(answer.outputs[manifest["output_name"]])
    version = answer.model_spec.version.value
    print(f"{manifest['model_name']} version {version} answered {answers.shape}: {answers[0, :4]} ...")


if __name__ == "__main__":
    main()
