from __future__ import annotations

import random

from edgebench.measure.schedule import Budget, shuffled, still_alive, why_stop
from edgebench.schema.result import Cell, CellResult, Failure, Launch, Options
from edgebench.schema.workload import parse_workloads

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
    assert why_stop(BUDGET, 4, [0.001, 0.001], 1) is None
    assert why_stop(BUDGET, 5, [0.001, 0.019], 1) == "precision"
    assert why_stop(BUDGET, 5, [0.001, 0.021], 1) is None
    assert why_stop(BUDGET, 5, [0.001, None], 1) is None


def test_it_stops_at_the_limits() -> None:
    assert why_stop(BUDGET, 20, [0.5], 1) == "launches"
    assert why_stop(BUDGET, 2, [0.5], 60) == "max_time"
    assert why_stop(BUDGET, 2, [], 1) == "failed"


def test_a_cell_that_does_not_fit_is_not_tried_again() -> None:
    entry = CellResult(cell=cells(1)[0], verification=None, launches=())
    assert still_alive(entry)
    assert not still_alive(entry.model_copy(update={"launches": (failed_launch("out_of_memory"),)}))
    assert still_alive(entry.model_copy(update={"launches": (failed_launch("crashed"),)}))
    twice = (failed_launch("crashed"), failed_launch("killed"))
    assert not still_alive(entry.model_copy(update={"launches": twice}))
