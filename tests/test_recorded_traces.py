"""The statistics of `compare` and `gate` on launches that a noisy machine really made.

tests/traces/aa-*.json.gz was recorded by scripts/record_aa.py while other programs ran. A trial is
a window of consecutive rounds at a random place, and a coin per round says which of two equal arms
is called head, as the order of a real schedule is drawn. Windows overlap, so rates are of this one
trace; `b` is the arm with 44 decode steps counted as 40.
"""

from __future__ import annotations

import math
import random
import statistics
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import gate, gate_evidence, stats
from tests import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.recorded import Arms

PAIRS = 20
TRIALS = 1000
ALLOWED_FALSE = 0.05
NEEDED_FOUND = 0.90
NEEDED_FAILED = 0.80


@pytest.fixture(scope="module")
def rounds() -> list[Arms]:
    return [arms for arms in recorded.rounds(recorded.trace("aa")) if len(arms) == 3]


def _windows(rounds: list[Arms], length: int, rng: random.Random) -> Iterator[list[Arms]]:
    for _ in range(TRIALS):
        start = rng.randrange(len(rounds) - length + 1)
        yield rounds[start : start + length]


def test_the_trace_is_long_and_was_recorded_on_a_noisy_machine(rounds: list[Arms]) -> None:
    speeds = [each["a1"]["decode_tok_s"] for each in rounds]
    assert len(rounds) >= 200
    assert statistics.stdev(speeds) / statistics.fmean(speeds) > 0.1


def test_a_program_against_itself_is_called_different_in_one_of_twenty_at_most(
    rounds: list[Arms],
) -> None:
    rng = random.Random(1)
    different = 0
    for window in _windows(rounds, PAIRS, rng):
        coins = [rng.random() < 0.5 for _ in window]
        base, head = (
            [
                each["a1"] if coin == heads else each["a2"]
                for each, coin in zip(window, coins, strict=True)
            ]
            for heads in (True, False)
        )
        different += recorded.called_different(base, head)

    assert different / TRIALS <= ALLOWED_FALSE


def test_launches_in_separate_blocks_would_not_hold_that(rounds: list[Arms]) -> None:
    """Why `gate` takes turns, and why `compare` says so of two separate sessions."""
    arms = [each["a1"]["cpu_s_per_token"] for each in rounds]
    starts = range(len(arms) - 2 * PAIRS + 1)
    blocks = [(arms[at : at + PAIRS], arms[at + PAIRS : at + 2 * PAIRS]) for at in starts]
    tested = [stats.unpaired(base, head) for base, head in blocks]
    different = [each.p_two_sided() < 0.05 for each in tested if each]
    assert statistics.fmean(different) > ALLOWED_FALSE


@pytest.mark.parametrize("difference", ["recorded", "injected"])
def test_ten_per_cent_more_cpu_time_is_found_with_twenty_pairs(
    rounds: list[Arms], difference: str
) -> None:
    """`recorded`: the arm with a tenth more steps. `injected`: an equal arm times exactly 1.1."""
    found = 0
    for window in _windows(rounds, PAIRS, random.Random(2)):
        more = [
            each["b"]
            if difference == "recorded"
            else {**each["a2"], "cpu_s_per_token": 1.1 * each["a2"]["cpu_s_per_token"]}
            for each in window
        ]
        base = [each["a1"] for each in window]
        found += recorded.findings(base, more)["cpu_s_per_token"] == "worse"

    assert found / TRIALS >= NEEDED_FOUND


def _gated(window: list[Arms], arm: str) -> str:
    (base,) = recorded.side("base", [each["a1"] for each in window]).samples
    (head,) = recorded.side("head", [each[arm] for each in window]).samples
    material = gate_evidence.gather([base], [head], wish="cpu", detectable={}, first_rounds=PAIRS)
    (judged,) = gate.judge(material.evidence, threshold=0.05)
    return judged.verdict


def test_the_gate_shows_a_tenth_more_work_and_never_fails_the_same_work(rounds: list[Arms]) -> None:
    windows = list(_windows(rounds, 2 * PAIRS, random.Random(3)))[:200]

    on_more = [_gated(window, "b") for window in windows]
    on_same = [_gated(window, "a2") for window in windows]

    assert set(on_more) <= {"fail", "warn"}, "a slowdown shows every time"
    assert on_more.count("fail") / len(windows) >= NEEDED_FAILED, "and is mostly confirmed"
    assert on_same.count("fail") == 0


def test_what_calibrating_promises_is_what_the_trace_shows(rounds: list[Arms]) -> None:
    """A slowdown of the size called detectable is found about as often as promised."""
    rng = random.Random(4)
    found = []
    for window in _windows(rounds, PAIRS, rng):
        base, head = ([each[arm]["cpu_s_per_token"] for each in window] for arm in ("a1", "a2"))
        quiet = stats.paired(base, head)
        assert quiet is not None
        shift = math.log(stats.detectable_ratio(quiet, 0.9))
        coin = quiet.estimate * rng.choice((-1, 1))
        found.append(quiet._replace(estimate=coin + shift).p_two_sided() < 0.05)
    assert statistics.fmean(found) >= 0.8
