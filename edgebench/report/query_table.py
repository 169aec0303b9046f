"""What a query gave, for people and for programs. Every text in it may be a stranger's."""

from __future__ import annotations

import csv
import io
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from edgebench.printable import clean
from edgebench.report.escape import spreadsheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.index.query import Table

NULL = "-"


def text(found: Table) -> str:
    """Aligned columns, numbers to the right; `-` is NULL."""
    rows = [found.columns, *([_shown(value) for value in row] for row in found.rows)]
    cleaned = [[clean(field) for field in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cleaned, strict=True)]
    right = [_is_number(column) for column in zip(*found.rows, strict=True)]
    right = right or [False] * len(widths)
    lines = [_line(row, widths, right) for row in cleaned]
    rule = " " + "─" * (sum(widths) + 3 * (len(widths) - 1))
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def to_markdown(found: Table) -> str:
    """Everything escaped."""
    from edgebench.report import markdown

    rows = [[_shown(value) for value in row] for row in found.rows]
    return markdown.grid(found.columns, rows)


def to_csv(found: Table) -> str:
    """Numbers at full precision, NULL as nothing, and no text that a spreadsheet would run."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(spreadsheet, found.columns))
    writer.writerows([spreadsheet(_plain(value)) for value in row] for row in found.rows)
    return stream.getvalue()


def to_json(found: Table) -> str:
    """A list of objects; names that come twice get a number."""
    names = _unique(found.columns)
    rows = [dict(zip(names, map(_plain, row), strict=True)) for row in found.rows]
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"


def _shown(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, float | Decimal):
        return f"{value:.6g}"
    return str(_plain(value))


def _plain(value: Any) -> Any:
    """As JSON can hold it: what is no number is null, other types are text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value if value is None or isinstance(value, str | int) else str(value)


def _is_number(column: Sequence[Any]) -> bool:
    return all(value is None or isinstance(value, int | float | Decimal) for value in column)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    fields = []
    for field, width, to_right in zip(row, widths, right, strict=True):
        padding = " " * (width - cell_len(field))
        fields.append(padding + field if to_right else field + padding)
    return f" {'   '.join(fields)}".rstrip()


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number = 1
        while (candidate := name if number == 1 else f"{name}_{number}") in found:
            number += 1
        found.append(candidate)
    return found
