"""A worker may say anything; the harness believes only whole events."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.backends import LoadOptions
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job

if TYPE_CHECKING:
    from tests.conftest import Script

FAKE = "edgebench.backends.fake:Fake"
CLOCK = "edgebench.backends.fake:now_ns"


def job(path: object, **fields: object) -> Job:
    plain = Job(
        kind="measure",
        backend=FAKE,
        file=str(path),
        clock=CLOCK,
        options=LoadOptions("scripted", 1, 64),
        tokens=tuple(range(16)),
        prompt_tokens=4,
        output_tokens=3,
        depth_tokens=2,
        trials=2,
    )
    return plain._replace(**fields)  # type: ignore[arg-type]


def test_a_job_survives_the_wire() -> None:
    there = job("model.gguf", text="näïve\n", memory_limit_bytes=5)
    assert Job.from_json(there.to_json()) == there


def test_a_launch_reports_exact_times_of_the_scripted_clock(script: Script) -> None:
    path = script(prefill_ns_per_token=1000, step_ns=[10, 20, 30], load_ns=77)

    outcome = run_job(job(path), silence_s=60)

    assert outcome.failure is None
    loaded = outcome.find("loaded")
    assert loaded is not None
    assert loaded["load_ns"] == 77
    warmup, *timed = outcome.all("trial")
    assert warmup["warmup"]
    assert [t["prefill_ns"] for t in timed] == [4000, 4000]
    assert [t["step_ns"] for t in timed] == [[10, 20, 30]] * 2
    assert len({t["output_hash"] for t in timed}) == 1
    measured = outcome.find("measured")
    assert measured is not None
    assert measured["memory"]["peak_rss_bytes"] > loaded["before_engine_peak_bytes"]


def test_a_backend_that_cannot_be_imported_fails_at_import(script: Script) -> None:
    outcome = run_job(job(script(), backend="no_such_module:Engine"), silence_s=60)

    assert outcome.failure is not None
    assert outcome.failure.stage == "import"
    assert "no_such_module" in outcome.failure.message


def test_an_empty_worker_is_small() -> None:
    outcome = run_job(Job("empty", ""), silence_s=60)

    done = outcome.find("done")
    assert done is not None
    assert 0 < done["memory"]["peak_rss_bytes"] < 25 * 2**20


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os; os.write(1, b'not json\\n')", "not JSON"),
        ("import os; os.write(1, b'[1]\\n')", "not an event"),
        ("pass", "no result"),
        ("raise SystemExit(3)", "status 3"),
    ],
)
def test_what_is_not_our_protocol_is_a_protocol_failure(
    script: Script, tmp_path: object, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    """The interpreter is replaced by one that runs another program in the worker's place."""
    from pathlib import Path

    impostor = Path(str(tmp_path)) / "python"
    impostor.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}"\n')
    impostor.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(impostor))

    outcome = run_job(job(script()), silence_s=60)

    assert outcome.failure is not None
    assert outcome.failure.kind == "protocol"
    assert said in outcome.failure.message


def test_a_json_module_in_the_working_directory_is_not_imported(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = script()
    (path.parent / "json.py").write_text("raise SystemExit('hostile')")
    monkeypatch.chdir(path.parent)

    assert run_job(job(path), silence_s=60).failure is None


def test_a_worker_that_has_finished_and_does_not_exit_is_killed(script: Script) -> None:
    path = script(fail={"at": "decode", "how": "hang_at_exit"})

    outcome = run_job(job(path), silence_s=60, exit_s=2)

    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"
    assert len(outcome.all("trial")) == 3, "what it measured is kept"


def test_failures_do_not_carry_folders(script: Script) -> None:
    outcome = run_job(job("/home/somebody/secret place/model.json"), silence_s=60)

    assert outcome.failure is not None
    assert "somebody" not in outcome.failure.message
    assert "model.json" in outcome.failure.message
