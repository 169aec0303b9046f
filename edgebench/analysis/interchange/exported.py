"""What may leave for other tools: figures of cells whose output was not wrong, on real machines."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import checking, imported, labels, records, stats
from edgebench.analysis.compare_reading import any_samples, paths_of
from edgebench.analysis.metrics import NS
from edgebench.errors import BadInput
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from edgebench.analysis.compare_samples import Sample
    from edgebench.schema.cell import MeasuredFile
    from edgebench.schema.comparison import Metric
    from edgebench.schema.imported import Imported, ImportedCell
    from edgebench.schema.interval import Interval
    from edgebench.schema.result import CellResult

MOST_NAMED = 3


class Phase(NamedTuple):
    """Prefill or decode. `launches_ns` holds the repetitions of each launch, warm-ups left out.

    `tokens` is what one repetition processed, of all sequences; `depth` what lay in the KV cache,
    None where a source does not say.
    """

    name: str
    tokens: int
    depth: int | None
    launches_ns: tuple[tuple[float, ...], ...]

    @property
    def samples_ns(self) -> list[float]:
        return [ns for launch in self.launches_ns for ns in launch]

    @property
    def samples_tok_s(self) -> list[float]:
        return [self.tokens / (ns * NS) for ns in self.samples_ns]

    @property
    def launches_s_per_token(self) -> list[float]:
        """One number per launch, as everywhere: the median of its repetitions."""
        return [statistics.median(each) * NS / self.tokens for each in self.launches_ns]


class Exported(NamedTuple):
    """One cell that has a speed, and what other formats ask for beside it.

    `apart` says in which options it differs from others of the same label and device; `session`
    counts the sessions of one cell, from 1.
    """

    sample: Sample
    phases: tuple[Phase, ...]
    cpu: str | None
    accelerator: str | None
    file_name: str | None
    size_bytes: int | None
    parameters: int | None
    settings: dict[str, object]
    apart: str = ""
    session: int = 1

    def interval(self, metric: Metric) -> Interval | None:
        return stats.interval(list(self.sample.values.get(metric, {}).values()))

    @property
    def label(self) -> str:
        """The cell, told apart from every other one of its device."""
        words = ", ".join(filter(None, (self.sample.label, self.apart)))
        return words if self.session == 1 else f"{words} #{self.session}"

    @property
    def name(self) -> str:
        """The cell and its device: what a history of benchmarks goes by."""
        return f"{self.sample.machine.id}: {self.label}"


class Export(NamedTuple):
    """`left_out` are sentences: which cell has no speed, and why."""

    cells: tuple[Exported, ...]
    left_out: tuple[str, ...]


def read(given: Sequence[Path]) -> Export:
    """Every cell of these records and folders, in the order of files.

    Raises BadInput for what is no sound record, and where no cell has a speed.
    """
    cells: list[Exported] = []
    left_out: list[str] = []
    for path in dict.fromkeys(path for each in given for path in paths_of(each)):
        record = records.read(path)
        if problem := next(checking.contradictions(record), None):
            raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
        for sample, made in zip(any_samples(record, path.name), _cells(record), strict=True):
            if (reason := _why_not(sample)) is not None:
                left_out.append(f"{sample.label}: {reason}.")
            else:
                cells.append(made._replace(sample=sample))
    if not cells:
        reasons = " ".join(left_out[:MOST_NAMED])
        raise BadInput(f"No cell has a speed that could be exported. {reasons}".strip())
    return Export(_told_apart(cells), tuple(left_out))


def _told_apart(cells: Sequence[Exported]) -> tuple[Exported, ...]:
    """The same cells under names that occur once: other tools go by nothing but the name."""
    alike: dict[tuple[str, str], list[Exported]] = {}
    for each in cells:
        alike.setdefault((each.sample.machine.id, each.sample.label), []).append(each)
    apart = {
        id(each): words
        for rows in alike.values()
        for each, words in zip(rows, labels.told_apart([r.settings for r in rows]), strict=True)
    }
    seen: Counter[tuple[str, str, str]] = Counter()
    named = []
    for each in cells:
        place = each.sample.machine.id, each.sample.label, apart[id(each)]
        seen[place] += 1
        named.append(each._replace(apart=place[2], session=seen[place]))
    return tuple(named)


def _why_not(sample: Sample) -> str | None:
    if sample.machine.emulated:
        return "measured on an emulated CPU"
    return sample.no_speed


def _cells(record: records.Record) -> Iterator[Exported]:
    found = any_samples(record, "")
    if not isinstance(record, Result):
        for sample, foreign in zip(found, record.cells, strict=True):
            yield _imported(record, foreign, sample)
        return
    known = {file.sha256: file for file in record.files}
    names = dict.fromkeys(each.name or each.part for each in record.device.clusters)
    cpu = ", ".join(name for name in names if name) or None
    gpus = ", ".join(record.device.gpus) or None
    for sample, entry in zip(found, record.cells, strict=True):
        yield _measured(sample, entry, known[entry.cell.file], (cpu, gpus))


def _measured(
    sample: Sample, entry: CellResult, file: MeasuredFile, device: tuple[str | None, str | None]
) -> Exported:
    on_cpu = entry.cell.device == "cpu"
    return Exported(
        sample=sample,
        phases=tuple(_phases(entry)),
        cpu=device[0],
        accelerator=None if on_cpu else device[1] or entry.cell.device,
        file_name=file.name,
        size_bytes=file.size_bytes,
        parameters=None,
        settings=dict(entry.cell.options),
    )


def _phases(entry: CellResult) -> Iterator[Phase]:
    work = entry.cell.workload
    trials = [[t for t in launch.trials if not t.warmup] for launch in entry.launches]
    prefill = _timed([t.prefill_ns or 0 for t in each] for each in trials)
    if work.prompt_tokens and prefill:
        yield Phase("prefill", work.prompt_tokens * work.sequences, work.depth_tokens, prefill)
    decode = _timed([sum(t.step_ns) for t in each] for each in trials)
    if work.output_tokens and decode:
        depth = work.depth_tokens + work.prompt_tokens
        yield Phase("decode", work.output_tokens * work.sequences, depth, decode)


def _timed(launches: Iterable[Sequence[int]]) -> tuple[tuple[float, ...], ...]:
    """Launches that timed something; a clock that did not advance timed nothing."""
    found = (tuple(float(ns) for ns in each if ns) for each in launches)
    return tuple(each for each in found if each)


def _imported(record: Imported, cell: ImportedCell, sample: Sample) -> Exported:
    return Exported(
        sample=sample,
        phases=tuple(_imported_phases(cell)),
        cpu=record.device.cpu,
        accelerator=record.device.accelerator,
        file_name=None,
        size_bytes=cell.model_size_bytes,
        parameters=cell.parameters,
        settings=dict(cell.settings),
    )


def _imported_phases(cell: ImportedCell) -> Iterator[Phase]:
    """Launches that timed the same number of tokens; a mean stands for its repetitions."""
    depth, prompt = cell.workload.depth_tokens, cell.workload.prompt_tokens
    both = None if depth is None or prompt is None else depth + prompt
    for _, name in imported.RATES:
        timings = [t for launch in cell.launches for t in launch.timings if t.phase == name]
        if timings and len({timing.tokens for timing in timings}) == 1:
            launches = tuple(t.samples_ns or (t.mean_ns or 0.0,) for t in timings)
            before = both if name == "decode" else depth
            yield Phase(name, timings[0].tokens, before, launches)
