"""A plot as a page holds it: the picture inside an address of its own, its numbers as a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from edgebench.report.plots import style
from edgebench.report.site.field import Field, number, text

if TYPE_CHECKING:
    from edgebench.report.plots.plot import Number, Plot

# What an address may hold as it is; everything else, HTML's own marks among it, is encoded.
PLAIN = " /:=;,()-._!*?@$+"


class Figure(NamedTuple):
    """`width` and `height` keep the place while the page is laid out."""

    name: str
    title: str
    caption: str
    notes: tuple[str, ...]
    why_not: str | None
    image: str
    width: int
    height: int
    columns: tuple[str, ...]
    numbers: tuple[tuple[Field, ...], ...]


def figure(plot: Plot) -> Figure:
    """Draws the plot, where there is something to draw."""
    picture = style.svg(plot) if plot.draw else ""
    width, height = _size(picture)
    return Figure(
        plot.name,
        plot.title,
        plot.caption,
        plot.notes,
        plot.why_not,
        address(picture),
        width,
        height,
        plot.columns,
        tuple(tuple(map(_field, row)) for row in plot.numbers),
    )


def address(picture: str) -> str:
    """Percent-encoded: a quarter longer, where base64 is a third."""
    return f"data:image/svg+xml,{quote(picture, safe=PLAIN)}"


def _field(value: Number) -> Field:
    return text(value) if isinstance(value, str) else number(value)


def _size(picture: str) -> tuple[int, int]:
    found = re.search(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)
    return (round(float(found[1])), round(float(found[2]))) if found else (0, 0)
