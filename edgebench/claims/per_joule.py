"""Tokens per joule of whole devices, a number per launch. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import energy
from edgebench.claims import figures
from edgebench.claims.local_cost import WHOLE_DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgebench.claims import Row
    from edgebench.claims.figures import Block, Figures
    from edgebench.schema.launch import Launch

# How the joules were told, and of what: only the like is compared.
Told = tuple[str, str]


def decode(rows: Sequence[Row]) -> Mapping[Told, Figures]:
    """Of the cell that decodes most tokens per joule, by (method, scope).

    A meter of a part, such as the GPU's own, leaves out the host that it cannot do without; power
    looked at now and then (quality C) decides nothing. Neither is here. Busy launches are left out.
    """
    found: dict[Told, Figures] = {}
    for row in rows:
        for told, by_block in _by_told(row).items():
            new = figures.Figures(by_block)
            if told not in found or figures.centre(new) > figures.centre(found[told]):
                found[told] = new
    return found


def _by_told(row: Row) -> dict[Told, dict[Block, float]]:
    found: dict[Told, dict[Block, float]] = {}
    for launch in row.entry.launches:
        if figures.is_contended(launch, row.result.device.usable_cpus):
            continue
        for told, value in _of_launch(row, launch):
            found.setdefault(told, {})[row.result.run_id, launch.round] = value
    return found


def _of_launch(row: Row, launch: Launch) -> Iterator[tuple[Told, float]]:
    alone = row.entry.model_copy(update={"launches": (launch,)})
    for each in energy.figures(alone):
        whole = each.scope in WHOLE_DEVICE and each.quality != "C"
        if whole and each.phase == "decode" and each.tokens_per_joule is not None:
            yield (each.method, each.scope), each.tokens_per_joule.estimate
