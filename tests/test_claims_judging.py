"""From records to verdicts: what is counted, what is refused, and who may speak."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench import files
from edgebench.analysis import checking, compare_reading, stats
from edgebench.claims import decide, isa_speedup, judging, means, records, suite
from edgebench.claims.pooling import pooled, random_effects
from edgebench.errors import BadInput
from edgebench.measure.isa_names import STEPS
from edgebench.schema.claim import Margin, Skip, Verdicts
from tests import results_maker as made
from tests.claims.makers import STEADY, X86, experiment, file, record, speeds

if TYPE_CHECKING:
    from edgebench.schema.claim import Reading
    from edgebench.schema.result import CellResult, Result

SCHEMA = Path(__file__).parent.parent / "docs/schema/verdicts.v1.schema.json"
ISA = (isa_speedup.CLAIM,)


def ladder(best_tok_s: float = 800.0, *, device: str = X86.id, run_id: str = "0123abcd") -> Result:
    """The plainest instruction set at 100 tok/s and the best one, for both formats."""
    weights = [file(quant=quant) for quant in ("Q4_0", "Q8_0")]
    cells = [
        speeds(each, work, tok_s, isa=isa)
        for each in weights
        for work in ("pp128", "tg32")
        for isa, tok_s in (("x64", 100.0), ("zen4", best_tok_s))
    ]
    return record(weights, *cells, device=X86.model_copy(update={"id": device}), run_id=run_id)


def write(folder: Path, *results: Result) -> list[Path]:
    paths = [folder / f"{n}-{each.run_id}.json" for n, each in enumerate(results)]
    for path, each in zip(paths, results, strict=True):
        path.write_text(files.to_json(each))
    return paths


def readings(*results: Result, folder: Path) -> tuple[Reading, ...]:
    return judging.judge(ISA, records.read(write(folder, *results))).readings


def test_the_same_files_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    paths = write(tmp_path, ladder(run_id="000000aa"), ladder(300.0, device="b", run_id="000000bb"))
    one, other = (judging.judge(ISA, records.read(p)) for p in (paths, paths[::-1]))

    assert files.to_json(one) == files.to_json(other)


def test_verdicts_fit_the_published_schema(tmp_path: Path) -> None:
    found = judging.judge(suite.claims(), records.read(write(tmp_path, ladder())))

    jsonschema.validate(json.loads(files.to_json(found)), json.loads(SCHEMA.read_text()))
    assert files.to_json(Verdicts.model_validate_json(files.to_json(found))) == files.to_json(found)


def test_a_record_given_twice_counts_once(tmp_path: Path) -> None:
    (path,) = write(tmp_path, ladder())

    reading = judging.judge(ISA, records.read([path, path, tmp_path])).readings[0]
    assert reading.verdicts[0].endpoints[0].blocks == len(STEADY)


def test_two_records_of_one_run_that_differ_are_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, ladder(800.0), ladder(900.0))
    with pytest.raises(BadInput, match="of the same run, 0123abcd, and differ"):
        records.read(paths)


def test_launches_copied_into_another_run_are_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, ladder(run_id="000000aa"), ladder(run_id="000000bb"))
    with pytest.raises(BadInput, match="hold the same launch"):
        records.read(paths)


def test_a_record_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    (path,) = write(tmp_path, ladder())
    document = json.loads(path.read_text())
    document["cells"][0]["cell"]["threads"] = 3
    path.write_text(json.dumps(document))

    with pytest.raises(BadInput, match="contradicts itself"):
        records.read([path])


def test_an_experiment_whose_null_has_no_reason_is_refused(tmp_path: Path) -> None:
    found = experiment("lora", [[({"rank": 8}, {"tok_s": 1.0})]] * 2)
    document = json.loads(files.to_json(found))
    document["blocks"][0]["points"][0]["values"]["tok_s"] = None
    path = tmp_path / "a.experiment.json"
    path.write_text(json.dumps(document))

    with pytest.raises(BadInput, match="nothing says why"):
        records.read([path])


def busy(entry: CellResult) -> CellResult:
    """The same launches, in which threads waited for a CPU a third of their time."""
    counted = made.counters(cpu_user_s=0.04, run_delay_ns=20_000_000)
    launches = tuple(
        launch.model_copy(
            update={
                "trials": tuple(t.model_copy(update={"counters": counted}) for t in launch.trials)
            }
        )
        for launch in entry.launches
    )
    return entry.model_copy(update={"launches": launches})


def test_verdicts_may_lie_beside_the_records_they_are_of(tmp_path: Path) -> None:
    write(tmp_path, ladder())
    before = judging.judge(ISA, records.read([tmp_path]))
    verdicts = tmp_path / "verdicts.json"
    files.write_atomic(verdicts, files.to_json(before))

    assert judging.judge(ISA, records.read([tmp_path])) == before
    assert len(compare_reading.paths_of(tmp_path)) == 1
    assert all(problem is None for _, problem in checking.check([tmp_path]))
    with pytest.raises(BadInput, match="holds verdicts and no record"):
        compare_reading.read_strictly(verdicts)


def test_a_busy_machine_is_no_evidence(tmp_path: Path) -> None:
    quiet = ladder()
    contended = quiet.model_copy(update={"cells": tuple(map(busy, quiet.cells))})

    (device, _all) = readings(contended, folder=tmp_path)
    assert device.verdicts[0].verdict == "inconclusive"
    assert device.verdicts[0].reasons == ("contended",)


def test_an_emulated_machine_is_no_device(tmp_path: Path) -> None:
    real = ladder()
    played = X86.model_copy(update={"emulated": "QEMU"})
    cells = tuple(each.model_copy(update={"emulated": "QEMU"}) for each in real.cells)
    found = real.model_copy(update={"device": played, "cells": cells})

    (everybody,) = readings(found, folder=tmp_path)
    assert everybody.scope == "all"
    assert everybody.verdicts[0].reasons == ("not_measured",)


def test_two_devices_are_counted_and_not_pooled(tmp_path: Path) -> None:
    pair = (ladder(run_id="000000aa"), ladder(300.0, device="b", run_id="000000bb"))

    *devices, everybody = readings(*pair, folder=tmp_path)
    assert [each.verdicts[0].verdict for each in devices] == ["supported", "supported"]
    assert everybody.verdicts[0].reasons == ("too_few_devices",)
    assert everybody.verdicts[0].endpoints[0].says == "Of 2 devices: supported on 2."


def test_a_device_that_measured_nothing_of_a_claim_is_not_counted(tmp_path: Path) -> None:
    """A machine that gave records of its GPU says nothing about instruction sets."""
    idle = record([file()], device=X86.model_copy(update={"id": "gpu-host"}), run_id="000000cc")
    pair = (ladder(run_id="000000aa"), ladder(300.0, device="b", run_id="000000bb"))

    *_, everybody = readings(*pair, idle, folder=tmp_path)
    assert everybody.verdicts[0].endpoints[0].says == "Of 2 devices: supported on 2."


def test_three_devices_that_agree_are_pooled(tmp_path: Path) -> None:
    three = [ladder(tok_s, device=f"d{n}", run_id=f"0000000{n}")
             for n, tok_s in enumerate((780.0, 800.0, 820.0))]  # fmt: skip

    everybody = readings(*three, folder=tmp_path)[-1]
    assert everybody.verdicts[0].verdict == "supported"
    assert everybody.verdicts[0].endpoints[0].estimate == pytest.approx(8.0, rel=0.01)


def test_a_device_below_zero_is_pooled_with_the_others() -> None:
    """Shares may be negative: leaving that device out would flatter the mean."""
    margin = Margin(support=0.5, refute=0.1)
    shares = ((0.8, 0.9, 0.85), (0.82, 0.9, 0.86), (0.78, 0.86, 0.82), (-0.6, -0.5, -0.55))
    found = [
        means.of_values("language", "?", values, margin, unit="share").model_copy(
            update={"device": f"d{number}"}
        )
        for number, values in enumerate(shares)
    ]

    (of_all,) = pooled(found)
    assert of_all.estimate == pytest.approx(0.4945, abs=0.01)
    assert of_all.low is not None
    assert of_all.low < 0
    assert of_all.verdict == "inconclusive"

    (of_three,) = pooled(found[:3])
    assert of_three.verdict == "supported"


def test_four_strong_findings_stay_although_each_is_one_of_four_tests(tmp_path: Path) -> None:
    """Four primary endpoints: Holm multiplies the least p by four."""
    (device, _) = readings(ladder(), folder=tmp_path)
    primary = [each for each in device.verdicts[0].endpoints if each.primary]
    least = min(primary, key=lambda each: each.p or 1.0)
    assert len(primary) == 4
    assert least.p_adjusted == pytest.approx(4 * (least.p or 1.0))
    assert all(each.p_adjusted is not None and each.p_adjusted <= 0.05 for each in primary)


def test_what_holm_takes_back_says_so() -> None:
    ratio = stats.paired([1.0] * 3, [2.4, 2.6, 2.5])
    weak = decide.of_ratio("a", "?", ratio, Margin(support=2.0, refute=1.0), blocks=3, device=None)
    assert weak.verdict == "supported"

    taken = judging.adjusted(weak, 0.06)
    assert (taken.verdict, taken.reasons) == ("inconclusive", ("holm",))


def test_devices_are_counted_as_their_own_readings_say(tmp_path: Path) -> None:
    """A finding that Holm took back on the device does not come back in the count."""
    weights = [file(quant=quant) for quant in ("Q4_0", "Q8_0")]
    cells = [
        speeds(each, work, tok_s, scatter, isa=isa)
        for each in weights
        for work, least in (("pp128", 2.0), ("tg32", 1.5))
        for isa, tok_s, scatter in (("x64", 100.0, (1.0, 1.0, 1.0)),
                                    ("zen4", 100.0 * least, (1.14, 1.25, 1.35)))
    ]  # fmt: skip
    device, everybody = readings(record(weights, *cells), folder=tmp_path)

    (own, *_), (counted, *_) = (each.verdicts[0].endpoints for each in (device, everybody))
    assert own.reasons == ("holm",)
    assert counted.says == "Of 1 device: inconclusive on 1."


def test_the_steps_are_the_engines() -> None:
    assert set(STEPS) <= set(isa_speedup.STEPS)
    known = [step for step in isa_speedup.STEPS if step in STEPS]
    assert known == list(STEPS)


FINITE = st.floats(min_value=1e-3, max_value=1e3)


@given(low=FINITE, width=FINITE, support=FINITE, gap=FINITE, upward=st.booleans())
def test_no_interval_both_supports_and_refutes(
    low: float, width: float, support: float, gap: float, upward: bool
) -> None:
    refute = support - gap if upward else support + gap
    margin = Margin(support=support, refute=refute, upward=upward)
    said = decide.word(low, low + width, margin)
    beyond = low >= support if upward else low + width <= support
    assert (said == "supported") == beyond


@given(st.lists(FINITE, min_size=2, max_size=8))
def test_devices_that_agree_exactly_pool_to_what_they_agree_on(errors: list[float]) -> None:
    found = random_effects([0.7] * len(errors), errors)
    assert found.estimate == pytest.approx(0.7)
    assert found.error == pytest.approx(0.0, abs=1e-9)


def test_a_model_that_could_not_be_had_is_the_reason_and_no_other_gap_is(tmp_path: Path) -> None:
    gone = Skip(need="smollm2-135m Q4_0", reason="It is not cached.", because="model_missing")
    other = Skip(need="smollm2-135m Q4_0", reason="--max-time was spent.")
    nothing = records.read(write(tmp_path, made.result()))
    for skip, reasons in ((gone, ("not_measured", "model_missing")), (other, ("not_measured",))):
        found = judging.judge(ISA, nothing, {"isa-speedup": [skip]}).readings[0].verdicts[0]
        assert (found.verdict, found.reasons) == ("inconclusive", reasons)
