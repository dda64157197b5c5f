"""What both protocols ask: find the model, check, batch, wait, count."""

from __future__ import annotations

import asyncio
import time

import numpy as np

from serving.cloud.batching import Batcher, BatchingParameters
from serving.cloud.metrics import Metrics
from serving.cloud.repository import Repository
from serving.cloud.servable import Servable, Signature
from serving.protocol.errors import ServingError


class Predictor:
    """Answers requests.

    Args:
        repository: The models.
        parameters: How requests are batched, or None for not at all.
    """

    def __init__(self, repository: Repository, parameters: BatchingParameters | None) -> None:
        self.repository = repository
        self.metrics = Metrics()
        self.batcher = Batcher(parameters, self.metrics.batch_rows.observe)
        self.metrics.queued_rows.set_function(lambda: self.batcher.queued_rows)

    async def predict(
        self, servable: Servable, signature: Signature, arrays: dict[str, np.ndarray], timeout: float
    ) -> dict[str, np.ndarray]:
        """Outputs by name, on any event loop.

        Raises:
            ServingError: 400, 501, 503 or 504.
        """
        signature.check_names(arrays)
        future = self.batcher.submit(servable, signature, arrays, timeout)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except TimeoutError:
            raise ServingError(504, f"the answer was not ready within {timeout:g} s") from None

    def count(self, model_name: str, method: str, protocol: str, status: str, started: float) -> None:
        """Counts an answered request; of one that was answered well, the time since `time.monotonic() == started`."""
        name = model_name if model_name in self.repository.names() else "unknown"
        self.metrics.requests.labels(name, status).inc()
        if status == "OK":
            self.metrics.latency.labels(name, method, protocol).observe((time.monotonic() - started) * 1e6)
