"""A record as rows of the index. A speed that may not be shown is NULL in every table."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from edgebench.analysis import imported, metrics, report_rows, stats
from edgebench.analysis.compare_reading import any_samples
from edgebench.analysis.index import report_text, sample_text
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.analysis.compare_samples import Sample
    from edgebench.analysis.records import Record
    from edgebench.schema.cell import MeasuredFile
    from edgebench.schema.comparison import Metric
    from edgebench.schema.imported import Imported, ImportedCell, ImportedLaunch
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import CellResult

Rows = dict[str, list[dict[str, Any]]]
TIMED: tuple[Metric, ...] = ("prefill_tok_s", "decode_tok_s", "time_to_first_token_s", "load_s",
                             "cpu_s_per_token")  # fmt: skip
EMULATED = "time that passes in an emulator is not this CPU's"


def of(record: Record, source: str) -> Rows:
    """Rows of every table but `files`, without `file_id`. `source` is the file's name."""
    found = any_samples(record, source)
    if isinstance(record, Result):
        cells = [_measured(record, n, sample) for n, sample in enumerate(found)]
        device, launches = _device(record), list(_launches(record, found))
    else:
        cells = [_imported(record, n, sample) for n, sample in enumerate(found)]
        device, launches = _imported_device(record), list(_imported_launches(record))
    reported = report_rows.rows_of(record) if isinstance(record, Result) else None
    return {
        "reports": [{"report": report_text.dump(reported)}] if reported else [],
        "devices": [device],
        "cells": cells,
        "launches": launches,
        "energy": [row for n, sample in enumerate(found) for row in _energy(n, sample)],
        "samples": [
            {"cell_index": n, "sample": sample_text.dump(each)} for n, each in enumerate(found)
        ],
    }


def _measured(result: Result, place: int, sample: Sample) -> dict[str, Any]:
    entry = result.cells[place]
    file = next(file for file in result.files if file.sha256 == entry.cell.file)
    verified = entry.verification
    return {
        "cell_index": place,
        **_weights(file),
        **_cell(sample, "verification", verified.status if verified else None),
        "verification_reason": verified.reason if verified else None,
        "no_speed_because": sample.no_speed or (EMULATED if entry.emulated else None),
        "mean_kl": verified.mean_kl if verified else None,
        "max_kl": verified.max_kl if verified else None,
        "top1_agreement": verified.top1_agreement if verified else None,
        "perplexity": verified.perplexity_engine if verified else None,
        **_steps(entry),
        "peak_rss_bytes": max(_peaks(entry), default=None),
        "launches": len(entry.launches),
    }


def _steps(entry: CellResult) -> dict[str, float | None]:
    """As `metrics.summarize`, which would also make every interval again."""
    trials = [trial for launch in entry.launches for trial in launch.trials if not trial.warmup]
    shown = trials if metrics.may_show_speed(entry) else []
    steps = sorted(chain.from_iterable(trial.step_ns for trial in shown))
    found = {q: stats.quantile(steps, q / 100) for q in (50, 90, 99)}
    return {f"step_p{q}_s": None if ns is None else ns * metrics.NS for q, ns in found.items()}


def _peaks(entry: CellResult) -> list[int]:
    told = [launch.memory.peak_rss_bytes for launch in entry.launches if launch.memory]
    return [peak for peak in told if peak is not None]


def _imported(record: Imported, place: int, sample: Sample) -> dict[str, Any]:
    cell = record.cells[place]
    peaks = [launch.peak_rss_bytes for launch in cell.launches if launch.peak_rss_bytes]
    return {
        "cell_index": place,
        "model": cell.model,
        "quant": cell.quant,
        "model_size_bytes": cell.model_size_bytes,
        **_cell(sample, "verification", record.verification.status),
        "verification_reason": record.verification.reason,
        "no_speed_because": sample.no_speed,
        "peak_rss_bytes": max(peaks, default=None),
        "launches": len(cell.launches),
    }


def _weights(file: MeasuredFile) -> dict[str, Any]:
    return {
        "model": file.model or file.name,
        "quant": file.quant,
        "weights": file.weights,
        "model_sha256": file.sha256,
        "model_size_bytes": file.size_bytes,
    }


def _cell(sample: Sample, *verification: str | None) -> dict[str, Any]:
    """Identity and intervals, the same for both kinds of record."""
    cell, workload = sample.cell, sample.cell.workload
    name, status = verification
    return {
        "cell_id": cell.id,
        "label": sample.label,
        "backend": cell.backend,
        "isa": cell.isa,
        "device": cell.device,
        "threads": cell.threads,
        "workload": workload.name,
        "prompt_tokens": workload.prompt_tokens,
        "output_tokens": workload.output_tokens,
        "depth_tokens": workload.depth_tokens,
        "sequences": workload.sequences,
        "imported_from": sample.imported_from,
        str(name): status,
        "contention": None if sample.imported_from else sample.contention,
        **{key: value for metric in TIMED for key, value in _interval(sample, metric)},
    }


def _interval(sample: Sample, metric: Metric) -> Iterator[tuple[str, float | None]]:
    found = stats.interval(list(sample.values.get(metric, {}).values()))
    yield metric, found.estimate if found else None
    yield f"{metric}_low", found.low if found else None
    yield f"{metric}_high", found.high if found else None


def _device(result: Result) -> dict[str, Any]:
    device = result.device
    names = dict.fromkeys(cluster.name or cluster.part for cluster in device.clusters)
    rates = device.ceilings.read if device.ceilings else ()
    best = [rate.bytes_read / min(rate.fastest_ns) for rate in rates]
    same = ("board", "architecture", "logical_cpus", "physical_cores", "memory_total_bytes",
            "kernel", "operating_system", "hypervisor", "profile", "emulated")  # fmt: skip
    return {
        "device_id": device.id,
        "cpu": ", ".join(name for name in names if name) or None,
        "read_gb_s": max(best, default=None),
        **{name: getattr(device, name) for name in same},
    }


def _imported_device(record: Imported) -> dict[str, Any]:
    return {
        "device_id": record.device.id,
        "cpu": record.device.cpu,
        "memory_total_bytes": record.device.memory_total_bytes,
        "operating_system": record.device.operating_system,
    }


def _launches(result: Result, samples: list[Sample]) -> Iterator[dict[str, Any]]:
    for place, (entry, sample) in enumerate(zip(result.cells, samples, strict=True)):
        for launch in entry.launches:
            yield {"cell_index": place, **_launch(launch, sample, entry)}


def _launch(launch: Launch, sample: Sample, entry: CellResult) -> dict[str, Any]:
    failure = launch.failure
    shown = metrics.may_show_speed(entry)
    return {
        "launch": launch.round,
        "started_utc": launch.started_utc,
        "dispatched_isa": launch.dispatch.isa if launch.dispatch else None,
        **{name: sample.values.get(name, {}).get(launch.round) if shown else None
           for name in TIMED},
        "peak_rss_bytes": launch.memory.peak_rss_bytes if launch.memory else None,
        "trials": sum(not trial.warmup for trial in launch.trials),
        "failure_stage": failure.stage if failure else None,
        "failure_kind": failure.kind if failure else None,
        "failure_message": failure.message if failure else None,
    }  # fmt: skip


def _imported_launches(record: Imported) -> Iterator[dict[str, Any]]:
    for place, cell in enumerate(record.cells):
        figures = imported.values(cell)
        for number, launch in enumerate(cell.launches):
            yield {
                "cell_index": place,
                "launch": number,
                "started_utc": launch.started_utc,
                **{name: figures.get(name, {}).get(number) for name in TIMED},
                "peak_rss_bytes": launch.peak_rss_bytes,
                "trials": _repetitions(cell, launch),
            }


def _repetitions(_cell: ImportedCell, launch: ImportedLaunch) -> int | None:
    known = [each.repetitions for each in launch.timings if each.repetitions is not None]
    return max(known, default=None)


def _energy(place: int, sample: Sample) -> Iterator[dict[str, Any]]:
    for each in sample.energy:
        told = {
            name: found.estimate if (found := getattr(each, name)) else None
            for name in ("joules_per_token", "tokens_per_joule", "watts")
        }
        yield {
            "cell_index": place,
            "phase": each.phase,
            "method": each.method,
            "scope": each.scope,
            "quality": each.quality,
            "idle_watts": each.idle_watts,
            "reason": each.reason,
            **told,
        }
