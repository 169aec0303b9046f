"""The plots of judged claims, as a report shows them: drawn from the records that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.claims import records, suite
from edgebench.errors import BadInput
from edgebench.report.plots import drawn, style
from edgebench.report.plots.plot import Plot, label, nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from edgebench.analysis.report_reading import Judged
    from edgebench.claims import Claim, Evidence

SIZE_IN = (style.WIDTH_IN, 3.6)
LONGEST, MOST_LINES = 120, 3
CAPTION = "Drawn from the {} record{} that the verdict names: {}."
NOTHING = "No record that was judged is about it."
NO_RECORDS = "None of the records that the verdict names is among those of this report."


def plots(paths: Iterable[Path], judged: Sequence[Judged]) -> Iterator[Plot]:
    """One per claim with a verdict, the weightiest first. `paths` are the files of the report, by
    which verdicts name their records; a claim whose records are not there says so.
    """
    files = {path.name: path for path in paths}
    for claim in suite.claims():
        if wanted := [each for each in judged if each.verdict.claim_id == claim.id]:
            yield _plot(claim, wanted, files)


def drawn_from(claim: Claim, evidence: Evidence) -> Plot:
    """The claim's own plot, and the numbers that are in it. `why_not` where it draws nothing."""
    from matplotlib.figure import Figure

    name, title = _names(claim)
    with style.settings():
        figure = Figure(figsize=SIZE_IN, layout="constrained")
        reason = "This claim has no plot." if claim.plot is None else claim.plot(evidence, figure)
        if reason:
            return nothing(name, title, reason)
        _printable(figure)
        for axes in figure.axes:
            axes.set_title(drawn.title(axes), fontsize=_small(figure, axes), wrap=True)
            logarithmic = [each for each in "xy" if getattr(axes, f"get_{each}scale")() == "log"]
            style.plain_numbers(axes, *logarithmic)
        numbers = drawn.numbers(figure)
    return Plot(name, title, "", drawn.COLUMNS, numbers, (), None, lambda: figure)


def _plot(claim: Claim, judged: Sequence[Judged], files: dict[str, Path]) -> Plot:
    refs = sorted({name for each in judged for name in each.verdict.data_refs})
    found = [files[name] for name in refs if name in files]
    if not found:
        return nothing(*_names(claim), NO_RECORDS if refs else NOTHING)
    try:
        evidence = records.read(found).evidence
    except BadInput as error:
        return nothing(*_names(claim), error.problem)
    plot, said = drawn_from(claim, evidence), dict.fromkeys(each.verdict.verdict for each in judged)
    missing = len(refs) - len(found)
    return plot._replace(
        caption=CAPTION.format(len(found), "s" * (len(found) != 1), ", ".join(said)),
        notes=(f"{missing} more of them are not among these records.",) * bool(missing),
    )


def _small(figure: Figure, axes: Axes) -> float:
    """Points of a panel's title: less where panels stand beside each other or it has lines."""
    return 7.5 if len(figure.axes) > 1 or "\n" in drawn.title(axes) else 9.0


def _names(claim: Claim) -> tuple[str, str]:
    return f"claim-{claim.id}", f"{claim.id}: {claim.title}"


def _printable(figure: Figure) -> None:
    """Names come from strangers' records: of bearable length, and without control characters."""
    from matplotlib.text import Text

    for words in figure.findobj(Text):
        lines = words.get_text().split("\n")[:MOST_LINES]
        words.set_text("\n".join(label(line, LONGEST) for line in lines))
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if ticks := drawn.words_on(axis):
                axis.set_ticks(list(ticks), [label(each) for each in ticks.values()])
