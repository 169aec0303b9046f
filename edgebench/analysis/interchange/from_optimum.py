"""optimum-benchmark: benchmark.json (configuration and report) of a text-generation run.

Latencies are seconds per iteration of a whole batch. Decode covers all new tokens but the first.
Some of its backends take decode as generate minus the mean prefill; the report does not say which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis.interchange import foreign
from edgebench.analysis.interchange.foreign import Found, Row, has
from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.imported import Phase, Timing

TOOL = "optimum-benchmark"
FORMATS = ("optimum-benchmark-json",)
NS, MB = 1e9, 10**6
SETTINGS = ("version", "task", "library", "inter_op_num_threads", "torch_dtype", "dtype",
            "quantization_scheme", "attn_implementation", "device_map")  # fmt: skip


def recognises(_text: str, document: Any) -> str | None:
    known = has(document, "config", "report") and has(document["config"], "backend", "scenario")
    return FORMATS[0] if known else None


def read(file: foreign.File, _form: str) -> Iterator[Found]:
    """Raises BadInput with the file's name and the field; one that generated no text is refused."""
    document = Row(foreign.parse_json(file.text, file.name), file.name)
    config, report = document.inner("config"), document.inner("report")
    if "prefill" not in report and "decode" not in report:
        raise BadInput(
            f"{file.name}: no prefill and no decode in this report.",
            "Only runs of the task text-generation time tokens.",
        )
    yield _found(config, report)


def _found(config: Row, report: Row) -> Found:
    backend, scenario, where = (
        config.inner(name) for name in ("backend", "scenario", "environment")
    )
    shapes, generate = scenario.inner("input_shapes"), scenario.inner("generate_kwargs")
    batch, prompt = shapes.count("batch_size") or 1, shapes.count("sequence_length")
    output = generate.count("max_new_tokens") or scenario.count("new_tokens")
    timings = _phase("prefill", prompt, batch, report)
    timings += _phase("decode", output - 1 if output else None, batch, report)
    loads = _values(report, "load_model") or _values(report, "load")
    peak = report.inner("decode").inner("memory").positive("max_ram")
    gpus = where.text_list("gpu")
    return Found(
        cpu=where.text("cpu"),
        accelerator=", ".join(gpus)[: foreign.MAX_SAID] or None,
        operating_system=where.text("platform"),
        memory_total_bytes=_bytes(where.positive("cpu_ram_mb")),
        tool_version=where.text("optimum_benchmark_version"),
        cell={
            "model": backend.text("model") or "unnamed",
            "quant": backend.text("quantization_scheme") or backend.text("torch_dtype"),
            "model_size_bytes": None,
            "parameters": None,
            "backend": backend.text("name") or "unnamed",
            "device": backend.text("device"),
            "threads": backend.count("intra_op_num_threads") or None,
            "workload": foreign.workload(prompt, output, 0, batch),
            "settings": backend.settings(SETTINGS),
        },
        launch=foreign.launch(timings, load_ns=loads[0] if loads else None,
                              peak_rss_bytes=_bytes(peak)),
    )  # fmt: skip


def _phase(phase: Phase, tokens: int | None, batch: int, report: Row) -> list[Timing]:
    return foreign.timing(phase, tokens * batch if tokens else None, _values(report, phase))


def _values(report: Row, name: str) -> tuple[float, ...]:
    """Nanoseconds, whatever unit the report names for seconds."""
    latency = report.inner(name).inner("latency")
    if latency.text("unit") not in (None, "s"):
        raise BadInput(f"{name}.latency.unit: expected s, not {latency.text('unit')!r}.")
    return tuple(value * NS for value in latency.numbers("values"))


def _bytes(megabytes: float | None) -> int | None:
    return round(megabytes * MB) if megabytes else None
