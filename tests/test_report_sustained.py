"""Long runs as windows that a plot can show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.report_reading import read
from edgebench.analysis.report_sustained import WINDOWS, longest, windows
from edgebench.schema.result import CellResult
from edgebench.schema.sustained import Conditions, Sustained
from edgebench.schema.workload import parse_workloads
from tests import report_maker as maker
from tests.looping.makers import SECOND, looped
from tests.results_maker import cell, launch, result, verification

if TYPE_CHECKING:
    from pathlib import Path

(DECODING,) = parse_workloads("tg4")


def climbing(loops: int, *, seconds: float = 1.0, asked_s: float = 600.0) -> Sustained:
    """Loops of four tokens, each taking a little longer than the one before."""
    took = [round(seconds * SECOND * (1 + place / 100)) for place in range(loops)]
    conditions = Conditions(
        times_ns=(5 * SECOND, 7 * SECOND), temperature_c=(40.0, 60.0), frequency_khz=None,
        throttle_count=None, cooling_state=None, firmware_throttled=None,
    )  # fmt: skip
    started = tuple(5 * SECOND + sum(took[:place]) for place in range(loops))
    return looped(
        took, asked_s=asked_s, started_ns=started, wall_ns=tuple(took), prefill_ns=None,
        conditions=conditions,
    )  # fmt: skip


def test_each_loop_is_a_window_where_there_are_few() -> None:
    found = windows(climbing(4), DECODING)

    assert [each.tok_s for each in found] == pytest.approx([4 / (1 + n / 100) for n in range(4)])
    assert [each.at_s for each in found] == pytest.approx([0.5, 1.505, 2.52, 3.545])
    assert [each.temperature_c for each in found] == [40.0, 40.0, 60.0, 60.0]
    assert {each.phase for each in found} == {"decode"}


def test_many_loops_are_put_together_by_their_tokens_and_time() -> None:
    long = climbing(1000, seconds=0.1)

    found = windows(long, DECODING)

    assert len(found) <= WINDOWS
    # Nine loops a window: tokens of nine over the time of nine, not a mean of rates.
    assert found[0].tok_s == pytest.approx(9 * 4 / (sum(long.wall_ns[:9]) / SECOND))
    assert found[-1].at_s < 0.1 * sum(1 + n / 100 for n in range(1000))


def test_a_launch_that_did_not_loop_has_none() -> None:
    assert windows(longest([launch(0, ())]), DECODING) == ()


def session(folder: Path, day: int, *runs: Sustained) -> None:
    """A record of that day in which the same cell looped."""
    launches = tuple(launch(number, (), sustained=each) for number, each in enumerate(runs))
    entry = CellResult(cell=cell("tg4"), verification=verification(), launches=launches)
    started = f"2026-01-{day:02}T00:00:00.000Z"
    maker.write(folder, f"{day}.json", result(entry, started_utc=started))


def test_of_one_cell_the_longest_run_is_shown_however_new_a_shorter_one_is(tmp_path: Path) -> None:
    session(tmp_path, 1, climbing(30))
    session(tmp_path, 2, climbing(40), climbing(4))
    session(tmp_path, 3, climbing(10))

    found = read([tmp_path])

    (row,) = found.cells
    assert (row.source, len(row.sustained)) == ("2.json", 40)
    assert found.older == 2


def test_of_runs_as_long_as_was_asked_the_newest_is_shown(tmp_path: Path) -> None:
    session(tmp_path, 1, climbing(40, asked_s=20.0))
    session(tmp_path, 2, climbing(30, asked_s=20.0))

    (row,) = read([tmp_path]).cells

    assert (row.source, row.looped_s, row.settings) == ("2.json", 20.0, "looped 20 s")


def test_a_run_that_was_interrupted_says_how_long_it_was(tmp_path: Path) -> None:
    session(tmp_path, 1, climbing(2))
    (row,) = read([tmp_path]).cells
    assert row.settings == "looped 2 s"
