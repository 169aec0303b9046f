"""A report as Markdown that a repository shows: the same tables, and pictures beside the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.report.escape import markdown as escape
from edgebench.report.markdown import Link, grid
from edgebench.report.site import claims, imported, tables
from edgebench.report.site.pages import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.analysis.report_reading import Collection
    from edgebench.report.plots.plot import Plot
    from edgebench.report.site.field import Field
    from edgebench.report.site.tables import Table

# GitHub shows no more than half a megabyte of a page.
MOST_ROWS = 500
GENERATOR = "<!-- Made by edgebench report."


def page(found: Collection, plots: Sequence[Plot], title: str, records_url: str = "") -> str:
    """`records_url` is where readers find the records: each row links to its own."""
    parts = [
        f"# {escape(title)}\n\n{GENERATOR} -->\n",
        *(part for plot in plots for part in _plot(plot)),
        *(_table(claims.table(found.claims)) if found.claims else ()),
        *_table(tables.cells(found.cells, records_url)),
        *(_table(imported.table(found.imported, records_url)) if found.imported else ()),
        *_table(tables.devices(found.devices, imported.devices(found.imported_devices))),
        *_table(tables.files(found.files)),
        *_left_out(found),
    ]
    return "\n".join(parts)


def _plot(plot: Plot) -> Iterator[str]:
    yield f"## {plot.title}\n"
    if plot.why_not:
        yield f"{escape(plot.why_not)}\n"
        return
    yield f"![{plot.title}]({plot.name}.svg)\n"
    words = " ".join(map(escape, filter(None, (plot.caption, *plot.notes))))
    yield f"{words} [Numbers]({plot.name}.csv)\n".lstrip()


def _table(table: Table) -> Iterator[str]:
    names = [column.name for column in table.columns]
    right = [column.name for column in table.columns if column.number]
    yield f"## {table.title}\n"
    if len(table.rows) > MOST_ROWS:
        yield f"The first {MOST_ROWS} of {len(table.rows)} rows; the HTML report has more.\n"
    yield grid(names, [list(map(_text, row)) for row in table.rows[:MOST_ROWS]], right=right)


def _text(field: Field) -> str | Link:
    plain = field.note.replace(" (n=", ", n=").removeprefix("(").removesuffix(")")
    note = f"({plain if field.value is not None else field.note})"
    words = f"{field.text} {note}" if field.note else field.text
    return Link(words, field.link) if field.link else words


def _left_out(found: Collection) -> Iterator[str]:
    if lines := left_out(found):
        yield "## Left out\n"
        yield "".join(f"- {escape(line)}\n" for line in lines)
