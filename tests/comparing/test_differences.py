"""Whether the head is slower, and how sure that is."""

from __future__ import annotations

import pytest

from edgebench.analysis import comparable
from edgebench.analysis.compare import SAME, compare
from tests.comparing.makers import SLOWER_MS, STEPS_MS, decode, record, side
from tests.results_maker import cell


def test_a_slower_head_is_worse_in_what_got_slower_and_in_nothing_else() -> None:
    found = compare([side("old", record()), side("new", record(*SLOWER_MS))])

    findings = {each.metric: each.finding for each in found.differences}
    assert findings == {
        "decode_tok_s": "worse",
        "load_s": "not_shown",
        "peak_rss_bytes": "not_shown",
        "cpu_s_per_token": "not_shown",
    }
    assert decode(found).ratio.estimate == pytest.approx(1 / 1.2)


def test_launches_of_one_schedule_are_pairs_and_those_of_two_sessions_are_not() -> None:
    base = side("old", record(*STEPS_MS))
    in_turns = decode(compare([base, side("new", record(*SLOWER_MS))]))
    apart = compare([base, side("new", record(*SLOWER_MS, run_id="ffffffff"))])

    assert in_turns.interleaved
    assert in_turns.notes == ()
    assert not decode(apart).interleaved
    assert apart.footnotes[decode(apart).notes[0] - 1] == comparable.SEPARATE
    low, low_apart = in_turns.ratio.low, decode(apart).ratio.low
    assert low is not None
    assert low_apart is not None
    assert low > low_apart, "drift that both share cancels in pairs"


def test_only_rounds_that_both_sides_finished_are_pairs() -> None:
    full, twice = record(10, 20, 40), record(22, 44, 88)
    (entry,) = twice.cells
    gap = twice.model_copy(
        update={"cells": (entry.model_copy(update={"launches": entry.launches[1:]}),)}
    )

    found = decode(compare([side("old", full), side("new", gap)]))

    assert found.ratio.estimate == pytest.approx(1 / 2.2), (
        "the missing first round pairs with nothing"
    )


def test_a_single_launch_has_a_ratio_and_no_verdict() -> None:
    found = decode(compare([side("old", record(10)), side("new", record(20))]))

    assert found.finding == "too_few_launches"
    assert (found.ratio.low, found.ratio.high, found.ratio.p_adjusted) == (None, None, None)


def test_more_comparisons_need_stronger_evidence() -> None:
    nearly = tuple(ms * f for ms, f in zip(STEPS_MS, (1.02, 1.03, 1.012, 1.03, 1.02), strict=True))
    alone = decode(compare([side("old", record()), side("new", record(*nearly))]))
    cells = tuple(cell(threads=n) for n in range(1, 13))
    many = compare([side("old", record(cells=cells)), side("new", record(*nearly, cells=cells))])

    assert alone.finding == "worse"
    assert {d.finding for d in many.differences} == {"not_shown"}


def test_launches_against_themselves_say_nothing() -> None:
    found = compare([side("old", record()), side("copy", record())])

    assert {each.finding for each in found.differences} == {"not_shown"}
    assert {each.ratio.low for each in found.differences} == {None}
    assert found.footnotes == (SAME,)
