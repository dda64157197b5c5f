"""The files beside the models from which TensorFlow Serving, in its stock image, starts."""

from __future__ import annotations

MODELS_CONFIG, BATCHING, MONITORING = "models.config", "batching_parameters.config", "monitoring.config"
COMPOSE = "docker-compose.yml"
_MODEL = """\
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
"""
_BATCHING = """\
max_batch_size { value: 64 }
batch_timeout_micros { value: 1000 }
max_enqueued_batches { value: 16 }
num_batch_threads { value: 2 }
"""
_MONITORING = """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""
_COMPOSE = """\
# docker compose up: TensorFlow Serving on this folder, REST on 8501, gRPC on 8500, for this machine only.
services:
  cloud:
    image: tensorflow/serving:${TF_SERVING_TAG:-latest}
    ports:
      - "127.0.0.1:8501:8501"
      - "127.0.0.1:8500:8500"
    volumes:
      - .:/models:ro
    command:
      - --model_config_file=/models/models.config
      - --model_config_file_poll_wait_seconds=10
      - --enable_batching
      - --batching_parameters_file=/models/batching_parameters.config
      - --monitoring_config_file=/models/monitoring.config
"""


def server_files(models: list[str]) -> dict[str, str]:
    """The texts of the files beside the folders of models, by file name: models, batching, monitoring, Docker Compose.

    Args:
        models: The names of the folders.
    """
    entries = "".join(_MODEL.format(name=name) for name in sorted(models))
    return {
        MODELS_CONFIG: f"model_config_list {{\n{entries}}}\n",
        BATCHING: _BATCHING,
        MONITORING: _MONITORING,
        COMPOSE: _COMPOSE,
    }
