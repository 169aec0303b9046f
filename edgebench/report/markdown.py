"""A result as GitHub markdown: job summaries and comments. Same cells and notes as the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.report import details as detail_table
from edgebench.report import dispatched, table
from edgebench.report.escape import markdown as escape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from edgebench.schema.result import Result


class Link(NamedTuple):
    """A field that leads somewhere. `address` is encoded already; nothing in it is run."""

    text: str
    address: str


def render(result: Result, *, details: bool = False) -> str:
    """The whole document: header, table, what was skipped, warnings; `details` adds its table."""
    parts = [
        f"**edgebench:** {escape(table.header(result))}\n",
        grid(table.columns(result), table.rows(result), right=table.RIGHT),
        "".join(f"- **{note.kind}** {escape(note.text)}\n" for note in table.footnotes(result)),
    ]
    if details:
        columns = detail_table.COLUMNS
        parts.append(grid(columns, detail_table.rows(result), right=columns[1:]))
        engines = dispatched.rows(result)
        parts += [grid(dispatched.COLUMNS, engines)] * bool(engines)
    return "\n".join(part for part in parts if part)


def grid(
    names: Sequence[str], rows: Iterable[Sequence[str | Link]], *, right: Collection[str] = ()
) -> str:
    """A table, everything in it escaped; columns named in `right` are aligned to the right."""
    rule = ["---:" if name in right else ":---" for name in names]
    return "".join([_line(map(escape, names)), _line(rule), *(_line(map(_field, r)) for r in rows)])


def _field(value: str | Link) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"[{escape(value.text)}](<{value.address.replace('|', '%7C')}>)"


def _line(fields: Iterable[str]) -> str:
    return f"| {' | '.join(fields)} |\n"
