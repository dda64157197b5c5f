"""What the server counts, as Prometheus text."""

from __future__ import annotations

import re

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
_MICROSECONDS = [10.0 * 1.8**power for power in range(33)]
_COUNTS = [2.0**power for power in range(15)]
_ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
_COUNT = ":tensorflow:serving:request_count"
_EXAMPLES = ":tensorflow:serving:request_example_count"
_BOUND = re.compile(r'(?<=[{,]le=")[0-9][0-9.e+]*(?=")')  # of a bucket; not the last, which is +Inf


class Metrics:
    """The counters of one server. The first four have TensorFlow Serving's names, labels and bounds.

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
        self._examples = Histogram(
            f"{_EXAMPLES}s",
            "The number of tensorflow.Examples per request.",
            ["model"],
            buckets=_COUNTS,
            registry=self._registry,
        )
        self._all_examples = Counter(
            _EXAMPLES, "The total number of tensorflow.Examples.", ["model"], registry=self._registry
        )
        self.batch_rows = Histogram("datamix_batch_rows", "Rows in a batch.", buckets=_ROWS, registry=self._registry)
        self.queued_rows = Gauge("datamix_queued_rows", "Rows that wait for a batch.", registry=self._registry)
        self.bytes_in = Counter("datamix_request_bytes", "Bytes of request bodies.", registry=self._registry)
        self.bytes_out = Counter("datamix_answer_bytes", "Bytes of answers.", registry=self._registry)

    def count_examples(self, model_name: str, count: int) -> None:
        """Counts the examples of an answered request."""
        self._examples.labels(model_name).observe(count)
        self._all_examples.labels(model_name).inc(count)

    def text(self) -> bytes:
        """All figures in Prometheus's text format, written as TensorFlow Serving writes them."""
        text = prometheus_client.generate_latest(self._registry).decode()
        text = text.replace(f"# TYPE {_COUNT} gauge", f"# TYPE {_COUNT} counter")
        return "\n".join(map(_plain, text.split("\n"))).encode()


def _plain(line: str) -> str:
    """A figure's line with whole numbers as such, and bounds with six digits: series of both servers add up."""
    if not line or line.startswith("#"):
        return line
    head, _, figure = line.rpartition(" ")
    if float(figure).is_integer():
        figure = str(int(float(figure)))
    return f"{_BOUND.sub(lambda bound: f'{float(bound[0]):g}', head)} {figure}"
