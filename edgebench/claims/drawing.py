"""Plots of claims: matplotlib's Figure alone, no window and no global state.

The same figures give the same SVG bytes: ids come from a fixed salt and no date is written.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from edgebench.analysis import stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgebench.analysis.stats import LogRatio
    from edgebench.claims import Claim, Evidence
    from edgebench.claims.figures import Compared, Figures

SALT = "edgebench"
# Okabe and Ito's palette, told apart by colour-blind readers too; its black is a grey here, which
# a page can turn for readers in the dark. Marks are one more, so that no two series look alike.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5A5A5A")
MARKS = "os^DvPX*"
# Words under an axis that would run into each other: slanted, each ending at its tick.
SLANTED: Any = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
# Of the width and the height of a plot: what a name beside a point takes.
NAME_WIDTH, NAME_HEIGHT = 0.16, 0.06
SETTINGS: Any = {
    "svg.hashsalt": SALT,
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def svg(claim: Claim, evidence: Evidence) -> tuple[str | None, str | None]:
    """The claim's plot as SVG text, or None and the sentence that says why there is none."""
    if claim.plot is None:
        return None, "This claim has no plot."
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        if reason := claim.plot(evidence, figure):
            return None, reason
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue(), None


def ladder(figure: Any, series: Mapping[str, Mapping[str, Sequence[tuple[str, Compared]]]]) -> None:
    """A panel per format: log2 of the ratio to the baseline, step by step, with its interval."""
    panels = {name: phases for name, phases in series.items() if any(phases.values())}
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (title, phases) in zip(axes, panels.items(), strict=True):
        for place, (phase, steps) in enumerate(phases.items()):
            known = [(name, c.found) for name, c in steps if c.found]
            errorbars(axis, range(len(known)), [found for _, found in known], phase, place)
            axis.set_xticks(range(len(known)), [name for name, _ in known], **SLANTED)
        axis.set_title(title)
    axes[0].set_ylabel("log2 of speed over the plainest instruction set")
    axes[0].legend()


def errorbars(axis: Any, x: Iterable[float], ratios: Sequence[Any], label: str, place: int) -> None:
    """Log2 of ratios with their 95 % intervals."""
    centre = [found.estimate / math.log(2) for found in ratios]
    bounds = [found.bounds() for found in ratios]
    low = [c - math.log2(max(b[0], 1e-9)) for c, b in zip(centre, bounds, strict=True)]
    high = [math.log2(b[1]) - c for c, b in zip(centre, bounds, strict=True)]
    axis.errorbar(
        list(x), centre, yerr=[low, high], label=label, color=COLOURS[place % len(COLOURS)],
        marker="o", capsize=3,
    )  # fmt: skip


def bars(figure: Any, series: Mapping[str, Sequence[tuple[str, Figures]]], unit: str) -> None:
    """A panel per series: geometric means over blocks on a logarithmic axis, with intervals."""
    panels = {name: found for name, found in series.items() if found}
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for place, (axis, (title, found)) in enumerate(zip(axes, panels.items(), strict=True)):
        known = [(name, stats.interval(each.values)) for name, each in found]
        shown = [(name, each) for name, each in known if each]
        estimates = [each.estimate for _, each in shown]
        low = [each.estimate - (each.low or each.estimate) for _, each in shown]
        high = [(each.high or each.estimate) - each.estimate for _, each in shown]
        axis.barh([name for name, _ in shown], estimates, xerr=[low, high], capsize=3,
                  color=COLOURS[place % len(COLOURS)])  # fmt: skip
        axis.set_xscale("log")
        axis.set_xlabel(unit)
        axis.set_title(title)


def roofline(figure: Any, points: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Tokens per second that bandwidth allows against those that were reached, both logarithmic."""
    axis = figure.subplots()
    for place, (label, found) in enumerate(points.items()):
        axis.scatter(*zip(*found, strict=True), label=label, color=COLOURS[place % len(COLOURS)],
                     marker=MARKS[place % len(MARKS)])  # fmt: skip
    allowed = [x for found in points.values() for x, _ in found]
    ends = [min(allowed), max(allowed)]
    for share in (1.0, 0.5, 0.3):
        axis.plot(ends, [share * end for end in ends], color="grey", linewidth=0.8)
        axis.annotate(f"{share:.0%}", (ends[1], share * ends[1]))
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("tokens/s that the measured bandwidth allows")
    axis.set_ylabel("tokens/s reached")
    axis.legend()


def names(axis: Any, points: Iterable[tuple[str, float, float]]) -> None:
    """Each point's name beside it; where two would overlap, the upper one gives way upwards.

    To be called last: names stand where the points are within the limits of now.
    """
    axis.get_xlim(), axis.get_ylim()
    within = axis.transScale + axis.transLimits
    placed: list[tuple[float, float]] = []
    for name, x, y in sorted(points, key=lambda each: each[2]):
        across, up = map(float, within.transform((x, y)))
        while any(abs(across - a) < NAME_WIDTH and abs(up - u) < NAME_HEIGHT for a, u in placed):
            up += NAME_HEIGHT / 4
        placed.append((across, up))
        axis.annotate(name, (across, up), xycoords="axes fraction", xytext=(5, 2),
                      textcoords="offset points")  # fmt: skip


def gate_map(axis: Any, cells: Mapping[str, Mapping[str, LogRatio | None]]) -> None:
    """Models down, gates across: how far each is from its limit, green where it passes."""
    gates = list(dict.fromkeys(name for found in cells.values() for name in found))
    axis.grid(visible=False)
    for y, (model, found) in enumerate(cells.items()):
        for x, gate in enumerate(gates):
            ratio = found.get(gate)
            text = f"{math.exp(ratio.estimate):.2g}x" if ratio else "-"
            low, high = ratio.bounds() if ratio else (0.0, 2.0)
            colour = COLOURS[2] if low >= 1 else COLOURS[1] if high < 1 else "#DDDDDD"
            axis.barh(y, 0.96, left=x - 0.48, height=0.9, color=colour)
            axis.text(x, y, text, ha="center", va="center")
        axis.text(-0.6, y, model, ha="right", va="center")
    axis.set_xticks(range(len(gates)), gates, **SLANTED)
    axis.set_yticks([])
    axis.invert_yaxis()
    axis.set_title("limit over measured: 1x is the limit")
