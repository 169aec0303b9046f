"""llama-bench's files, real ones: what its formats say, and what of them is not believed."""

from __future__ import annotations

import json
import statistics

import pytest

from edgebench import files
from edgebench.analysis import imported
from tests.interchange.makers import DATA, imported_record, rates


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
