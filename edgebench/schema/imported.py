"""What another tool measured, as far as its output says it. Never verified, and never a Result.

A Result holds raw trials of a harness that checked the output, on a machine that was looked at. A
foreign file has neither; so it gets a record of its own, in which what the source does not say is
`null`. `edgebench import` writes it; `show`, `check`, `compare`, `export` and `query` read it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgebench.schema import Quantity, Strict, Utc, Whole
from edgebench.schema.cell import CellId
from edgebench.schema.model import Sha256
from edgebench.schema.workload import LIMIT_TOKENS

Said = Annotated[str, Field(min_length=1, max_length=500)]
Tokens = Annotated[int, Field(ge=0, le=LIMIT_TOKENS)]
# Nanoseconds of one repetition. A float, because most tools write milliseconds with decimals.
Duration = Annotated[float, Field(gt=0, le=1e15)]
Phase = Literal["prefill", "decode", "combined"]
Setting = bool | Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | Quantity | str | None


class Source(Strict):
    """A file that was read. `tool_version` is what the file says of the tool, or null."""

    file: str
    sha256: Sha256
    size_bytes: Whole
    tool_version: Said | None


class ImportedDevice(Strict):
    """`id` is made from what the source says, unless `named_by` is "user": then `--device` gave it.

    A source that names no device gets an id of its own, so that two of them never count as one.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]{0,100}$")]
    named_by: Literal["source", "user", "nobody"]
    cpu: Said | None
    accelerator: Said | None
    operating_system: Said | None
    memory_total_bytes: Whole | None


class ImportedWorkload(Strict):
    """Token counts of one sequence; null where the source does not say how many.

    Prompt and output are one workload where the source timed both in one request.
    """

    name: Said
    prompt_tokens: Tokens | None
    output_tokens: Tokens | None
    depth_tokens: Tokens | None
    sequences: Annotated[int, Field(ge=1, le=1 << 16)] | None


class Timing(Strict):
    """One phase of one launch. `tokens` are those of all sequences that one sample covers.

    `samples_ns` are the source's own repetitions without its warm-up; empty where it writes only
    an aggregate: then `mean_ns` is that, over `repetitions` where it says how many, and
    `source_stdev_tok_s` its own standard deviation of the rate, where it has a usable one.
    """

    phase: Phase
    tokens: Annotated[int, Field(ge=1, le=LIMIT_TOKENS << 16)]
    samples_ns: tuple[Duration, ...]
    mean_ns: Duration | None
    repetitions: Whole | None
    source_stdev_tok_s: Quantity | None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Timing:
        if bool(self.samples_ns) == (self.mean_ns is not None):
            raise ValueError("either samples or the source's mean, and not both")
        return self


class ImportedLaunch(Strict):
    """What one process of the source measured: one file. `source` is its place in `sources`."""

    source: Whole
    started_utc: Utc | None
    timings: tuple[Timing, ...]
    time_to_first_token_ns: tuple[Duration, ...]
    load_ns: Duration | None
    peak_rss_bytes: Whole | None


class ImportedCell(Strict):
    """One configuration. `settings` are the source's own words for everything that has no field.

    `id` is the first twelve hex digits of the SHA-256 of what identifies it: everything here save
    `id` and `launches`, as JSON with sorted keys.
    """

    id: CellId
    model: Said
    quant: Said | None
    model_size_bytes: Whole | None
    parameters: Whole | None
    backend: Said
    device: Said | None
    threads: Annotated[int, Field(ge=1)] | None
    workload: ImportedWorkload
    settings: dict[str, Setting]
    launches: tuple[ImportedLaunch, ...]

    @classmethod
    def of(cls, **fields: object) -> ImportedCell:
        """A cell of these fields, with the id that follows from them."""
        draft = cls.model_validate({**fields, "id": "0" * 12})
        return draft.model_copy(update={"id": draft.identity()})

    def identity(self) -> str:
        """The id that this cell must have."""
        fields = self.model_dump(mode="json", exclude={"id", "launches"})
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class NotVerified(Strict):
    """An imported speed can only ever be this."""

    status: Literal["not_possible"]
    reason: Said


class Imported(Strict):
    """A record of `edgebench import`: one tool, one device."""

    kind: Literal["imported"]
    schema_version: Literal[1]
    edgebench_version: str
    run_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    imported_utc: Utc
    tool: Said
    format: Said
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    device: ImportedDevice
    verification: NotVerified
    cells: tuple[ImportedCell, ...]
    notes: tuple[Said, ...]
