"""LocalScore's JSON. It writes 0 for what was not measured, such as power: that is null here.

Its rates are averages, each of one or more repetitions that it does not list separately.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis.interchange import foreign
from edgebench.analysis.interchange.foreign import Found, Row, has

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOL = "localscore"
FORMATS = ("localscore-json",)
GIB = 1 << 30
MS = 1e6
SETTINGS = ("build_commit", "build_number", "model_filename", "main_gpu", "name")


def recognises(_text: str, document: Any) -> str | None:
    return FORMATS[0] if has(document, "runtime_info", "system_info", "results") else None


def read(file: foreign.File, _form: str) -> Iterator[Found]:
    """One Found per test. Raises BadInput with the file's name and the field."""
    document = Row(foreign.parse_json(file.text, file.name), file.name)
    for row in document.inners("results"):
        yield _found(document, row)


def _found(document: Row, row: Row) -> Found:
    system, runtime = document.inner("system_info"), document.inner("runtime_info")
    accelerator = document.inner("accelerator_info")
    kind = (accelerator.text("type") or "").lower() or None
    prompt, output = row.count("n_prompt"), row.count("n_gen")
    timings = foreign.timing("prefill", prompt, mean_ns=_mean(row, prompt, "prompt_tps"),
                             stdev_tok_s=row.positive("prompt_tps_stddev"))  # fmt: skip
    timings += foreign.timing("decode", output, mean_ns=_mean(row, output, "gen_tps"),
                              stdev_tok_s=row.positive("gen_tps_stddev"))  # fmt: skip
    first = row.positive("ttft_ms")
    kernel = [system.text("kernel_type"), system.text("kernel_release")]
    memory = system.positive("ram_gb")
    return Found(
        cpu=system.text("cpu_name"),
        accelerator=accelerator.text("name") if kind != "cpu" else None,
        operating_system=" ".join(part for part in kernel if part) or None,
        memory_total_bytes=round(memory * GIB) if memory else None,
        tool_version=runtime.text("version"),
        cell={
            "model": row.text("model_name") or row.text("model_type") or "unnamed",
            "quant": row.text("model_quant_str"),
            "model_size_bytes": row.count("model_size"),
            "parameters": row.count("model_n_params"),
            "backend": runtime.text("name") or "llamafile",
            "device": kind,
            "threads": None,
            "workload": foreign.workload(prompt, output),
            "settings": row.settings(SETTINGS),
        },
        launch=foreign.launch(
            timings,
            started_utc=foreign.utc(row.text("test_time")),
            time_to_first_token_ns=(first * MS,) if first else (),
        ),
    )


def _mean(row: Row, tokens: int | None, name: str) -> float | None:
    rate = row.positive(name)
    return tokens / rate * 1e9 if tokens and rate else None
