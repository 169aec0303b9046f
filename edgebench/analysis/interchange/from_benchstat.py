"""What ollama's cmd/bench prints for Go's benchstat: a line per model, step and request.

Older versions write the token count where Go writes iterations, newer ones write 1 there: a count
above 1 is taken for tokens, and 1 for "not said". ns/token is a rate either way. All lines of a
file are requests to one server: samples of one launch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgebench.analysis.interchange import foreign
from edgebench.analysis.interchange.foreign import Found, Row
from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.imported import Phase, Timing

TOOL = "ollama-bench"
FORMATS = ("ollama-benchstat",)
LINE = re.compile(r"BenchmarkModel/name=(\S{1,300})/step=(\w{1,40})(?:-\d+)?\s+(\d{1,12})\s+(.*)")
ABOUT = re.compile(r"# Model: (\S{1,300}) \|(.*)")
STEPS: dict[str, Phase] = {"prefill": "prefill", "generate": "decode"}


class Step:
    """Samples of one model's step, in the order of requests."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.ns_per_token: list[float] = []
        self.ns: list[float] = []


def recognises(text: str, _document: Any) -> str | None:
    return FORMATS[0] if re.search(r"^BenchmarkModel/name=\S+/step=", text, re.MULTILINE) else None


def read(file: foreign.File, _form: str) -> Iterator[Found]:
    """One Found per model. Raises BadInput with the file's name and line."""
    models: dict[str, dict[str, Step]] = {}
    about: dict[str, dict[str, str]] = {}
    for number, line in enumerate(file.text.splitlines(), start=1):
        if number > foreign.MAX_ROWS:
            raise BadInput(f"{file.name}: more than {foreign.MAX_ROWS} lines, not read.")
        if said := ABOUT.match(line):
            about[said[1]] = dict(re.findall(r"\s*(\w+): ([^|]{1,200}?)\s*(?:\||$)", said[2]))
        if found := LINE.match(line):
            _add(models.setdefault(found[1], {}), found, f"{file.name}:{number}")
        elif line.startswith("Benchmark"):
            raise BadInput(f"{file.name}:{number}: not a line of ollama's benchmark.")
    for model, steps in models.items():
        yield _found(model, steps, about.get(model, {}))


def _add(steps: dict[str, Step], found: re.Match[str], where: str) -> None:
    """Value and unit pairs after the iterations, as Go's benchmark format has them."""
    parts = found[4].split()
    row = Row(dict(zip(parts[1::2], parts[::2], strict=False)), where)
    step = steps.setdefault(found[2], Step())
    if (rate := row.positive("ns/token")) is not None:
        step.ns_per_token.append(rate)
        counted = row.count("processed-prompt-token") or int(found[3])
        step.tokens.append(counted)
    for unit in ("ns/op", "ns/request"):
        if (value := row.positive(unit)) is not None:
            step.ns.append(value)


def _found(model: str, steps: dict[str, Step], about: dict[str, str]) -> Found:
    counts = {phase: _tokens(steps.get(step)) for step, phase in STEPS.items()}
    timings = [
        each for name, phase in STEPS.items() for each in _timing(steps.get(name), phase, counts)
    ]
    said = Row(about, "# Model")
    loads = steps["load"].ns if "load" in steps else []
    return Found(
        cpu=None,
        accelerator=None,
        operating_system=None,
        memory_total_bytes=None,
        tool_version=None,
        cell={
            "model": model,
            "quant": said.text("Quant"),
            "model_size_bytes": said.count("Size"),
            "parameters": None,
            "backend": "ollama",
            "device": None,
            "threads": None,
            "workload": foreign.workload(counts["prefill"], counts["decode"], None),
            "settings": said.settings(("Params", "Family", "VRAM", "NumCtx")),
        },
        launch=foreign.launch(
            timings,
            time_to_first_token_ns=tuple(steps["ttft"].ns) if "ttft" in steps else (),
            load_ns=loads[0] if loads else None,
        ),
    )


def _tokens(step: Step | None) -> int | None:
    """The one count that all requests agree in; 1 stands for "not said"."""
    counts = set(step.tokens) if step else set()
    return counts.pop() if len(counts) == 1 and counts != {1} else None


def _timing(step: Step | None, phase: Phase, counts: dict[Phase, int | None]) -> list[Timing]:
    if step is None:
        return []
    tokens = counts[phase] or 1
    return foreign.timing(phase, tokens, tuple(ns * tokens for ns in step.ns_per_token))
