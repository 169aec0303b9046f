"""Made evidence for context-cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.claims.makers import STEADY, evidence, experiment, file, record, speeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

# Of the linear part: how much the quadratic one adds at 8,192 tokens.
GROWTH = {"supported": 1.0, "refuted": -0.3, "astride": 0.0}
LENGTHS = (64, 512, 2048, 4096, 8192)
DEPTHS = (0, 1024, 4096)
ALL_WAYS = (1.2, 0.8, 1.1, 0.9, 1.25, 0.85, 0.95, 1.05, 1.15, 0.75)


def made(effect: Effect) -> Evidence:
    """1,000 tokens per second for a short prompt, 100 for the first token."""
    q8 = file(quant="Q8_0")
    cells = [
        speeds(q8, workload(phase, n), base / slower(GROWTH[effect], n), scatter(effect, n))
        for phase, tokens, base in (("pp", LENGTHS, 1000.0), ("tg", DEPTHS, 100.0))
        for n in tokens
    ]
    return evidence(record([q8], *cells), experiments=(keys(effect), rules(effect)))


def scatter(effect: Effect, tokens: int) -> Sequence[float]:
    """Astride: the longest ones go either way."""
    longest = tokens in (LENGTHS[-1], DEPTHS[-1])
    return ALL_WAYS if effect == "astride" and longest else (1.0,) * len(STEADY)


def slower(growth: float, tokens: int) -> float:
    return 1 + growth * tokens / 8192


def workload(phase: str, tokens: int) -> str:
    if phase == "pp":
        return f"pp{tokens}"
    return f"tg32@d{tokens}" if tokens else "tg32"


def keys(effect: Effect, short: float = 1.0) -> Any:
    """Answers to pass-keys: all right at the end, half of them in the middle."""
    middle = 0.5 if effect == "supported" else 1.0
    points = [({"prompt_tokens": 128, "position": at}, {"correct": short}) for at in (0.5, 1.0)]
    points += [({"prompt_tokens": 1024, "position": 0.5}, {"correct": middle})]
    points += [({"prompt_tokens": 1024, "position": 1.0}, {"correct": 1.0})]
    return experiment("pass-key", [points] * 4)


# The share of answers that keep a rule after 4,096 tokens, of ten blocks; right after it all do.
KEPT_FAR = {
    "supported": (0.5, 0.6) * 5,
    "refuted": (1.0, 1.0) * 5,
    "astride": (1.0, 0.6, 0.9, 1.0, 0.7) * 2,
}


def rules(effect: Effect, near: float = 1.0) -> Any:
    """Answers after a rule in the system field, near and far; without the rule nobody keeps it."""
    return experiment("obedience", [_kept(near, far) for far in KEPT_FAR[effect]])


def _kept(near: float, far: float) -> list[tuple[dict[str, Any], dict[str, float | None]]]:
    told = [(0, near), (512, near), (4096, far)]
    points: list[tuple[dict[str, Any], dict[str, float | None]]] = [
        ({"rule": "prefix", "told": True, "distance_tokens": at}, {"obeyed": kept})
        for at, kept in told
    ]
    untold = {"rule": "prefix", "told": False, "distance_tokens": 0}
    return [*points, (untold, {"obeyed": 0.0})]
