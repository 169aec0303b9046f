"""All cells as one table, for CSV and Parquet: the view `results` of the index.

Cells without a speed are rows as well: their speeds are NULL and `no_speed_because` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis import checking, records
from edgebench.analysis.compare_reading import paths_of
from edgebench.analysis.index import query, refresh, rows, store, tables
from edgebench.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

OTHER = "Choose another place with --output."
# Without the number of the file, which is another in every index.
ALL = "SELECT * EXCLUDE (file_id) FROM results ORDER BY path, cell_index"


def table(given: Sequence[Path], say: Callable[[str], None]) -> query.Table:
    """Every cell, by path. Without DuckDB the files are read, which is said.

    Raises BadInput for a file that is no sound record.
    """
    if (reason := store.why_not()) is not None:
        say(f"reading the records without an index; {reason}.")
        return _direct(given)
    with store.fresh(given, say) as index:
        _refuse_broken(index)
        return query.run(index, ALL)


def parquet(given: Sequence[Path], target: Path, say: Callable[[str], None]) -> None:
    """Raises NotUsableHere without DuckDB, CannotWrite where the file cannot be."""
    import duckdb

    with store.fresh(given, say) as index:
        _refuse_broken(index)
        beside = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            query.write(index, ALL, beside, "parquet")
            beside.replace(target)
        except OSError as error:
            raise CannotWrite(f"{target} could not be written: {error.strerror}.", OTHER) from None
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise CannotWrite(f"{target} could not be written: {first}.", OTHER) from None
        finally:
            beside.unlink(missing_ok=True)


def _refuse_broken(index: Path) -> None:
    found = query.run(index, "SELECT path, problem FROM files WHERE problem IS NOT NULL LIMIT 1")
    for path, problem in found.rows:
        raise BadInput(f"{path}: {problem}.", "See edgebench check.")


def _direct(given: Sequence[Path]) -> query.Table:
    paths = sorted({path.absolute() for each in given for path in paths_of(each)}, key=str)
    names = tuple(_columns())
    found = [tuple(row.get(name) for name in names) for path in paths for row in _joined(path)]
    return query.Table(names, found)


def _columns() -> Iterator[str]:
    """Those of the view, in its order."""
    yield from ("path", "run_id", "started_utc", "kind")
    yield from (name for name in tables.TABLES["devices"] if name != "file_id")
    yield from (name for name in tables.TABLES["cells"] if name != "file_id")


def _joined(path: Path) -> Iterator[dict[str, Any]]:
    record = records.read_strictly(path)
    if problem := next(checking.contradictions(record), None):
        raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
    made = rows.of(record, path.name)
    about = {"path": str(path), **refresh.about(record)}
    for cell in made["cells"]:
        yield {**about, **made["devices"][0], **cell}
