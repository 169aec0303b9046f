"""LocalScore's JSON. It writes 0 for what was not measured, such as power: that is null here.

`localscore -o json` prints it between its progress and its score, all on standard output: what
stands around it is no part of it. Its rates are averages over repetitions; of each of these it
lists the whole duration only, prompt and answer together.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from edgebench.analysis.interchange import foreign
from edgebench.analysis.interchange.foreign import Found, Row, has
from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.imported import Phase, Timing

TOOL = "localscore"
FORMATS = ("localscore-json",)
GIB = 1 << 30
MS = 1e6
START = re.compile(r'^\{\s*"runtime_info"\s*:', re.MULTILINE)
SETTINGS = ("build_commit", "build_number", "model_filename", "main_gpu", "name")


def recognises(text: str, document: Any) -> str | None:
    whole = has(document, "runtime_info", "system_info", "results")
    return FORMATS[0] if whole or (document is None and START.search(text)) else None


def read(file: foreign.File, _form: str) -> Iterator[Found]:
    """One Found per test. Raises BadInput with the file's name and the field."""
    document = Row(_document(file), file.name)
    for row in document.inners("results"):
        yield _found(document, row)


def _document(file: foreign.File) -> Any:
    starts = [match.start() for match in START.finditer(file.text)]
    if len(starts) > 1:
        raise BadInput(f"{file.name}: {len(starts)} runs in one file.", "Give each a file.")
    if starts:
        return foreign.first_json(file.text[starts[0] :], file.name)
    return foreign.parse_json(file.text, file.name)


def _found(document: Row, row: Row) -> Found:
    system, runtime = document.inner("system_info"), document.inner("runtime_info")
    accelerator = document.inner("accelerator_info")
    kind = (accelerator.text("type") or "").lower() or None
    prompt, output = row.count("n_prompt"), row.count("n_gen")
    timings = _timing(row, "prefill", prompt, "prompt_tps")
    timings += _timing(row, "decode", output, "gen_tps")
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


def _timing(row: Row, phase: Phase, tokens: int | None, name: str) -> list[Timing]:
    rate = row.positive(name)
    return foreign.timing(
        phase,
        tokens,
        mean_ns=tokens / rate * 1e9 if tokens and rate else None,
        repetitions=_repetitions(row),
        stdev_tok_s=row.positive(f"{name}_stddev"),
    )


def _repetitions(row: Row) -> int | None:
    """How many durations it lists, where they are of whole repetitions: their mean is the average.

    localscore-bench lists the prompt's and the answer's, which only add up to it.
    """
    durations, mean_ms = row.numbers("samples_ns"), row.positive("avg_time_ms")
    if not durations or not mean_ms:
        return None
    mean_ns = sum(durations) / len(durations)
    return len(durations) if math.isclose(mean_ns, mean_ms * MS, rel_tol=1e-3) else None
