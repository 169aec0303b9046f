"""What one fresh worker process did: how it loaded, its trials, its memory, or why it failed.

Times are nanoseconds of the monotonic clock as the harness read it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Bytes, Index, Nanoseconds, Quantity, Strict, Utc, Whole
from edgebench.schema.energy import Energy
from edgebench.schema.model import Sha256
from edgebench.schema.sustained import Sustained


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
