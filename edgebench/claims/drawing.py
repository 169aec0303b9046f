"""Plots of claims: matplotlib's Figure alone, no window and no global state.

The same figures give the same SVG bytes: ids come from a fixed salt and no date is written.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgebench.claims import Claim, Evidence
    from edgebench.claims.figures import Compared

SALT = "edgebench"
# Okabe and Ito's palette, told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
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
            axis.set_xticks(range(len(known)), [name for name, _ in known], rotation=30)
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
