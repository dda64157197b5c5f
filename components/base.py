"""The common shape of components: a spec that says what goes in and out, and an executor that does it.

A component is used by giving it its parameters, and run by giving it its input artifacts and a folder:

>>> trainer = Trainer(models=[...], keep="run/kept", distribution=Distribution())
>>> outputs = trainer.run({"examples": Examples("run/artifacts/transform/examples")}, "run/artifacts/trainer", options)
>>> outputs["models"].read_json("models.json")

After TFX's components (spec and executor apart), which cannot be installed beside current TensorFlow.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import os
from typing import Any

from components.storage import files
from components.storage.artifacts import Artifact, working_folder


@dataclasses.dataclass(frozen=True)
class ComponentSpec:
    """Typed inputs, outputs and parameters of a component.

    Attributes:
        inputs: Input name -> artifact type.
        outputs: Output name -> artifact type.
        parameters: Parameter name -> type, or a tuple of types.
    """

    inputs: dict[str, type[Artifact]]
    outputs: dict[str, type[Artifact]]
    parameters: dict[str, Any]


class Component(abc.ABC):
    """A step of the pipeline.

    Args:
        **parameters: Exactly the parameters of the spec.

    Raises:
        TypeError: If a parameter is missing, unknown or of another type than the spec says.
    """

    spec: ComponentSpec
    #: Parameters that cannot change what is made, such as where unfinished work is kept.
    without_effect: tuple[str, ...] = ()

    def __init__(self, **parameters):
        expected = self.spec.parameters
        if set(parameters) != set(expected):
            raise TypeError(
                f"{self.name} takes the parameters {sorted(expected)}. Missing: "
                f"{sorted(set(expected) - set(parameters))}, unknown: {sorted(set(parameters) - set(expected))}"
            )
        for key, types in expected.items():
            if types is not Any and not isinstance(parameters[key], types):
                raise TypeError(f"{self.name}: {key} must be {types}. Received: {parameters[key]!r}")
        self.parameters = parameters

    @property
    def name(self) -> str:
        return type(self).__name__

    def run(self, inputs: dict[str, Artifact], folder: str, options=None) -> dict[str, Artifact]:
        """Runs the component.

        Args:
            inputs: Input name -> artifact, exactly the inputs of the spec.
            folder: Each output is written to `folder/<output name>`, under a temporary name until it is whole; in an
                object store under its own, with a marker when it is whole.
            options: Beam `PipelineOptions`; default: the direct runner.

        Returns:
            Output name -> artifact.

        Raises:
            TypeError: If an input is missing, unknown or of another type than the spec says.
        """
        self._check_inputs(inputs)
        with contextlib.ExitStack() as stack:
            final = self.outputs(folder)
            working = {
                name: type(artifact)(stack.enter_context(working_folder(artifact.uri)))
                for name, artifact in final.items()
            }
            self.execute(inputs, working, options)
        return final

    def outputs(self, folder: str) -> dict[str, Artifact]:
        """The artifacts that `run` writes to a folder, name -> artifact."""
        return {name: kind(os.path.join(folder, name)) for name, kind in self.spec.outputs.items()}

    def still_there(self, folder: str) -> bool:
        """Whether what an earlier `run` made is still where it was put; components that put more elsewhere say more."""
        uris = [artifact.uri for artifact in self.outputs(folder).values()]
        return all(files.is_whole(uri) and not files.is_damaged(uri) for uri in uris)

    @abc.abstractmethod
    def execute(self, inputs: dict[str, Artifact], outputs: dict[str, Artifact], options) -> None:
        """Does the work: reads `inputs`, writes into the folders of `outputs`, with Beam under `options`."""

    def _check_inputs(self, inputs):
        expected = self.spec.inputs
        if set(inputs) != set(expected):
            raise TypeError(f"{self.name} takes the inputs {sorted(expected)}. Received: {sorted(inputs)}")
        for name, kind in expected.items():
            if not isinstance(inputs[name], kind):
                raise TypeError(f"{self.name}: input {name} must be {kind.__name__}. Received: {inputs[name]!r}")
