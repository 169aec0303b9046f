"""Made evidence for sensor-light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.claims.makers import NOISY, STEADY, evidence, experiment

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

LABELS = {"threshold": ("no", "yes"), "trend": ("falling", "steady", "rising"),
          "activity": ("resting", "walking", "running")}  # fmt: skip
# Of ten records: how many get the right label. The refuted model always says the same.
RIGHT_OF_TEN = {"supported": 10, "refuted": 0, "astride": 8}
SECONDS = {"supported": 0.1, "refuted": 3.0, "astride": 1.0}


def made(effect: Effect) -> Evidence:
    scatter = NOISY if effect == "astride" else STEADY
    blocks = [_block(effect, number, each) for number, each in enumerate(scatter)]
    return evidence(experiments=(experiment("sensor-records", blocks, verified=None),))


def _block(effect: Effect, block: int, scatter: float) -> list[tuple[Any, Any]]:
    times: dict[str, float | None] = {"record_tokens": 40 * SECONDS[effect], "waited_share": 0.0}
    times["record_tokens"] = {"supported": 40.0, "refuted": 300.0, "astride": 96 * scatter}[effect]
    times["prompt_s"] = SECONDS[effect] * scatter
    points: list[tuple[Any, Any]] = []
    for task, labels in LABELS.items():
        for number in range(10):
            label = labels[number % len(labels)]
            right = (number + block) % 10 < RIGHT_OF_TEN[effect]
            answered = label if right else "none of them"
            condition = {"task": task, "encoding": "key_value", "label": label, "rule": label}
            points.append(({**condition, "mode": "label", "answered": answered}, times))
            points.append(({**condition, "mode": "alone", "answered": answered}, times))
            valid = {"supported": 1.0, "refuted": 0.0, "astride": float(number > 0 or block % 2)}[
                effect
            ]
            points.append(({**condition, "mode": "json"}, {**times, "valid_json": valid}))
    return points
