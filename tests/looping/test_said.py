"""What is said of a looped cell: its table, its warnings, its figures."""

from __future__ import annotations

from typing import Any

import pytest

from edgebench.analysis import checking, metrics
from edgebench.analysis.notes import notes
from edgebench.report import sustained as sustained_table
from tests.conftest import golden
from tests.looping.makers import SECOND, heated, looped, of
from tests.results_maker import result


def test_the_table_of_a_board_that_gets_hot() -> None:
    golden("sustained.txt", sustained_table.render(result(of(heated()))))


def test_a_fall_is_a_warning_and_answers_that_change_are_one() -> None:
    changed = heated().model_copy(update={"other_outputs": 2})

    named = {each.name: each.message for each in notes(result(of(changed)))}

    assert "decode ended at" in named["slowed_down"]
    assert "2 loops gave other greedy tokens" in named["outputs_differ"]


def test_several_launches_give_an_interval_over_launches() -> None:
    entry = of(heated(), heated(), heated())

    found = metrics.summarize(entry).sustained

    assert found is not None
    assert found.decode is not None
    assert found.decode.unit == "launches"
    assert found.decode.low == found.decode.high, "three equal launches"


def test_a_cell_that_was_looped_shows_the_median_of_its_loops_as_speed() -> None:
    found = metrics.summarize(of(looped([SECOND] * 3 + [2 * SECOND]))).decode_tok_s

    assert found is not None
    assert found.estimate == pytest.approx(4.0)
    assert found.launches == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"wall_ns": (1,)}, "wall_ns: one place per loop"),
        ({"decode_ns": None}, "decode_ns: does not fit the workload"),
        ({"started_ns": (0, 5)}, "started_ns: loops overlap"),
    ],
)
def test_check_sees_arrays_that_cannot_be(fields: dict[str, Any], problem: str) -> None:
    wrong = looped([SECOND, SECOND]).model_copy(update=fields)

    found = list(checking.contradictions(result(of(looped([SECOND]))))) + list(
        checking.contradictions(
            result(of(looped([SECOND]))).model_copy(update={"cells": (of(wrong),)})
        )
    )

    assert any(problem in each for each in found), found
