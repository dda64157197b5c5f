"""Records and their JSON: the one place where files become typed objects, and objects files."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing
from typing import Any, Literal, TypeVar

import msgspec

from components.errors import InputError
from components.storage import files

Kind = TypeVar("Kind")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Typed fields, written as a JSON object in their order; a field that has its default is not written.

    Class attributes:
        beside: Name of a field, a dictionary, whose entries stand on disk in its place, beside the other fields. What
            no field is for is read into it; other records pass that over.

    Raises:
        ValueError: If an entry of that dictionary has the name of a field.
    """

    beside = ""

    def __post_init__(self):
        taken = set(self.__struct_fields__) & set(getattr(self, self.beside, ()))
        if taken:
            names = ", ".join(sorted(taken))
            raise ValueError(f"the {self.beside} of {type(self).__name__} overwrite its fields {names}; rename them")


class Versioned(Record, kw_only=True):
    """A file that says in which form it is.

    Attributes:
        schema: Version of the form.
    """

    schema: Literal[1]


def plain(value: Any) -> Any:
    """A record, or what holds records, as JSON-ready data."""
    if isinstance(value, Record):
        found = {}
        for name, (_, default) in _fields(type(value)).items():
            item = getattr(value, name)
            if name == value.beside:
                found |= plain(item)
            elif item != default:
                found[name] = plain(item)
        return found
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value


def converted(value: Any, kind: type[Kind]) -> Kind:
    """The record of JSON-ready data; what is a record already stays what it is.

    Raises:
        ValueError: If the data are of no such record.
    """
    return msgspec.convert(_gathered(value, kind), kind)


def read(path: str, kind: type[Kind]) -> Kind:
    """The record, or what holds records, in a JSON file.

    Raises:
        InputError: If the file is not there, is damaged, is of another kind or was written by another version.
    """
    try:
        value = json.loads(files.read_bytes(path))
        if kind in Versioned.__subclasses__() and isinstance(value, dict) and value.get("schema") != 1:
            raise ValueError(f"its schema is {value.get('schema')!r}, and 1 is read")
        return converted(value, kind)
    except FileNotFoundError:
        reason = "it is not there"
    except (ValueError, RecursionError) as error:
        reason = f"it is not: {error}"
    raise InputError(
        f"expected {path} as this version writes it, but {reason}; run what wrote it again with this version"
    )


def _gathered(value, kind):
    """JSON-ready data, with what stands beside the fields of its records where the records have it."""
    parts = typing.get_args(kind)
    if isinstance(value, list) and parts:
        return [_gathered(item, parts[0]) for item in value]
    if not isinstance(value, dict):
        return value
    if typing.get_origin(kind) is dict:
        return {key: _gathered(item, parts[1]) for key, item in value.items()}
    if not (isinstance(kind, type) and issubclass(kind, Record)):
        return value
    kinds = {name: own for name, (own, _) in _fields(kind).items() if name != kind.beside}
    found = {name: _gathered(item, kinds[name]) for name, item in value.items() if name in kinds}
    if kind.beside:
        found[kind.beside] = {name: item for name, item in value.items() if name not in kinds}
    return found


@functools.cache
def _fields(kind):
    """Name -> (type, default) of each field of a record; what is required has a default that no value equals."""
    fields = msgspec.structs.fields(kind)
    return {f.name: (f.type, f.default_factory() if callable(f.default_factory) else f.default) for f in fields}
