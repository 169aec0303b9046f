"""The record: one JSON document per `edgebench run`, raw, kept for ever.

Times are nanoseconds of the monotonic clock as the harness read it. `null` means "not measured";
nothing is 0 because it was not measured. Statistics are computed when a file is read: `summary`
is written for people and jq, recomputed by `edgebench check`, and never read back.
"""

from __future__ import annotations

from typing import Literal

from edgebench.schema import Bytes, Index, Nanoseconds, Quantity, Strict, Utc
from edgebench.schema.cell import Cell, CellId, Export, MeasuredFile, Skipped
from edgebench.schema.device import Device
from edgebench.schema.energy import Energy
from edgebench.schema.launch import (
    Launch,
)
from edgebench.schema.model import Sha256
from edgebench.schema.note import Note
from edgebench.schema.summary import CellSummary
from edgebench.schema.verification import Verification


class Engine(Strict):
    backend: str
    name: str
    version: str
    build: str


class CellResult(Strict):
    """`emulated` repeats the device's, so that no cell can be read as speed without it."""

    cell: Cell
    verification: Verification | None
    launches: tuple[Launch, ...]
    emulated: str | None = None


class Schedule(Strict):
    """`order` lists, round by round, the cells in the order in which they were launched.

    A launch has up to `trials` trials and begins none after `launch_time_s`, save the first; with
    `sustain_s` it loops for so long instead. `threads_why`: what `--threads auto` chose, and why;
    null: thread counts were given, or the record is older than this field.
    """

    seed: Index
    precision: Quantity
    min_launches: Index
    max_launches: Index
    max_time_s: Quantity
    trials: Index
    launch_time_s: Quantity | None = None
    sustain_s: Quantity | None = None
    order: tuple[tuple[CellId, ...], ...]
    stopped_because: Literal["precision", "launches", "max_time", "interrupted", "failed"] | None
    threads_why: str | None = None


class Text(Strict):
    """The teacher's text: every engine is fed these very tokens."""

    name: str
    sha256: Sha256
    tokenizer: str
    tokens: Index
    tokens_sha256: Sha256
    tokenize_ns: Nanoseconds | None


class Result(Strict):
    schema_version: Literal[1]
    edgebench_version: str
    run_id: str
    started_utc: Utc
    finished_utc: Utc | None
    arguments: tuple[str, ...]
    device: Device
    engines: tuple[Engine, ...]
    files: tuple[MeasuredFile, ...]
    exports: tuple[Export, ...]
    texts: tuple[Text, ...]
    schedule: Schedule
    harness_peak_rss_bytes: Bytes | None
    idle_energy: tuple[Energy, ...] = ()
    cells: tuple[CellResult, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[Note, ...]
    summary: dict[CellId, CellSummary]
