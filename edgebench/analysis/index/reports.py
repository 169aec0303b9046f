"""What a report shows, out of the index where there are many records: the same rows, sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import report_reading
from edgebench.analysis.index import report_text, store
from edgebench.analysis.index.sides import INDEXED_FROM
from edgebench.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgebench.analysis.report_reading import Collection
    from edgebench.analysis.report_rows import Rows

STORED = "SELECT f.path, r.report FROM reports r JOIN files f USING (file_id)"


def read(
    paths: Sequence[Path],
    say: Callable[[str], None],
    tell: Callable[[int, int], None] = lambda *_: None,
    cache: Path | None = None,
) -> Collection:
    """As `report_reading.read`. Why the index is not used where it would be is said.

    Raises BadInput where there is nothing to show.
    """
    texts = _indexed(paths, say, cache)

    def known(path: Path) -> Rows | None:
        text = texts.get(str(path.absolute()))
        return None if text is None else report_text.load(text)

    return report_reading.read(paths, tell, known)


def _indexed(
    paths: Sequence[Path], say: Callable[[str], None], cache: Path | None
) -> dict[str, str]:
    """Rows of every sound record, by path; none for few records."""
    if report_reading.count(paths) < INDEXED_FROM:
        return {}
    if (reason := store.why_not()) is not None:
        say(f"Reading records without an index; {reason}.")
        return {}
    try:
        with (
            store.fresh(paths, say, cache) as index,
            store.opened(index, read_only=True) as connection,
        ):
            return dict(connection.execute(STORED).fetchall())
    except CannotWrite as error:
        say(f"Reading records without an index; {error}")
    except BadInput:
        # One of the paths is missing or holds no run: the reader says so, or shows the others.
        pass
    return {}
