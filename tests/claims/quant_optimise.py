"""Made evidence for quant-optimise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.claims.quant_optimise import DROPPED
from edgebench.claims.quant_speed import BASE, FORMATS
from tests.claims.makers import NOISY, STEADY, evidence, experiment, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

# Speed over F16's or the whole model's, and perplexity over theirs.
FASTER = {"supported": 2.0, "refuted": 1.05, "astride": 1.4}
WORSE = {"supported": 1.02, "refuted": 1.3, "astride": 1.02}
ITEMS = 100
RIGHT_OF_TEN = {"supported": 10, "refuted": 2, "astride": 9}
CHUNKS = (1.0, 1.001, 0.999, 1.002)


def made(effect: Effect) -> Evidence:
    """Every format and every pruning does the same."""
    scatter = NOISY if effect == "astride" else STEADY
    files = [file(quant=quant) for quant in (BASE, *FORMATS)]
    cells = [
        speeds(each, workload, 100.0 * (1.0 if each.quant == BASE else FASTER[effect]),
               STEADY if each.quant == BASE else scatter)
        for each in files
        for workload in ("tg64", "pp256")
    ]  # fmt: skip
    experiments = (quality(WORSE[effect]), pruning(effect), answered(effect))
    return evidence(record(files, *cells), experiments=experiments)


def answered(effect: Effect) -> Any:
    """F16 has everything right; of ten items Q4_0 has all, two, or (astride) nine."""
    base, small = (file(quant=quant) for quant in (BASE, "Q4_0"))
    points = [
        _item(each, number, right=each is base or number % 10 < RIGHT_OF_TEN[effect])
        for each in (base, small)
        for number in range(ITEMS)
    ]
    return experiment("task-items", [points], files=(base, small))


def _item(of: Any, number: int, *, right: bool) -> tuple[dict[str, Any], dict[str, float]]:
    condition = {
        "file": of.sha256, "shots": 3, "item": f"intent-{number:02}", "family": "intent",
        "ability": "language", "answer": 0, "options": 2,
    }  # fmt: skip
    ahead = 1.0 if right else -1.0
    scores = {"log_probability_0": -5 + ahead, "log_probability_1": -5.0}
    return condition, scores | {"bytes_0": 1.0, "bytes_1": 1.0}


def quality(worse: float, **formats: float) -> Any:
    """Chunks of text, each foretold that much worse than by F16."""
    points = [
        ({"format": quant, "base": BASE, "chunk": i}, nll(formats.get(quant, worse) * scatter))
        for quant in FORMATS
        for i, scatter in enumerate(CHUNKS)
    ]
    return experiment("perplexity", [points])


def pruning(effect: Effect) -> Any:
    scatter = NOISY if effect == "astride" else STEADY
    return experiment("layers-dropped", [_block(effect, each) for each in scatter])


def _block(effect: Effect, scatter: float) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    whole = {"layers_dropped": 0, "where": None, "chunk": None}
    points: list[tuple[dict[str, Any], dict[str, Any]]] = [(whole, {"decode_s_per_token": 0.01})]
    for count, where in DROPPED:
        condition = {"layers_dropped": count, "where": where}
        took = 0.01 / FASTER[effect] * scatter
        points += [(condition | {"chunk": None}, {"decode_s_per_token": took})]
        points += [(condition | {"chunk": 0}, nll(WORSE[effect] * (1 + scatter / 1000)))]
    return points


def nll(worse: float) -> dict[str, float]:
    return {"nll_nats": 3.0 + math.log(worse), "base_nll_nats": 3.0, "kl_nats": 0.01}
