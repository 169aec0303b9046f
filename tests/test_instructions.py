"""Counting, with a stand-in for the emulator's plugin: it appends what it is told to."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgebench.analysis import instructions as per_token
from edgebench.backends import EngineError
from edgebench.measure import instructions
from edgebench.measure.instructions import CLASSES, Counting
from edgebench.report import instructions as table
from edgebench.schema.launch import InstructionCount, Instructions
from scripts.arm import repeatable
from tests.results_maker import count, counted_cell, result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.backends import Logits


class Plays:
    """A session that does nothing, and the emulator that counts what it does."""

    kv_cache_bytes = None

    def __init__(self, marks: Path) -> None:
        self.marks, self.executed = marks, 0

    def mark(self) -> None:
        with self.marks.open("ab") as stream:
            stream.write(struct.pack(f"={len(CLASSES)}Q", *[self.executed] * len(CLASSES)))

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        self.executed += 100 * len(tokens)
        return np.zeros((len(tokens), 4) if every else 4, np.float32)

    def decode(self, tokens: Sequence[int]) -> Logits:
        self.executed += 7
        return np.zeros((len(tokens), 4), np.float32)

    def reset(self) -> None:
        self.executed += 10_000

    def tokenize(self, text: str) -> list[int]:
        raise NotImplementedError

    def dispatched(self) -> Any:
        raise NotImplementedError


@pytest.fixture
def plays(tmp_path: Path) -> Plays:
    return Plays(tmp_path / "marks")


def test_each_call_is_counted_and_nothing_between_them(plays: Plays) -> None:
    counted = Counting(plays, plays.marks, plays.mark)
    for _ in range(2):
        counted.reset()
        counted.prefill([1, 2, 3])
        plays.executed += 5
        counted.decode([4])
        counted.decode([5])

        taken = counted.taken(with_prompt=True)

        assert taken["prefill"] == dict.fromkeys(CLASSES, 300)
        assert taken["steps"] == [dict.fromkeys(CLASSES, 7)] * 2


def test_filling_the_cache_to_a_depth_is_nobodys_prompt(plays: Plays) -> None:
    counted = Counting(plays, plays.marks, plays.mark)
    counted.prefill([1] * 9)
    counted.decode([4])
    assert counted.taken(with_prompt=False)["prefill"] is None

    counted.prefill([1] * 9)
    counted.prefill([1])
    assert counted.taken(with_prompt=True) == {"prefill": dict.fromkeys(CLASSES, 100), "steps": []}


def test_decoding_from_the_start_counts_the_first_token_too(plays: Plays) -> None:
    counted = Counting(plays, plays.marks, plays.mark)
    counted.decode([4])
    counted.decode([5])

    assert len(counted.taken(with_prompt=False)["steps"]) == 2


def test_an_emulator_that_does_not_count_is_an_error_not_a_zero(plays: Plays) -> None:
    silent = Counting(plays, plays.marks, lambda: None)
    silent.decode([1])

    with pytest.raises(EngineError, match="nothing counts"):
        silent.taken(with_prompt=False)


def test_nothing_is_counted_unless_asked_for(plays: Plays, tmp_path: Path) -> None:
    assert instructions.counting(plays, {}) is None
    assert instructions.counting(plays, {"EDGEBENCH_INSTRUCTIONS": str(tmp_path)}) is not None


@given(st.binary(max_size=500))
@example(marks=bytes(8 * len(CLASSES)))
def test_a_broken_file_of_counts_is_refused_or_read_in_pairs(marks: bytes) -> None:
    pair = 2 * 8 * len(CLASSES)
    if len(marks) % pair:
        with pytest.raises(EngineError, match="incomplete"):
            instructions.between(marks)
    else:
        assert len(instructions.between(marks)) == len(marks) // pair


def test_the_classes_of_the_plugin_are_those_of_the_record() -> None:
    assert tuple(InstructionCount.model_fields) == CLASSES


def test_counts_are_given_per_token_without_the_warm_up() -> None:
    made = counted_cell(30_000_000, 32_000_000, 34_000_000)

    prompt, output = per_token.per_prompt_token(made), per_token.per_output_token(made)

    assert prompt is not None
    assert output is not None
    assert prompt["total"] == pytest.approx(64_000_000)
    assert output["total"] == pytest.approx(32_000_000)


def test_sequences_that_advance_together_share_what_was_executed() -> None:
    made = counted_cell(30_000_000)
    workload = made.cell.workload.model_copy(update={"sequences": 2})
    both = made.model_copy(update={"cell": made.cell.model_copy(update={"workload": workload})})

    prompt, output = per_token.per_prompt_token(both), per_token.per_output_token(both)

    assert prompt is not None
    assert output is not None
    assert (prompt["total"], output["total"]) == (30_000_000, 15_000_000)


def test_a_first_step_that_builds_a_graph_is_not_what_a_token_takes() -> None:
    made = counted_cell(30_000_000)
    (only,) = made.launches
    first, *others = (count(33_000_000, dot_product=5), *[count(30_000_000, dot_product=8)] * 3)
    told = Instructions(prefill=None, steps=(first, *others))
    timed = only.trials[1].model_copy(update={"instructions": told})
    entry = made.model_copy(update={"launches": (only.model_copy(update={"trials": (timed,)}),)})

    output = per_token.per_output_token(entry)

    assert output is not None
    assert (output["total"], output["dot_product"]) == (30_000_000, 8)
    assert per_token.per_prompt_token(entry) is None


def test_wrong_output_shows_no_counts_either() -> None:
    assert per_token.per_output_token(counted_cell(30_000_000, status="failed")) is None
    assert table.render(result(counted_cell(30_000_000, status="failed"))) == ""


def test_counts_stand_in_a_table_of_their_own() -> None:
    shown = table.render(result(counted_cell(30_650_000)))

    figures = [line.split()[-9:-7] for line in shown.splitlines() if "armv8.2_1" in line]
    assert figures == [["61.30", "61.30"], ["30.65", "30.65"]]
    assert table.render(result()) == ""


def test_launches_must_agree_within_a_thousandth() -> None:
    device = result().device.model_copy(update={"emulated": "qemu"})

    def problems(*totals: int) -> list[str]:
        made = result(counted_cell(*totals), device=device)
        return list(repeatable.problems(made, counted=True))

    assert problems(30_000_000, 30_020_000) == []
    assert "differ by 0.20%" in problems(30_000_000, 30_060_000)[0]
    assert "not counted twice" in problems(30_000_000)[0]


def test_a_record_of_emulation_that_is_not_verified_or_not_marked_is_a_problem() -> None:
    found = list(repeatable.problems(result(counted_cell(1, status="failed")), counted=False))

    assert found[0] == "The record does not say that it was emulated."
    assert found[1].endswith("not verified.")
