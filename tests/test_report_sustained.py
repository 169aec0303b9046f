"""Long runs as windows that a plot can show."""

from __future__ import annotations

import pytest

from edgebench.analysis.report_sustained import WINDOWS, windows
from edgebench.schema.sustained import Conditions, Sustained
from edgebench.schema.workload import parse_workloads
from tests.results_maker import launch

SECOND = 10**9
(DECODING,) = parse_workloads("tg4")


def looped(loops: int, *, seconds: float = 1.0) -> Sustained:
    """Loops of four tokens, each taking a little longer than the one before."""
    took = [round(seconds * SECOND * (1 + place / 100)) for place in range(loops)]
    return Sustained(
        asked_s=600.0,
        started_ns=tuple(5 * SECOND + sum(took[:place]) for place in range(loops)),
        wall_ns=tuple(took),
        tokenize_ns=None,
        first_sample_ns=None,
        prefill_ns=None,
        decode_ns=tuple(took),
        cpu_s=(1.0,) * loops,
        run_delay_ns=None,
        major_faults=(0,) * loops,
        other_outputs=0,
        conditions=Conditions(
            times_ns=(5 * SECOND, 7 * SECOND),
            temperature_c=(40.0, 60.0),
            frequency_khz=None,
            throttle_count=None,
            cooling_state=None,
            firmware_throttled=None,
        ),
        power=(),
    )


def test_each_loop_is_a_window_where_there_are_few() -> None:
    found = windows([launch(0, (), sustained=looped(4))], DECODING)

    assert [each.tok_s for each in found] == pytest.approx([4 / (1 + n / 100) for n in range(4)])
    assert [each.at_s for each in found] == pytest.approx([0.5, 1.505, 2.52, 3.545])
    assert [each.temperature_c for each in found] == [40.0, 40.0, 60.0, 60.0]
    assert {each.phase for each in found} == {"decode"}


def test_many_loops_are_put_together_by_their_tokens_and_time() -> None:
    long = looped(1000, seconds=0.1)

    found = windows([launch(0, (), sustained=long)], DECODING)

    assert len(found) <= WINDOWS
    # Nine loops a window: tokens of nine over the time of nine, not a mean of rates.
    assert found[0].tok_s == pytest.approx(9 * 4 / (sum(long.wall_ns[:9]) / SECOND))
    assert found[-1].at_s < 0.1 * sum(1 + n / 100 for n in range(1000))


def test_a_launch_that_did_not_loop_has_none() -> None:
    assert windows([launch(0, ())], DECODING) == ()
