"""Evidence, records and reports for the gate."""

from __future__ import annotations

import math
from typing import Any

from edgebench.analysis import gate, gate_evidence
from edgebench.analysis.compare_reading import samples_of
from edgebench.analysis.gate import Evidence
from edgebench.analysis.stats import LogRatio
from edgebench.schema.comparison import GateReport
from edgebench.schema.result import CellResult, Result
from tests.results_maker import cell, decode_launches, result, verification

THRESHOLD = 0.05


def slowdown(percent: float, error: float = 0.01, degrees: int = 19) -> LogRatio:
    return LogRatio(math.log(1 + percent / 100), error, degrees)


def evidence(first: LogRatio, second: LogRatio | None = None, **fields: Any) -> Evidence:
    plain = Evidence("a cell", "0" * 12, "cpu_s_per_token", 20, first, first, second, None)
    return plain._replace(**fields)


STEPS_MS = (10.0, 10.1, 9.9, 10.05, 9.95, 10.02, 10.1, 9.93)


def record(*step_ms: float, status: str = "passed", **fields: Any) -> Result:
    verified = verification(status, "KL is 3" if status == "failed" else None)
    launches = decode_launches(*(step_ms or STEPS_MS))
    return result(CellResult(cell=cell(), verification=verified, launches=launches), **fields)


def gathered(base: Result, head: Result, **fields: Any) -> gate_evidence.Material:
    one, two = samples_of(base, "base.json"), samples_of(head, "head.json")
    return gate_evidence.gather(one, two, **({"detectable": {}} | fields))


def slower(factor: float) -> tuple[float, ...]:
    return tuple(factor * ms for ms in STEPS_MS)


def report(*judged: Evidence, label: str = "a cell", notes: tuple[str, ...] = ()) -> GateReport:
    judgements = tuple(gate.judge([each._replace(label=label) for each in judged], THRESHOLD))
    return GateReport(
        schema_version=1,
        created_utc="2026-01-01T00:00:00Z",
        base="old",
        head="new",
        threshold=THRESHOLD,
        interleaved=True,
        verdict=gate.worst([each.verdict for each in judgements]),
        judgements=judgements,
        notes=notes,
    )


def unverifiable(*step_ms: float) -> Result:
    made = record(*step_ms, status="not_possible")
    (entry,) = made.cells
    why = verification("not_possible", "A graph of others.")
    return made.model_copy(update={"cells": (entry.model_copy(update={"verification": why}),)})
