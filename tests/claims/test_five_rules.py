"""What five claims must not conclude, and what they draw."""

from __future__ import annotations

from importlib import import_module

import pytest

from edgebench.claims import drawing, suite
from edgebench.claims.courses import decode_fit, exponent, prefill_fit
from edgebench.claims.split_link import Seen, fit
from tests.claims import (
    context_cost,
    lora_overhead,
    private_offline,
    quant_optimise,
    split_link,
)
from tests.claims.makers import endpoint, evidence, experiment

FIVE = ("context-cost", "quant-optimise", "split-link", "private-offline", "lora-overhead")


@pytest.mark.parametrize("name", FIVE)
def test_its_plot_is_drawn_the_same_twice_or_says_why_not(name: str) -> None:
    (claim,) = suite.chosen([name])
    maker = import_module(f"tests.claims.{name.replace('-', '_')}")
    drawn, reason = drawing.svg(claim, maker.made("supported"))
    assert reason is None
    assert drawn is not None
    assert drawn.startswith("<?xml")
    assert drawing.svg(claim, maker.made("supported"))[0] == drawn
    assert drawing.svg(claim, evidence())[1], "without evidence there is a sentence"


def test_a_curve_gives_back_what_it_was_made_of() -> None:
    course = {n: 2e-3 * n + 3e-7 * n * n for n in (64, 512, 2048, 4096, 8192)}
    assert prefill_fit(course) == pytest.approx((2e-3, 3e-7))
    assert decode_fit({0: 0.01, 1024: 0.012, 4096: 0.018}) == pytest.approx((0.01, 2e-3 / 1024))
    assert exponent({n: 1e-9 * n**1.5 for n in course}) == pytest.approx(1.5)
    assert exponent({n: t for n, t in course.items() if n < 8192}) is None, "not to 8,192"


def test_a_link_gives_back_what_it_was_made_of() -> None:
    grid = [(trip, rate) for trip in (0.0, 0.02, 0.1) for rate in (1e6, 1e7, 1e8)]
    seen = [Seen(t, r, 0.02 + 1.0 * t + 8 * 2350 / r, 2350) for t, r in grid]
    assert fit(seen) == pytest.approx((0.02, 1.0, 2350))
    assert fit([each for each in seen if each.rate_bit_s == 1e6]) is None


def test_half_speed_is_found_where_it_was_put() -> None:
    found = endpoint("context-cost", "half_speed_by_bytes", context_cost.made("supported"))
    # Made to be twice as slow at 8,192 tokens: half of that growth where bytes foretell all of it.
    assert found.estimate == pytest.approx(4186 / 8192, rel=0.01)
    assert "8,192" in found.says


def test_a_model_that_cannot_answer_short_texts_says_nothing_about_long_ones() -> None:
    able = evidence(experiments=(context_cost.keys("supported"),))
    unable = evidence(experiments=(context_cost.keys("supported", short=0.5),))
    name = "pass_key_end_less_middle"
    assert endpoint("context-cost", name, able).verdict == "supported"
    found = endpoint("context-cost", name, unable)
    assert (found.verdict, found.reasons) == ("inconclusive", ("quality_floor",))


def test_the_format_that_the_base_was_made_of_decides_nothing() -> None:
    found = quant_optimise.made("supported")
    assert not endpoint("quant-optimise", "pays_q4_1", found).primary
    assert endpoint("quant-optimise", "pays_q4_0", found).primary


def test_fast_and_bad_does_not_pay_and_neither_does_good_and_slow() -> None:
    fast, slow = quant_optimise.made("supported"), quant_optimise.made("refuted")
    bad = fast._replace(experiments=(quant_optimise.quality(1.3),))
    good = slow._replace(experiments=(quant_optimise.quality(1.01),))
    lost = [endpoint("quant-optimise", "pays_q4_0", found) for found in (bad, good)]
    assert [each.verdict for each in lost] == ["refuted", "refuted"]
    assert lost[0].says.startswith("Lost by quality")
    assert lost[1].says.startswith("Lost by speed")


def test_a_trace_that_did_not_see_the_control_proves_nothing() -> None:
    blocks = [[private_offline.watched("llama.cpp", 0.0)]] * 3
    found = endpoint(
        "private-offline", "outbound_calls",
        evidence(experiments=(experiment("private-offline", blocks),)),
    )  # fmt: skip
    assert (found.verdict, found.reasons) == ("inconclusive", ("not_measured",))


def test_an_adapter_that_was_not_seen_to_be_applied_does_not_count() -> None:
    whole = lora_overhead.made("supported").experiments[0]
    unverified = tuple(
        block.model_copy(
            update={"points": tuple(p.model_copy(update={"verified": False}) for p in block.points)}
        )
        for block in whole.blocks
    )
    found = evidence(experiments=(whole.model_copy(update={"blocks": unverified}),))
    assert endpoint("lora-overhead", "request_unmerged_r8", found).reasons == ("unverified",)


def test_between_one_and_a_half_and_six_times_is_flagged() -> None:
    whole = lora_overhead.made("supported")
    assert not endpoint("lora-overhead", "request_unmerged_r8", whole).says
    blocks = [lora_overhead.block(3.0)] * 4
    found = evidence(experiments=(experiment("lora", blocks),))
    flagged = endpoint("lora-overhead", "request_unmerged_r8", found)
    assert flagged.verdict == "supported"
    assert flagged.says.startswith("Flagged")


def test_a_split_model_with_other_logits_shows_no_speed() -> None:
    grid = [(trip, rate) for trip in (0, 20) for rate in (10, 100)]
    blocks = [[split_link.link(trip, rate, 2350) for trip, rate in grid]] * 3
    right, wrong = (
        evidence(experiments=(experiment("split-link", blocks, verified=verified),))
        for verified in (True, False)
    )
    name = "bandwidth_share_decode_100_mbit_s"
    assert endpoint("split-link", name, right).verdict == "refuted"
    assert endpoint("split-link", name, wrong).reasons == ("not_measured",)


def test_an_engine_that_could_not_be_begun_is_no_failed_run() -> None:
    condition, values = private_offline.watched("torch", 0.0)
    never = (condition, dict.fromkeys(values))
    control = ({"engine": "control", "network": "none", "traced": True}, {"outbound_calls": 1.0})
    blocks = [[private_offline.watched("llama.cpp", 0.0), never, control]] * 3
    found = evidence(experiments=(experiment("private-offline", blocks),))
    assert endpoint("private-offline", "completed", found).verdict == "supported"
    failed = (condition, values | {"completed": 0.0})
    found = evidence(experiments=(experiment("private-offline", [[failed, control]] * 3),))
    lost = endpoint("private-offline", "completed", found)
    assert (lost.verdict, lost.says) == ("refuted", "Not: torch.")
