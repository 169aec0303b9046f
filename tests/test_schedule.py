from __future__ import annotations

import random

from edgebench.measure.schedule import (
    Budget,
    Deadline,
    shuffled,
    still_alive,
    warmup_divisor,
    why_stop,
)
from edgebench.schema.cell import Cell, Options
from edgebench.schema.launch import Failure, Launch
from edgebench.schema.result import CellResult
from edgebench.schema.workload import parse_workloads
from tests.results_maker import launch, trial

BUDGET = Budget(precision=0.02, min_launches=5, max_launches=20, max_time_s=60)


def cells(count: int) -> list[Cell]:
    (workload,) = parse_workloads("tg4")
    return [
        Cell.of(file="a" * 64, backend="fake", isa="scripted", device="cpu", threads=n + 1,
                workload=workload, options=Options())
        for n in range(count)
    ]  # fmt: skip


def failed_launch(kind: str) -> Launch:
    failure = Failure.model_validate({"stage": "trial", "kind": kind, "message": "made"})
    return Launch(
        round=0,
        started_utc="2026-01-01T00:00:00Z",
        load_average=None,
        dispatch=None,
        load=None,
        memory=None,
        trials=(),
        failure=failure,
    )


def test_every_round_holds_every_cell_once_in_an_order_that_the_seed_fixes() -> None:
    given = cells(6)
    rng, same = random.Random(7), random.Random(7)

    rounds = [shuffled(given, rng) for _ in range(5)]

    assert rounds == [shuffled(given, same) for _ in range(5)]
    assert all({c.id for c in order} == {c.id for c in given} for order in rounds)
    assert len({tuple(c.id for c in order) for order in rounds}) > 1


def test_it_stops_when_every_interval_is_narrow_but_not_before_the_minimum() -> None:
    assert why_stop(BUDGET, 4, [0.001, 0.001], time_is_over=False) is None
    assert why_stop(BUDGET, 5, [0.001, 0.019], time_is_over=False) == "precision"
    assert why_stop(BUDGET, 5, [0.001, 0.021], time_is_over=False) is None
    assert why_stop(BUDGET, 5, [0.001, None], time_is_over=False) is None


def test_it_stops_at_the_limits() -> None:
    assert why_stop(BUDGET, 20, [0.5], time_is_over=False) == "launches"
    assert why_stop(BUDGET, 2, [0.5], time_is_over=True) == "max_time"
    assert why_stop(BUDGET, 2, [], time_is_over=False) == "failed"


def test_a_cell_that_does_not_fit_is_not_tried_again() -> None:
    entry = CellResult(cell=cells(1)[0], verification=None, launches=())
    assert still_alive(entry)
    assert not still_alive(entry.model_copy(update={"launches": (failed_launch("out_of_memory"),)}))
    assert still_alive(entry.model_copy(update={"launches": (failed_launch("crashed"),)}))
    twice = (failed_launch("crashed"), failed_launch("killed"))
    assert not still_alive(entry.model_copy(update={"launches": twice}))


def test_a_launch_that_would_end_too_late_is_not_begun() -> None:
    now = [0.0]
    deadline, (slow, quick, fresh) = Deadline(100.0, lambda: now[0]), cells(3)
    deadline.took(slow, 40.0)
    deadline.took(slow, 8.0)
    deadline.took(quick, 8.0)

    now[0] = 49.0
    assert deadline.has_room_for(slow), "the longest of it took 40 s, and a quarter may come to it"
    now[0] = 50.0
    assert not deadline.has_room_for(slow)
    assert deadline.has_room_for(quick)
    now[0] = 99.9
    assert deadline.has_room_for(fresh), "nothing is known of it"
    assert not deadline.passed()
    now[0] = 100.0
    assert deadline.passed()
    assert not deadline.has_room_for(fresh)


def test_later_warm_ups_of_a_slow_cell_are_short() -> None:
    def entry(seconds: float, **fields: int) -> CellResult:
        warm = trial(0, prefill_ns=None, step_ns=(round(seconds * 1e9),), **fields)
        return CellResult(cell=cells(1)[0], verification=None, launches=(launch(0, (warm,)),))

    assert warmup_divisor(CellResult(cell=cells(1)[0], verification=None, launches=())) == 1
    assert warmup_divisor(entry(0.9)) == 1
    assert warmup_divisor(entry(1.0)) == 8
    assert warmup_divisor(entry(1.0, divided_by=8)) == 1, "a short one does not say how long one is"
    assert warmup_divisor(entry(9.0).model_copy(update={"emulated": "qemu"})) == 1
