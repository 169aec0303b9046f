"""Base and head measured in turns, and what an interruption keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench import files
from edgebench.analysis import checking
from edgebench.cli import gating
from edgebench.errors import Interrupted
from edgebench.schema.result import Result
from tests.gating.makers import STEPS_MS, slower
from tests.gating.played import RULES, SIDES, Played, limits

if TYPE_CHECKING:
    from pathlib import Path


def test_a_slowdown_is_measured_again_and_fails(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=slower(1.2))

    found = gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert found.verdict == "fail"
    assert len(played.launched) == 2 * 8 * 2
    assert found.head == "--file=new.gguf", "reports are made to be shared"
    assert {each.problem for each in checking.check([tmp_path / "gate"])} == {None}


def test_no_slowdown_is_not_measured_again(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=STEPS_MS[::-1])

    found = gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert found.verdict == "pass"
    assert len(played.launched) == 8 * 2


def test_every_pair_has_an_order_of_its_own(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=STEPS_MS)

    gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    pairs = [tuple(played.launched[i : i + 2]) for i in range(0, 16, 2)]
    assert {frozenset(pair) for pair in pairs} == {frozenset({"base", "head"})}
    assert len(set(pairs)) == 2, "sometimes head is first"


def test_time_that_runs_out_leaves_fewer_pairs_and_says_so(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=slower(1.2))

    found = gating.judge_in_turns(
        SIDES, RULES, limits(max_time_s=6), tmp_path / "gate", played.world()
    )

    assert len(played.launched) == 6
    assert found.verdict == "warn", "nothing confirmed it"
    assert "--max-time was spent after 3 pairs." in found.notes


def test_an_interrupted_gate_keeps_its_finished_pairs_and_says_where(tmp_path: Path) -> None:
    played = Played(tmp_path, interrupted_at=7, base=STEPS_MS, head=STEPS_MS)

    with pytest.raises(Interrupted, match="after 3 pairs") as said:
        gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    paths = sorted((tmp_path / "gate").iterdir())
    assert [path.name.partition("-")[2] for path in paths] == ["base.json", "head.json"]
    assert all(str(path) in str(said.value) for path in paths)
    kept = [files.read_json(path, Result) for path in paths]
    assert [len(each.cells[0].launches) for each in kept] == [3, 3]
    assert {each.schedule.stopped_because for each in kept} == {"interrupted"}
    assert {each.problem for each in checking.check([tmp_path / "gate"])} == {None}


def test_an_interruption_in_the_first_pair_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    played = Played(tmp_path, interrupted_at=1, base=STEPS_MS, head=STEPS_MS)

    with pytest.raises(Interrupted, match="Nothing is kept"):
        gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert not (tmp_path / "gate").exists()
