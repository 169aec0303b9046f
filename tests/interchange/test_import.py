"""Foreign files become records that say what their source says, and are never verified."""

from __future__ import annotations

import gzip
import json
import os
import re
import statistics
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import checking, imported
from edgebench.analysis.interchange import foreign, reading
from edgebench.errors import BadInput, UnknownName
from edgebench.schema.imported import Imported
from tests.results_maker import result

if TYPE_CHECKING:
    from edgebench.schema.imported import ImportedCell
    from tests.conftest import Edgebench

DATA = Path(__file__).parent / "data"
NOW = "2026-01-01T00:00:00Z"


def imported_record(name: str, wanted: str | None = None) -> Imported:
    (record,) = reading.records([reading.read(DATA / name, wanted)], None, NOW)
    assert not list(checking.problems(record))
    return record


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def rates(cell: ImportedCell) -> dict[str, float]:
    return {name: each[0] for name, each in imported.values(cell).items()}


def test_llama_bench_rates_come_from_its_samples() -> None:
    prefill, decode = imported_record("llama-bench-gpu.json").cells

    samples_ns = [74601900, 71632900, 71745200, 71952700, 70745500]
    assert prefill.launches[0].timings[0].samples_ns == tuple(samples_ns)
    assert rates(prefill) == {"prefill_tok_s": pytest.approx(512e9 / statistics.median(samples_ns))}
    assert imported.spread(prefill.launches[0], "prefill") == pytest.approx(140.34152, rel=1e-6)
    assert imported.spread(decode.launches[0], "decode") == pytest.approx(1.041811, rel=1e-6)
    assert (decode.threads, decode.device, decode.workload.name) == (8, "CUDA", "tg128")


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "sql"])
def test_every_format_of_a_real_llama_bench(suffix: str) -> None:
    record = imported_record(f"llama-bench.{suffix}")
    prefill, decode, both = record.cells

    assert [cell.workload.name for cell in record.cells] == ["pp8", "tg4", "pp8+tg4"]
    assert (prefill.model, prefill.parameters) == ("llama 256M Q4_1", 134515008)
    assert (prefill.threads, prefill.device) == (2, "cpu")
    assert set(rates(prefill)) == {"prefill_tok_s"}
    assert set(rates(decode)) == {"decode_tok_s"}
    assert rates(both) == {}, "a pooled rate is neither prefill nor decode"
    repeated = {each.launches[0].timings[0].repetitions for each in record.cells}
    assert repeated == ({3} if suffix.startswith("json") else {None})


def test_spread_of_a_real_file_is_that_of_its_samples() -> None:
    rows = json.loads((DATA / "llama-bench.json").read_text())
    for cell, row in zip(imported_record("llama-bench.json").cells, rows, strict=True):
        phase = cell.launches[0].timings[0].phase
        assert imported.spread(cell.launches[0], phase) == pytest.approx(row["stddev_ts"], rel=1e-5)


def test_an_overflowed_stddev_ns_is_never_read() -> None:
    """It really overflows: of decode in this file llama-bench says 2.5 s where it is 8.9 s."""
    row = json.loads((DATA / "llama-bench.json").read_text())[1]
    record = imported_record("llama-bench.json")

    assert row["stddev_ns"] < 0.3 * statistics.stdev(row["samples_ns"])
    spread = imported.spread(record.cells[1].launches[0], "decode")
    assert spread == pytest.approx(statistics.stdev(4e9 / ns for ns in row["samples_ns"]))
    assert str(row["stddev_ns"]) not in files.to_json(record)


def test_genai_writes_averages_and_no_spread() -> None:
    as_json = imported_record("genai.json").cells
    as_csv = imported_record("genai.csv").cells

    assert [each.workload.name for each in as_json] == ["pp16+tg16", "pp64+tg16"]
    assert [rates(each) for each in as_csv] == [rates(each) for each in as_json]
    assert rates(as_json[0]) == pytest.approx(
        {
            "prefill_tok_s": 4084.2088996049997,
            "decode_tok_s": 2709.381775936713,
            "time_to_first_token_s": 3.9873980003903853e-3,
        }
    )
    assert (as_json[0].model, as_json[0].quant) == ("tiny-random-llama", "int4")
    assert imported.spread(as_json[0].launches[0], "decode") is None


def test_genais_count_of_runs_is_not_believed() -> None:
    """It was run three times with one warm-up and writes 10: a default that nothing sets."""
    (said, _) = json.loads((DATA / "genai.json").read_text())
    assert said["config"]["measured_runs"] == 10

    cell = imported_record("genai.json").cells[0]

    assert not any("runs" in name for name in cell.settings)
    assert {timing.repetitions for timing in cell.launches[0].timings} == {None}


def test_genais_older_list_of_names_and_values() -> None:
    (cell,) = imported_record("genai-list.csv").cells

    expected = {"prefill_tok_s": 18.756693795094286, "decode_tok_s": 7.032386110884926}
    assert rates(cell) == pytest.approx(expected)
    assert (cell.model, cell.workload.output_tokens, cell.threads) == ("unnamed", None, None)


def test_openvino_leaves_its_warm_up_out() -> None:
    record = imported_record("openvino-llm-bench.json")
    (cell,) = record.cells

    assert rates(cell) == pytest.approx(
        {
            "prefill_tok_s": 68e3 / statistics.median([102.641, 98.35]),
            "decode_tok_s": 1e3 / statistics.median([31.48388, 31.44737]),
            "time_to_first_token_s": statistics.median([103.6777, 99.29112]) / 1e3,
            "load_s": 12.686114765001548,
        }
    )
    assert record.device.named_by == "nobody"


def test_optimum_counts_the_batch_and_all_but_the_first_token() -> None:
    """Its own report says 1.56 tokens/s of decode: 2 x 15 over the mean of three iterations."""
    report = json.loads((DATA / "optimum-generation.json").read_text())["report"]
    record = imported_record("optimum-generation.json")
    (cell,) = record.cells

    decode_s = [11.491160520999983, 14.68828381700041, 31.588690381999186]
    assert report["decode"]["latency"]["values"] == decode_s
    assert report["decode"]["throughput"]["value"] == pytest.approx(
        2 * 15 / statistics.mean(decode_s)
    )
    assert rates(cell) == pytest.approx(
        {
            "prefill_tok_s": 2 * 32 / 0.8592961490012385,
            "decode_tok_s": 2 * 15 / 14.68828381700041,
            "load_s": 0.3799131559990201,
            "peak_rss_bytes": 533331968,
        }
    )
    assert (record.device.id, cell.threads, cell.quant) == ("amd-epyc", 2, None)


def test_optimum_without_generated_text_is_refused() -> None:
    with pytest.raises(BadInput, match="no prefill and no decode"):
        imported_record("optimum-forward.json")


def test_a_real_file_of_localscores_format() -> None:
    """Its rates follow from the two durations that it lists: 1024 tokens, and then 16."""
    record = imported_record("localscore-bench.json")
    first = record.cells[0]

    assert rates(first) == pytest.approx(
        {
            "prefill_tok_s": 1024e9 / 23513163,
            "decode_tok_s": 16e9 / 20140222,
            "time_to_first_token_s": 24.771926875e-3,
        }
    )
    assert record.device.accelerator == "NVIDIA RTX PRO 6000 Blackwell Server Edition"
    assert (first.device, first.model_size_bytes) == ("gpu", 799862912)


def test_localscores_output_as_it_comes() -> None:
    """All that `localscore -o json` prints: its averages after the JSON are those of the cells."""
    text = (DATA / "localscore.txt").read_text()
    record = imported_record("localscore.txt")
    printed = re.findall(r"(?:Generation|Processing|Token):\D+\x1b\[1;\d+m([\d.]+)", text)
    means = [
        statistics.mean(rates(cell)[name] for cell in record.cells)
        for name in ("decode_tok_s", "prefill_tok_s", "time_to_first_token_s")
    ]

    assert text.startswith("Loading model")
    assert text.endswith("Results Not Submitted.\n")
    assert [means[0], means[1], means[2] * 1e3] == pytest.approx(
        [float(n) for n in printed], abs=0.005
    )
    assert [cell.workload.name for cell in record.cells][::4] == [
        "pp1024+tg16",
        "pp1024+tg1024",
        "pp16+tg1536",
    ]
    tied = 576 * 49152
    assert record.cells[0].parameters == 134515008 + tied, "as it says: it counts them twice"
    assert record.sources[0].tool_version == "0.9.3"


def test_localscores_zeros_are_not_measurements() -> None:
    record = imported_record("localscore.txt")
    launches = [cell.launches[0] for cell in record.cells]

    assert record.device.accelerator is None, "it calls the processor its accelerator"
    assert {each.source_stdev_tok_s for launch in launches for each in launch.timings} == {None}
    assert all(launch.started_utc for launch in launches)


@pytest.mark.parametrize(
    ("name", "repetitions", "spread"),
    [
        ("localscore.txt", 1, False),
        ("localscore-repeated.txt", 3, True),
        ("localscore-bench.json", None, False),
    ],
)
def test_how_often_localscore_repeated(name: str, repetitions: int | None, *, spread: bool) -> None:
    """It lists a duration for each repetition; localscore-bench lists one for each phase."""
    for cell in imported_record(name).cells:
        for timing in cell.launches[0].timings:
            assert timing.repetitions == repetitions
            assert (timing.source_stdev_tok_s is not None) == spread


@pytest.mark.parametrize(
    ("cut", "times", "expected"), [(5000, 1, "not valid JSON"), (None, 2, "2 runs in one file")]
)
def test_part_of_a_localscore_run_or_two_are_refused(
    cut: int | None, times: int, expected: str, tmp_path: Path
) -> None:
    text = (DATA / "localscore.txt").read_text()[:cut] * times

    with pytest.raises(BadInput, match=expected):
        reading.read(written(tmp_path, "localscore.txt", text))


@pytest.mark.parametrize(
    ("name", "workload"), [("ollama.bench", "pp128+tg512"), ("ollama-newer.bench", "?")]
)
def test_ollamas_lines_of_either_age(name: str, workload: str) -> None:
    (cell,) = imported_record(name).cells

    assert rates(cell)["prefill_tok_s"] == pytest.approx(12800)
    assert rates(cell)["decode_tok_s"] == pytest.approx(51200)
    assert rates(cell)["load_s"] == pytest.approx(1.5)
    assert cell.workload.name == workload


def test_files_of_one_configuration_are_launches_of_one_cell(tmp_path: Path) -> None:
    rows = json.loads((DATA / "llama-bench-gpu.json").read_text())
    again = [row | {"samples_ns": [ns + 10**6 for ns in row["samples_ns"]]} for row in rows]
    second = written(tmp_path, "again.json", json.dumps(again))
    reads = [reading.read(DATA / "llama-bench-gpu.json"), reading.read(second)]

    (record,) = reading.records(reads, "my-desk", NOW)

    assert [len(cell.launches) for cell in record.cells] == [2, 2]
    assert (record.device.id, record.device.named_by) == ("my-desk", "user")


def test_rows_of_one_file_are_repetitions_of_one_launch(tmp_path: Path) -> None:
    rows = json.loads((DATA / "llama-bench-gpu.json").read_text())
    path = written(tmp_path, "twice.json", json.dumps([rows[0], rows[0]]))

    (record,) = reading.records([reading.read(path)], None, NOW)

    (cell,) = record.cells
    assert [len(each.timings[0].samples_ns) for each in cell.launches] == [10]


def test_the_same_file_twice_is_refused() -> None:
    reads = [reading.read(DATA / "llama-bench-gpu.json")] * 2
    with pytest.raises(BadInput, match="given twice"):
        reading.records(reads, None, NOW)


def test_an_import_can_only_be_unverified() -> None:
    record = json.loads(files.to_json(imported_record("localscore.txt")))
    record["verification"]["status"] = "passed"

    with pytest.raises(ValueError, match="not_possible"):
        Imported.model_validate_json(json.dumps(record))


HOSTILE = {
    "truncated": ('[{"n_prompt": 512, "n_gen": 0, "avg_ns": 1', "no format"),
    "a list of numbers": ("[1, 2]", "no format"),
    "empty": ("", "no format"),
    "NaN": ('[{"n_prompt": 512, "n_gen": 0, "avg_ns": NaN}]', "not a JSON number"),
    "1e308": ('[{"n_prompt": 512, "n_gen": 0, "avg_ns": 1e308}]', "avg_ns: expected a number"),
    "text": ('[{"n_prompt": "many", "n_gen": 0, "avg_ns": 5}]', "n_prompt: expected a number"),
    "half a token": ('[{"n_prompt": 1.5, "n_gen": 0, "avg_ns": 5}]', "n_prompt: expected a count"),
    "too many": ('[{"n_prompt": 1e9, "n_gen": 0, "avg_ns": 5}]', "less than or equal to"),
    "negative": ('[{"n_prompt": 8, "n_gen": 0, "avg_ns": 5, "samples_ns": [-1]}]', "durations"),
    "nothing timed": ('[{"n_prompt": 8, "n_gen": 0, "avg_ns": 0}]', "nothing was timed"),
    "an object": ('[{"n_prompt": {}, "n_gen": 0, "avg_ns": 5}]', "n_prompt: expected a number"),
    "nested": ("[" * 5000, "no format"),
    "two formats": (
        '{"metadata": 1, "perfdata": {"results": []}, "runtime_info": 1, "system_info": 1,'
        ' "results": []}',
        "could be openvino-llm-bench-json, localscore-json",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_field(name: str, tmp_path: Path) -> None:
    text, expected = HOSTILE[name]

    with pytest.raises(BadInput, match=expected):
        reading.read(written(tmp_path, "hostile.json", text))


def test_a_refusal_is_one_line_and_leaves_nothing(edgebench: Edgebench, tmp_path: Path) -> None:
    text, expected = HOSTILE["1e308"]

    done = edgebench("import", written(tmp_path, "hostile.json", text), "-o", tmp_path / "out")

    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_line_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MAX_LINE_BYTES", 1000)
    with pytest.raises(BadInput, match="a line is longer"):
        reading.read(written(tmp_path, "long.json", "[" + " " * 2000 + "]"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(foreign.MAX_FILE_BYTES + 1)
    with pytest.raises(BadInput, match="larger than 64 MiB"):
        reading.read(path)


def test_a_csv_whose_rows_do_not_fit_its_header_is_refused() -> None:
    """llama-bench's own README shows one: 42 names, 41 values."""
    with pytest.raises(BadInput, match=r"llama-bench-readme\.csv:2: 41 fields, 42 were named"):
        reading.read(DATA / "llama-bench-readme.csv")


def test_sql_is_text(tmp_path: Path) -> None:
    sql = (
        "ATTACH 'evil.db'; DROP TABLE llama_bench; INSERT INTO llama_bench "
        "(model_type, n_prompt, n_gen, avg_ns) VALUES ('it''s; DELETE', '8', '0', '1000');"
    )
    (record,) = reading.records([reading.read(written(tmp_path, "a.sql", sql))], None, NOW)

    assert record.cells[0].model == "it's; DELETE"
    assert not (tmp_path / "evil.db").exists()


@pytest.mark.parametrize("values", ["'8', '0'", "'8', '0', '1', '2'", "'8', '0"])
def test_sql_that_ends_early_or_late_is_refused(values: str, tmp_path: Path) -> None:
    sql = f"INSERT INTO llama_bench (n_prompt, n_gen, avg_ns) VALUES ({values}"
    with pytest.raises(BadInput, match=r"values|columns"):
        reading.read(written(tmp_path, "a.sql", sql))


def test_what_comes_through_a_pipe_is_read_and_a_device_without_end_is_not(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (DATA / "llama-bench.json").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=[content])
    writer.start()

    found = reading.read(pipe)
    writer.join()

    assert found.form == "llama-bench-json"
    with pytest.raises(BadInput, match="larger than"):
        reading.read(Path("/dev/zero"))


def test_a_folder_our_own_record_and_another_tools_file_are_told_apart(tmp_path: Path) -> None:
    ours = tmp_path / "ours.json"
    ours.write_text(files.to_json(result()))

    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(ours.read_bytes()))
    with pytest.raises(BadInput, match="is compressed"):
        reading.read(tmp_path / "packed.json.gz")
    with pytest.raises(BadInput, match="is a folder"):
        reading.read(tmp_path)
    with pytest.raises(BadInput, match="is a file of edgebench already"):
        reading.read(ours)
    with pytest.raises(BadInput, match="does not look like a file of ollama-bench"):
        reading.read(DATA / "llama-bench.json", "ollama-bench")


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(UnknownName, match=r"No format named 'lama-bench'.*'llama-bench'"):
        reading.read(DATA / "llama-bench-gpu.json", "lama-bench")


def test_from_the_command_line_to_a_table(edgebench: Edgebench, tmp_path: Path) -> None:
    done = edgebench("import", DATA / "llama-bench-gpu.json", "-o", tmp_path / "out.json")

    assert done.stdout.strip() == str(tmp_path / "out.json")
    shown = edgebench("show", tmp_path / "out.json")
    assert "± 140.3" in shown.stdout
    assert "does not verify its output" in shown.stdout
    assert edgebench("check", tmp_path / "out.json").returncode == 0


def test_two_devices_do_not_fit_one_file(edgebench: Edgebench, tmp_path: Path) -> None:
    both = [DATA / "llama-bench-gpu.json", DATA / "localscore.txt"]

    done = edgebench("import", *both, "-o", tmp_path / "out.json")

    assert done.returncode == 2
    assert "make 2 records" in done.stderr


def test_compare_shows_imports_with_a_footnote(edgebench: Edgebench, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = json.loads((DATA / "llama-bench-gpu.json").read_text())
    slower = [row | {"samples_ns": [2 * ns for ns in row["samples_ns"]]} for row in rows]
    new = written(tmp_path, "new.json", json.dumps(slower))
    edgebench("import", DATA / "llama-bench-gpu.json", "-o", tmp_path / "a.json")
    edgebench("import", new, "-o", tmp_path / "b.json")

    done = edgebench("compare", tmp_path / "a.json", tmp_path / "b.json")

    assert done.returncode == 0, done.stderr
    assert "too few launches" in done.stdout
    assert "0.500" in done.stdout
    assert "Imported from llama-bench, which does not verify its output" in done.stdout


def test_the_gate_takes_no_imports(edgebench: Edgebench, tmp_path: Path) -> None:
    edgebench("import", DATA / "llama-bench-gpu.json", "-o", tmp_path / "a.json")

    done = edgebench("gate", tmp_path / "a.json", tmp_path / "a.json")

    assert done.returncode == 2
    assert "is an imported record: its output was never verified" in done.stderr
