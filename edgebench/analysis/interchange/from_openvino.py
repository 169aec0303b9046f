"""OpenVINO GenAI's llm_bench: JSON, as `-rj` writes it.

Iteration 0 is its warm-up, which its own averages leave out as well. Prefill is the first token's
inference and decode the later tokens' inference, where it separates them; else the latencies that
hold sampling too. `input_size` counts one prompt; the batch multiplies it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis.interchange import foreign
from edgebench.analysis.interchange.foreign import Found, Row, has

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.imported import Phase, Timing

TOOL = "openvino-llm-bench"
FORMATS = ("openvino-llm-bench-json",)
MS = 1e6
MIB = 1 << 20


def recognises(_text: str, document: Any) -> str | None:
    known = has(document, "metadata", "perfdata") and has(document["perfdata"], "results")
    return FORMATS[0] if known else None


def read(file: foreign.File, _form: str) -> Iterator[Found]:
    """One Found per prompt and size. Raises BadInput with the file's name and the field."""
    document = Row(foreign.parse_json(file.text, file.name), file.name)
    about, measured = document.inner("metadata"), document.inner("perfdata")
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in measured.inners("results"):
        if row.count("iteration"):
            which = row.count("prompt_idx"), row.count("input_size"), row.count("output_size")
            groups.setdefault(which, []).append(row)
    for (_, prompt, output), rows in groups.items():
        yield _found(about, measured, (prompt, output), rows)


def _found(about: Row, measured: Row, size: tuple[Any, Any], rows: list[Row]) -> Found:
    prompt, output = size
    batch = about.count("batch_size") or 1
    timings = _phase("prefill", prompt, batch, rows, ("first_infer_latency", "first_latency"))
    steps = ("second_infer_avg_latency", "second_avg_latency")
    timings += _phase("decode", output - 1 if output else None, batch, rows, steps)
    peaks = [row.positive("max_rss_mem") for row in rows]
    first = [row.positive("first_latency") for row in rows]
    return Found(
        cpu=None,
        accelerator=None,
        operating_system=None,
        memory_total_bytes=None,
        tool_version=None,
        cell={
            "model": about.text("model") or "unnamed",
            "quant": about.text("precision"),
            "model_size_bytes": None,
            "parameters": None,
            "backend": f"openvino {about.text('framework') or ''}".strip(),
            "device": (about.text("device") or "").lower() or None,
            "threads": None,
            "workload": foreign.workload(prompt, output, 0, batch),
            "settings": about.settings(("num_beams",)),
        },
        launch=foreign.launch(
            timings,
            time_to_first_token_ns=tuple(value * MS for value in first if value),
            load_ns=foreign.scaled(measured.positive("compile_time"), 1e9),
            peak_rss_bytes=int(max((peak for peak in peaks if peak), default=0) * MIB) or None,
        ),
    )


def _phase(
    phase: Phase, tokens: int | None, batch: int, rows: list[Row], names: tuple[str, str]
) -> list[Timing]:
    """Milliseconds of the first of `names` that every row has; decode's are of one step."""
    for name in names:
        values = [row.positive(name) for row in rows]
        if tokens and all(values):
            each = tokens if phase == "decode" else 1
            samples = tuple(value * MS * each for value in values if value)
            return foreign.timing(phase, tokens * batch, samples)
    return []
