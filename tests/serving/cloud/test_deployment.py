"""Files that the pusher writes for a server."""

import shutil
import threading

import grpc
import yaml
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.cloud import __main__ as main
from serving.cloud import deployment
from serving.cloud.model_config import read_batching, read_config
from tests.serving.cloud.configs import NAME, write
from tests.serving.cloud.test_grpc_api import request


def test_what_the_pusher_leaves_is_what_the_server_reads(tmp_path, base):
    shutil.copytree(base, tmp_path / "serving")
    for name, text in deployment.server_files([NAME]).items():
        write(tmp_path / "serving" / name, text)
    # The paths in it are the container's; the server finds the models beside the file.
    (model,) = read_config(str(tmp_path / "serving" / deployment.MODELS_CONFIG))
    assert (model.name, sorted(model.wanted())) == (NAME, [2])
    assert read_batching(str(tmp_path / "serving" / deployment.BATCHING)).max_batch_size == 64
    compose = (tmp_path / "serving" / deployment.COMPOSE).read_text()
    assert all(name in compose for name in (deployment.MODELS_CONFIG, deployment.BATCHING, deployment.MONITORING))
    ports = yaml.safe_load(compose)["services"]["cloud"]["ports"]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)  # Docker's ports pass by a firewall


def test_the_command_of_the_compose_file_starts_this_server_too(tmp_path, base, caplog):
    """As the stock image's entry point calls it, with the container's folder being the run's."""
    caplog.set_level("INFO")
    shutil.copytree(base, tmp_path / "serving")
    for name, text in deployment.server_files([NAME]).items():
        write(tmp_path / "serving" / name, text)
    compose = yaml.safe_load((tmp_path / "serving" / deployment.COMPOSE).read_text())
    command = [flag.replace("=/models/", f"={tmp_path}/serving/") for flag in compose["services"]["cloud"]["command"]]
    entry_point = ["--port=0", "--rest_api_port=8501", "--model_name=model", "--model_base_path=/models/model"]
    arguments = main.read_arguments([*entry_point, *command, "--rest_api_port=0", f"--grpc_socket_path={tmp_path}/s"])
    server = main.make_server(arguments)
    assert "--model_base_path and --model_name are ignored" in caplog.text
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        with grpc.insecure_channel(f"unix:{tmp_path}/s") as channel:
            answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(
                request(), timeout=60, wait_for_ready=True
            )
        assert list(answer.outputs["y"].float_val) == [3.5, 4.0, 5.5]
    finally:
        server.stop()
        thread.join(30)
