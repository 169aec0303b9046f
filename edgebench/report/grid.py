"""Rows as aligned text, with nothing in it that could command a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgebench.printable import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


def grid(
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[str] = (),
    width: int = 160,
) -> str:
    """A table with a rule under its head; columns named in `right` are aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(clean(field)) for field in row))
    stream = io.StringIO()
    Console(file=stream, width=width, no_color=True, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"
