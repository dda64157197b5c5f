"""What the server counts, as Prometheus text."""

from __future__ import annotations

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
_MICROSECONDS = [10.0 * 1.8**power for power in range(24)]
_ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]


class Metrics:
    """The counters of one server. The first two have TensorFlow Serving's names.

    Their labels are names of served models only, so that requests for invented names do not make them grow.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # A gauge, because the client library gives every counter's name an ending that TensorFlow Serving's has not.
        self.requests = Gauge(
            ":tensorflow:serving:request_count", "Requests answered.", ["model_name", "status"], registry=self._registry
        )
        self.latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Time from the request's last byte to its answer, in microseconds.",
            ["model_name", "API"],
            buckets=_MICROSECONDS,
            registry=self._registry,
        )
        self.batch_rows = Histogram("datamix_batch_rows", "Rows in a batch.", buckets=_ROWS, registry=self._registry)
        self.queued_rows = Gauge("datamix_queued_rows", "Rows that wait for a batch.", registry=self._registry)
        self.bytes_in = Counter("datamix_request_bytes", "Bytes of request bodies.", registry=self._registry)
        self.bytes_out = Counter("datamix_answer_bytes", "Bytes of answers.", registry=self._registry)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return prometheus_client.generate_latest(self._registry)
