"""Records in, rows out: what a report shows of each cell, each device and each model file.

A record is validated whole, reduced to rows and dropped, so memory grows with cells and never
with the trials inside them. Figures that may not be shown are None here already: a cell whose
output is wrong, or that an emulator played, has no speed in any row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import ceilings, energy, instructions, metrics, report_sustained
from edgebench.analysis.compare_reading import why_no_speed
from edgebench.analysis.labels import on_device, short_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.analysis.energy import Figure
    from edgebench.analysis.report_sustained import Window
    from edgebench.schema.ceilings import Ceilings
    from edgebench.schema.cell import MeasuredFile, Options
    from edgebench.schema.interval import Interval
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import CellResult, Result
    from edgebench.schema.workload import Workload


class Ceiling(NamedTuple):
    """The most tokens/s that this machine's measured ceiling allows a cell; `cached`: the weights
    fit into the last-level cache, so memory bandwidth does not bound it.
    """

    most_tok_s: float
    cached: bool


class MemoryParts(NamedTuple):
    """Of the launch with the largest peak, in bytes."""

    peak_rss_bytes: int
    anonymous_bytes: int | None
    file_backed_bytes: int | None
    kv_cache_bytes: int | None


class Quality(NamedTuple):
    """How far the output was from the float32 reference, over `positions` of one text."""

    positions: int
    mean_kl: float | None
    top1_agreement: float | None
    perplexity: float | None
    reference_perplexity: float | None


class CellRow(NamedTuple):
    """One cell of one device. `no_speed` says why there is none; `settings` what of its options
    differs from an otherwise equal cell's.
    """

    device: str
    cell_id: str
    model: str
    quant: str
    file: str
    size_bytes: int
    backend: str
    isa: str
    on: str
    threads: int
    workload: Workload
    options: Options
    settings: str
    verified: str
    no_speed: str | None
    emulated: str | None
    prefill: Interval | None
    decode: Interval | None
    first_token_s: Interval | None
    load_s: Interval | None
    cpu_s_per_token: Interval | None
    memory: MemoryParts | None
    quality: Quality | None
    prefill_ceiling: Ceiling | None
    decode_ceiling: Ceiling | None
    instructions_per_prompt_token: float | None
    instructions_per_output_token: float | None
    energy: tuple[Figure, ...]
    sustained: tuple[Window, ...]
    looped_s: float | None
    launches: int
    source: str
    started_utc: str

    @property
    def model_and_settings(self) -> str:
        """The model, and the settings in which this cell differs from others of it."""
        return f"{self.model} {self.settings}".strip()

    @property
    def engine(self) -> str:
        """The backend, and where it ran if not on the CPU."""
        return on_device(self.backend, self.on)


class DeviceRow(NamedTuple):
    """A device as its newest record describes it."""

    id: str
    board: str | None
    cpus: str
    architecture: str
    cores: int
    memory_bytes: int
    kernel: str
    emulated: str | None
    hypervisor: str | None
    profile: str | None
    read_gb_s: float | None
    started_utc: str


class FileRow(NamedTuple):
    """A model file; its sha256 is its identity."""

    label: str
    quant: str
    weights: str
    size_bytes: int
    sha256: str
    source: str


class Rows(NamedTuple):
    """Everything that a report shows of one record."""

    device: DeviceRow
    files: tuple[FileRow, ...]
    cells: tuple[CellRow, ...]


def rows_of(result: Result, source: str = "") -> Rows:
    """Of a sound record."""
    return Rows(device_of(result), tuple(files_of(result)), tuple(cells_of(result, source)))


def cells_of(result: Result, source: str) -> Iterator[CellRow]:
    """Each cell of a sound record, reduced."""
    facts = {file.sha256: file for file in result.files}
    for entry in result.cells:
        yield _cell(entry, facts[entry.cell.file], result, source)


def device_of(result: Result) -> DeviceRow:
    device = result.device
    names = dict.fromkeys(c.name or c.part or "unknown CPU" for c in device.clusters)
    return DeviceRow(
        id=device.id,
        board=device.board,
        cpus=", ".join(names),
        architecture=device.architecture,
        cores=device.physical_cores,
        memory_bytes=device.memory_total_bytes,
        kernel=device.kernel,
        emulated=device.emulated,
        hypervisor=device.hypervisor,
        profile=device.profile,
        read_gb_s=_read_gb_s(device.ceilings),
        started_utc=result.started_utc,
    )


def files_of(result: Result) -> Iterator[FileRow]:
    for file in result.files:
        yield FileRow(
            short_label(file), file.quant, file.weights, file.size_bytes, file.sha256, file.source
        )


def _cell(entry: CellResult, file: MeasuredFile, result: Result, source: str) -> CellRow:
    cell, summary = entry.cell, metrics.summarize(entry)
    show = metrics.may_show_speed(entry)
    looped = report_sustained.longest(entry.launches)
    looped_s = None if looped is None else report_sustained.looped_s(looped)
    prompt, output = _instructions(entry)
    prefill_ceiling, decode_ceiling = _ceilings(entry, file, result)
    return CellRow(
        device=result.device.id,
        cell_id=cell.id,
        model=short_label(file),
        quant=file.quant,
        file=file.sha256,
        size_bytes=file.size_bytes,
        backend=cell.backend,
        isa=cell.isa,
        on=cell.device,
        threads=cell.threads,
        workload=cell.workload,
        options=cell.options,
        settings="" if looped_s is None else f"looped {round(looped_s, 1):g} s",
        verified=_verified(entry),
        no_speed=_why_no_speed(entry),
        emulated=entry.emulated,
        prefill=summary.prefill_tok_s,
        decode=summary.decode_tok_s,
        first_token_s=summary.time_to_first_token_s,
        load_s=summary.load_s,
        cpu_s_per_token=summary.cpu_s_per_token,
        memory=_memory(entry.launches),
        quality=_quality(entry),
        prefill_ceiling=prefill_ceiling,
        decode_ceiling=decode_ceiling,
        instructions_per_prompt_token=prompt,
        instructions_per_output_token=output,
        energy=energy.figures(entry, result.idle_energy) if _metered(entry) else (),
        sustained=report_sustained.windows(looped, cell.workload) if show else (),
        looped_s=looped_s,
        launches=sum(bool(each.trials or each.sustained) for each in entry.launches),
        source=source,
        started_utc=result.started_utc,
    )


def _verified(entry: CellResult) -> str:
    if entry.verification is None:
        return "not yet"
    return "engine failed" if entry.verification.failure else entry.verification.status


def _why_no_speed(entry: CellResult) -> str | None:
    if (reason := why_no_speed(entry)) is not None:
        return reason
    return f"played by {entry.emulated}" if entry.emulated else None


def _metered(entry: CellResult) -> bool:
    return any(launch.energy for launch in entry.launches)


def _memory(launches: Sequence[Launch]) -> MemoryParts | None:
    known = [each.memory for each in launches if each.memory and each.memory.peak_rss_bytes]
    if not known:
        return None
    most = max(known, key=lambda each: each.peak_rss_bytes or 0)
    return MemoryParts(
        most.peak_rss_bytes or 0,
        most.anonymous_bytes,
        most.file_backed_bytes,
        most.kv_cache_bytes,
    )


def _quality(entry: CellResult) -> Quality | None:
    found = entry.verification
    if found is None or found.status == "not_possible" or found.failure:
        return None
    return Quality(
        found.positions,
        found.mean_kl,
        found.top1_agreement,
        found.perplexity_engine,
        found.perplexity_reference,
    )


def _instructions(entry: CellResult) -> tuple[float | None, float | None]:
    if entry.emulated is None:
        return None, None
    prompt = instructions.per_prompt_token(entry)
    output = instructions.per_output_token(entry)
    return prompt["total"] if prompt else None, output["total"] if output else None


def _ceilings(
    entry: CellResult, file: MeasuredFile, result: Result
) -> tuple[Ceiling | None, Ceiling | None]:
    """Of prefill and decode: the rate divided by the share that it is of what was possible."""
    if result.device.ceilings is None:
        return None, None
    found, summary = ceilings.shares(entry, result), metrics.summarize(entry)
    cached = ceilings.in_cache(file, entry.cell.backend, result.device)
    return (
        _ceiling(summary.prefill_tok_s, found.arithmetic, cached=False),
        _ceiling(summary.decode_tok_s, found.bandwidth, cached=cached),
    )


def _ceiling(
    rate: Interval | None, share: ceilings.Share | None, *, cached: bool
) -> Ceiling | None:
    if rate is None or share is None or not share.value:
        return None
    return Ceiling(rate.estimate / share.value, cached)


def _read_gb_s(found: Ceilings | None) -> float | None:
    """Bytes per nanosecond are gigabytes per second; the best of all methods and thread counts."""
    rates = found.read if found else ()
    return max((rate.bytes_read / min(rate.fastest_ns) for rate in rates), default=None)
