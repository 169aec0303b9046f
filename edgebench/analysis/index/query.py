"""SQL of a user over the index: it can read the tables, and do nothing else.

Three walls: the file is opened read only; DuckDB has no access to files, extensions and Python
objects, and that is locked; and only one SELECT or EXPLAIN is taken at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis.index import tables
from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

MEMORY = "1GB"
MAX_ROWS = 1_000_000
DELETE = "Delete it: it is made anew from the records."
HELP = f"The tables are {', '.join(tables.PUBLIC)}; see docs/query.md."


class Table(NamedTuple):
    """What a query gave."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def run(path: Path, sql: str) -> Table:
    """Raises BadInput with DuckDB's own sentence for what is wrong or not allowed."""
    import duckdb

    with _walled(path) as connection:
        try:
            names, rows = _interruptible(connection, _only_statement(connection, sql))
        except duckdb.Error as error:
            if _is_damage(error):
                problem = f"The index {path} is damaged: {_sentence(error)}"
                raise BadInput(problem, DELETE) from None
            raise BadInput(_sentence(error), HELP) from None
    if len(rows) > MAX_ROWS:
        raise BadInput(f"More than {MAX_ROWS} rows.", "Add a LIMIT.")
    return Table(names, rows)


def broken(path: Path) -> int:
    """How many of the files are no sound records."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        counted = connection.execute("SELECT count(problem) FROM files").fetchall()
    return int(counted[0][0])


def write(path: Path, sql: str, target: Path, form: str) -> None:
    """The rows of our own `sql` into a Parquet file. For text from users there is `run`."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        quoted = str(target).replace("'", "''")
        connection.execute(f"COPY ({sql}) TO '{quoted}' (FORMAT {form})")


@contextmanager
def _walled(path: Path) -> Iterator[DuckDBPyConnection]:
    import duckdb

    connection = duckdb.connect(
        str(path),
        read_only=True,
        config={
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "memory_limit": MEMORY,
            "max_temp_directory_size": "0KiB",
            "lock_configuration": True,
        },
    )
    try:
        yield connection
    finally:
        connection.close()


def _interruptible(
    connection: DuckDBPyConnection, statement: Any
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """In a thread of its own: DuckDB looks for no signals, and Ctrl-C would wait for its end."""

    def work() -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        found = connection.execute(statement)
        names = tuple(column[0] for column in found.description or ())
        return names, found.fetchmany(MAX_ROWS + 1)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise


def _only_statement(connection: DuckDBPyConnection, sql: str) -> Any:
    import duckdb

    statements = connection.extract_statements(sql)
    allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    if len(statements) != 1 or statements[0].type not in allowed:
        raise BadInput("A query is one SELECT: it only reads.", HELP)
    return statements[0]


def _is_damage(error: Exception) -> bool:
    """A wrong checksum comes as DuckDB's plainest error, which has no class of its own."""
    import duckdb

    broken = (duckdb.IOException, duckdb.FatalException, duckdb.SerializationException)
    return isinstance(error, broken) or "Corrupt database" in str(error)


def _sentence(error: Exception) -> str:
    """The first line; what follows draws the place with a caret, or suggests."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = " ".join(lines[:2])[:400].rstrip(".")
    return words if words.endswith(("?", "!")) else f"{words}."
