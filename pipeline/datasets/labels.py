"""Tables of labels as people have them: which column names the file, what parts the cells, how a text is written."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence

from components.errors import InputError
from components.storage.records import BadRecord
from pipeline.datasets.archive import Files

#: Names of the table, in the order in which they are looked for.
TABLES = ("labels.csv", "labels.tsv", "list_attr_celeba.csv", "list_attr_celeba.txt")
#: Names of the column that names the file, likewise.
FILE_COLUMNS = (
    *("file", "filename", "file_name", "image", "image_id", "image_name", "image_path", "imageid", "img", "picture"),
    *("photo", "path", "filepath", "file_path"),
)
REPLACED = "\ufffd"  # what stands for bytes that are not UTF-8
SEPARATORS = ",;\t|"
LONGEST = 80


@dataclasses.dataclass(frozen=True)
class Table:
    """Labels of files.

    Attributes:
        columns: Names of the label columns.
        rows: `(name, labels)` of a file, or a `BadRecord`, for each line.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str, dict[str, str]] | BadRecord]


def table_among(files: Files, names: Sequence[str]) -> str | None:
    """The name of the table of labels, or `None`.

    It is one of `TABLES`; else `labels.txt` or the only CSV file at the top, if a column of it names files.
    """
    for wanted in TABLES:
        if found := one_called(names, wanted):
            return found
    top = [name for name in names if "/" not in name]
    others = [name for name in top if name.casefold().endswith((".csv", ".tsv"))]
    for name in [name for name in top if name.casefold() == "labels.txt"] + (others if len(others) == 1 else []):
        if _file_column(_separated(_lines(files, name))[1]) is not None:
            return name
    return None


def one_called(names: Sequence[str], wanted: str) -> str | None:
    """The file of a name, in any case: at the top, or the only one below; `None` if there is none."""
    meant = [name for name in names if name.rpartition("/")[2].casefold() == wanted]
    top = [name for name in meant if "/" not in name]
    return top[0] if top else meant[0] if len(meant) == 1 else None


def read_table(files: Files, name: str) -> Table:
    """Reads a table of labels.

    Cells are parted by commas, semicolons, tabs or bars, which the first line tells (or a line `sep=;` in front of it);
    CelebA's own list, whose first line counts the rows and whose cells are parted by blanks, is read, too. Every line
    is read by itself, so that a stray quotation mark takes no other row with it.

    Raises:
        InputError: If no column names the files, or there are no rows.
    """
    lines = _lines(files, name)
    first, header, cells_of = _celeba(lines) or _separated(lines)
    column = _file_column(header)
    if column is None or (lines and REPLACED in lines[first - 1]):
        raise InputError(
            f"{files.path}: the first line of {name} must be 'file' (or {', '.join(FILE_COLUMNS[1:])}) and the names "
            f"of the label columns, each once; it is {header}"
        )
    rows: list[tuple[str, dict[str, str]] | BadRecord] = []
    seen: dict[str, tuple[int, dict[str, str]]] = {}
    for number, line in enumerate(lines[first:], start=first + 1):
        cells = cells_of(line)
        if cells is None or REPLACED in line:
            why = f"it is not CSV in UTF-8: {line[:LONGEST]!r}"
        elif cells and len(cells) != len(header):
            why = f"it has {len(cells)} cells, but there are {len(header)} columns: {line[:LONGEST]!r}"
        elif not any(cells):
            continue
        else:
            labels = {key: cell for key, cell in zip(header, cells, strict=True) if key and key != header[column]}
            rows += _row(files, cells[column], labels, seen, number)
            continue
        rows.append(BadRecord(f"{name}, line {number}", why))
    if not rows:
        raise InputError(f"{files.path}: {name} lists no files")
    return Table(tuple(key for key in header if key and key != header[column]), rows)


def _lines(files, name):
    text = files.text(name, errors="replace")
    if "\0" in text[:LONGEST]:
        raise InputError(f"{files.path}: {name} is neither UTF-8 nor UTF-16 with its mark: save it as UTF-8")
    return list(io.StringIO(text, newline=None))


def _row(files, written, labels, seen, number):
    """The row of a file, a `BadRecord`, or nothing if it stands there already."""
    try:
        name = files.find(written)
    except ValueError as error:
        return [BadRecord(f"images/{written}", f"the file cannot be read: {error}")]
    earlier, known = seen.setdefault(name, (number, labels))
    if earlier == number:
        return [(name, labels)]
    return [] if known == labels else [BadRecord(name, f"line {number} has other labels than line {earlier}: mend one")]


def _celeba(lines):
    """Of CelebA's own lists: line number of the header, columns, and what reads a line."""
    parts = [line.split() for line in lines[:3]]
    if len(parts) == 3 and len(parts[0]) == 1 and parts[0][0].isdecimal() and len(parts[2]) == len(parts[1]) + 1:
        return 2, ["file", *parts[1]], str.split
    return None


def _separated(lines):
    """Of lines of cells: line number of the header, columns, and what reads a line."""
    first, separators = 1, SEPARATORS
    if lines and lines[0].strip().casefold()[:4] == "sep=" and len(lines[0].rstrip("\r\n")) == 5:
        first, separators = 2, lines[0][4]
    if len(lines) < first:
        return first, [], str.split
    found = [(separator, _cells(lines[first - 1], separator) or []) for separator in separators]
    separator, header = max(found, key=lambda pair: len(pair[1]))  # the first of equals
    return first, header, lambda line: _cells(line, separator)


def _cells(line, separator):
    """The cells of a line, or `None` if it is not CSV."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True, delimiter=separator), [])]
    except csv.Error:
        return None


def _file_column(header):
    """The index of the column that names the file; `None` if there is none, or two columns have one name."""
    named = [name for name in header if name]  # a column without a name is a count of the rows
    if len(set(named)) < len(named):
        return None
    folded = [name.casefold().replace(" ", "_") for name in header]
    return next((folded.index(name) for name in FILE_COLUMNS if name in folded), None)
