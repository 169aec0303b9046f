"""A vendor's claims held against records: held, not held, or not tested and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import vendor_claims
from edgebench.analysis.vendor_claims import Record
from edgebench.errors import BadInput
from edgebench.report.hardware import render_claims
from edgebench.schema.ceilings import Ceilings, ReadRate
from edgebench.schema.hardware import Claim, ClaimVerdict
from edgebench.schema.result import CellResult
from tests.conftest import golden
from tests.results_maker import DEVICE, cell, decode_launches, launch, result, trial, verification

if TYPE_CHECKING:
    from pathlib import Path

# Four steps of 50 ms are 20 tokens per second.
TWENTY = CellResult(
    cell=cell(), verification=verification(), launches=decode_launches(49.9, 50.0, 50.1)
)
TEN = CellResult(
    cell=cell(threads=2), verification=verification(), launches=decode_launches(99.0, 100.0, 101.0)
)
RECORD = Record("board.json", result(TWENTY, TEN))


def claim(value: float = 20, metric: str = "decode_tok_s", **conditions: Any) -> Claim:
    named = {"model": "tiny", "backend": "llama.cpp", "workload": "tg4"} | conditions
    return Claim.model_validate({
        "id": "claim", "quote": "so fast", "metric": metric, "value": value, "conditions": named,
        "source": {"url": "https://example.org/", "title": "Page"},
    })  # fmt: skip


def judged(asked: Claim, *records: Record) -> ClaimVerdict:
    return vendor_claims.judge([asked], records or [RECORD])[0]


@pytest.mark.parametrize(
    ("value", "verdict"), [(10, "held"), (20, "held"), (20.9, "held"), (22, "not held")]
)
def test_the_whole_interval_decides_and_five_per_cent_are_forgiven(
    value: float, verdict: str
) -> None:
    found = judged(claim(value))
    assert found.verdict == verdict
    assert found.measured is not None
    assert found.measured.estimate == pytest.approx(20, rel=0.01)
    assert found.cells == 2, "the faster of the two that fit"
    assert "threads" in found.open


def test_conditions_are_compared_before_numbers() -> None:
    assert judged(claim(10, threads=2)).verdict == "held"
    found = judged(claim(20, quant="INT4", backend="mlc"))
    assert (found.verdict, found.measured) == ("not tested", None)
    assert found.reason == (
        "no cell under these conditions; the nearest has quant Q4_0 (claimed: INT4), "
        "backend llama.cpp (claimed: mlc)"
    )


def test_a_wide_interval_or_a_single_launch_tests_nothing() -> None:
    wide = CellResult(
        cell=cell(), verification=verification(), launches=decode_launches(30.0, 50.0, 80.0)
    )
    assert judged(claim(), Record("r", result(wide))).reason == (
        "the interval lies on both sides of the claim: more launches are needed"
    )
    single = wide.model_copy(update={"launches": decode_launches(50.0)})
    assert judged(claim(), Record("r", result(single))).reason == "an interval needs two launches"


def test_wrong_output_holds_no_claim() -> None:
    failed = TWENTY.model_copy(update={"verification": verification("failed", "all wrong")})
    found = judged(claim(), Record("r", result(failed)))
    assert (found.verdict, found.measured) == ("not tested", None)
    assert found.reason is not None
    assert "shows no speed" in found.reason


def test_a_time_is_claimed_to_be_at_most() -> None:
    timed = CellResult(
        cell=cell("pp4"), verification=verification(),
        launches=tuple(
            launch(n, tuple(trial(i, prefill_ns=200_000_000 + n, step_ns=()) for i in range(2)))
            for n in range(3)
        ),
    )  # fmt: skip
    record = Record("r", result(timed))
    asked = {"metric": "time_to_first_token_s", "workload": "pp4"}
    assert judged(claim(0.25, **asked), record).verdict == "held"
    assert judged(claim(0.15, **asked), record).verdict == "not held"


def test_bandwidth_is_the_roofline_s() -> None:
    ceilings = Ceilings(
        schema_version=1, edgebench_version="0", device="board-4cpu",
        measured_utc="2026-01-01T00:00:00Z", load_average=0.1, environment={},
        last_level_cache_bytes=1 << 20, buffer_bytes=1 << 28, huge_page_bytes=None, trials=3,
        read=(ReadRate(method="memchr", threads=4, fastest_ns=(1000, 1010, 990),
                       bytes_read=12_000),),
        f32=(), int8=(), not_measured={}, stopped_because="rounds",
    )  # fmt: skip
    device = DEVICE.model_copy(update={"ceilings": ceilings})
    record = Record("r", result(TWENTY, device=device))
    none = dict.fromkeys(("model", "backend", "workload"))
    assert judged(claim(12, "read_bandwidth_gb_s", **none), record).verdict == "held"
    assert judged(claim(17, "read_bandwidth_gb_s", **none), record).verdict == "not held"


def test_records_of_other_machines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(files.to_json(RECORD.result))
    found = vendor_claims.read([tmp_path], lambda device: device.id != DEVICE.id)
    assert (found.records, found.others) == ((), 1)
    (tmp_path / "none").mkdir()
    with pytest.raises(BadInput, match="no record here"):
        vendor_claims.read([tmp_path / "none"], lambda _: True)


def test_the_table_of_verdicts() -> None:
    claims = [claim(20), claim(25), claim(20, backend="mlc")]
    verdicts = vendor_claims.judge(claims, [RECORD])
    golden("hardware-check.txt", render_claims(verdicts, records=1, others=2))
