"""Tables of the pages on results, read strictly: a chart is drawn of what stands there, or not at all."""

from __future__ import annotations

import dataclasses
import pathlib
import re

HEADING = re.compile(r"^#{1,6} (.+)$")
RULE = re.compile(r"^\|( *:?-+:? *\|)+$")


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        place: Page and heading, for messages.
        headings: The cells of its first line.
        rows: The cells of the others, as many in each as there are headings.
    """

    place: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def heading(self, start: str) -> str:
        """The one heading that is `start`, or else begins with it.

        Raises:
            ValueError: If there is none, or more than one.
        """
        found = [name for name in self.headings if name == start] or [
            name for name in self.headings if start and name.startswith(start)
        ]
        if len(found) != 1:
            raise ValueError(
                f"Expected one column {start!r} in the table of {self.place}. Received: {', '.join(self.headings)}. "
                "Mend the page, or the chart that reads it"
            )
        return found[0]

    def column(self, start: str) -> list[str]:
        """The cells below the heading that begins with `start`."""
        place = self.headings.index(self.heading(start))
        return [row[place] for row in self.rows]

    def pairs(self, first: str, second: str) -> dict[str, str]:
        """Cells of one column -> those of another, in the order of the rows.

        Raises:
            ValueError: If two rows have the same cell in the first one.
        """
        names = self.column(first)
        if len(set(names)) < len(names):
            raise ValueError(f"Expected every row of {self.place} to have its own {first!r}. Received: {names}")
        return dict(zip(names, self.column(second), strict=True))


def read_table(page: pathlib.Path, heading: str, *columns: str) -> Table:
    """The one table below a heading, and above the next, that has some columns.

    Args:
        page: A Markdown file.
        heading: How the heading begins, without its `#`.
        columns: How the headings of columns begin that it must have; other columns do not matter.

    Raises:
        ValueError: If there is no such heading, no such table, or more than one; or if a row has other than as many
            cells as there are headings.
    """
    place = f"{page.name}, {heading!r}"
    sections = [lines for name, lines in _sections(page) if name.startswith(heading)]
    if len(sections) != 1:
        raise ValueError(f"Expected one heading of {page.name} to begin with {heading!r}. Received: {len(sections)}")
    tables = [_table(place, block) for block in _blocks(sections[0])]
    found = [
        table for table in tables if all(any(name.startswith(part) for name in table.headings) for part in columns)
    ]
    if len(found) != 1:
        raise ValueError(
            f"Expected one table with the columns {', '.join(columns)} below {place}. "
            f"Received: {[table.headings for table in tables]}"
        )
    return found[0]


def _sections(page):
    """`(heading, lines)` of a page, in order; lines of code are no headings."""
    found, code = [("", [])], False
    for line in page.read_text(encoding="utf-8").splitlines():
        code ^= line.startswith("```")
        matched = None if code else HEADING.match(line)
        if matched:
            found.append((matched[1], []))
        else:
            found[-1][1].append(line)
    return found


def _blocks(lines):
    """Runs of lines that are a table's."""
    blocks, last = [], ""
    for line in lines:
        if line.startswith("|"):
            if not last.startswith("|"):
                blocks.append([])
            blocks[-1].append(line.rstrip())
        last = line
    return blocks


def _table(place, lines):
    if len(lines) < 3 or not RULE.match(lines[1]):
        raise ValueError(f"Expected headings, a rule and rows in a table of {place}. Received: {lines[:3]}")
    headings, *rows = (_cells(line) for line in (lines[0], *lines[2:]))
    for row in rows:
        if len(row) != len(headings):
            raise ValueError(f"Expected {len(headings)} cells in a row of {place}. Received: {' | '.join(row)}")
    return Table(place, headings, tuple(rows))


def _cells(line):
    return tuple(cell.strip() for cell in line.strip("|").split("|"))
