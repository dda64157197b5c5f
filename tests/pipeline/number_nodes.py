"""A pipeline of components that only write a number."""

from components.base import Component, ComponentSpec
from components.storage.artifacts import Artifact
from pipeline.orchestration import dag


class Number(Artifact):
    """A file with a number."""


class Constant(Component):
    spec = ComponentSpec(inputs={}, outputs={"number": Number}, parameters={"value": int, "note": str})
    without_effect = ("note",)

    def execute(self, inputs, outputs, options):
        with open(outputs["number"].path("number"), "w", encoding="utf-8") as file:
            file.write(str(self.parameters["value"]))


class Double(Component):
    spec = ComponentSpec(inputs={"number": Number}, outputs={"number": Number}, parameters={"fail": bool})

    def execute(self, inputs, outputs, options):
        if self.parameters["fail"]:
            raise RuntimeError("no memory")
        with open(inputs["number"].path("number"), encoding="utf-8") as file:
            doubled = 2 * int(file.read())
        with open(outputs["number"].path("number"), "w", encoding="utf-8") as file:
            file.write(str(doubled))


def nodes(value=1, note="", fail=False):
    return [
        dag.Node("constant", Constant(value=value, note=note), {}),
        dag.Node("double", Double(fail=fail), {"number": ("constant", "number")}),
        dag.Node("again", Double(fail=False), {"number": ("double", "number")}),
    ]


def number(tmp_path, node):
    return int((tmp_path / "artifacts" / node / "number" / "number").read_text())
