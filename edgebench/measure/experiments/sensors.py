"""Made sensor records, their encodings, and the rules that a programmer would write instead.

Three tasks: is a temperature above a limit (two labels), where is a humidity going (three), and
what is the carrier of a motion sensor doing (three). Everything is drawn from a seed.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ENCODINGS = ("json", "key_value", "prose")
TASKS = ("threshold", "trend", "activity")
LABELS: Mapping[str, tuple[str, ...]] = {
    "threshold": ("no", "yes"),
    "trend": ("falling", "steady", "rising"),
    "activity": ("resting", "walking", "running"),
}
QUESTIONS: Mapping[str, str] = {
    "threshold": "Is the temperature above the limit?",
    "trend": "Is the humidity falling, steady or rising?",
    "activity": "Is the person resting, walking or running?",
}
_PROSE: Mapping[str, str] = {
    "threshold": "The sensor measures {temperature_c} degrees; the limit is {limit_c} degrees.",
    "trend": "Hour by hour the humidity was {h0}, {h1}, {h2}, {h3} and {h4} percent.",
    "activity": "The acceleration is {mean_g} g on average, varies by {deviation_g} g, and has "
    "{peaks_per_min} peaks a minute.",
}
# Deviation of the acceleration in g, and peaks a minute, by what people do.
_MOTION: Mapping[str, tuple[tuple[float, float], tuple[int, int]]] = {
    "resting": ((0.01, 0.05), (0, 8)),
    "walking": ((0.15, 0.35), (90, 125)),
    "running": ((0.70, 1.30), (150, 185)),
}


class Record(NamedTuple):
    """`values` are what the sensor tells, by name; `label` is the truth."""

    task: str
    values: Mapping[str, float | int]
    label: str


def draw(task: str, seed: int) -> Record:
    """The labels come in turns, so that any run of six records holds each equally often."""
    rng = random.Random(f"sensors.v1 {task} {seed}")  # noqa: S311 - numbers, no secret
    label = LABELS[task][seed % len(LABELS[task])]
    make = {"threshold": _threshold, "trend": _trend, "activity": _activity}[task]
    return Record(task, make(label, rng), label)


def encode(record: Record, encoding: str) -> str:
    if encoding == "json":
        return json.dumps(record.values)
    if encoding == "key_value":
        return " ".join(f"{name}={value}" for name, value in record.values.items())
    return _PROSE[record.task].format(**record.values)


def rule(record: Record) -> str:
    """What a few comparisons answer: the baseline."""
    values = record.values
    if record.task == "threshold":
        return "yes" if values["temperature_c"] > values["limit_c"] else "no"
    if record.task == "trend":
        rise = values["h4"] - values["h0"]
        return "steady" if abs(rise) < 5 else "rising" if rise > 0 else "falling"
    if values["deviation_g"] < 0.1:
        return "resting"
    return "walking" if values["peaks_per_min"] < 140 else "running"


def _threshold(label: str, rng: random.Random) -> dict[str, float | int]:
    limit = rng.randint(15, 60)
    apart = rng.randint(2, 14) * (1 if label == "yes" else -1)
    return {"temperature_c": limit + apart, "limit_c": limit}


def _trend(label: str, rng: random.Random) -> dict[str, float | int]:
    step = {"falling": -1, "steady": 0, "rising": 1}[label] * rng.randint(3, 5)
    start = rng.randint(35, 60)
    noise = [rng.randint(-1, 1) for _ in range(5)]
    return {f"h{hour}": start + step * hour + noise[hour] for hour in range(5)}


def _activity(label: str, rng: random.Random) -> dict[str, float | int]:
    (low, high), (fewest, most) = _MOTION[label]
    return {
        "mean_g": round(rng.uniform(0.95, 1.1), 2),
        "deviation_g": round(rng.uniform(low, high), 2),
        "peaks_per_min": rng.randint(fewest, most),
    }
