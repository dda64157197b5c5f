"""One signature of a TFLite file, run by LiteRT."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.edge.errors import BundleError
from serving.edge.manifest import read_file
from serving.protocol import quiet

Shape = tuple[int, ...]


class Signature:
    """A signature whose tensors are float32 of known shapes. The interpreter holds one input: one thread at a time.

    Args:
        folder: The bundle.
        files: File name -> SHA-256, of its manifest.
        file: Which of them.
        name: Of the signature.
        inputs: Names of its inputs -> shapes.
        output: Shape of its only output.
        threads: Threads; None: LiteRT's default.

    Raises:
        BundleError: If the file is not the one of the manifest, is no model, or has no such signature.
    """

    def __init__(
        self,
        folder: str,
        files: dict[str, str],
        file: str,
        name: str,
        inputs: dict[str, Shape],
        output: Shape,
        threads: int | None,
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter

        path = os.path.join(folder, file)
        try:
            content = read_file(folder, files, file)
        except ValueError as error:
            raise BundleError(str(error)) from error
        try:
            with quiet.startup_dropped():  # LiteRT tells which kernels it takes
                self._interpreter = Interpreter(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
            runner = self._interpreter.get_signature_runner(name)
            found, results = runner.get_input_details(), list(runner.get_output_details().values())
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{path} cannot be used: {' '.join(str(error).split())}") from error
        wanted = _described(name, inputs, [output])
        has = _described(name, {key: _shape(detail) for key, detail in found.items()}, list(map(_shape, results)))
        if wanted != has:
            raise BundleError(f"{path} cannot be used: expected {wanted}, it has {has}")
        self._inputs = {key: detail["index"] for key, detail in found.items()}
        self._output = results[0]["index"]

    def run(self, **inputs: np.ndarray) -> np.ndarray:
        """The output for inputs by name, float32."""
        for name, values in inputs.items():
            self._interpreter.set_tensor(self._inputs[name], np.ascontiguousarray(values, np.float32))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)


def _shape(detail: dict[str, Any]) -> Shape | None:
    """Shape of a tensor as LiteRT describes it; None if it is not float32."""
    return tuple(map(int, detail["shape"])) if detail["dtype"] == np.float32 else None


def _described(name: str, inputs: Mapping[str, Shape | None], outputs: Sequence[Shape | None]) -> str:
    """A signature in words."""
    taken = ", ".join(f"{key} {list(shape) if shape else 'not float32'}" for key, shape in sorted(inputs.items()))
    given = ", ".join(str(list(shape)) if shape else "not float32" for shape in outputs)
    return f"{name}({taken}) -> {given}"
