"""Small records made by hand, for what reads records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis import summary
from edgebench.measure import record
from edgebench.measure.runner import Outcome
from edgebench.schema.cell import Cell, MeasuredFile, Options, Skipped
from edgebench.schema.device import Cluster, Device
from edgebench.schema.launch import (
    Counters,
    Dispatch,
    InstructionCount,
    Instructions,
    Launch,
    Load,
    Memory,
    Trial,
)
from edgebench.schema.model import Shape
from edgebench.schema.note import Note
from edgebench.schema.result import CellResult, Result, Schedule
from edgebench.schema.workload import parse_workloads

if TYPE_CHECKING:
    from edgebench.schema.verification import Verification

SHAPE = Shape(layers=2, hidden=64, ffn=128, heads=4, kv_heads=2, vocabulary=96, context=64,
              rope_base=10000.0, tied_embeddings=True)  # fmt: skip
FILE = MeasuredFile(
    name="tiny.gguf", model="tiny", quant="Q4_0", sha256="a" * 64, size_bytes=1000,
    architecture="llama", shape=SHAPE, tensor_types={"Q4_0": 15, "F32": 5},
    weights="real", seed=None, chain=("Q4_0",), source="made",
)  # fmt: skip
DEVICE = Device(
    id="board-4cpu", architecture="aarch64", board="Example Board",
    clusters=(Cluster(cpus=(0, 1, 2, 3), name="Cortex-A76", vendor="Arm"),),
    cpu_flags=("asimd", "asimddp"), caches=(), logical_cpus=4, physical_cores=4, usable_cpus=4,
    memory_total_bytes=8 << 30, cgroup_cpu_limit=None, cgroup_memory_limit_bytes=None,
    hypervisor=None, kernel="Linux 6.6", operating_system="Example OS", environment={},
)  # fmt: skip


def cell(workload: str = "tg4", **fields: Any) -> Cell:
    (parsed,) = parse_workloads(workload)
    plain: dict[str, Any] = {
        "file": FILE.sha256, "backend": "llama.cpp", "isa": "armv8.2_1", "device": "cpu",
        "threads": 4, "workload": parsed, "options": Options(),
    }  # fmt: skip
    return Cell.of(**(plain | fields))


def counters(**fields: Any) -> Counters:
    plain: dict[str, Any] = dict.fromkeys(Counters.model_fields)
    plain |= {"cpu_user_s": 0.04, "cpu_system_s": 0.0, "voluntary_switches": 0,
              "involuntary_switches": 0, "minor_faults": 0, "major_faults": 0}  # fmt: skip
    return Counters(**(plain | fields))


def trial(index: int, *, prefill_ns: int | None, step_ns: tuple[int, ...], **fields: Any) -> Trial:
    wall_ns = (prefill_ns or 0) + sum(step_ns)
    plain: dict[str, Any] = {
        "index": index, "warmup": index == 0, "started_ns": 0, "wall_ns": wall_ns,
        "tokenize_ns": None, "prefill_ns": prefill_ns, "sample_ns": None, "step_ns": step_ns,
        "counters": counters(), "output_hash": "0123",
    }  # fmt: skip
    return Trial(**(plain | fields))


def launch(number: int, trials: tuple[Trial, ...], **fields: Any) -> Launch:
    plain: dict[str, Any] = {
        "round": number,
        "started_utc": "2026-01-01T00:00:00.000Z",
        "load_average": 0.1,
        "dispatch": Dispatch(isa="armv8.2_1", library="libggml-cpu-armv8.2_1.so",
                             library_sha256=None, features=("NEON", "DOTPROD")),
        "load": Load(import_ns=1_000_000, load_ns=50_000_000, page_cache_share=1.0),
        "memory": Memory(peak_rss_bytes=200 << 20, anonymous_bytes=100 << 20,
                         file_backed_bytes=90 << 20, before_engine_peak_bytes=13 << 20,
                         after_import_bytes=48 << 20, kv_cache_bytes=1 << 20),
        "trials": trials,
        "failure": None,
    }  # fmt: skip
    return Launch(**(plain | fields))


def decode_launches(*step_ms: float) -> tuple[Launch, ...]:
    """One launch per figure; four steps of that many milliseconds, after a slower warm-up."""
    return tuple(
        launch(
            number,
            tuple(
                trial(i, prefill_ns=None, step_ns=(round(ms * 1e6 * (2 if i == 0 else 1)),) * 4)
                for i in range(3)
            ),
        )
        for number, ms in enumerate(step_ms)
    )


def verification(status: str = "passed", reason: str | None = None) -> Verification:
    made = record.unverified("made", Outcome((), None), status=status)
    return made.model_copy(update={"reason": reason})


def result(*cells: CellResult, skipped: tuple[Skipped, ...] = (), **fields: Any) -> Result:
    ids = tuple(entry.cell.id for entry in cells)
    rounds = max((len(entry.launches) for entry in cells), default=0)
    plain: dict[str, Any] = {
        "run_id": "0123abcd", "started_utc": "2026-01-01T00:00:00.000Z", "arguments": ("run",),
        "device": DEVICE, "engines": (), "files": (FILE,), "exports": (), "texts": (),
        "schedule": Schedule(seed=1, precision=0.02, min_launches=2, max_launches=5,
                             max_time_s=60.0, trials=2, order=(ids,) * rounds,
                             stopped_because="launches"),
        "cells": cells, "skipped": skipped, "warnings": (),
    }  # fmt: skip
    made = record.blank_result(**(plain | fields))
    return made.model_copy(update={"summary": summary.of(made)})


def note(name: str, message: str) -> Note:
    return Note(name=name, message=message)


def count(total: int, dot_product: int = 0) -> InstructionCount:
    rest = dict.fromkeys(("branch", "load_store", "fp_simd", "sve", "sme", "matrix_product"), 0)
    return InstructionCount(total=total, integer=total, dot_product=dot_product, **rest)


def counted_cell(*totals: int, status: str = "passed") -> CellResult:
    """One launch per figure: a warm-up that counts for nothing, then five prompt tokens."""

    def counts(total: int) -> Instructions:
        return Instructions(prefill=count(10 * total), steps=(count(total),) * 4)

    launches = tuple(
        launch(
            n,
            tuple(
                trial(i, prefill_ns=10, step_ns=(5,) * 4).model_copy(
                    update={"instructions": counts(total if i else 10**9)}
                )
                for i in range(2)
            ),
        )
        for n, total in enumerate(totals)
    )
    return CellResult(
        cell=cell("pp5+tg4"), verification=verification(status), launches=launches, emulated="qemu"
    )
