"""Files of ONNX Runtime GenAI, OpenVINO's llm_bench, optimum-benchmark and ollama."""

from __future__ import annotations

import json
import statistics

import pytest

from edgebench.analysis import imported
from edgebench.errors import BadInput
from tests.interchange.makers import DATA, imported_record, rates


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


@pytest.mark.parametrize(
    ("name", "workload"), [("ollama.bench", "pp128+tg512"), ("ollama-newer.bench", "?")]
)
def test_ollamas_lines_of_either_age(name: str, workload: str) -> None:
    (cell,) = imported_record(name).cells

    assert rates(cell)["prefill_tok_s"] == pytest.approx(12800)
    assert rates(cell)["decode_tok_s"] == pytest.approx(51200)
    assert rates(cell)["load_s"] == pytest.approx(1.5)
    assert cell.workload.name == workload
