"""The index as a file: where it lies, who may use it, and what happens when it is broken.

One process at a time has an index; a second waits, and says so. The lock goes when its holder dies.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgebench import files, locks
from edgebench.analysis.compare_reading import paths_of
from edgebench.analysis.index import refresh, report_text, sample_text, tables
from edgebench.errors import BadInput, CannotWrite, NotUsableHere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

MISSING = "duckdb is not installed"
REMEDY = "pip install 'edgebench[report]'"
CHOOSE_CACHE = "Free some space or choose another place with EDGEBENCH_CACHE."
BROKEN = "The index {path} was damaged and is made anew: {error}"


def why_not() -> str | None:
    """A sentence with its remedy, or None where the index can be used."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        return f"{MISSING}: {REMEDY}"
    return None


def location(roots: Sequence[Path], cache: Path) -> Path:
    """One index per set of folders and files, named by a hash of where they are."""
    where = "\n".join(sorted({str(root.resolve()) for root in roots}))
    return cache / "index" / f"{hashlib.sha256(where.encode()).hexdigest()[:16]}.duckdb"


@contextmanager
def fresh(
    roots: Sequence[Path], say: Callable[[str], None], cache: Path | None = None
) -> Iterator[Path]:
    """The path of an index that says what the files say now; held until the end of the block.

    Raises BadInput where there is no record, NotUsableHere without duckdb, CannotWrite where the
    cache cannot be written.
    """
    if (reason := why_not()) is not None:
        raise NotUsableHere(f"The index needs DuckDB; {reason}.")
    path = location(roots, files.cache_dir() if cache is None else cache)
    lock = path.with_suffix(".lock")
    with locks.held(lock, say, "Another edgebench uses this index: waiting.", CHOOSE_CACHE):
        _refresh(path, roots, say)
        yield path


def behind(roots: Sequence[Path], paths: Sequence[Path], cache: Path | None = None) -> int:
    """How many of these files an index would have to read: all where there is none yet.

    0 where it cannot be told, because another process has it or it is damaged.
    """
    import duckdb

    path = location(roots, files.cache_dir() if cache is None else cache)
    if not path.exists():
        return len(paths)
    try:
        with opened(path, read_only=True) as connection:
            if not _is_current(connection):
                return len(paths)
            seen = refresh.look(each.absolute() for each in paths)
            return len(refresh.compare(connection, seen).to_read)
    except duckdb.Error:
        return 0


def _refresh(path: Path, roots: Sequence[Path], say: Callable[[str], None]) -> None:
    import duckdb

    if missing := next((root for root in roots if not root.exists()), None):
        raise BadInput(f"{missing}: there is no such file or folder.", "Check the path.")
    paths = list(dict.fromkeys(p.absolute() for root in roots for p in paths_of(root)))
    try:
        _bring_up_to_date(path, paths, say)
    except duckdb.Error as error:
        first = str(error).splitlines()[0][:200]
        say(BROKEN.format(path=path, error=first))
        remove(path)
        _bring_up_to_date(path, paths, say)


def remove(path: Path) -> None:
    """Throw an index away. Raises CannotWrite for what is none, such as a folder."""
    for each in (path, path.with_suffix(".duckdb.wal")):
        try:
            each.unlink(missing_ok=True)
        except OSError as error:
            reason = f"{each} cannot be removed: {error.strerror}."
            raise CannotWrite(reason, CHOOSE_CACHE) from None


def _bring_up_to_date(path: Path, paths: Sequence[Path], say: Callable[[str], None]) -> None:
    """Opened for writing only where there is something to write."""
    seen = refresh.look(paths)
    if path.exists():
        with opened(path, read_only=True) as connection:
            if _is_current(connection) and not refresh.compare(connection, seen):
                return
    with opened(path, read_only=False) as connection:
        if not _is_current(connection):
            _make(connection)
        refresh.apply(connection, refresh.compare(connection, seen), say)


@contextmanager
def opened(path: Path, *, read_only: bool) -> Iterator[DuckDBPyConnection]:
    """Closed at the end of the block, whatever happens. No extension is loaded or installed."""
    import duckdb

    connection = duckdb.connect(
        str(path),
        read_only=read_only,
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
    )
    try:
        yield connection
    finally:
        connection.close()


def _identity() -> str:
    fields = f"{sample_text.FIELDS};{report_text.FIELDS}"
    return f"{tables.VERSION} {hashlib.sha256(fields.encode()).hexdigest()[:12]}"


def _is_current(connection: DuckDBPyConnection) -> bool:
    names = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    if "about" not in names:
        return False
    return connection.execute("SELECT identity FROM about").fetchall() == [(_identity(),)]


def _make(connection: DuckDBPyConnection) -> None:
    """Empty tables of this version, in one transaction; what another version left goes."""
    connection.execute("BEGIN")
    connection.execute("DROP VIEW IF EXISTS results")
    for table in (*tables.TABLES, "about"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for table in tables.TABLES:
        connection.execute(tables.create(table))
    connection.execute(tables.VIEW)
    connection.execute("CREATE TABLE about (identity VARCHAR)")
    connection.execute("INSERT INTO about VALUES ($1)", [_identity()])
    connection.execute("COMMIT")
