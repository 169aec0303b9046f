"""Shares of the measured ceilings, by hand and against the tensors of real shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench.analysis import ceilings
from edgebench.models import catalog, cost
from edgebench.report import details, table
from edgebench.report.ceilings import render
from edgebench.schema.cell import MeasuredFile, Options
from edgebench.schema.result import CellResult, Result
from edgebench.schema.workload import Workload, parse_workloads
from tests.ceilings_maker import CEILINGS
from tests.conftest import golden
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
    from edgebench.schema.device import Device

MODELS = catalog.load_catalog().models
BIG = FILE.model_copy(update={"size_bytes": 50_000_000})


def workload(text: str) -> Workload:
    return parse_workloads(text)[0]


def device(**fields: Any) -> Device:
    return DEVICE.model_copy(update={"ceilings": CEILINGS.model_copy(update=fields)})


def decoded(step_ms: float, file: MeasuredFile = BIG, **fields: Any) -> Result:
    """A record of one cell that decodes a token in so many milliseconds."""
    entry = CellResult(cell=cell("tg4", **fields), verification=verification(),
                       launches=decode_launches(step_ms, step_ms))  # fmt: skip
    return result(entry, files=(file,), device=device())


def prefilled(prefill_ns: int, file: MeasuredFile = BIG, **fields: Any) -> Result:
    trials = tuple(trial(i, prefill_ns=prefill_ns, step_ns=()) for i in range(2))
    entry = CellResult(cell=cell("pp8", **fields), verification=verification(),
                       launches=(launch(0, trials), launch(1, trials)))  # fmt: skip
    return result(entry, files=(file,), device=device())


def names(record: Result) -> set[str]:
    return {note.name for note in ceilings.notes(record)}


def test_many_cells_far_below_a_ceiling_are_one_line() -> None:
    entries = [
        prefilled(ns, threads=4, isa=isa).cells[0]
        for isa, ns in (("slow", 10**9), ("slower", 2 * 10**9), ("slowest", 4 * 10**9))
    ]

    few = list(ceilings.notes(result(*entries[:2], files=(BIG,), device=device())))
    (many,) = ceilings.notes(result(*entries, files=(BIG,), device=device()))

    assert [note.name for note in few] == ["far_below_ceiling"] * 2
    assert many.name == "far_below_ceiling"
    assert many.message.startswith("3 cells: prefill is at ")
    assert "slowest 4t pp8) to " in many.message
    assert "slow 4t pp8) of the measured arithmetic: look for other programs" in many.message


@pytest.mark.parametrize("quant", ["F16", "Q8_0", "Q4_0", "Q4_K_M", "Q2_K"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_bytes_per_token_are_those_of_the_tensors(name: str, quant: str) -> None:
    """The type of most matrices stands for the embedding's."""
    shape = MODELS[name].shape
    weights = cost.weights_of(shape, quant)
    file = FILE.model_copy(
        update={
            "size_bytes": sum(weight.size_bytes for weight in weights),
            "tensor_types": cost.tensor_types(weights),
        }
    )

    read = ceilings.decode_read_bytes_per_token(file, shape, cell("tg1"))

    exact = cost.read_bytes_per_token(shape, weights) + cost.kv_bytes_per_token(shape)
    assert read == pytest.approx(exact, rel=0.01)


def test_the_cache_is_read_at_the_mean_depth_and_weights_once_for_all_sequences() -> None:
    shape = FILE.shape
    assert shape is not None
    kv_bytes = cost.kv_bytes_per_token(shape)

    def read(text: str, **fields: Any) -> float:
        return ceilings.decode_read_bytes_per_token(FILE, shape, cell(text, **fields))

    alone, four = read("tg3@d10"), read("tg3@d10@s4")
    wide = read("tg3@d10", options=Options(kv_type="f32"))

    assert alone == 1000 + kv_bytes * (11 + 12 + 13) / 3
    assert four == 250 + kv_bytes * 12
    assert wide == 1000 + 2 * kv_bytes * 12


def test_an_engine_that_widens_weights_reads_float32() -> None:
    shape = FILE.shape
    assert shape is not None
    weights = cost.weights_of(shape, "F32")
    norms = sum(weight.size_bytes for weight in weights if "norm" in weight.name)

    found = ceilings.weights_read_bytes(FILE, shape, "torch")

    assert found == sum(weight.size_bytes for weight in weights) - norms


@pytest.mark.parametrize("name", sorted(MODELS))
def test_prefill_operations_are_those_of_each_token_in_turn(name: str) -> None:
    shape = MODELS[name].shape
    head = 2 * shape.hidden * shape.vocabulary
    in_turn = sum(cost.flops_per_token(shape, 100 + n) - head for n in range(1, 9)) + head

    mean = ceilings.prefill_operations_per_token(shape, workload("pp8@d100"))

    assert mean * 8 == pytest.approx(in_turn, rel=1e-12)


def test_decode_is_a_share_of_the_best_reader() -> None:
    """50 MB in 10 ms are 5 GB/s; memchr's best launch read 10 GB/s."""
    record = decoded(10)

    share = ceilings.shares(record.cells[0], record).bandwidth

    assert share is not None
    assert share.ceiling == pytest.approx(10e9)
    assert share.value == pytest.approx(0.5, rel=0.001)
    assert ceilings.shares(record.cells[0], record).arithmetic is None, "no prefill"


def test_quantized_prefill_is_a_share_of_int8_and_float32_of_f32() -> None:
    floats = BIG.model_copy(update={"tensor_types": {"F32": 20}, "quant": "F32"})
    halves = BIG.model_copy(update={"tensor_types": {"F32": 5, "F16": 15}, "quant": "F16"})
    plain = Options(activations="fp32")

    def ceiling(record: Result) -> float | None:
        share = ceilings.shares(record.cells[0], record).arithmetic
        return share.ceiling if share else None

    assert ceiling(prefilled(10**6)) == pytest.approx(200e9)
    assert ceiling(prefilled(10**6, options=plain)) == pytest.approx(50e9)
    assert ceiling(prefilled(10**6, floats)) == pytest.approx(50e9)
    assert ceiling(prefilled(10**6, halves)) is None, "16-bit arithmetic has no measured ceiling"


def test_what_has_no_ceiling_has_no_share() -> None:
    foreign = BIG.model_copy(update={"shape": None})
    wrong = CellResult(cell=cell("tg4"), launches=decode_launches(10, 10),
                       verification=verification("failed", "Wrong."))  # fmt: skip
    for record in (
        decoded(10, threads=3),
        decoded(10, device="cuda"),
        decoded(10, backend="fake"),
        decoded(10, foreign),
        result(wrong, files=(BIG,), device=device()),
        decoded(10).model_copy(update={"device": DEVICE}),
    ):
        assert ceilings.shares(record.cells[0], record) == (None, None)
        assert names(record) == set()


def test_too_good_and_too_little_are_flagged() -> None:
    assert names(decoded(10)) == set()
    assert names(decoded(4)) == {"above_ceiling"}
    assert names(decoded(60)) == {"far_below_ceiling"}
    assert names(prefilled(10**9)) == {"far_below_ceiling"}
    assert "above_ceiling" in table.render(decoded(4))


def test_weights_in_the_cache_are_named_and_not_judged() -> None:
    small = BIG.model_copy(update={"size_bytes": 1_000_000, "weights": "synthetic"})
    record = decoded(0.01, small)

    assert names(record) == {"cache_resident"}
    assert "(in cache) (synthetic)" in details.render(record)


def test_shares_stand_in_the_details() -> None:
    assert " 50% of 10.0 GB/s" in details.render(decoded(10))
    assert " 5.0% of 10.0 GB/s" in details.render(decoded(100))
    assert "of 200.0 Gop/s" in details.render(prefilled(10**6))


def test_ceilings_as_a_table() -> None:
    golden("ceilings.txt", render(CEILINGS))


def test_a_buffer_that_caches_could_hold_is_a_warning() -> None:
    assert "small_buffer" in render(CEILINGS.model_copy(update={"buffer_bytes": 4 << 20}))


def test_a_busy_machine_is_a_warning() -> None:
    assert "busy" not in render(CEILINGS)
    assert "load average was 3.0" in render(CEILINGS.model_copy(update={"load_average": 3.0}))
