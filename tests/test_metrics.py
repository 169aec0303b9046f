from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.analysis import metrics
from edgebench.schema.launch import Failure
from edgebench.schema.result import CellResult
from tests.looping.makers import looped, of
from tests.results_maker import cell, decode_launches, launch, trial, verification


def verified(workload: str, launches: tuple[object, ...]) -> CellResult:
    return CellResult(cell=cell(workload), verification=verification(), launches=launches)  # type: ignore[arg-type]


def test_a_step_of_ten_milliseconds_is_a_hundred_tokens_a_second() -> None:
    summary = metrics.summarize(verified("tg4", decode_launches(10, 10)))

    assert summary.decode_tok_s is not None
    assert summary.decode_tok_s.estimate == pytest.approx(100)
    assert summary.decode_tok_s.launches == 2
    assert summary.prefill_tok_s is None
    assert summary.time_to_first_token_s is None
    assert summary.step_p50_s == pytest.approx(0.010)
    assert summary.first_call_after_load_s is not None
    assert summary.first_call_after_load_s.estimate == pytest.approx(0.020), "the warm-up's first"
    assert summary.cpu_s_per_token is not None
    assert summary.cpu_s_per_token.estimate == pytest.approx(0.01)
    assert summary.peak_rss_bytes == 200 << 20


def test_prefill_then_decode_gives_both_rates_and_no_mixed_cpu_figure() -> None:
    trials = tuple(trial(i, prefill_ns=40_000_000, step_ns=(5_000_000,) * 4) for i in range(2))
    summary = metrics.summarize(verified("pp8+tg4", (launch(0, trials),)))

    assert summary.prefill_tok_s is not None
    assert summary.prefill_tok_s.estimate == pytest.approx(200)
    assert summary.decode_tok_s is not None
    assert summary.decode_tok_s.estimate == pytest.approx(200)
    assert summary.time_to_first_token_s is not None
    assert summary.time_to_first_token_s.estimate == pytest.approx(0.040)
    assert summary.cpu_s_per_token is None


def test_a_scenario_waits_for_the_tokenizer_and_the_sampler_too() -> None:
    made = trial(1, prefill_ns=40_000_000, step_ns=(), tokenize_ns=2_000_000,
                 sample_ns=(3_000_000, 1), wall_ns=50_000_000)  # fmt: skip
    assert metrics.time_to_first_token_s(made, cell("pp8").workload) == pytest.approx(0.045)


def test_warm_up_trials_are_kept_and_not_counted() -> None:
    (only,) = decode_launches(10)
    assert only.trials[0].warmup
    assert metrics.primary(verified("tg4", (only,))) == [pytest.approx(100)]


@pytest.mark.parametrize("status", ["failed", None])
def test_no_speed_without_a_verification_that_did_not_fail(status: str | None) -> None:
    made = verification(status) if status else None
    entry = CellResult(cell=cell(), verification=made, launches=decode_launches(10, 11))

    summary = metrics.summarize(entry)

    speeds = summary.model_dump(exclude={"peak_rss_bytes", "energy"})
    assert set(speeds.values()) == {None}
    assert summary.energy == ()
    assert summary.peak_rss_bytes is not None, "memory was measured all the same"


@pytest.mark.parametrize("status", ["passed", "not_possible"])
def test_no_speed_of_an_engine_that_died_as_it_was_verified(status: str) -> None:
    died = Failure(stage="verify", kind="crashed", message="SIGSEGV")
    made = verification(status).model_copy(update={"failure": died})
    entry = CellResult(cell=cell(), verification=made, launches=decode_launches(10, 11))

    assert not metrics.may_show_speed(entry)
    assert metrics.summarize(entry).decode_tok_s is None


@pytest.mark.parametrize("changes", [{"verification": None}, {"emulated": "qemu"}], ids=str)
def test_a_looped_launch_shows_no_speed_either(changes: dict[str, Any]) -> None:
    entry = of(looped([400_000_000] * 20))
    right, shown = (
        metrics.summarize(each).sustained for each in (entry, entry.model_copy(update=changes))
    )

    assert right is not None
    assert shown is not None
    assert right.decode is not None
    assert right.prefill is not None
    assert shown.decode is shown.prefill is None
    assert shown.loops == 20


@given(st.lists(st.floats(0.1, 1000), min_size=2, max_size=8))
def test_the_estimate_lies_between_the_slowest_and_the_fastest_launch(step_ms: list[float]) -> None:
    summary = metrics.summarize(verified("tg4", decode_launches(*step_ms)))

    assert summary.decode_tok_s is not None
    low, high = 1000 / max(step_ms), 1000 / min(step_ms)
    assert low * 0.999 <= summary.decode_tok_s.estimate <= high * 1.001


def test_the_first_call_at_a_depth_is_not_the_first_after_loading() -> None:
    summary = metrics.summarize(verified("tg4@d16", decode_launches(10)))
    assert summary.first_call_after_load_s is None


def test_the_widest_rate_decides_when_to_stop() -> None:
    launches = tuple(
        launch(n, tuple(trial(i, prefill_ns=ns, step_ns=(5_000_000,) * 4) for i in range(2)))
        for n, ns in enumerate((40_000_000, 60_000_000))
    )
    entry = verified("pp8+tg4", launches)

    width = metrics.half_width(entry)

    assert width is not None
    assert width > 0.5, "decode is steady, prefill is not"
    assert metrics.half_width(verified("tg4", decode_launches(10))) is None
