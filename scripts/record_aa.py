"""Record launches of one program against itself, and against itself with a tenth more work.

Each round launches its arms in random order, every one in a fresh worker: `a1` and `a2` decode
the same tokens, `b` a tenth more of them that are counted as the same: a true 10 % more work per
counted token. What comes out is kept in tests/traces/ and is what the statistics of `compare` and
`gate` are held against. Nothing waits for a quiet machine: a busy one is the point, and its load
is recorded. Ctrl-C keeps the rounds that are finished.

Usage: python -m scripts.record_aa MODEL.gguf ROUNDS OUT.json.gz [--arms a1,a2] [--tokens 40]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import LoadOptions
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.machine import device
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEED = 20260101
# Whole numbers, a list per column: they compress to a third of what rows of floats do.
COLUMNS = ("round", "arm", "started_ms", "load_average_percent", "load_us", "decode_us", "cpu_us",
           "run_delay_us", "peak_rss_kib")  # fmt: skip


def launch(model: Path, isa: str, steps: int) -> list[Any]:
    """One fresh worker with one counted trial: the columns from `load_us` on."""
    job = Job(
        "measure",
        "edgebench.backends.llama_cpp:LlamaCpp",
        str(model),
        LoadOptions(isa, 1, 2 * steps),
        tokens=tuple(range(100, 100 + steps)),
        output_tokens=steps,
        trials=1,
    )
    outcome = run_job(job, silence_s=120)
    if outcome.failure is not None:
        raise SystemExit(f"a launch failed: {outcome.failure.message}")
    (trial,) = (event for event in outcome.all("trial") if not event["warmup"])
    loaded, measured, spent = outcome.find("loaded"), outcome.find("measured"), trial["counters"]
    assert loaded is not None
    assert measured is not None
    return [
        loaded["load_ns"] // 1000,
        sum(trial["step_ns"]) // 1000,
        round((spent["cpu_user_s"] + spent["cpu_system_s"]) * 1e6),
        spent["run_delay_ns"] // 1000,
        measured["memory"]["peak_rss_bytes"] // 1024,
    ]


def record(
    model: Path, isa: str, steps: dict[str, int], rounds: int, rng: random.Random
) -> Iterator[list[Any]]:
    began = time.monotonic()
    for number in range(rounds):
        for arm in rng.sample(sorted(steps), len(steps)):
            load, at_ms = os.getloadavg()[0], round(1000 * (time.monotonic() - began))
            yield [number, arm, at_ms, round(100 * load), *launch(model, isa, steps[arm])]


def main(model: Path, rounds: int, out: Path, arms: Sequence[str], tokens: int) -> None:
    machine, isa = device.detect(), LlamaCpp().isas()[0]
    steps = {arm: tokens + tokens // 10 * (arm == "b") for arm in arms}
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    trace: dict[str, Any] = {
        "edgebench_trace": 2,
        "device": machine.id,
        "kernel": machine.kernel,
        "usable_cpus": machine.usable_cpus,
        "model": model.name,
        "backend": "llama.cpp",
        "isa": isa,
        "threads": 1,
        "cpu_shares": _cpu_shares(),
        "seed": SEED,
        "tokens": tokens,
        "steps": steps,
        "launches": columns,
    }
    for row in record(model, isa, steps, rounds, random.Random(SEED)):  # noqa: S311 - an order, no secret
        for name, value in zip(COLUMNS, row, strict=True):
            columns[name].append(value)
        if row[0] % 10 == 0 and row[1] == "a1":
            _write(out, trace)
            print(f"round {row[0] + 1} of {rounds}, load {row[3] / 100:.1f}", flush=True)
    _write(out, trace)


def _cpu_shares() -> int:
    """This process's weight against each other session of the machine, whose is 1024."""
    lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    groups = dict(line.split(":", 2)[1:] for line in lines)
    path = Path("/sys/fs/cgroup/cpu") / groups.get("cpu", "/").lstrip("/") / "cpu.shares"
    return int(path.read_text(encoding="ascii")) if path.exists() else 1024


def _write(out: Path, trace: dict[str, Any]) -> None:
    partial = out.with_suffix(".partial")
    text = json.dumps(trace, separators=(",", ":"))
    partial.write_bytes(gzip.compress(text.encode(), mtime=0))
    partial.replace(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("rounds", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--arms", default="a1,a2,b")
    parser.add_argument("--tokens", type=int, default=40)
    given = parser.parse_args()
    main(given.model, given.rounds, given.out, given.arms.split(","), given.tokens)
