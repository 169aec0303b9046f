"""INSERT statements as text. Nothing here is a database: no statement is ever executed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgebench.analysis.interchange.foreign import MAX_ROWS
from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

INSERT = re.compile(
    r"INSERT\s+INTO\s+(\w{1,64})\s*\(([\w\s,]{1,8192})\)\s*VALUES\s*\(", re.IGNORECASE
)
# A quoted text with '' for a quote in it, or a bare number or NULL.
VALUE = re.compile(r"\s*(?:'((?:[^']|'')*)'|([-+.\w]{1,64}))\s*([,)])")


def inserted(text: str, where: str) -> Iterator[dict[str, str | None]]:
    """Each row that the INSERT statements would add, by column name; other statements are skipped.

    Raises BadInput for a statement that ends early or has more or fewer values than columns.
    """
    for number, begin in enumerate(INSERT.finditer(text)):
        if number >= MAX_ROWS:
            raise BadInput(f"{where}: more than {MAX_ROWS} rows, not read.")
        names = [name.strip() for name in begin[2].split(",")]
        place = f"{where}: INSERT {number + 1}"
        values = list(_values(text, begin.end(), place, len(names)))
        if len(values) != len(names):
            raise BadInput(f"{place}: {len(values)} values for {len(names)} columns.")
        yield dict(zip(names, values, strict=True))


def _values(text: str, start: int, where: str, most: int) -> Iterator[str | None]:
    for _ in range(most):
        found = VALUE.match(text, start)
        if found is None:
            raise BadInput(f"{where}: the values end early.", "Is this the whole file?")
        quoted, bare, end = found.groups()
        yield quoted.replace("''", "'") if quoted is not None else _bare(bare)
        if end == ")":
            return
        start = found.end()
    raise BadInput(f"{where}: more values than columns.")


def _bare(text: str) -> str | None:
    return None if text.upper() == "NULL" else text
