"""Our figures in other tools' formats: the same numbers, and none that may not be shown."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import jsonschema
import pytest

from edgebench import files
from edgebench.analysis import imported
from edgebench.analysis.index import export as export_index
from edgebench.analysis.interchange import (
    exported,
    reading,
    to_benchstat,
    to_ci,
    to_llama_bench,
    to_pytest_benchmark,
)
from edgebench.errors import BadInput
from edgebench.report import query_table
from edgebench.report.escape import markdown
from edgebench.schema.cell import Options
from edgebench.schema.result import CellResult
from tests.results_maker import (
    DEVICE,
    FILE,
    cell,
    decode_launches,
    launch,
    result,
    trial,
    verification,
)

if TYPE_CHECKING:
    from tests.conftest import Edgebench

DATA = Path(__file__).parent / "data"
RESULTS = Path(__file__).parent.parent.parent / "results" / "amd-epyc-25-17-2cpu"
RECORDS_OF_RUNS = (
    "20261121T211133Z-smollm2-135m-fcf87bbf.json",
    "20261121T234308Z-smollm2-135m-bd1235c6.json",
    "20261125T202926Z-smollm2-135m-2afc55f7.json",
)
NOW = "2026-01-01T00:00:00Z"
SHOWN_MS, HIDDEN_MS = (10.0, 10.2, 10.4), (77.0, 77.0)
FORMATS = (
    "llama-bench", "llama-bench-md", "pytest-benchmark", "github-action-benchmark",
    "github-action-benchmark-smaller", "bencher", "benchstat", "csv",
)  # fmt: skip


def save(path: Path, *entries: CellResult, **fields: Any) -> Path:
    files.write_atomic(path, files.to_json(result(*entries, **fields)))
    return path


def entry(workload: str = "tg4", status: str = "passed", **fields: Any) -> CellResult:
    plain: dict[str, Any] = {"cell": cell(workload), "launches": decode_launches(*SHOWN_MS)}
    return CellResult(verification=verification(status), **(plain | fields))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return save(tmp_path / "sound.json", entry())


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """One cell that may be shown, one whose output is wrong, one that an emulator played."""
    folder = tmp_path / "mixed"
    hidden: dict[str, Any] = {"launches": decode_launches(*HIDDEN_MS)}
    wrong = CellResult(cell=cell("tg4", threads=2), verification=verification("failed"), **hidden)
    save(folder / "a.json", entry(), wrong)
    device = DEVICE.model_copy(update={"id": "played", "emulated": "QEMU"})
    played = entry(emulated="QEMU", **hidden)
    save(folder / "b.json", played, device=device, run_id="89abcdef")
    return folder


@pytest.mark.parametrize("name", RECORDS_OF_RUNS)
def test_llama_bench_and_back_keeps_every_nanosecond(name: str, tmp_path: Path) -> None:
    """A record at a time: rows of the same test in one file are read as one cell's trials."""
    export = exported.read([RESULTS / name])
    path = tmp_path / "out.json"
    path.write_text(to_llama_bench.to_json(export))

    (record,) = reading.records([reading.read(path)], None, NOW)

    back = [t.samples_ns for each in record.cells for t in each.launches[0].timings]
    sent = [tuple(phase.samples_ns) for each in export.cells for phase in each.phases]
    assert sent
    assert sorted(back) == sorted(sent)
    rates = sorted(v[0] for each in record.cells for v in imported.values(each).values())
    ours = [
        phase.tokens * 1e9 / statistics.median(phase.samples_ns)
        for each in export.cells
        for phase in each.phases
    ]
    assert rates == pytest.approx(sorted(ours), rel=1e-6)


def test_llama_bench_rows_have_the_fields_of_a_real_one(sound: Path) -> None:
    real = json.loads((DATA / "llama-bench.json").read_text())[0]
    (row,) = json.loads(to_llama_bench.to_json(exported.read([sound])))

    assert set(row) - set(real) == {"use_mmap"}, "which older releases have"
    assert set(real) - set(row) <= {"load_mode", "lazy_mode", "fit_target", "fit_min_ctx"}
    assert row["avg_ts"] == pytest.approx(statistics.fmean([4e9 / ns for ns in row["samples_ns"]]))


def test_a_prompt_and_its_answer_are_two_rows(tmp_path: Path) -> None:
    trials = tuple(trial(i, prefill_ns=10**8, step_ns=(10**7,) * 4) for i in range(2))
    both = entry("pp512+tg4@d16", launches=(launch(0, trials),))
    rows = json.loads(to_llama_bench.to_json(exported.read([save(tmp_path / "a.json", both)])))

    sizes = [(row["n_prompt"], row["n_gen"], row["n_depth"]) for row in rows]
    assert sizes == [(512, 0, 16), (0, 4, 528)]


def test_the_markdown_table_is_llama_benchs(sound: Path) -> None:
    table = to_llama_bench.to_markdown(exported.read([sound]), markdown)

    head = (DATA / "llama-bench.md").read_text().splitlines()[0]
    names = [name.strip() for name in head.strip("|").split("|")]
    assert [name.strip() for name in table.splitlines()[0].strip("|").split("|")] == names
    assert re.search(r"\| CPU \(armv8\.2\\_1\) \| 4 \| tg4 \| 98\.0\d ± 1\.7\d \|", table)


def test_llama_benchs_table_has_columns_for_what_rows_differ_in(tmp_path: Path) -> None:
    cells = [cell(options=Options(flash_attention=value)) for value in (True, False)]
    path = save(tmp_path / "a.json", *(entry(cell=each) for each in cells))

    lines = to_llama_bench.to_markdown(exported.read([path]), markdown).splitlines()

    head, _, *rows = ([part.strip() for part in line.strip("|").split("|")] for line in lines)
    assert head[4:] == ["threads", "fa", "test", "t/s"]
    assert [row[head.index("fa")] for row in rows] == ["1", "0"]


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


def test_pytest_benchmark_compares_ours(tmp_path: Path) -> None:
    for name, slower in (("0001_old", 1.0), ("0002_new", 1.5)):
        launches = decode_launches(*(ms * slower for ms in SHOWN_MS))
        path = save(tmp_path / "records" / f"{name}.json", entry(launches=launches))
        out = tmp_path / "Linux-CPython-3-64bit" / f"{name}.json"
        out.parent.mkdir(exist_ok=True)
        out.write_text(to_pytest_benchmark.text(exported.read([path])))

    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "--storage", str(tmp_path), "compare"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert "decode[tiny Q4_0 llama.cpp armv8.2_1 4t tg4] (0001_old)" in done.stdout
    assert "(1.50)" in done.stdout


def test_bencher_metric_format_fits_its_schema(mixed: Path) -> None:
    document = json.loads(to_ci.bencher(exported.read([mixed])))

    jsonschema.validate(document, json.loads((DATA / "bmf.schema.json").read_text()))
    (measures,) = document.values()
    decode = measures["decode-tok-s"]
    assert decode["lower_value"] < decode["value"] < decode["upper_value"]
    assert decode["value"] == pytest.approx(98.04, rel=1e-3)


def test_github_action_benchmark_entries(sound: Path) -> None:
    """Required: name, unit, value; optional: range and extra (its README)."""
    export = exported.read([sound])
    bigger = json.loads(to_ci.bigger_is_better(export))
    smaller = json.loads(to_ci.smaller_is_better(export))

    for each in (*bigger, *smaller):
        assert set(each) <= {"name", "unit", "value", "range", "extra"}
        assert isinstance(each["value"], float)
    assert [each["unit"] for each in bigger] == ["tok/s"]
    assert {each["unit"] for each in smaller} == {"s", "s/token", "bytes"}
    assert bigger[0]["range"].startswith("± ")


def names_in(export: exported.Export) -> dict[str, list[str]]:
    """What each format that goes by names calls its benchmarks."""
    lines = [line.split() for line in to_benchstat.text(export).splitlines() if line]
    return {
        "pytest-benchmark": [
            each["fullname"] for each in json.loads(to_pytest_benchmark.text(export))["benchmarks"]
        ],
        "github-action-benchmark": [
            each["name"] for each in json.loads(to_ci.bigger_is_better(export))
        ],
        "bencher": list(json.loads(to_ci.bencher(export))),
        "benchstat": list(dict.fromkeys(line[0] for line in lines if line[0].startswith("Bench"))),
    }


def test_cells_that_differ_in_options_alone_have_names_of_their_own(tmp_path: Path) -> None:
    cells = [cell(options=Options(flash_attention=setting)) for setting in (True, False)]
    entries = [entry(cell=each) for each in cells]

    found = names_in(exported.read([save(tmp_path / "a.json", *entries)]))

    for names in found.values():
        assert len(set(names)) == len(names) == 2
        assert sum("flash_attention_on" in name.replace(" ", "_") for name in names) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"device": "cuda"},
        {"threads": 8},
        {"backend": "onnxruntime"},
        {"options": Options(kv_type="q8_0")},
        {"options": Options(load_mode="read")},
        {"options": Options(repacking=False)},
    ],
    ids=str,
)
def test_no_two_cells_are_one_benchmark(tmp_path: Path, other: dict[str, Any]) -> None:
    """Their launches would be one sample of benchstat's, and a mean of both its figure."""
    path = save(tmp_path / "a.json", entry(), entry(cell=cell("tg4", **other)))

    for names in names_in(exported.read([path])).values():
        assert len(set(names)) == 2


def test_sessions_of_a_cell_are_numbered_and_are_one_sample_for_benchstat(tmp_path: Path) -> None:
    for number in (1, 2):
        save(tmp_path / f"{number}.json", entry(), run_id=f"{number}" * 8)

    found = names_in(exported.read([tmp_path]))

    assert len(found.pop("benchstat")) == 1
    for names in found.values():
        assert len(set(names)) == len(names) == 2
        assert sum("#2" in name for name in names) == 1


def test_names_too_long_for_bencher_stay_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        named = FILE.model_copy(update={"model": "a" * 999 + str(number) + "b" * 999})
        save(tmp_path / f"{number}.json", entry(), run_id=f"{number}" * 8, files=(named,))

    names = list(json.loads(to_ci.bencher(exported.read([tmp_path]))))

    assert len(names) == 2
    assert max(map(len, names)) <= to_ci.LONGEST_NAME


def test_benchstat_has_a_line_per_launch(sound: Path) -> None:
    text = to_benchstat.text(exported.read([sound]))

    lines = [line for line in text.splitlines() if line.startswith("Benchmark")]
    assert len(lines) == len(SHOWN_MS)
    form = r"Benchmark\w+(/\w+=[\w.:+@()-]+)+ 1 [\d.e+-]+ tok/s [\d.e+-]+ s/token"
    assert all(re.fullmatch(form, line) for line in lines)
    assert not any(re.search(r"-\d+ 1 ", line) for line in lines), "Go would read GOMAXPROCS"


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
