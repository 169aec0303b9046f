"""The statistics of `compare` and `gate` on launches that a noisy machine really made.

tests/traces/aa-*.json.gz was recorded by scripts/record_aa.py while other programs ran. A trial is
a window of consecutive rounds at a random place, and a coin per round says which of two equal arms
is called head, as the order of a real schedule is drawn. Windows overlap, so rates are of this one
trace; `b` is the arm with 44 decode steps counted as 40.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from edgebench.analysis import gate, gate_evidence, stats
from edgebench.analysis.compare import compare
from edgebench.analysis.compare_reading import samples_of
from edgebench.analysis.compare_samples import Sample, SideSamples
from edgebench.schema.result import CellResult
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.comparison import Comparison, Metric

PAIRS = 20
TRIALS = 1000
ALLOWED_FALSE = 0.05
NEEDED_FOUND = 0.90
NEEDED_FAILED = 0.80
(TRACE,) = (Path(__file__).parent / "traces").glob("aa-*.json.gz")
METRICS: tuple[Metric, ...] = ("decode_tok_s", "cpu_s_per_token", "load_s", "peak_rss_bytes")
Launch = dict[str, float]


class Round(NamedTuple):
    a1: dict[Metric, float]
    a2: dict[Metric, float]
    b: dict[Metric, float]


@pytest.fixture(scope="module")
def rounds() -> list[Round]:
    trace = json.loads(gzip.decompress(TRACE.read_bytes()))
    launches = [dict(zip(trace["columns"], row, strict=True)) for row in trace["launches"]]
    arms: dict[int, dict[str, dict[Metric, float]]] = {}
    for one in launches:
        arms.setdefault(one["round"], {})[one["arm"]] = _figures(one, trace["tokens"])
    return [Round(**each) for _, each in sorted(arms.items()) if len(each) == 3]


def _figures(launch: Launch, tokens: int) -> dict[Metric, float]:
    return {
        "decode_tok_s": tokens * 1e9 / launch["decode_ns"],
        "cpu_s_per_token": launch["cpu_s"] / tokens,
        "load_s": launch["load_ns"] / 1e9,
        "peak_rss_bytes": launch["peak_rss_bytes"],
    }


@pytest.fixture(scope="module")
def blank() -> Sample:
    entry = CellResult(cell=cell(), verification=verification(), launches=decode_launches(1, 1))
    (sample,) = samples_of(result(entry), "trace")
    return sample


def _side(blank: Sample, name: str, launches: list[dict[Metric, float]]) -> SideSamples:
    values = {metric: dict(enumerate(each[metric] for each in launches)) for metric in METRICS}
    return SideSamples(
        name, 1, (blank._replace(values=values, run_id="0123abcd", launches=frozenset()),), {}
    )


def compared(
    blank: Sample, base: list[dict[Metric, float]], head: list[dict[Metric, float]]
) -> Comparison:
    return compare([_side(blank, "base", base), _side(blank, "head", head)])


def _windows(rounds: list[Round], length: int, rng: random.Random) -> Iterator[list[Round]]:
    for _ in range(TRIALS):
        start = rng.randrange(len(rounds) - length + 1)
        yield rounds[start : start + length]


def test_the_trace_is_long_and_was_recorded_on_a_noisy_machine(rounds: list[Round]) -> None:
    speeds = [each.a1["decode_tok_s"] for each in rounds]
    assert len(rounds) >= 200
    assert statistics.stdev(speeds) / statistics.fmean(speeds) > 0.1


def test_a_program_against_itself_is_called_different_in_one_of_twenty_at_most(
    rounds: list[Round], blank: Sample
) -> None:
    rng = random.Random(1)
    different = 0
    for window in _windows(rounds, PAIRS, rng):
        coins = [rng.random() < 0.5 for _ in window]
        base, head = (
            [
                each.a1 if coin == heads else each.a2
                for each, coin in zip(window, coins, strict=True)
            ]
            for heads in (True, False)
        )
        found = compared(blank, base, head)
        different += any(each.finding in ("better", "worse") for each in found.differences)

    assert different / TRIALS <= ALLOWED_FALSE


def test_launches_in_separate_blocks_would_not_hold_that(rounds: list[Round]) -> None:
    """Why `gate` takes turns, and why `compare` says so of two separate sessions."""
    arms = [each.a1["cpu_s_per_token"] for each in rounds]
    starts = range(len(arms) - 2 * PAIRS + 1)
    blocks = [(arms[at : at + PAIRS], arms[at + PAIRS : at + 2 * PAIRS]) for at in starts]
    tested = [stats.unpaired(base, head) for base, head in blocks]
    different = [each.p_two_sided() < 0.05 for each in tested if each]
    assert statistics.fmean(different) > ALLOWED_FALSE


@pytest.mark.parametrize("difference", ["recorded", "injected"])
def test_ten_per_cent_more_cpu_time_is_found_with_twenty_pairs(
    rounds: list[Round], blank: Sample, difference: str
) -> None:
    """`recorded`: the arm with a tenth more steps. `injected`: an equal arm times exactly 1.1."""
    found = 0
    for window in _windows(rounds, PAIRS, random.Random(2)):
        more = [
            each.b
            if difference == "recorded"
            else {**each.a2, "cpu_s_per_token": 1.1 * each.a2["cpu_s_per_token"]}
            for each in window
        ]
        differences = compared(blank, [each.a1 for each in window], more).differences
        found += {d.metric: d.finding for d in differences}["cpu_s_per_token"] == "worse"

    assert found / TRIALS >= NEEDED_FOUND


def _gated(blank: Sample, window: list[Round], arm: str) -> str:
    (base,) = _side(blank, "base", [each.a1 for each in window]).samples
    (head,) = _side(blank, "head", [getattr(each, arm) for each in window]).samples
    material = gate_evidence.gather([base], [head], wish="cpu", detectable={}, first_rounds=PAIRS)
    (judged,) = gate.judge(material.evidence, threshold=0.05)
    return judged.verdict


def test_the_gate_shows_a_tenth_more_work_and_never_fails_the_same_work(
    rounds: list[Round], blank: Sample
) -> None:
    windows = list(_windows(rounds, 2 * PAIRS, random.Random(3)))[:200]

    on_more = [_gated(blank, window, "b") for window in windows]
    on_same = [_gated(blank, window, "a2") for window in windows]

    assert set(on_more) <= {"fail", "warn"}, "a slowdown shows every time"
    assert on_more.count("fail") / len(windows) >= NEEDED_FAILED, "and is mostly confirmed"
    assert on_same.count("fail") == 0


def test_what_calibrating_promises_is_what_the_trace_shows(rounds: list[Round]) -> None:
    """A slowdown of the size called detectable is found about as often as promised."""
    rng = random.Random(4)
    found = []
    for window in _windows(rounds, PAIRS, rng):
        base, head = ([each[i]["cpu_s_per_token"] for each in window] for i in (0, 1))
        quiet = stats.paired(base, head)
        assert quiet is not None
        shift = math.log(stats.detectable_ratio(quiet, 0.9))
        coin = quiet.estimate * rng.choice((-1, 1))
        found.append(quiet._replace(estimate=coin + shift).p_two_sided() < 0.05)
    assert statistics.fmean(found) >= 0.8
