"""Looped launches made by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from edgebench.schema.result import CellResult
from edgebench.schema.sustained import Conditions, PowerCourse, Sustained
from tests.results_maker import cell, launch, trial, verification

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 1_000_000_000


def looped(decode_ns: Sequence[int], **fields: Any) -> Sustained:
    """Loops of a prefill of 0.1 s and a decode each, back to back."""
    walls = [SECOND // 10 + each for each in decode_ns]
    plain: dict[str, Any] = {
        "asked_s": sum(walls) / SECOND,
        "started_ns": tuple(sum(walls[:place]) for place in range(len(walls))),
        "wall_ns": tuple(walls),
        "tokenize_ns": None,
        "first_sample_ns": None,
        "prefill_ns": (SECOND // 10,) * len(walls),
        "decode_ns": tuple(decode_ns),
        "cpu_s": (1.0,) * len(walls),
        "run_delay_ns": None,
        "major_faults": (0,) * len(walls),
        "other_outputs": 0,
        "conditions": None,
        "power": (),
    }
    return Sustained(**(plain | fields))


def of(*found: Sustained) -> CellResult:
    warmup = trial(0, prefill_ns=SECOND // 10, step_ns=(SECOND // 4,) * 4)
    return CellResult(
        cell=cell("pp8+tg4"),
        verification=verification(),
        launches=tuple(launch(i, (warmup,), sustained=each) for i, each in enumerate(found)),
    )


def heated() -> Sustained:
    """Ten minutes: after five of them a board that reached 85 °C slows down."""
    draw = random.Random(1)
    times = [round(0.9 * SECOND * draw.gauss(1, 0.01)) for _ in range(300)]
    times += [round(1.4 * SECOND * draw.gauss(1, 0.02)) for _ in range(200)]
    looks = range(0, 600, 2)
    return looped(
        times,
        conditions=Conditions(
            times_ns=tuple(at * SECOND for at in looks),
            temperature_c=tuple(min(85.0, 45 + at / 7) for at in looks),
            frequency_khz=tuple(2_400_000 if at < 300 else 1_500_000 for at in looks),
            throttle_count=None,
            cooling_state=tuple(0 if at < 300 else 2 for at in looks),
            firmware_throttled=None,
        ),
        power=(
            PowerCourse(
                method="sampled:hwmon", meter="VDD_IN", scope="module", quality="C",
                times_ns=tuple(at * SECOND for at in looks),
                watts=tuple(11.0 if at < 300 else 6.5 for at in looks), reason=None,
            ),
        ),
    )  # fmt: skip
