"""Energy as a table of its own: figures of different tiers stand beside each other, unranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import energy, shipped
from edgebench.analysis.labels import cell_label
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.interval import Interval
    from edgebench.schema.result import CellResult, Result

COLUMNS = ("energy of", "phase", "method", "scope", "tier", "J/token", "95 % interval", "tokens/J",
           "W", "idle W", "window", "samples", "why not")  # fmt: skip
RIGHT = COLUMNS[5:12]


def render(result: Result, *, width: int = 300) -> str:
    """One row per cell, phase, method and scope; empty for a record without any meter."""
    found = rows(result)
    return _table(found, width)


def render_stand_ins(result: Result, *, width: int = 300) -> str:
    """What stands in for energy in cells that no meter was read for, called by its name."""
    unread = [cell for cell in result.cells if not energy.figures(cell)]
    found = [row for cell in unread for row in _stand_ins(cell, result)]
    return _table(found, width)


def _table(found: list[tuple[str, ...]], width: int) -> str:
    return grid(COLUMNS, found, right=RIGHT, sentences=COLUMNS[-1:], width=width) if found else ""


def rows(result: Result) -> list[tuple[str, ...]]:
    return [row for cell in result.cells for row in _rows(cell, result)]


def _rows(cell: CellResult, result: Result) -> Iterator[tuple[str, ...]]:
    """Where meters told nothing, what stands in follows."""
    figures = energy.figures(cell, result.idle_energy)
    for figure in figures:
        yield (cell_label(cell.cell, result.files), *_row(figure))
    if figures and all(figure.reason for figure in figures):
        yield from _stand_ins(cell, result)


def _stand_ins(cell: CellResult, result: Result) -> Iterator[tuple[str, ...]]:
    """Proxies, and the interval that a vendor's power envelope allows."""
    label = cell_label(cell.cell, result.files)
    for proxy in energy.proxies(cell):
        known = f"{proxy.per_token.estimate:.4g} {proxy.unit}, no energy"
        yield (label, proxy.phase, proxy.name, *("-",) * 9, known)
    for bound in _bounds(cell, result):
        between = f"{bound.low_joules_per_token:.3g} - {bound.high_joules_per_token:.3g}"
        yield (
            label, bound.phase, bound.method, "-", "-", "-", between, *("-",) * 5, bound.source
        )  # fmt: skip


def _bounds(cell: CellResult, result: Result) -> tuple[energy.Bound, ...]:
    """Not for a model on a GPU that is no part of the profile's power."""
    found = shipped.envelope(result.device.profile)
    if found is None or (cell.cell.device != "cpu" and not result.device.gpus):
        return ()
    low_w, high_w, source = found
    return energy.tdp_bounds(cell, (low_w, high_w), f"only if it keeps to that: {source}")


def _row(figure: energy.Figure) -> tuple[str, ...]:
    return (
        figure.phase,
        figure.method,
        f"{figure.scope} {'+'.join(figure.meters)}",
        figure.quality,
        _estimate(figure.joules_per_token),
        _interval(figure.joules_per_token),
        _estimate(figure.tokens_per_joule),
        _estimate(figure.watts),
        "-" if figure.idle_watts is None else f"{figure.idle_watts:.3g}",
        f"{figure.window_s:.1f} s",
        str(figure.samples),
        figure.reason or "",
    )


def _estimate(found: Interval | None) -> str:
    return "-" if found is None else f"{found.estimate:.3g}"


def _interval(found: Interval | None) -> str:
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"n={found.launches}"
    return f"{found.low:.3g} - {found.high:.3g} (n={found.launches})"
