"""What the server counts, as Prometheus text."""

from __future__ import annotations

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
_MICROSECONDS = [10.0 * 1.8**power for power in range(33)]
_ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
_COUNT = ":tensorflow:serving:request_count"


class Metrics:
    """The counters of one server. The first two have TensorFlow Serving's names, labels and bounds.

    Their model names are those of served models only, so that requests for invented names do not make them grow.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # A gauge for the client library, which gives every counter's name an ending; `text` says that it is a counter.
        self.requests = Gauge(
            _COUNT, "The total number of requests.", ["model_name", "status"], registry=self._registry
        )
        self.latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for Tensorflow Serving request.",
            ["model_name", "API", "entrypoint"],
            buckets=_MICROSECONDS,
            registry=self._registry,
        )
        self.batch_rows = Histogram("datamix_batch_rows", "Rows in a batch.", buckets=_ROWS, registry=self._registry)
        self.queued_rows = Gauge("datamix_queued_rows", "Rows that wait for a batch.", registry=self._registry)
        self.bytes_in = Counter("datamix_request_bytes", "Bytes of request bodies.", registry=self._registry)
        self.bytes_out = Counter("datamix_answer_bytes", "Bytes of answers.", registry=self._registry)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        text = prometheus_client.generate_latest(self._registry)
        return text.replace(f"# TYPE {_COUNT} gauge".encode(), f"# TYPE {_COUNT} counter".encode())
