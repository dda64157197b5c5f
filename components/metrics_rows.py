"""Rows of `metrics.json` and entries of its summary: which defence they are of, and which rows are behind an entry."""

from __future__ import annotations

from typing import Any

from components.errors import InputError
from datamix_tf import defences
from datamix_tf.defences import Defence


def defence_of(entry: dict[str, Any]) -> Defence:
    """The defence of an entry of the summary.

    Raises:
        InputError: If its method is not known here.
    """
    try:
        return defences.get(entry["method"]).of(entry)
    except ValueError as error:
        raise InputError(str(error)) from None


def entry_key(entry: dict[str, Any]) -> str:
    """What a method is called in tables, from an entry of the summary."""
    return defence_of(entry).label


def row_key(row: dict[str, Any]) -> str:
    """What the method of a row of `metrics.json` is called."""
    return entry_key(entry_of(row))


def entry_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row's method with the settings that tell it from others of the method."""
    defence = defence_of({"method": row["method"], **row["settings"]})
    return {"method": row["method"], **defence.settings}


def members_of(entry: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, one for each seed, behind an entry of the summary."""
    wanted = {"method": entry["method"], **defence_of(entry).settings}
    return [row for row in rows if row["method"] == entry["method"] and entry_of(row) == wanted]
