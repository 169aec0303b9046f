"""What a report shows of records: rows of cells, what stands for what, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import isa_order
from edgebench.analysis.report_choice import Choice, choose
from edgebench.analysis.report_reading import read
from edgebench.analysis.report_rows import cells_of
from edgebench.errors import BadInput, UnknownName
from edgebench.report.site import tables
from edgebench.schema.cell import Options
from edgebench.schema.result import CellResult
from tests import report_maker as maker
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_holds_what_the_record_says(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record(isas=("armv8.0_1",), workloads=("tg4",)))

    row, other = read([tmp_path]).cells

    assert (row.device, row.model, row.isa, row.threads) == (
        "board-4cpu",
        "tiny Q4_0",
        "armv8.0_1",
        4,
    )
    assert other.model == "tiny Q8_0"
    assert row.decode is not None
    # Launches of 9.0, 9.18 and 9.36 ms per token: the geometric mean of their rates.
    assert row.decode.estimate == pytest.approx(1000 / (9.0 * 9.18 * 9.36) ** (1 / 3))
    assert row.prefill is None
    assert row.memory is not None
    assert row.memory.peak_rss_bytes == 200 << 20
    assert row.quality is not None
    assert row.quality.perplexity == 71.0
    (joules,) = row.energy
    assert joules.joules_per_token is not None


def test_the_ceiling_is_the_rate_over_its_share(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record(isas=("armv8.0_1",), workloads=("tg4",)))

    row = read([tmp_path]).cells[0]

    # 50 MB of weights less nothing (tied), 10 GB/s: about 200 tokens a second at most.
    assert row.decode_ceiling is not None
    assert row.decode_ceiling.most_tok_s == pytest.approx(200, rel=0.01)
    assert not row.decode_ceiling.cached


@pytest.mark.parametrize("status", ["failed", None])
def test_a_wrong_or_unverified_cell_has_no_speed_anywhere(status: str | None) -> None:
    made = cell("tg4")
    entry = CellResult(
        cell=made,
        verification=verification(status, "KL too large.") if status else None,
        launches=decode_launches(9, 9),
    )

    (row,) = cells_of(result(entry), "a.json")

    assert row.decode is row.prefill is row.first_token_s is None
    assert row.decode_ceiling is None
    assert row.energy == ()
    assert row.no_speed is not None
    assert ("KL too large" in row.no_speed) == (status == "failed")


def test_an_emulated_cell_has_instructions_and_no_speed() -> None:
    first, second = cells_of(maker.emulated(), "a.json")

    assert first.decode is None
    assert first.no_speed == "played by qemu-user 7.2"
    assert (first.instructions_per_output_token, second.instructions_per_output_token) == (4e7, 3e7)


def test_the_newest_session_stands_for_a_cell_unless_it_finished_nothing(tmp_path: Path) -> None:
    one: dict[str, Any] = {"isas": ("armv8.0_1",), "workloads": ("tg4",), "models": (maker.BIG,)}
    maker.write(tmp_path, "1.json", maker.record(**one, started_utc="2026-01-01T00:00:00Z"))
    maker.write(tmp_path, "2.json", maker.record(**one, started_utc="2026-01-02T00:00:00Z"))
    maker.write(tmp_path, "3.json",
                maker.record(**one, launches=0, started_utc="2026-01-03T00:00:00Z"))  # fmt: skip

    found = read([tmp_path])

    (row,) = found.cells
    assert row.source == "2.json"
    assert (found.records, found.older) == (3, 2)


def test_cells_that_differ_only_in_options_say_in_which(tmp_path: Path) -> None:
    entries = [
        CellResult(cell=made, verification=verification(), launches=())
        for made in (cell("tg4"), cell("tg4", options=Options(kv_type="f32")))
    ]
    maker.write(tmp_path, "a.json", result(*entries))

    assert [row.settings for row in read([tmp_path]).cells] == ["kv_type f16", "kv_type f32"]


def test_what_is_no_sound_record_is_named_and_left_out(tmp_path: Path) -> None:
    maker.write(tmp_path, "good.json", maker.record())
    (tmp_path / "text.json").write_text("not JSON")
    (tmp_path / "other.json").write_text('{"a": 1}')
    maker.damaged(tmp_path, "nan.json", "mean_kl", "NaN")
    maker.damaged(tmp_path, "infinite.json", "mean_kl", "1e999")
    wrong = maker.record(isas=("armv8.0_1",))
    entry = wrong.cells[0].model_copy(update={"emulated": "qemu"})
    maker.write(tmp_path, "wrong.json", wrong.model_copy(update={"cells": (entry,)}))

    found = read([tmp_path])

    assert found.records == 1
    reasons = {each.file: each.reason for each in found.refused}
    assert set(reasons) == {"text.json", "other.json", "nan.json", "infinite.json", "wrong.json"}
    assert "NaN is not a JSON number" in reasons["nan.json"]
    assert reasons["wrong.json"].startswith("contradicts itself")
    assert not any(str(tmp_path) in reason for reason in reasons.values())


def test_nothing_to_show_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no record here"):
        read([tmp_path])
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(BadInput, match=r"None of 1 files.*other\.json"):
        read([tmp_path])
    with pytest.raises(BadInput, match=r"missing\.json"):
        read([tmp_path / "missing.json"])


def test_verdicts_are_read_and_experiments_counted(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())
    maker.write(tmp_path, "claims.json", maker.verdicts())
    (tmp_path / "experiment.json").write_text('{"record": "experiment"}')

    found = read([tmp_path])

    assert [(each.device, each.verdict.claim_id) for each in found.claims] == [
        ("board-4cpu", "smaller-is-faster")
    ]
    assert found.experiments == 1
    assert found.refused == ()


def test_a_choice_keeps_what_fits_and_refuses_what_fits_nothing(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record("one"))
    maker.write(tmp_path, "b.json", maker.record("two"))
    found = read([tmp_path])

    kept = choose(found, Choice(device=("TWO",), isa=("8.2",), workload=("pp8",)))

    assert {(row.device, row.workload.name) for row in kept.cells} == {("two", "pp8")}
    assert {row.isa for row in kept.cells} == {"armv8.2_1", "armv8.2_3"}
    assert [each.id for each in kept.devices] == ["two"]
    with pytest.raises(UnknownName, match=r"No model named 'llama'.*tiny Q4_0"):
        choose(found, Choice(model=("llama",)))


def test_instruction_sets_climb() -> None:
    shuffled = ["zen4", "x64", "mlas", "haswell", "armv8.6_1", "armv8.0_1"]
    assert sorted(shuffled, key=isa_order.place) == [
        "x64", "haswell", "zen4", "armv8.0_1", "armv8.6_1", "mlas",
    ]  # fmt: skip


def test_files_that_judge_a_claim_otherwise_are_told_and_the_first_stays(tmp_path: Path) -> None:
    first = maker.verdicts()
    other = first.readings[0].verdicts[0].model_copy(update={"verdict": "inconclusive"})
    reading = first.readings[0].model_copy(update={"verdicts": (other,)})
    for name, found in (
        ("a.json", first),
        ("b.json", first),
        ("c.json", first.model_copy(update={"readings": (reading,)})),
    ):
        (tmp_path / name).write_text(files.to_json(found))

    read_all = read([tmp_path])

    assert [each.verdict for each in read_all.claims] == list(first.readings[0].verdicts)
    assert [each.file for each in read_all.refused] == ["c.json"]
    assert "is judged otherwise" in read_all.refused[0].reason


def test_memory_of_a_cell_on_a_gpu_is_marked_as_main_memory() -> None:
    on_cpu, *_ = cells_of(maker.record(), "a.json")

    peaks = [
        field
        for row in tables.cells([on_cpu, on_cpu._replace(on="cuda")]).rows
        for field in row
        if field.value == 200 << 20
    ]

    assert [peak.note for peak in peaks] == ["", "main memory"]
