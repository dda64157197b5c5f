"""Dynamic batching: requests that arrive together run together, in a queue that never grows past its bound."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from serving.cloud.servable import Servable, Signature
from serving.protocol.errors import ServingError


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """TensorFlow Serving's batching parameters, by its names.

    Attributes:
        max_batch_size: Rows in a batch; larger requests are run in pieces of this size.
        batch_timeout_micros: How long the first request of a batch waits for others, in microseconds.
        max_enqueued_batches: Full batches that may wait; requests beyond are refused with 503.
        num_batch_threads: Batches that run at the same time.
        thread_pool_name: Name of the threads.
        max_execution_batch_size: Rows that run at the same time, at most `max_batch_size`; 0: as many.
        allowed_batch_sizes: Numbers of rows that the model is given, in increasing order: a smaller batch is filled up
            with copies of its first row. Empty: any number.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 1000
    max_enqueued_batches: int = 16
    num_batch_threads: int = 2
    thread_pool_name: str = "batch"
    max_execution_batch_size: int = 0
    allowed_batch_sizes: tuple[int, ...] = ()

    @property
    def piece(self) -> int:
        """Most rows that run at the same time."""
        return self.max_execution_batch_size or self.max_batch_size


@dataclasses.dataclass(eq=False)
class _Task:
    servable: Servable
    signature: Signature
    arrays: dict[str, np.ndarray]
    deadline: float
    future: concurrent.futures.Future
    rows: int
    # Tasks with equal keys may share a batch; None shares with nobody.
    key: tuple | None

    def start(self) -> bool:
        """False if nobody waits for the answer any more."""
        if time.monotonic() >= self.deadline:
            if self.future.set_running_or_notify_cancel():
                self.future.set_exception(ServingError(504, "the deadline passed while the request was in the queue"))
            return False
        return self.future.set_running_or_notify_cancel()


class Batcher:
    """Runs requests on servables, several at once where their shapes allow it.

    Args:
        parameters: `BatchingParameters`; None gives each request to the model as it is, alone and whole.
        observe: Called with the number of rows of every batch that runs.
    """

    def __init__(
        self, parameters: BatchingParameters | None, observe: Callable[[int], Any] = lambda rows: None
    ) -> None:
        self._alone = parameters is None
        parameters = parameters or BatchingParameters()
        self.parameters = parameters
        self._observe = observe
        self._capacity = parameters.max_enqueued_batches * parameters.max_batch_size
        self._queue: collections.deque[_Task] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self.queued_rows = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"{parameters.thread_pool_name}-{index}", daemon=True)
            for index in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, servable: Servable, signature: Signature, arrays: dict[str, np.ndarray], timeout: float
    ) -> concurrent.futures.Future:
        """Queues a request. One of more rows than the queue may hold is let in while nobody else waits.

        Args:
            servable: The model version.
            signature: One of its signatures.
            arrays: Its inputs, all of them. Those of a shape that the signature does not name run alone.
            timeout: Seconds after which nobody waits for the answer.

        Returns:
            A future of the outputs by name. It fails with `ServingError` 504 if the deadline passes in the queue.

        Raises:
            ServingError: 503 if the queue is full or the server stops.
        """
        key, rows = None, 0 if self._alone else signature.rows(arrays)
        if rows:
            key = (servable, signature.name, tuple((name, array.shape[1:]) for name, array in sorted(arrays.items())))
        rows = rows or 1
        task = _Task(servable, signature, arrays, time.monotonic() + timeout, concurrent.futures.Future(), rows, key)
        with self._changed:
            if self._closed:
                raise ServingError(503, "the server is shutting down")
            if self._queue and self.queued_rows + rows > self._capacity:
                raise ServingError(
                    503,
                    f"the batching queue is full: {self.queued_rows} of {self._capacity} rows are waiting; try again",
                )
            self._queue.append(task)
            self.queued_rows += rows
            self._changed.notify_all()
        return task.future

    def close(self) -> None:
        """Answers what is queued, then stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (tasks := self._next_batch()) is not None:
            tasks = [task for task in tasks if task.start()]
            if tasks:
                self._run(tasks)

    def _next_batch(self) -> list[_Task] | None:
        with self._changed:
            while not self._queue:
                if self._closed:
                    return None
                self._changed.wait()
            batch = [self._take(self._queue[0])]
            rows = batch[0].rows
            until = time.monotonic() + self.parameters.batch_timeout_micros / 1e6
            while batch[0].key is not None and rows < self.parameters.max_batch_size:
                room = self.parameters.max_batch_size - rows
                mate = next((task for task in self._queue if task.key == batch[0].key and task.rows <= room), None)
                if mate is not None:
                    batch.append(self._take(mate))
                    rows += mate.rows
                    continue
                left = until - time.monotonic()
                if left <= 0 or self._closed:
                    break
                self._changed.wait(left)
            return batch

    def _take(self, task: _Task) -> _Task:
        self._queue.remove(task)
        self.queued_rows -= task.rows
        return task

    def _run(self, tasks: list[_Task]) -> None:
        try:
            outputs = self._predict(tasks)
        except Exception as error:
            if len(tasks) > 1:
                # One bad request must not fail its neighbours.
                for task in tasks:
                    self._run([task])
            else:
                tasks[0].future.set_exception(error)
            return
        start = 0
        for task in tasks:
            end = start + task.rows
            own = outputs if len(tasks) == 1 else {name: value[start:end] for name, value in outputs.items()}
            task.future.set_result(own)
            start = end

    def _predict(self, tasks: list[_Task]) -> dict[str, np.ndarray]:
        first = tasks[0]
        if first.key is None:
            return first.servable.predict(first.signature, first.arrays)
        arrays = {
            name: np.concatenate([task.arrays[name] for task in tasks]) if len(tasks) > 1 else first.arrays[name]
            for name in first.arrays
        }
        rows, size = sum(task.rows for task in tasks), self.parameters.piece
        pieces, deadline = [], max(task.deadline for task in tasks)
        for start in range(0, rows, size):
            if time.monotonic() >= deadline:
                raise ServingError(504, "the deadline passed while the request was running")
            piece = {name: array[start : start + size] for name, array in arrays.items()}
            count = min(size, rows - start)
            outputs = self._predict_piece(first, piece, count)
            self._observe(count)
            wrong = {name: value.shape[:1] for name, value in outputs.items() if value.shape[:1] != (count,)}
            if not wrong:
                pieces.append(outputs)
            elif len(tasks) > 1:
                raise RuntimeError(f"the model gave {wrong} rows for {count}")
            else:  # its rows do not answer the request's rows: it is run as a whole
                return outputs if count == rows else first.servable.predict(first.signature, arrays)
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def _predict_piece(self, task: _Task, piece: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        """Outputs for some rows, as many as the model gives for them; it gets an allowed number of rows."""
        size = next((size for size in self.parameters.allowed_batch_sizes if size >= count), count)
        if size > count:
            piece = {name: np.concatenate([array, *[array[:1]] * (size - count)]) for name, array in piece.items()}
        outputs = task.servable.predict(task.signature, piece)
        return {name: value[:count] if value.shape[:1] == (size,) else value for name, value in outputs.items()}
