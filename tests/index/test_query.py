"""`edgebench query`: SQL that reads the index, and can do nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.index import query, store, tables
from edgebench.errors import BadInput
from edgebench.report import query_table
from tests import many_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Edgebench


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Path]:
    many_records.write(tmp_path / "many", cells=8, per_record=4)
    with store.fresh([tmp_path / "many"], print, tmp_path / "cache") as path:
        yield path


FORBIDDEN = (
    "COPY cells TO '{out}'",
    "COPY (SELECT 1) TO '{out}'",
    "EXPLAIN ANALYZE COPY cells TO '{out}'",
    "EXPORT DATABASE '{out}'",
    "ATTACH '{out}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '100GB'",
    "PRAGMA enable_external_access",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM parquet_scan('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM index",
    "SELECT * FROM query_table",
    "SELECT getenv('HOME')",
    "DELETE FROM cells",
    "UPDATE cells SET decode_tok_s = 1",
    "INSERT INTO cells SELECT * FROM cells",
    "DROP TABLE cells",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "WITH gone AS (DELETE FROM cells RETURNING *) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM cells",
    "SELECT 1; DELETE FROM cells",
    "SELECT 1; SELECT 2",
    "",
    "nonsense",
)


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_what_a_query_may_not_do(sql: str, index: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    with pytest.raises(BadInput, match="The tables are results, files"):
        query.run(index, sql.format(out=out))

    assert not out.exists()
    assert query.run(index, "SELECT count(*) FROM cells").rows == [(8,)]


def test_a_grouped_query_gives_its_columns_and_rows(index: Path) -> None:
    found = query.run(
        index, "SELECT device_id, isa, count(*) AS cells FROM results GROUP BY ALL ORDER BY ALL"
    )

    assert found.columns == ("device_id", "isa", "cells")
    assert found.rows[0] == ("made-00", "haswell", 1)


def test_results_join_the_other_tables_too(index: Path) -> None:
    sql = (
        "SELECT count(*) FROM results r JOIN launches l "
        "ON (r.file_id, r.cell_index) = (l.file_id, l.cell_index)"
    )

    ((joined,),) = query.run(index, sql).rows
    ((launches,),) = query.run(index, "SELECT count(*) FROM launches").rows

    assert joined == launches > 0


def test_an_index_that_breaks_under_a_query_says_what_to_do(index: Path) -> None:
    content = bytearray(index.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    index.write_bytes(content)

    with pytest.raises(BadInput, match="is damaged") as raised:
        query.run(index, "SELECT * FROM results")

    assert raised.value.remedy == query.DELETE


def test_a_sentence_ends_once(index: Path) -> None:
    with pytest.raises(BadInput) as raised:
        query.run(index, "SELECT * FROM resluts")

    assert raised.value.problem.endswith('"results"?')


def test_more_rows_than_anyone_reads_are_refused(index: Path) -> None:
    with pytest.raises(BadInput, match="Add a LIMIT"):
        query.run(index, "SELECT * FROM range(2000000)")


def test_every_documented_table_has_its_columns(index: Path) -> None:
    for table in set(tables.PUBLIC) - {"results"}:
        found = query.run(index, f"SELECT * FROM {table} LIMIT 0")
        assert found.columns == tuple(tables.TABLES[table])


HOSTILE = query.Table(
    ("=name", "value"),
    [("=cmd|' /C calc'!A0", 1.5), ("\x1b[31m<script>|", float("inf")), ("-1", None), ("@x", 2)],
)


def test_csv_holds_no_formula_and_numbers_stay_numbers() -> None:
    assert query_table.to_csv(HOSTILE).splitlines() == [
        "'=name,value",
        "'=cmd|' /C calc'!A0,1.5",
        "\N{REPLACEMENT CHARACTER}[31m<script>|,",
        "'-1,",
        "'@x,2",
    ]


def test_the_other_formats_are_inert_too() -> None:
    assert "\x1b" not in query_table.text(HOSTILE)
    assert "<script>" not in query_table.to_markdown(HOSTILE)
    rows = json.loads(query_table.to_json(HOSTILE))
    assert [row["value"] for row in rows] == [1.5, None, None, 2]


def test_columns_of_one_name_are_numbered(index: Path) -> None:
    found = query.run(index, "SELECT 1 AS a, 2 AS a")
    assert json.loads(query_table.to_json(found)) == [{"a": 1, "a_2": 2}]


def test_from_the_command_line(edgebench: Edgebench, tmp_path: Path) -> None:
    many_records.write(tmp_path / "results", cells=8, per_record=4)
    (tmp_path / "results" / "broken.json").write_text("{")
    sql = "SELECT device_id, round(max(decode_tok_s), 2) AS best FROM results GROUP BY 1 ORDER BY 1"

    done = edgebench("query", sql, "--json")

    assert json.loads(done.stdout) == [
        {"device_id": "made-00", "best": 100.0},
        {"device_id": "made-01", "best": 99.99},
    ]
    assert "1 file is no record" in done.stderr
    assert edgebench("query", sql, "nowhere").returncode == 2
