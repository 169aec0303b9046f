"""Rows as aligned text, with nothing in it that could command a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgebench.printable import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


# Between two columns, and at the sides.
GAP = 3
# Of a name as little as this is left, however narrow the table.
LEAST = 8


def grid(
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[str] = (),
    sentences: Collection[str] = (),
    width: int = 160,
) -> str:
    """A table with a rule under its head; columns named in `right` are aligned to the right.

    They hold numbers, and are never cut: where the table is wider than `width`, the widest of the
    others give way, those named in `sentences` by taking several lines.
    """
    shown = [tuple(map(clean, row)) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(names, *shown, strict=True)]
    most = _most([GAP + each for each in widths], [name in right for name in names], width) - GAP
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, needed in zip(names, widths, strict=True):
        number = name in right
        table.add_column(
            name,
            justify="right" if number else "left",
            no_wrap=name not in sentences,
            width=needed if number else min(needed, most),
        )
    for row in shown:
        table.add_row(*map(Text, row))
    stream = io.StringIO()
    room = max(width, sum(widths) + GAP * len(widths))
    Console(file=stream, width=room, no_color=True, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _most(widths: Sequence[int], firm: Sequence[bool], room: int) -> int:
    """The width to which columns that are not `firm` are held, so that all fit into `room`."""
    left = room - sum(width for width, stays in zip(widths, firm, strict=True) if stays)
    giving = sorted(width for width, stays in zip(widths, firm, strict=True) if not stays)
    for number, width in enumerate(giving):
        share = left // (len(giving) - number)
        if width > share:
            return max(share, GAP + LEAST)
        left -= width
    return max(giving, default=0)
