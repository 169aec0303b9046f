"""Nanoseconds in, tokens per second out: what is read from a record.

A launch gives one number per metric, the median of its trials without the warm-up. A cell whose
verification failed gives no speed at all.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from edgebench.analysis import stats, sustained
from edgebench.schema.summary import CellSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edgebench.analysis.sustained import Loop
    from edgebench.schema.interval import Interval
    from edgebench.schema.launch import Launch, Trial
    from edgebench.schema.result import CellResult
    from edgebench.schema.workload import Workload

    Metric = Callable[[Trial | Loop, Workload], float | None]

NS = 1e-9


def prefill_tok_s(trial: Trial | Loop, workload: Workload) -> float | None:
    """Prompt tokens of all sequences per second of the prefill call."""
    tokens = workload.prompt_tokens * workload.sequences
    return tokens / (trial.prefill_ns * NS) if trial.prefill_ns else None


def decode_tok_s(trial: Trial | Loop, workload: Workload) -> float | None:
    """Output tokens of all sequences per second of decode steps, without what lies between them."""
    total = sum(trial.step_ns)
    return workload.output_tokens * workload.sequences / (total * NS) if total else None


def time_to_first_token_s(trial: Trial | Loop, workload: Workload) -> float | None:
    """Prefill, and in scenarios tokenizing and the first greedy sampling.

    None without a prompt, and for several sequences, whose prompts are one call.
    """
    if not trial.prefill_ns or workload.sequences > 1:
        return None
    sampling = trial.sample_ns[0] if trial.sample_ns else 0
    return ((trial.tokenize_ns or 0) + trial.prefill_ns + sampling) * NS


def cpu_s_per_token(trial: Trial | Loop, workload: Workload) -> float | None:
    """CPU seconds of all threads per token; None where prefill and decode would be mixed."""
    if workload.prompt_tokens and workload.output_tokens:
        return None
    spent = trial.counters.cpu_user_s + trial.counters.cpu_system_s
    tokens = (workload.prompt_tokens + workload.output_tokens) * workload.sequences
    return spent / tokens or None


def may_show_speed(cell: CellResult) -> bool:
    """False where the output may be wrong, and for every time that passed in an emulator."""
    return is_sound(cell) and cell.emulated is None


def is_sound(cell: CellResult) -> bool:
    """False where verification failed, never happened, or ended with the engine's death."""
    verified = cell.verification
    return verified is not None and verified.status != "failed" and verified.failure is None


def per_launch(cell: CellResult, metric: Metric) -> list[float]:
    """One number per launch that finished a trial."""
    values = (of_launch(launch, cell.cell.workload, metric) for launch in cell.launches)
    return [value for value in values if value is not None]


def half_width(cell: CellResult) -> float | None:
    """The widest relative half-width of the cell's rates; None while one has no interval."""
    rates: list[Metric] = [prefill_tok_s] * bool(cell.cell.workload.prompt_tokens)
    rates += [decode_tok_s] * bool(cell.cell.workload.output_tokens)
    widths = [stats.half_width(per_launch(cell, rate)) for rate in rates]
    known = [width for width in widths if width is not None]
    return max(known) if len(known) == len(rates) else None


def primary(cell: CellResult) -> list[float]:
    """The rate that progress shows: decode where there is any, else prefill."""
    output = cell.cell.workload.output_tokens
    return per_launch(cell, decode_tok_s if output else prefill_tok_s)


def summarize(cell: CellResult) -> CellSummary:
    """Everything that tables show of a cell."""
    show = may_show_speed(cell)
    steps = [ns * NS for trial in _trials(cell.launches) for ns in trial.step_ns] if show else []
    peaks = [ln.memory.peak_rss_bytes for ln in cell.launches if ln.memory]
    return CellSummary(
        prefill_tok_s=_speed(cell, prefill_tok_s),
        decode_tok_s=_speed(cell, decode_tok_s),
        time_to_first_token_s=_speed(cell, time_to_first_token_s),
        first_call_after_load_s=_interval(_first_calls(cell) if show else []),
        load_s=_interval([ln.load.load_ns * NS for ln in cell.launches if ln.load] if show else []),
        step_p50_s=stats.quantile(steps, 0.50),
        step_p90_s=stats.quantile(steps, 0.90),
        step_p99_s=stats.quantile(steps, 0.99),
        cpu_s_per_token=_speed(cell, cpu_s_per_token),
        peak_rss_bytes=max((peak for peak in peaks if peak is not None), default=None),
        sustained=sustained.summary(
            [ln.sustained for ln in cell.launches if ln.sustained], cell.cell.workload, speeds=show
        ),
    )


def _speed(cell: CellResult, metric: Metric) -> Interval | None:
    return _interval(per_launch(cell, metric)) if may_show_speed(cell) else None


def _interval(values: Sequence[float]) -> Interval | None:
    return stats.interval([value for value in values if value > 0])


def of_launch(launch: Launch, workload: Workload, metric: Metric) -> float | None:
    """The launch's one number: the median of its trials without the warm-up, or of its loops."""
    timed = sustained.loops(launch.sustained) if launch.sustained else _trials([launch])
    values = [metric(each, workload) for each in timed]
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _trials(launches: Iterable[Launch]) -> list[Trial]:
    return [trial for launch in launches for trial in launch.trials if not trial.warmup]


def _first_calls(cell: CellResult) -> list[float]:
    """Duration of the first call into a freshly loaded model: page faults and all.

    None where the first call is the untimed one that fills the KV cache to the workload's depth, or
    only a part of the prompt.
    """
    launches = () if cell.cell.workload.depth_tokens else cell.launches
    firsts = [
        first
        for launch in launches
        for first in launch.trials[:1]
        if first.warmup and (first.divided_by == 1 or first.prefill_ns is None)
    ]
    return [(t.prefill_ns or (t.step_ns[0] if t.step_ns else 0)) * NS for t in firsts]
