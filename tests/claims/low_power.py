"""Made evidence for low-power: three metered boards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.claims.local_cost import metered
from tests.claims.makers import NOISY, STEADY, X86, evidence, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

WATTS = {
    "supported": (30.0, 40.0, 50.0),
    "refuted": (6.0, 40.0, 50.0),
    "astride": (15.0, 40.0, 50.0),
}


def made(effect: Effect) -> Evidence:
    model = file()
    records = []
    for number, watts in enumerate(WATTS[effect]):
        cell = speeds(model, "tg64", 40.0, STEADY)
        launches = [
            metered(cell.model_copy(update={"launches": (launch,)}), watts * scatter).launches[0]
            for launch, scatter in zip(
                cell.launches, NOISY if effect == "astride" else STEADY, strict=True
            )
        ]
        board = X86.model_copy(update={"id": f"board-{number}"})
        whole = cell.model_copy(update={"launches": tuple(launches)})
        records.append(record([model], whole, device=board, run_id=f"0000000{number}"))
    return evidence(*records)
