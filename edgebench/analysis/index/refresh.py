"""Brings the index up to date with the files: what is new or changed is read, what is gone goes.

Files are told apart by path, size, time of change and, where these say "changed" or cannot say, by
the hash of their bytes. Every batch is one transaction: a kill loses the batch and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from edgebench import files
from edgebench.analysis import checking, records
from edgebench.analysis.compare_reading import no_cycles
from edgebench.analysis.index import rows, tables
from edgebench.schema.imported import Imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from duckdb import DuckDBPyConnection

BATCH = 200
# A file changed again within this time could keep its size and time of change.
SETTLES_NS = 2 * 10**9
SAY_ABOVE = 500
TOUCH = "UPDATE files SET size_bytes = $1, mtime_ns = $2, settled = $3 WHERE file_id = $4"


class Seen(NamedTuple):
    """A file as the folder shows it now."""

    path: str
    size_bytes: int
    mtime_ns: int


class Known(NamedTuple):
    """A file as the index has it."""

    file_id: int
    size_bytes: int
    mtime_ns: int
    settled: bool
    sha256: str | None


class Change(NamedTuple):
    """What there is to do."""

    gone: tuple[int, ...]
    to_read: tuple[tuple[Seen, Known | None], ...]

    def __bool__(self) -> bool:
        return bool(self.gone or self.to_read)


def look(paths: Iterable[Path]) -> dict[str, Seen]:
    """Stat of every file, in the order given; what vanished meanwhile is left out."""
    found = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found[str(path)] = Seen(str(path), status.st_size, status.st_mtime_ns)
    return found


def compare(connection: DuckDBPyConnection, seen: dict[str, Seen]) -> Change:
    """Which files must be read again, and which rows must go."""
    query = "SELECT path, file_id, size_bytes, mtime_ns, settled, sha256 FROM files"
    known = {path: Known(*rest) for path, *rest in connection.execute(query).fetchall()}
    gone = tuple(each.file_id for path, each in known.items() if path not in seen)
    to_read = tuple(
        (each, known.get(path)) for path, each in seen.items() if not _same(each, known.get(path))
    )
    return Change(gone, to_read)


def apply(
    connection: DuckDBPyConnection,
    change: Change,
    say: Callable[[str], None] = lambda _: None,
    now_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Do it, batch by batch."""
    _delete(connection, change.gone)
    total, done = len(change.to_read), 0
    with no_cycles():
        for batch in _batches(change.to_read):
            _read_batch(connection, batch, now_ns)
            done += len(batch)
            if total > SAY_ABOVE:
                say(f"indexing {done} of {total} records")


def _same(seen: Seen, known: Known | None) -> bool:
    if known is None or not known.settled:
        return False
    return (seen.size_bytes, seen.mtime_ns) == (known.size_bytes, known.mtime_ns)


def _batches(
    items: Sequence[tuple[Seen, Known | None]],
) -> Iterator[list[tuple[Seen, Known | None]]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _read_batch(
    connection: DuckDBPyConnection,
    batch: Sequence[tuple[Seen, Known | None]],
    now_ns: Callable[[], int],
) -> None:
    ((last,),) = connection.execute("SELECT coalesce(max(file_id), 0) FROM files").fetchall()
    inserted: rows.Rows = {name: [] for name in tables.TABLES}
    replaced: list[int] = []
    touched: list[list[object]] = []
    for number, (seen, known) in enumerate(batch, start=last + 1):
        settled = now_ns() - seen.mtime_ns > SETTLES_NS
        data, sha256, problem = _bytes(seen)
        if known and known.sha256 is not None and known.sha256 == sha256:
            touched.append([seen.size_bytes, seen.mtime_ns, settled, known.file_id])
            continue
        replaced += [known.file_id] if known else []
        file = seen._asdict() | {"settled": settled, "sha256": sha256, "problem": problem}
        found = {"files": [file]} if data is None else _rows(file, data)
        for table, each in found.items():
            inserted[table] += [row | {"file_id": number} for row in each]
    connection.execute("BEGIN")
    try:
        _write(connection, replaced, touched, inserted)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _write(
    connection: DuckDBPyConnection,
    replaced: Sequence[int],
    touched: Sequence[list[object]],
    inserted: rows.Rows,
) -> None:
    _delete(connection, replaced)
    for values in touched:
        connection.execute(TOUCH, values)
    for table, found in inserted.items():
        if found:
            connection.execute(tables.insert(table), [json.dumps(found, allow_nan=False)])


def _bytes(seen: Seen) -> tuple[bytes | None, str | None, str | None]:
    """The file's bytes and their hash, or why there are none."""
    if seen.size_bytes > files.MAX_FILE_BYTES:
        return None, None, f"larger than {files.MAX_FILE_BYTES >> 20} MiB, not read"
    if not Path(seen.path).is_file():
        return None, None, "no regular file"
    try:
        data = Path(seen.path).read_bytes()
    except OSError as error:
        return None, None, error.strerror or "cannot be read"
    return data, hashlib.sha256(data).hexdigest(), None


def _rows(file: dict[str, Any], data: bytes) -> rows.Rows:
    """A file that is no sound record is a row too: with the problem, and nothing else."""
    try:
        record = records.of_bytes(data)
    except ValidationError as error:
        known = records.other(data)
        return {"files": [file | {"problem": known[0] if known else _sentence(error)}]}
    if problem := next(checking.contradictions(record), None):
        return {"files": [file | {"problem": f"contradicts itself: {problem}"[:300]}]}
    return {"files": [file | about(record)]} | rows.of(record, Path(file["path"]).name)


def about(record: records.Record) -> dict[str, Any]:
    """Columns of `files` that the record itself says."""
    same = {
        "run_id": record.run_id,
        "edgebench_version": record.edgebench_version,
        "device_id": record.device.id,
    }
    if isinstance(record, Imported):
        return same | {"kind": "imported", "started_utc": record.imported_utc}
    stopped = record.schedule.stopped_because
    return same | {
        "kind": "measured",
        "started_utc": record.started_utc,
        "stopped_because": stopped,
    }


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the document'}: {first['msg']}"[:300]


def _delete(connection: DuckDBPyConnection, ids: Sequence[int]) -> None:
    if ids:
        for table in tables.TABLES:
            connection.execute(
                f"DELETE FROM {table} WHERE file_id IN (SELECT unnest($1))",  # noqa: S608
                [list(ids)],
            )
