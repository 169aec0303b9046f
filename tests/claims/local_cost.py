"""Made evidence for local-cost: a board of 60 dollars with a meter at the plug."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.schema.energy import Energy
from tests.claims.makers import STEADY, X86, evidence, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from edgebench.schema.energy import Phase
    from edgebench.schema.result import CellResult
    from tests.claims.makers import Effect

BOARD = X86.model_copy(update={"profile": "raspberry-pi/5"})
# Tokens a second and watts above idle: sixty dollars over four years against 0.04 a million.
TOK_S = {"supported": 2000.0, "refuted": 2.0, "astride": 33.0}
WATTS = {"supported": 2.0, "refuted": 30.0, "astride": 1.0}


def made(effect: Effect) -> Evidence:
    model = file()
    cell = metered(speeds(model, "tg64", TOK_S[effect], STEADY), WATTS[effect])
    return evidence(record([model], cell, device=BOARD))


def metered(cell: CellResult, watts: float) -> CellResult:
    """Each launch with a wall meter's reading of its decoding."""
    launches = []
    for launch in cell.launches:
        window_s = sum(sum(t.step_ns) for t in launch.trials if not t.warmup) / 1e9
        told = reading("decode", watts, window_s)
        launches.append(launch.model_copy(update={"energy": (told,)}))
    return cell.model_copy(update={"launches": tuple(launches)})


def reading(phase: Phase, watts: float, window_s: float) -> Energy:
    joules = watts * window_s
    return Energy(
        phase=phase, method="wall_meter", meter="plug", scope="system", quality="A",
        joules=joules, low_joules=joules, high_joules=joules, window_s=window_s, windows=1,
        samples=10, read_every_s=1.0, update_every_s=1.0, first_uj=None, last_uj=None, wraps=None,
        reason=None,
    )  # fmt: skip
