"""From two records to evidence, and what is decided before any figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.analysis import checking, gate, gate_evidence
from edgebench.analysis.compare_reading import samples_of
from edgebench.analysis.gate_launches import Launches
from edgebench.analysis.gate_merging import merge
from edgebench.schema.result import CellResult, Result
from tests.gating.makers import STEPS_MS, THRESHOLD, gathered, record, slower, unverifiable
from tests.results_maker import DEVICE, cell, decode_launches, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.compare_samples import Sample


def test_records_are_confirmed_by_their_other_half() -> None:
    once = gathered(record(), record(*slower(1.2)[:4], *STEPS_MS[4:]))
    twice = gathered(record(), record(*slower(1.2)))

    assert [j.verdict for j in gate.judge(once.evidence, THRESHOLD)] != ["fail"]
    assert [j.verdict for j in gate.judge(twice.evidence, THRESHOLD)] == ["fail"]


def test_fresh_pairs_confirm_and_are_not_mixed_with_the_first() -> None:
    material = gathered(record(), record(*slower(1.2)[:4], *STEPS_MS[4:]), first_rounds=4)

    (found,) = gate.judge(material.evidence, THRESHOLD)

    assert found.pairs == 4
    assert found.verdict == "warn"
    assert found.reason.endswith("which a second set did not confirm.")
    assert found.confirmation is not None
    assert found.confirmation.estimate == pytest.approx(1.0)


def test_a_wrong_head_fails_in_its_own_words() -> None:
    material = gathered(record(), record(status="failed"))

    (found,) = material.decided
    assert found.verdict == "fail"
    assert found.reason == "Head has no speed: its output is wrong. KL is 3."
    assert found.slowdown is None


def test_a_wrong_base_decides_nothing() -> None:
    (found,) = gathered(record(status="failed"), record()).decided
    assert found.verdict == "inconclusive"
    assert "base has no speed" in found.reason


def unverified() -> Result:
    return result(CellResult(cell=cell(), verification=None, launches=decode_launches(*STEPS_MS)))


def test_an_output_that_nobody_verified_is_not_called_wrong() -> None:
    (found,) = gathered(record(), unverified()).decided
    assert found.verdict == "inconclusive"
    assert found.reason == "cells.verification: head has no speed: its output was not verified."


def test_a_launch_that_was_wrong_outweighs_one_that_was_not_verified() -> None:
    merged = merge([unverified(), record(10, status="failed")], "0123abcd")
    (found,) = gathered(record(), merged).decided
    assert found.verdict == "fail"


def test_the_name_of_a_field_keeps_its_case() -> None:
    device = DEVICE.model_copy(update={"emulated": "qemu-aarch64"})
    (found,) = gathered(record(device=device), record(device=device)).decided
    assert found.reason.startswith("device.emulated: base ran on an emulated CPU")


def contended(sample: Sample, share: float) -> Sample:
    return sample._replace(contention=share)


@pytest.mark.parametrize(
    ("wish", "share", "expected"),
    [
        ("auto", 0.0, ("decode_tok_s",)),
        ("auto", 0.3, ("cpu_s_per_token",)),
        ("wall", 0.3, ("decode_tok_s",)),
        ("cpu", 0.0, ("cpu_s_per_token",)),
    ],
)
def test_cpu_time_is_judged_where_other_programs_ran(
    wish: gate_evidence.Wish, share: float, expected: Sequence[str]
) -> None:
    (sample,) = samples_of(record(), "a")
    found = gate_evidence.gated_metrics(sample, contended(sample, share), wish)
    assert found == expected


def test_a_threshold_below_what_was_calibrated_is_refused() -> None:
    known = {("0" * 12, "decode_tok_s"): 0.08, ("0" * 12, "cpu_s_per_token"): 0.03}

    said = gate_evidence.too_fine(0.05, known, ["decode_tok_s"])  # type: ignore[arg-type]

    assert said is not None
    assert "5.0%" in said
    assert "8.0%" in said
    assert gate_evidence.too_fine(0.05, known, ["cpu_s_per_token"]) is None  # type: ignore[arg-type]


@given(st.dictionaries(st.integers(0, 30), st.floats(0.5, 2), min_size=4), st.booleans())
def test_halves_share_no_launch_and_lose_none(base: dict[int, float], in_turns: bool) -> None:
    first, second = Launches(base, base, in_turns).halves()
    assert {*first.base} | {*second.base} == {*base}
    assert not {*first.base} & {*second.base}
    assert abs(len(first.base) - len(second.base)) <= 1


def test_merged_launches_are_a_sound_record_and_pairs() -> None:
    rounds = [record(ms) for ms in STEPS_MS]

    base, head = (merge(rounds, "0123abcd") for _ in range(2))

    assert list(checking.problems(base)) == []
    assert [launch.round for launch in base.cells[0].launches] == list(range(8))
    assert gathered(base, head).evidence[0].pairs == 8


def test_one_launch_that_was_wrong_makes_the_side_wrong() -> None:
    merged = merge([record(10), record(10, status="failed"), record(10)], "0123abcd")
    (found,) = gathered(record(), merged).decided
    assert found.verdict == "fail"


@pytest.mark.parametrize(("name", "place"), [("Base", 0), ("Head", 1)])
def test_one_side_that_could_not_be_verified_never_passes(name: str, place: int) -> None:
    records = [record(), record(*STEPS_MS[::-1])]
    records[place] = unverifiable(*STEPS_MS[2:], *STEPS_MS[:2])

    (decided,) = gathered(*records).decided

    assert decided.verdict == "inconclusive"
    assert decided.reason == f"{name} alone could not be verified: A graph of others."
