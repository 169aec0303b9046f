"""What a machine can show, and a gate that asks for finer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.cli import gating
from edgebench.errors import BadInput, Interrupted
from tests.gating.makers import STEPS_MS, THRESHOLD
from tests.gating.played import RULES, SIDES, Played, limits

if TYPE_CHECKING:
    from pathlib import Path


def test_an_interrupted_calibration_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    played = Played(tmp_path, interrupted_at=9, a=STEPS_MS, b=STEPS_MS[::-1])

    with pytest.raises(Interrupted, match=r"after 4 pairs of 8\..*nothing is kept"):
        gating.calibrate(SIDES[0], limits(), played.world())

    assert not (tmp_path / "calibration").exists()


def test_a_calibration_without_scatter_is_not_kept(tmp_path: Path) -> None:
    said: list[str] = []
    world = Played(tmp_path, a=STEPS_MS, b=STEPS_MS).world()._replace(say=said.append)

    assert gating.calibrate(SIDES[0], limits(), world) == []

    assert any("decode_tok_s: no scatter was seen" in line for line in said)
    assert not (tmp_path / "calibration").exists()


def test_what_was_calibrated_refuses_a_finer_gate_at_once(tmp_path: Path) -> None:
    noisy = tuple(
        ms * f for ms, f in zip(STEPS_MS, (1, 1.3, 0.8, 1.2, 0.9, 1, 1.3, 0.7), strict=True)
    )
    played = Played(tmp_path, a=STEPS_MS, b=noisy, base=STEPS_MS, head=STEPS_MS)

    (found,) = gating.calibrate(SIDES[0], limits(), played.world())
    assert found.pairs == 8
    assert found.metrics["decode_tok_s"].smallest > THRESHOLD
    played.launched.clear()
    with pytest.raises(BadInput, match="finer than what this machine can show"):
        gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert len(played.launched) == 2
    coarse = RULES._replace(threshold=0.9)
    assert (
        gating.judge_in_turns(SIDES, coarse, limits(), tmp_path, played.world()).verdict == "pass"
    )


def test_a_quiet_machine_shows_smaller_slowdowns(tmp_path: Path) -> None:
    def smallest(spread: float) -> float:
        b = tuple(ms * (1 + spread * (-1) ** i) for i, ms in enumerate(STEPS_MS))
        (found,) = gating.calibrate(SIDES[0], limits(), Played(tmp_path, a=STEPS_MS, b=b).world())
        return found.metrics["decode_tok_s"].smallest

    assert smallest(0.01) < smallest(0.05) < smallest(0.2)
