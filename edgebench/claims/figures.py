"""From rows and points to the numbers that a claim's rule is about. Pure.

A launch gives one number, as everywhere (analysis/metrics). Launches of one round of one record are
a block, and two cells are compared over the blocks that they share; cells that share none are
compared as two sessions are. Launches in which the machine was busy with others are left out, and
where too few remain, that is the reason why nothing is concluded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import metrics, stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from edgebench.analysis.stats import LogRatio
    from edgebench.claims import Evidence, Row
    from edgebench.schema.claim import Reason
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import CellResult

CONTENDED_SHARE = 0.02
FEWEST_BLOCKS = 2

Block = tuple[str, int]


class Figures(NamedTuple):
    """One positive number per block, (run id, round).

    `contended` and `unverified` count what was left out: the machine was busy, the output wrong.
    """

    by_block: Mapping[Block, float]
    contended: int = 0
    unverified: int = 0

    @property
    def values(self) -> list[float]:
        return [self.by_block[block] for block in sorted(self.by_block)]


class Compared(NamedTuple):
    """`found` is None below two blocks; `reasons` then say why."""

    found: LogRatio | None
    blocks: int
    reasons: tuple[Reason, ...]
    paired: bool = True


NOTHING = Compared(None, 0, ("not_measured",))


def rows(
    evidence: Evidence,
    *,
    model: str | None = "smollm2-135m",
    weights: str = "real",
    quant: str | None = None,
    workload: str | None = None,
    backend: str = "llama.cpp",
    isa: str | None = None,
    threads: int | None = None,
    device: str = "cpu",
    where: Callable[[Row], bool] = lambda _row: True,
) -> list[Row]:
    """The measured cells that fit; None fits any. Options: through `where`."""
    return [
        row
        for row in evidence.rows()
        if (model is None or row.file.model == model)
        and row.file.weights == weights
        and quant in (None, row.file.quant)
        and workload in (None, row.entry.cell.workload.name)
        and row.entry.cell.backend == backend
        and isa in (None, row.entry.cell.isa)
        and threads in (None, row.entry.cell.threads)
        and row.entry.cell.device == device
        and where(row)
    ]


def plain(row: Row) -> bool:
    """Measured with flash attention and repacking on and an f16 or f32 cache, as `run` does."""
    options = row.entry.cell.options
    whole_cache = options.kv_type in ("f16", "f32")
    return options.flash_attention is not False and options.repacking is not False and whole_cache


def figures(chosen: Iterable[Row], metric: metrics.Metric) -> Figures:
    """Of each launch of these cells. What may show no speed gives none, nor what was looped."""
    kept: dict[Block, float] = {}
    contended = unverified = 0
    for row in chosen:
        if not metrics.may_show_speed(row.entry):
            unverified += len(row.entry.launches)
            continue
        for launch in row.entry.launches:
            value = metrics.of_launch(launch, row.entry.cell.workload, metric)
            if value is None or value <= 0 or launch.sustained:
                continue
            if is_contended(launch, row.result.device.usable_cpus):
                contended += 1
            else:
                kept[row.result.run_id, launch.round] = value
    return Figures(kept, contended, unverified)


def centre(found: Figures) -> float:
    """The mean of the logarithms, to rank by; minus infinity of nothing."""
    return math.fsum(map(math.log, found.values)) / len(found.values) if found.values else -math.inf


def is_contended(launch: Launch, cpus: int) -> bool:
    """Whether threads waited for a CPU, or the hypervisor gave CPUs away, 2 % of the time or more.

    Of counted trials; a launch without such counters is not called contended.
    """
    counters = [trial.counters for trial in launch.trials if not trial.warmup]
    ran = math.fsum(c.cpu_user_s + c.cpu_system_s for c in counters)
    waited = math.fsum(c.run_delay_ns or 0 for c in counters) * metrics.NS
    stolen = math.fsum(c.steal_s or 0.0 for c in counters)
    wall = math.fsum(trial.wall_ns for trial in launch.trials if not trial.warmup) * metrics.NS
    busy = waited / (waited + ran) if waited + ran else 0.0
    steal = stolen / (wall * cpus) if wall else 0.0
    return max(busy, steal) > CONTENDED_SHARE


def compare(base: Figures, head: Figures) -> Compared:
    """head / base: over shared blocks where there are two, else as of two sessions (Welch)."""
    shared = sorted(set(base.by_block) & set(head.by_block))
    if len(shared) >= FEWEST_BLOCKS:
        one, two = ([side.by_block[block] for block in shared] for side in (base, head))
        return Compared(stats.paired(one, two), len(shared), ())
    blocks = min(len(base.by_block), len(head.by_block))
    if blocks >= FEWEST_BLOCKS:
        return Compared(stats.unpaired(base.values, head.values), blocks, (), paired=False)
    contended, unverified = base.contended + head.contended, base.unverified + head.unverified
    return Compared(None, blocks, why_few(blocks, contended, unverified))


def level(found: Figures, divided_by: float = 1.0) -> Compared:
    """The figures themselves, over `divided_by`, for a rule about a level and not a ratio."""
    values = found.values
    if len(values) < FEWEST_BLOCKS:
        why = why_few(len(values), found.contended, found.unverified)
        return Compared(None, len(values), why)
    return Compared(stats.paired([divided_by] * len(values), values), len(values), ())


def why_few(blocks: int, contended: int, unverified: int = 0) -> tuple[Reason, ...]:
    """Why there is no interval."""
    if contended:
        return ("contended",)
    if unverified:
        return ("unverified",)
    return ("too_few_blocks",) if blocks else ("not_measured",)


def of_points(
    evidence: Evidence,
    kind: str,
    value: str,
    *,
    where: Callable[[Mapping[str, object]], bool] = lambda _condition: True,
    allow_unverified: bool = True,
) -> Figures:
    """One positive number per block of an experiment: the median of the fitting points.

    A point whose output was wrong gives none; with `allow_unverified` False neither does one whose
    output was held against nothing. Points whose `waited_share` is above 2 % are contended.
    """
    grouped: dict[Block, list[float]] = {}
    contended = unverified = 0
    for experiment, block, point in evidence.points(kind):
        found = point.values.get(value)
        if found is None or found <= 0 or not where(point.condition):
            continue
        if point.verified is False or (point.verified is None and not allow_unverified):
            unverified += 1
            continue
        if (point.values.get("waited_share") or 0.0) > CONTENDED_SHARE:
            contended += 1
            continue
        grouped.setdefault((experiment.run_id, block.index), []).append(found)
    medians = {block: stats.quantile(found, 0.5) for block, found in grouped.items()}
    by_block = {block: value for block, value in medians.items() if value}
    return Figures(by_block, contended, unverified)


def best_isa(chosen: Sequence[Row], steps: Sequence[str]) -> str | None:
    """The last of these steps that was measured."""
    measured = {row.entry.cell.isa for row in chosen}
    return next((step for step in reversed(steps) if step in measured), None)


def peak_rss_bytes(entry: CellResult) -> int | None:
    """The largest of all launches; None where it was not read."""
    peaks = (launch.memory.peak_rss_bytes for launch in entry.launches if launch.memory)
    return max((peak for peak in peaks if peak), default=None)


def richest(chosen: Sequence[Row], key: Callable[[Row], int]) -> list[Row]:
    """The rows of the key with the most different instruction sets; of a tie, the larger key."""
    kinds: dict[int, set[str]] = {}
    for row in chosen:
        kinds.setdefault(key(row), set()).add(row.entry.cell.isa)
    best = max(kinds, key=lambda each: (len(kinds[each]), each), default=None)
    return [row for row in chosen if key(row) == best]


def shared_workloads(*sides: Sequence[Row]) -> list[str]:
    """Names of the workloads that all sides have, the longest first."""
    tokens = {
        row.entry.cell.workload.name: row.entry.cell.workload.context_tokens
        for side in sides
        for row in side
    }
    shared = [name for name in tokens if all(_has_workload(side, name) for side in sides)]
    return sorted(shared, key=lambda name: (-tokens[name], name))


def _has_workload(side: Sequence[Row], name: str) -> bool:
    return any(row.entry.cell.workload.name == name and row.entry.launches for row in side)
