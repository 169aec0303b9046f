"""ONNX Runtime GenAI's benchmark_e2e.py: JSON, CSV, and the older list of names and values.

It writes averages, or medians where asked. Rates are per prompt token and per step; tokens are what
it was asked for, and it does not count those that it got. Its memory figures are of the whole
machine and so are not read as a process's. `warmup_runs` and `measured_runs` are 1 and 10, whatever
was run, and are not read.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from edgebench.analysis.interchange import foreign
from edgebench.analysis.interchange.foreign import Found, Row, has

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOL = "onnxruntime-genai"
FORMATS = ("onnxruntime-genai-json", "onnxruntime-genai-csv", "onnxruntime-genai-list")
PROMPT = "metrics.prompt_processing_throughput_tps"
STEP = "metrics.token_generation_throughput_tps"
LIST = {
    "Batch Size": "config.batch_size",
    "Prompt Length": "config.prompt_length",
    "Tokens Generated": "config.tokens_generated",
    "Prompt Processing Throughput (tps)": PROMPT,
    "Token Generation Throughput (tps)": STEP,
    "Wall Clock Time (s)": "metrics.wall_clock_time_s",
}
SETTINGS = ("config.max_length", "config.aggregation", "metadata.package_name",
            "metadata.platform")  # fmt: skip
MS = 1e6


def recognises(text: str, document: Any) -> str | None:
    if isinstance(document, list) and document and has(document[0], "config", "metrics"):
        return "onnxruntime-genai-json"
    first = text[:16384].split("\n", 1)[0]
    if STEP in first and PROMPT in first:
        return "onnxruntime-genai-csv"
    named = "Token Generation Throughput (tps)," in text[:16384]
    return "onnxruntime-genai-list" if named and first.startswith("Batch Size,") else None


def read(file: foreign.File, form: str) -> Iterator[Found]:
    """One Found per configuration. Raises BadInput with the file's name and the field."""
    if form == "onnxruntime-genai-json":
        document = {"records": foreign.parse_json(file.text, file.name)}
        for row in Row(document, file.name).inners("records"):
            yield _found(Row(_flat(row), file.name))
    elif form == "onnxruntime-genai-csv":
        for number, each in enumerate(foreign.rows_of_csv(file.text, file.name), start=2):
            yield _found(Row(each, f"{file.name}:{number}"))
    else:
        yield _found(Row(_from_list(file.text), file.name))


def _flat(row: Row) -> dict[str, object]:
    """Dots between the names, as the tool's own CSV has them."""
    flat: dict[str, object] = {}
    for part in ("config", "metrics", "metadata"):
        flat |= {f"{part}.{name}": value for name, value in row.inner(part).plain().items()}
    info = row.inner("config").inner("model_info").plain()
    return flat | {f"config.model_info.{name}": value for name, value in info.items()}


def _from_list(text: str) -> dict[str, str]:
    pairs = (line for line in csv.reader(io.StringIO(text)) if len(line) == 2)
    return {LIST[name]: value for name, value in pairs if name in LIST}


def _found(row: Row) -> Found:
    batch = row.count("config.batch_size")
    prompt, output = row.count("config.prompt_length"), row.count("config.tokens_generated")
    steps, rate = output - 1 if output else None, row.positive(STEP)
    first = row.positive("metrics.time_to_first_token_ms")
    timings = foreign.timing("prefill", _all(prompt, batch), mean_ns=_ns(row, prompt, batch))
    if rate is not None:
        # Without a count of generated tokens, what is known is one step.
        tokens = _all(steps or 1, batch)
        mean_ns = tokens / rate * 1e9 if tokens else None
        timings += foreign.timing("decode", tokens, mean_ns=mean_ns)
    return Found(
        cpu=None,
        accelerator=None,
        operating_system=row.text("metadata.platform"),
        memory_total_bytes=None,
        tool_version=row.text("metadata.package_version"),
        cell={
            "model": row.text("config.model_info.full_name") or "unnamed",
            "quant": row.text("config.precision"),
            "model_size_bytes": None,
            "parameters": None,
            "backend": "onnxruntime-genai",
            "device": row.text("metadata.device"),
            "threads": None,
            "workload": foreign.workload(prompt, output, 0, batch),
            "settings": row.settings(SETTINGS),
        },
        launch=foreign.launch(timings, time_to_first_token_ns=(first * MS,) if first else ()),
    )


def _ns(row: Row, prompt: int | None, batch: int | None) -> float | None:
    rate, tokens = row.positive(PROMPT), _all(prompt, batch)
    return tokens / rate * 1e9 if rate and tokens else None


def _all(tokens: int | None, batch: int | None) -> int | None:
    return tokens * (batch or 1) if tokens else None
