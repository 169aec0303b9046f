"""Engines of earlier years: what is decided about their builds and outputs without building any."""

from __future__ import annotations

import subprocess
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from edgebench.errors import FileUnavailable
from edgebench.measure.experiments import engine_history, history_builds
from edgebench.measure.experiments.history_builds import RELEASES, Release

if TYPE_CHECKING:
    from pathlib import Path

OLD = Release("0.2.6", "2023-09-15", "a" * 64)
NEW = Release("0.3.35", "2026-08-17", "b" * 64)
LOGITS = [0.5, -1.0, 2.0, 0.1]


class World(NamedTuple):
    """As much of a world as decides which releases are measured."""

    level: str
    settings: dict[str, Any]
    cache: Path


def said(logits: list[float]) -> dict[str, Any]:
    return {
        "prefill_tok_s": 90.0, "decode_tok_s": 11.0, "waited_share": 0.0, "logits": logits,
    }  # fmt: skip


def test_releases_span_years_and_are_pinned() -> None:
    days = [date.fromisoformat(each.date) for each in RELEASES]
    assert len(RELEASES) >= 5
    assert days == sorted(set(days))
    assert (days[-1] - days[0]).days > 2 * 365
    assert all(len(each.sha256) == 64 for each in RELEASES)


def test_at_smoke_level_only_what_was_built_before_is_measured(tmp_path: Path) -> None:
    kind = engine_history.EngineHistory()
    world: Any = World("smoke", {}, tmp_path)
    reason = kind.why_not(world) or ""
    assert "must be built here, and none is (0.2.6, 0.2.56, 0.3.1, 0.3.9, " in reason
    assert "edgebench claims run cost-decline --level full" in reason

    for number, release in enumerate(RELEASES[:2], 1):
        folder = history_builds.folder(tmp_path, release)
        folder.mkdir(parents=True)
        (folder / "built-by-edgebench").touch()
        reason = kind.why_not(world) or ""
        assert ("and 1 is (0.2.56, 0.3.1, 0.3.9, " in reason) is (number == 1)
    assert kind.why_not(world) is None
    assert kind.why_not(world._replace(level="full", cache=tmp_path / "empty")) is None


def test_an_engine_that_says_what_the_newest_says_shows_its_speed() -> None:
    newest = said(LOGITS)
    point = engine_history._point(OLD, said([x + 0.001 for x in LOGITS]), newest)
    assert point.verified
    assert point.values["prefill_tok_s"] == 90.0
    assert engine_history._point(NEW, newest, newest).verified


def test_an_engine_that_says_something_else_is_wrong_however_fast() -> None:
    point = engine_history._point(OLD, said([1.0, 1.0, -1.0, 3.0]), said(LOGITS))
    assert point.verified is False
    assert point.why


def test_an_engine_that_said_nothing_has_no_figures_and_a_reason() -> None:
    point = engine_history._point(OLD, {"why": "status 1"}, said(LOGITS))
    assert (point.why, set(point.values.values())) == ("status 1", {None})


@pytest.mark.parametrize("bad", [[float("nan")] * 4, [1.0] * 4])
def test_logits_that_are_not_finite_or_all_alike_agree_with_nothing(bad: list[float]) -> None:
    assert engine_history.correlation(LOGITS, bad) == 0.0


def test_a_build_that_fails_says_why_and_is_not_taken_for_built(tmp_path: Path) -> None:
    def refuse(command: list[str], **_more: Any) -> subprocess.CompletedProcess[str]:
        assert "--require-hashes" in command
        return subprocess.CompletedProcess(command, 1, "", "note\nERROR: no index\n")

    with pytest.raises(FileUnavailable, match="no index"):
        history_builds.build(tmp_path, OLD, lambda _text: None, run=refuse)
    assert not history_builds.is_built(tmp_path, OLD)
