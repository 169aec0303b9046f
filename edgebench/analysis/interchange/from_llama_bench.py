"""llama.cpp's llama-bench: JSON, JSONL, CSV and SQL.

Spread follows from `samples_ns`. `stddev_ns` is never read: it is computed in 64-bit integers and
overflows on slow machines. CSV and SQL hold no samples; of them `avg_ns` is taken, and `stddev_ts`,
which is computed in floating point. All rows of one file are one process: one launch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgebench.analysis.interchange import foreign, sql_text
from edgebench.analysis.interchange.foreign import Found, Row, has
from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.imported import Phase, Timing

TOOL = "llama-bench"
NEEDED = ("n_prompt", "n_gen", "avg_ns")
FORMATS = ("llama-bench-json", "llama-bench-jsonl", "llama-bench-csv", "llama-bench-sql")
# As llama-bench writes it, and as edgebench exports it, with the instruction set.
CPU = r"CPU( \(.*\))?|BLAS"
SETTINGS = (
    "build_commit", "build_number", "gpu_info", "backends", "model_filename", "n_batch",
    "n_ubatch", "cpu_mask", "cpu_strict", "poll", "type_k", "type_v", "n_gpu_layers", "n_cpu_moe",
    "split_mode", "main_gpu", "no_kv_offload", "flash_attn", "devices", "tensor_split",
    "tensor_buft_overrides", "use_mmap", "use_direct_io", "load_mode", "lazy_mode", "embeddings",
    "no_op_offload", "no_host", "repack", "fit_target", "fit_min_ctx",
)  # fmt: skip


def recognises(text: str, document: Any) -> str | None:
    """Which of FORMATS it is, or None."""
    if isinstance(document, list) and document and has(document[0], *NEEDED):
        return "llama-bench-json"
    if has(document, *NEEDED):
        return "llama-bench-jsonl"
    head = text[:4096]
    if "INSERT INTO" in text and all(name in text for name in NEEDED):
        return "llama-bench-sql"
    first = head.split("\n", 1)[0]
    return "llama-bench-csv" if all(name in first.split(",") for name in NEEDED) else None


def read(file: foreign.File, form: str) -> Iterator[Found]:
    """One Found per row. Raises BadInput with the file's name and the field."""
    for row in _rows(file, form):
        yield _found(row)


def _rows(file: foreign.File, form: str) -> Iterator[Row]:
    if form == "llama-bench-json":
        document = foreign.parse_json(file.text, file.name)
        if not isinstance(document, list) or len(document) > foreign.MAX_ROWS:
            raise BadInput(f"{file.name}: expected a list of tests.")
        yield from (Row(each, f"{file.name}: {n}") for n, each in enumerate(document))
    elif form == "llama-bench-jsonl":
        for number, line in enumerate(file.text.splitlines(), start=1):
            if number > foreign.MAX_ROWS:
                raise BadInput(f"{file.name}: more than {foreign.MAX_ROWS} rows, not read.")
            where = f"{file.name}:{number}"
            if line.strip():
                yield Row(foreign.parse_json(line, where), where)
    elif form == "llama-bench-csv":
        found = foreign.rows_of_csv(file.text, file.name)
        yield from (Row(each, f"{file.name}:{n}") for n, each in enumerate(found, start=2))
    else:
        found_rows = sql_text.inserted(file.text, file.name)
        yield from (Row(each, f"{file.name}: INSERT {n}") for n, each in enumerate(found_rows, 1))


def _found(row: Row) -> Found:
    prompt, output = row.count("n_prompt"), row.count("n_gen")
    if prompt is None or output is None:
        raise row.missing("n_prompt" if prompt is None else "n_gen")
    gpus, backends = row.text("gpu_info"), row.text("backends")
    build = [row.text("build_commit"), row.text("build_number")]
    return Found(
        cpu=row.text("cpu_info"),
        accelerator=gpus,
        operating_system=None,
        memory_total_bytes=None,
        tool_version=" ".join(part for part in build if part) or None,
        cell={
            "model": row.text("model_type") or row.text("model_filename") or "unnamed",
            "quant": None,
            "model_size_bytes": row.count("model_size"),
            "parameters": row.count("model_n_params"),
            "backend": "llama.cpp",
            "device": "cpu" if re.fullmatch(CPU, backends or "") else backends,
            "threads": row.count("n_threads") or None,
            "workload": foreign.workload(prompt, output, row.count("n_depth")),
            "settings": row.settings(SETTINGS),
        },
        launch=foreign.launch(
            _timings(row, prompt, output), started_utc=foreign.utc(row.text("test_time"))
        ),
    )


def _timings(row: Row, prompt: int, output: int) -> list[Timing]:
    phase: Phase = "combined" if prompt and output else "prefill" if prompt else "decode"
    return foreign.timing(
        phase,
        prompt + output,
        row.numbers("samples_ns"),
        mean_ns=row.positive("avg_ns"),
        stdev_tok_s=row.positive("stddev_ts"),
    )
