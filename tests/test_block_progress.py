"""Lines while an experiment's block goes on: not in silence, and not a line for every event."""

from __future__ import annotations

import io
from contextlib import nullcontext

from edgebench.report.block_progress import BlockLines
from edgebench.report.suite_progress import Pace


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def heard_every_second(lines: BlockLines, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now_s += 1
        lines.heard({"event": "stage"})


def test_a_long_block_says_now_and_then_how_far_it_is() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = BlockLines(stream, Pace(120.0), "pass-key", clock)
    lines.begin(2, 60.0)
    heard_every_second(lines, clock, 50)
    clock.now_s += 10
    lines.block_done(1, 2)
    heard_every_second(lines, clock, 20)

    assert stream.getvalue().splitlines() == [
        "  [0/2] pass-key: 20 s of about 1 min 00 s into the next block; "
        "about 1 min 40 s left in all",
        "  [0/2] pass-key: 40 s of about 1 min 00 s into the next block; "
        "about 1 min 20 s left in all",
        "  [1/2] pass-key: block done; about 1 min 00 s left in all",
        "  [1/2] pass-key: 20 s of about 1 min 00 s into the next block; about 40 s left in all",
    ]


def test_a_block_that_takes_longer_than_expected_owes_no_negative_time() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = BlockLines(stream, Pace(10.0), "lora", clock)
    lines.begin(1, 10.0)
    clock.now_s += 90
    lines.heard()
    assert "1 min 30 s of about 10 s into the next block; about 0 s left" in stream.getvalue()


def test_what_is_said_otherwise_is_a_sign_of_life_too() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = BlockLines(stream, Pace(10.0), "native-rungs", clock)
    heard_every_second(lines, clock, 15)
    lines.say("writing the weights")
    heard_every_second(lines, clock, 15)
    assert stream.getvalue() == "  writing the weights\n"
    heard_every_second(lines, clock, 5)
    assert stream.getvalue().endswith("  native-rungs: preparing for 35 s\n")


def test_turns_are_signs_of_life_where_a_program_of_its_own_is_measured() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = BlockLines(stream, Pace(600.0), "engine-history", clock)
    lines.begin(1, 600.0)
    with lines.hearing(nullcontext()):
        clock.now_s += 45
    assert stream.getvalue().startswith("  [0/1] engine-history: 45 s of about 10 min")
