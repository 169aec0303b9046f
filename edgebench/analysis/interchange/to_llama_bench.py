"""llama-bench's JSON and its markdown table, as far as a record says what they ask for.

A workload of prompt and output is two rows, prefill and decode at that depth: llama-bench's own
pooled rate would say neither. Fields that edgebench does not know are null.
"""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgebench.analysis.interchange.exported import Export, Exported, Phase

UNKNOWN = ("build_number", "cpu_mask", "cpu_strict", "poll", "n_cpu_moe", "split_mode", "main_gpu",
           "no_kv_offload", "devices", "tensor_split", "tensor_buft_overrides", "embeddings",
           "no_op_offload", "no_host")  # fmt: skip
COLUMNS = ("model", "size", "params", "backend", "threads")
# Of its JSON, and what its table calls them where rows differ in them.
VARYING = {"n_batch": "n_batch", "n_ubatch": "n_ubatch", "type_k": "type_k", "type_v": "type_v",
           "flash_attn": "fa", "use_mmap": "mmap", "repack": "repack"}  # fmt: skip
MIB, GIB = 1 << 20, 1 << 30


def to_json(export: Export) -> str:
    """A list of tests, as `llama-bench -o json`."""
    rows = [_row(each, phase) for each, phase in _phases(export.cells)]
    return json.dumps(rows, indent=2, allow_nan=False) + "\n"


def to_markdown(export: Export, escape: Callable[[str], str]) -> str:
    """The table of `llama-bench -o md`. `escape` makes a stranger's text harmless in it."""
    rows = [_row(*each) for each in _phases(export.cells)]
    varying = [name for name in VARYING if len({row[name] for row in rows}) > 1]
    lines = [(*COLUMNS, *(VARYING[name] for name in varying), "test", "t/s")]
    lines.append((":---", *["---:"] * 2, ":---", *["---:"] * (len(varying) + 3)))
    for each, row in zip(_phases(export.cells), rows, strict=True):
        *first, test, rate = _fields(*each)
        lines.append(tuple(map(escape, (*first, *(_flag(row[n]) for n in varying), test, rate))))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def why_not(cell: Exported) -> str | None:
    """What llama-bench has no words for."""
    if (cell.sample.cell.workload.sequences or 1) > 1:
        return "llama-bench has no parallel sequences"
    return None


def _phases(cells: Sequence[Exported]) -> Iterator[tuple[Exported, Phase]]:
    return ((each, phase) for each in cells if why_not(each) is None for phase in each.phases)


def _row(each: Exported, phase: Phase) -> dict[str, object]:
    cell, settings, rates = each.sample.cell, each.settings, phase.samples_tok_s
    kv_type, load_mode = settings.get("kv_type"), settings.get("load_mode")
    spread_ns = statistics.stdev(phase.samples_ns) if len(rates) > 1 else None
    return dict.fromkeys(UNKNOWN) | {
        "build_commit": each.sample.engine or None,
        "cpu_info": each.cpu,
        "gpu_info": each.accelerator or "",
        "backends": _backend(each),
        "model_filename": each.file_name,
        "model_type": each.sample.weights.label,
        "model_size": each.size_bytes,
        "model_n_params": each.parameters,
        "n_batch": settings.get("batch_tokens"),
        "n_ubatch": settings.get("ubatch_tokens"),
        "n_threads": cell.threads,
        "type_k": kv_type,
        "type_v": kv_type,
        "n_gpu_layers": 0 if cell.device == "cpu" else None,
        "flash_attn": settings.get("flash_attention"),
        "use_mmap": None if load_mode is None else load_mode == "mmap",
        "repack": settings.get("repacking"),
        "n_prompt": phase.tokens if phase.name == "prefill" else 0,
        "n_gen": phase.tokens if phase.name == "decode" else 0,
        "n_depth": phase.depth,
        "test_time": each.sample.started_utc,
        "avg_ns": round(statistics.fmean(phase.samples_ns)),
        "stddev_ns": None if spread_ns is None else round(spread_ns),
        "avg_ts": statistics.fmean(rates),
        "stddev_ts": statistics.stdev(rates) if len(rates) > 1 else None,
        "samples_ns": [_whole(ns) for ns in phase.samples_ns],
        "samples_ts": rates,
    }


def _whole(ns: float) -> float | int:
    """Nanoseconds that were read as integers are written as such."""
    return int(ns) if ns == int(ns) else ns


def _backend(each: Exported) -> str | None:
    """With the instruction set, which llama-bench has no field for: `CPU (zen4)`."""
    cell = each.sample.cell
    if cell.device is None:
        return None
    return f"{cell.device.upper()} ({cell.isa})" if cell.isa else cell.device.upper()


def _fields(each: Exported, phase: Phase) -> tuple[str, ...]:
    rates, depth = phase.samples_tok_s, f" @ d{phase.depth}" if phase.depth else ""
    spread = f" ± {statistics.stdev(rates):.2f}" if len(rates) > 1 else ""
    kind = "pp" if phase.name == "prefill" else "tg"
    return (
        each.sample.weights.label,
        _size(each.size_bytes),
        f"{each.parameters / 1e6:.2f} M" if each.parameters else "-",
        _backend(each) or "-",
        str(each.sample.cell.threads or "-"),
        f"{kind}{phase.tokens}{depth}",
        f"{statistics.fmean(rates):.2f}{spread}",
    )


def _flag(value: object) -> str:
    return "-" if value is None else str(int(value) if isinstance(value, bool) else value)


def _size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "-"
    return f"{size_bytes / GIB:.2f} GiB" if size_bytes >= GIB else f"{size_bytes / MIB:.2f} MiB"
