"""Record launches of one program against itself, and against itself with a tenth more work.

Each round launches three arms in random order, every one in a fresh worker: `a1` and `a2` decode
40 tokens, `b` decodes 44 that are counted as 40: a true 10 % more work per counted token. What
comes out is kept in tests/traces/ and is what the statistics of `compare` and `gate` are held
against. Nothing waits for a quiet machine: a busy one is the point, and its load is recorded.

Usage: python -m scripts.record_aa MODEL.gguf ROUNDS OUT.json.gz
"""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import LoadOptions
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.machine import device
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20260101
TOKENS = 40
ARMS = {"a1": 40, "a2": 40, "b": 44}
COLUMNS = ("round", "arm", "started_utc", "load_average", "load_ns", "decode_ns", "cpu_s",
           "run_delay_ns", "peak_rss_bytes")  # fmt: skip


def launch(model: Path, steps: int) -> list[Any]:
    """One fresh worker with one counted trial: the columns from `load_ns` on."""
    options = LoadOptions(LlamaCpp().isas()[0], 1, max(ARMS.values()))
    job = Job(
        "measure",
        "edgebench.backends.llama_cpp:LlamaCpp",
        str(model),
        options,
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
        loaded["load_ns"],
        sum(trial["step_ns"]),
        round(spent["cpu_user_s"] + spent["cpu_system_s"], 6),
        spent["run_delay_ns"],
        measured["memory"]["peak_rss_bytes"],
    ]


def record(model: Path, rounds: int, rng: random.Random) -> Iterator[list[Any]]:
    for number in range(rounds):
        for arm in rng.sample(sorted(ARMS), len(ARMS)):
            began, load = datetime.now(UTC), os.getloadavg()[0]
            row = [number, arm, f"{began:%Y-%m-%dT%H:%M:%SZ}", round(load, 2)]
            yield [*row, *launch(model, ARMS[arm])]


def main(model: Path, rounds: int, out: Path) -> None:
    machine = device.detect()
    trace: dict[str, Any] = {
        "edgebench_trace": 1,
        "device": machine.id,
        "kernel": machine.kernel,
        "usable_cpus": machine.usable_cpus,
        "model": model.name,
        "backend": "llama.cpp",
        "isa": LlamaCpp().isas()[0],
        "threads": 1,
        "seed": SEED,
        "tokens": TOKENS,
        "steps": ARMS,
        "columns": COLUMNS,
        "launches": [],
    }
    for row in record(model, rounds, random.Random(SEED)):  # noqa: S311 - an order, no secret
        trace["launches"].append(row)
        with gzip.GzipFile(out, "wb", mtime=0) as stream:
            stream.write(json.dumps(trace, separators=(",", ":")).encode())
        print(f"round {row[0] + 1} of {rounds}, load {row[3]:.1f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
