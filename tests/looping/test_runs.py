"""`run --sustain`: what is recorded, and what is kept when it ends early."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import checking, metrics
from tests.conftest import record_in
from tests.looping.makers import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench, Script


def test_a_looped_run_says_how_the_last_minute_compares_with_the_first(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(
        prefill_ns_per_token=1_000_000,
        step_ns=[5_000_000, 5_500_000],
        slows={"after_ns": 250 * SECOND, "by": 1.25},
    )

    done = edgebench("run", "--file", path, "--sustain", "10m", "--threads", "1")

    assert done.returncode == 0, done.stderr
    assert "looping fake scripted chat.v1" in done.stderr, "progress"
    kept = record_in(tmp_path)
    (launched,) = kept.cells[0].launches
    assert kept.cells[0].cell.workload.name == "chat.v1", "the default of --sustain"
    assert kept.schedule.sustain_s == 600
    assert [each.warmup for each in launched.trials] == [True]
    looped = launched.sustained
    assert looped is not None
    assert 600 <= (looped.started_ns[-1] + looped.wall_ns[-1] - looped.started_ns[0]) / 1e9 < 602
    summary = metrics.summarize(kept.cells[0]).sustained
    assert summary is not None
    for speed in (summary.prefill, summary.decode):
        assert speed is not None
        assert speed.last_over_first == pytest.approx(0.8, rel=0.01)
    assert "slowed_down: fake scripted 1t chat.v1: decode ended at 80%" in done.stdout
    assert edgebench("check", "results").returncode == 0


def test_wrong_answers_are_not_looped(edgebench: Edgebench, script: Script, tmp_path: Path) -> None:
    done = edgebench("run", "--file", script(wrong=True), "--sustain", "1m", "--threads", "1")

    assert "FAILED" in done.stdout
    assert not record_in(tmp_path).cells[0].launches


def test_a_worker_that_dies_leaves_its_loops(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(step_ns=[1_000_000], fail={"at": "decode", "how": "sigkill", "after_calls": 2000})

    edgebench("run", "--file", path, "--sustain", "10m", "--threads", "1", "--workload", "tg64")

    (launched,) = record_in(tmp_path).cells[0].launches
    assert launched.failure is not None
    assert launched.failure.kind == "killed"
    assert launched.sustained is not None
    assert len(launched.sustained.started_ns) == 30, "2000 / 64 = 31, one of them the warm-up"


def test_ctrl_c_keeps_the_loops_so_far(
    script: Script, tmp_path: Path, environ: dict[str, str]
) -> None:
    path = script(step_ns=[1_000_000], really_s=0.005)
    with subprocess.Popen(
        [sys.executable, "-m", "edgebench", "run", "--file", str(path), "--threads", "1",
         "--sustain", "10m", "--workload", "tg16"],
        cwd=tmp_path, env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        next(line for line in process.stderr if "looping" in line)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()

    assert process.returncode == 130, said
    assert "Interrupted after 1 launches" in said
    kept = record_in(tmp_path)
    assert kept.schedule.stopped_because == "interrupted"
    (launched,) = kept.cells[0].launches
    assert launched.failure is None
    assert launched.sustained is not None
    assert launched.sustained.started_ns
    assert next(checking.problems(kept), None) is None


@pytest.mark.parametrize("asked", ["0", "tomorrow", "-5m"])
def test_a_time_that_is_none_is_refused(edgebench: Edgebench, script: Script, asked: str) -> None:
    done = edgebench("run", "--file", script(), f"--sustain={asked}")

    assert done.returncode == 2
    assert "--sustain" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_record_of_a_looped_run_is_json_that_other_tools_read(
    edgebench: Edgebench, script: Script
) -> None:
    done = edgebench("run", "--file", script(), "--sustain", "1m", "--threads", "1", "--json")

    (summary,) = json.loads(done.stdout)["summary"].values()
    assert summary["sustained"]["decode"]["last_over_first"] == pytest.approx(1.0)
