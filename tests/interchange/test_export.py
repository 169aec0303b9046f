"""Our figures in other tools' formats: none that may not be shown, and no name that breaks one."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from edgebench.analysis.index import export as export_index
from edgebench.analysis.interchange import exported, to_benchstat, to_llama_bench
from edgebench.errors import BadInput
from edgebench.report import query_table
from edgebench.report.escape import markdown
from tests.interchange.makers import DATA, HIDDEN_MS, SHOWN_MS, entry, save
from tests.results_maker import FILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench

FORMATS = (
    "llama-bench", "llama-bench-md", "pytest-benchmark", "github-action-benchmark",
    "github-action-benchmark-smaller", "bencher", "benchstat", "csv",
)  # fmt: skip


@pytest.mark.parametrize("to", FORMATS)
def test_no_format_holds_a_speed_that_may_not_be_shown(
    to: str, mixed: Path, edgebench: Edgebench
) -> None:
    done = edgebench("export", mixed, "--to", to)

    assert done.returncode == 0, done.stderr
    hidden = str(1000 / HIDDEN_MS[0])[:5]
    assert hidden not in done.stdout
    assert "0.077" not in done.stdout
    assert "308000000" not in done.stdout
    if to not in {"csv", "github-action-benchmark-smaller"}:
        assert "98.0" in done.stdout or "0.010" in done.stdout
    if to != "csv":
        assert "its output is wrong" in done.stderr
        assert "an emulated CPU" in done.stderr


def test_parquet_holds_the_cells_and_no_such_speed(
    mixed: Path, edgebench: Edgebench, tmp_path: Path
) -> None:
    done = edgebench("export", mixed, "--to", "parquet", "-o", tmp_path / "out.parquet")

    assert done.returncode == 0, done.stderr
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT device_id, threads, decode_tok_s IS NULL FROM '{tmp_path}/out.parquet'"
        ).fetchall()
    assert found == [("board-4cpu", 4, False), ("board-4cpu", 2, True), ("played", 4, True)]


def test_csv_is_the_same_with_and_without_an_index(
    mixed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGEBENCH_CACHE", str(tmp_path / "cache"))
    said: list[str] = []
    indexed = query_table.to_csv(export_index.table([mixed], said.append))
    assert said == []

    monkeypatch.setitem(sys.modules, "duckdb", None)
    direct = query_table.to_csv(export_index.table([mixed], said.append))

    assert direct == indexed
    assert "duckdb is not installed" in said[0]


def test_csv_runs_no_formula(tmp_path: Path, edgebench: Edgebench) -> None:
    named = FILE.model_copy(update={"model": "=cmd|' /C calc'!A0"})
    save(tmp_path / "evil.json", entry(), files=(named,))

    done = edgebench("export", tmp_path / "evil.json", "--to", "csv")

    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row["model"] == "'=cmd|' /C calc'!A0"
    assert not [value for value in row.values() if value.startswith(("=", "+", "-", "@"))]


def test_hostile_names_break_no_line(tmp_path: Path) -> None:
    named = FILE.model_copy(update={"model": "a b\nBenchmarkEvil 1 9 tok/s | <script>"})
    export = exported.read([save(tmp_path / "evil.json", entry(), files=(named,))])

    text = to_benchstat.text(export)
    table = to_llama_bench.to_markdown(export, markdown)

    assert sum(line.startswith("Benchmark") for line in text.splitlines()) == len(SHOWN_MS)
    assert len(table.splitlines()) == 3
    assert "<script>" not in table


def test_imported_figures_are_exported_and_said(edgebench: Edgebench, tmp_path: Path) -> None:
    edgebench("import", DATA / "llama-bench-gpu.json", "-o", tmp_path / "a.json")

    done = edgebench("export", tmp_path / "a.json", "--to", "github-action-benchmark")

    assert "Figures imported from llama-bench were not verified." in done.stderr
    assert "does not verify its output" in json.loads(done.stdout)[0]["extra"]


def test_nothing_to_export_says_why(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", entry(status="failed"))
    with pytest.raises(BadInput, match=r"No cell has a speed.*its output is wrong"):
        exported.read([path])


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("--to", "llama-bnch"), 4, "Did you mean 'llama-bench'?"),
        (("--to", "parquet"), 2, "Name a file with -o"),
        (("--to", "csv", "-o", "/proc/nowhere/out.csv"), 9, "could not be written"),
        (("--to", "parquet", "-o", "/proc/nowhere/out.parquet"), 9, "could not be written"),
    ],
)
def test_mistakes_are_sentences(
    arguments: tuple[str, ...], code: int, expected: str, sound: Path, edgebench: Edgebench
) -> None:
    done = edgebench("export", sound, *arguments)

    assert done.returncode == code
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
