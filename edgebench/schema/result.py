"""The record: one JSON document per `edgebench run`, raw, kept for ever.

Times are nanoseconds of the monotonic clock as the harness read it. `null` means "not measured";
nothing is 0 because it was not measured. Statistics are computed when a file is read: `summary`
is written for people and jq, recomputed by `edgebench check`, and never read back.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Quantity, Strict, Utc, Whole
from edgebench.schema.device import Device
from edgebench.schema.energy import Energy, Phase, Quality, Scope
from edgebench.schema.model import Sha256, Shape
from edgebench.schema.sustained import Sustained, SustainedSummary
from edgebench.schema.workload import Workload

Nanoseconds = Whole
Bytes = Whole
Index = Whole
CellId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class Note(Strict):
    """A named warning: what was seen and what to do about it. Shown under every table."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    message: str


class MeasuredFile(Strict):
    """The model file that was really opened. Its sha256 is its identity.

    `weights` says whether somebody trained them or edgebench drew them from `seed`; `chain` what
    was made of what, e.g. "Q4_0 from Q4_1". An ONNX graph made by others says neither its whole
    shape nor its tensors' types: `shape` is null and `tensor_types` empty. The hash of a graph
    with external data covers every file (edgebench/models/prepared.py).
    """

    name: str
    model: str | None
    quant: str
    sha256: Sha256
    size_bytes: Bytes
    architecture: str
    shape: Shape | None
    tensor_types: dict[str, int]
    weights: Literal["real", "synthetic"]
    seed: Index | None
    chain: tuple[str, ...]
    source: str


class Options(Strict):
    """Settings that change the work an engine does; every one is explicit and recorded.

    `null` means that the engine of this cell has no such setting. `activations` is the precision
    in which activations are multiplied, `spinning` whether idle threads spin at barriers,
    `prepacked` whether weights were saved in the engine's own layout, `repacking` whether the
    engine may rearrange weights in memory for its kernels. `cpus` are those that the worker is
    kept on, as the kernel writes lists (`4-7`); null: it goes where the kernel puts it.
    """

    batch_tokens: int = 2048
    ubatch_tokens: int = 512
    flash_attention: bool | None = True
    kv_type: Literal["f16", "f32", "q8_0", "q4_0"] = "f16"
    load_mode: Literal["mmap", "read", "mlock"] | None = "mmap"
    activations: Literal["int8", "fp32", "fp16", "mixed"] | None = None
    spinning: bool | None = None
    prepacked: bool | None = None
    repacking: bool | None = None
    cpus: Annotated[str, Field(pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")] | None = None
    memory_limit_bytes: Bytes | None = None


class Export(Strict):
    """A file of another format that was made from a measured one, for an engine that needs it.

    `weights_id` is the SHA-256 of the file whose weights it holds, every one equal; `null` where
    `derived` names tensors that are not.
    """

    file: Sha256
    backend: str
    activations: str | None
    name: str
    weights_id: Sha256 | None
    derived: tuple[str, ...]


class Cell(Strict):
    """One thing to measure. `file` is the model file that the weights come from.

    `id` is the first twelve hex digits of the SHA-256 of everything else here, as JSON with
    sorted keys and no spaces; a field that came after the first release is left out of it at the
    value that stands for how cells were before (`LATER`), so that ids stay what they were.
    """

    id: CellId
    file: Sha256
    backend: str
    isa: str
    device: str
    threads: Annotated[int, Field(ge=1)]
    workload: Workload
    options: Options

    @classmethod
    def of(cls, **fields: object) -> Cell:
        """A cell of these fields, with the id that follows from them."""
        draft = cls.model_validate({**fields, "id": "0" * 12})
        return draft.model_copy(update={"id": draft.identity()})

    def identity(self) -> str:
        """The id that this cell must have."""
        fields = self.model_dump(mode="json", exclude={"id"})
        for part, name, before in LATER:
            if fields[part][name] in before:
                del fields[part][name]
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


# Part of a cell, its field, and the values that say how cells were before there was such a field.
LATER = (
    ("workload", "sequences", (1,)),
    ("options", "repacking", (True, None)),
    ("options", "cpus", (None,)),
)


class Skipped(Strict):
    """A combination that was asked for and cannot be measured here, and why."""

    file: Sha256
    backend: str
    isa: str
    device: str = "cpu"
    threads: int
    workload: str
    reason: str


class Failure(Strict):
    """Why a launch has no result. Running out of memory on a small board is a finding."""

    stage: Literal["start", "import", "load", "verify", "warmup", "trial", "protocol"]
    kind: Literal[
        "out_of_memory", "killed", "crashed", "timeout", "engine_error", "wrong_isa", "protocol"
    ]
    message: str


class Dispatch(Strict):
    """What the engine really ran, read back from it after loading."""

    isa: str
    library: str
    library_sha256: Sha256 | None
    features: tuple[str, ...]


class Engine(Strict):
    backend: str
    name: str
    version: str
    build: str


class PhasePeaks(Strict):
    """Highest resident memory of each phase, over all trials of a launch.

    `method` is `reset` where the kernel set VmHWM back between phases, `sampled` where it would
    not and what was resident at a phase's end stands for its peak (the load's is exact then too).
    """

    method: Literal["reset", "sampled"]
    load_bytes: Bytes | None
    prefill_bytes: Bytes | None
    decode_bytes: Bytes | None


class Memory(Strict):
    """Of the worker process. Peaks are VmHWM: `ru_maxrss` starts at the parent's peak.

    `anonymous` and `file_backed` are RssAnon and RssFile at the end of the launch; the pages of a
    mapped model file count as file-backed while they are resident. So are `pss_bytes` (shared
    pages by their share), `swapped_bytes` (VmSwap) and `locked_bytes` (VmLck).
    """

    peak_rss_bytes: Bytes | None
    anonymous_bytes: Bytes | None
    file_backed_bytes: Bytes | None
    before_engine_peak_bytes: Bytes | None
    after_import_bytes: Bytes | None
    kv_cache_bytes: Bytes | None
    pss_bytes: Bytes | None = None
    swapped_bytes: Bytes | None = None
    locked_bytes: Bytes | None = None
    phase_peaks: PhasePeaks | None = None


class Load(Strict):
    """`load_ns` covers opening the file up to a usable context, after the engine's import.

    `page_cache` is the share of the file that was in memory before, where it could be read.
    """

    import_ns: Nanoseconds
    load_ns: Nanoseconds
    page_cache_share: Annotated[float, Field(ge=0, le=1)] | None


class Counters(Strict):
    """Differences over one trial of what the kernel counts for this process and machine.

    `instructions_retired` are those of the worker's own code, without the kernel's.
    """

    cpu_user_s: Quantity
    cpu_system_s: Quantity
    run_delay_ns: Nanoseconds | None
    voluntary_switches: Index
    involuntary_switches: Index
    minor_faults: Index
    major_faults: Index
    steal_s: Quantity | None
    pressure_cpu_us: Index | None
    pressure_memory_us: Index | None
    pressure_io_us: Index | None
    cgroup_throttled_us: Index | None
    temperature_c: float | None
    frequency_khz: Index | None
    instructions_retired: Whole | None = None


class InstructionCount(Strict):
    """Instructions that one call executed, by class of the Arm architecture's encoding.

    `integer` to `sme` add up to `total`. `dot_product` (SDOT, UDOT) and `matrix_product` (SMMLA,
    UMMLA, USMMLA) are among `fp_simd` and `sve` as well.
    """

    total: Whole
    integer: Whole
    branch: Whole
    load_store: Whole
    fp_simd: Whole
    sve: Whole
    sme: Whole
    dot_product: Whole
    matrix_product: Whole


class Instructions(Strict):
    """Counted by an emulator: of the prompt's one call, and of each decode step."""

    prefill: InstructionCount | None
    steps: tuple[InstructionCount, ...]


class Trial(Strict):
    """One timed repetition. `prefill_ns` is one call; `step_ns` has an entry per decode step.

    `instructions` is null where nothing counted them. A warm-up of a slow cell has only one of
    `divided_by` parts of the workload's prompt, depth and steps, each rounded up.
    """

    index: Index
    warmup: bool
    started_ns: Nanoseconds
    wall_ns: Nanoseconds
    tokenize_ns: Nanoseconds | None
    prefill_ns: Nanoseconds | None
    sample_ns: tuple[Nanoseconds, ...] | None
    step_ns: tuple[Nanoseconds, ...]
    counters: Counters
    output_hash: str
    instructions: Instructions | None = None
    divided_by: Annotated[int, Field(ge=1)] = 1


class Launch(Strict):
    """One fresh worker process: the unit that statistics count."""

    round: Index
    started_utc: Utc
    load_average: float | None
    dispatch: Dispatch | None
    load: Load | None
    memory: Memory | None
    trials: tuple[Trial, ...]
    failure: Failure | None
    energy: tuple[Energy, ...] = ()
    sustained: Sustained | None = None


class Thresholds(Strict):
    """A verification passes when all three hold (docs/method.md says where they come from)."""

    mean_kl: float
    max_kl: float
    top1_agreement: float


class Verification(Strict):
    """Teacher-forced logits of the engine against the float32 reference, position by position.

    KL divergences are KL(reference || engine) in nats; perplexities are over the same positions.
    """

    status: Literal["passed", "failed", "not_possible"]
    reason: str | None
    reference: str
    positions: Index
    mean_kl: float | None
    max_kl: float | None
    top1_agreement: float | None
    perplexity_engine: float | None
    perplexity_reference: float | None
    relative_logit_error: float | None = None
    thresholds: Thresholds | None
    cold_load: Load | None
    failure: Failure | None


class CellResult(Strict):
    """`emulated` repeats the device's, so that no cell can be read as speed without it."""

    cell: Cell
    verification: Verification | None
    launches: tuple[Launch, ...]
    emulated: str | None = None


class Interval(Strict):
    """A point estimate and its 95 % interval over launches; `null` bounds need more launches."""

    estimate: float
    low: float | None
    high: float | None
    launches: Index


class EnergyFigure(Strict):
    """Energy of one phase by one method over one scope; figures that differ in these, or in
    quality, are never ranked. Intervals are over launches; `reason` says why there is none.
    """

    phase: Phase
    method: str
    scope: Scope
    quality: Quality
    meters: tuple[str, ...]
    joules_per_token: Interval | None
    tokens_per_joule: Interval | None
    watts: Interval | None
    idle_watts: float | None
    above_idle_joules_per_token: Interval | None
    window_s: float
    samples: Index
    reason: str | None


class CellSummary(Strict):
    prefill_tok_s: Interval | None
    decode_tok_s: Interval | None
    time_to_first_token_s: Interval | None
    first_call_after_load_s: Interval | None
    load_s: Interval | None
    step_p50_s: float | None
    step_p90_s: float | None
    step_p99_s: float | None
    cpu_s_per_token: Interval | None
    peak_rss_bytes: Bytes | None
    sustained: SustainedSummary | None = None
    energy: tuple[EnergyFigure, ...] = ()


class Schedule(Strict):
    """`order` lists, round by round, the cells in the order in which they were launched.

    A launch has up to `trials` trials and begins none after `launch_time_s`, save the first; with
    `sustain_s` it loops for so long instead.
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
