"""Cost falls to a third or a fifth every year: how much of that is software, how much is price?"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from edgebench.analysis import stats
from edgebench.analysis.stats import LogRatio
from edgebench.claims import Claim, Trying, decide, figures, price_table
from edgebench.claims.figures import Compared
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgebench.claims import Evidence
    from edgebench.schema.claim import Endpoint

KIND = "engine-history"
PHASES = {"prefill": "prefill_tok_s", "decode": "decode_tok_s"}
FEWEST_RELEASES = 5
DAYS_PER_YEAR = 365.25
LEVEL = "cheapest with an MMLU of 42"
MARGIN = Margin(support=3.0, refute=5.0, band=True)
MARGINS = {"annual_factor": MARGIN}

Series = dict[figures.Block, dict[str, float]]


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """The gain of software alone, by phase; beside it the decline of list prices."""
    found = [
        decide.of_compared(
            f"software_{phase}",
            f"Does {phase} on one machine gain 3 to 5 times a year by software alone?",
            software(evidence, phase),
            MARGIN,
            unit="factor per year",
        )
        for phase in PHASES
    ]
    return (*found, _price())


def series(evidence: Evidence, phase: str) -> Series:
    """Tokens a second by block and date of the release; what was wrong or contended is left out."""
    found: Series = {}
    for experiment, block, point in evidence.points(KIND):
        speed, day = point.values.get(PHASES[phase]), point.condition.get("date")
        busy = (point.values.get("waited_share") or 0.0) > figures.CONTENDED_SHARE
        if speed and speed > 0 and isinstance(day, str) and point.verified and not busy:
            found.setdefault((experiment.run_id, block.index), {})[day] = speed
    return found


def software(evidence: Evidence, phase: str) -> Compared:
    """The factor per year: a line through the logarithms of each block, blocks as units."""
    blocks = series(evidence, phase)
    whole = [each for each in blocks.values() if len(each) >= FEWEST_RELEASES]
    if len(whole) < figures.FEWEST_BLOCKS:
        contended = sum(
            (point.values.get("waited_share") or 0.0) > figures.CONTENDED_SHARE
            for _, _, point in evidence.points(KIND)
        )
        return Compared(None, len(whole), figures.why_few(len(whole), contended))
    slopes = [math.exp(slope([(_years(d), math.log(v)) for d, v in e.items()])) for e in whole]
    return Compared(stats.paired([1.0] * len(slopes), slopes), len(slopes), (), paired=False)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares."""
    x, y = (math.fsum(each) / len(points) for each in zip(*points, strict=True))
    return math.fsum((a - x) * (b - y) for a, b in points) / math.fsum(
        (a - x) ** 2 for a, _ in points
    )


def price_decline() -> tuple[LogRatio, int] | None:
    """Of list prices at one level of quality, as a factor per year; points are the units."""
    rows = [each for each in price_table.load().api if each.level == LEVEL]
    points = [(_years(each.date), -math.log(each.output_per_million)) for each in rows]
    if len(points) < 3:
        return None
    rate = slope(points)
    x, y = (math.fsum(each) / len(points) for each in zip(*points, strict=True))
    left = math.fsum((b - y - rate * (a - x)) ** 2 for a, b in points)
    spread = math.fsum((a - x) ** 2 for a, _ in points)
    degrees = len(points) - 2
    return LogRatio(rate, math.sqrt(left / degrees / spread), degrees), len(points)


def _price() -> Endpoint:
    """Not primary: it is read from the table that ships with edgebench, and not measured."""
    known = price_decline()
    compared = Compared(known[0], known[1], ()) if known else figures.NOTHING
    endpoint = decide.of_compared(
        "list_price",
        "Do list prices fall to a third or a fifth every year at equal quality?",
        compared,
        MARGIN,
        primary=False,
        unit="factor per year",
    )
    return endpoint.model_copy(update={"says": f"From the bundled table: {LEVEL}."})


def _years(day: str) -> float:
    try:
        return date.fromisoformat(day).toordinal() / DAYS_PER_YEAR
    except ValueError:
        return 0.0


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Speed over the oldest release's by date, with the wedge of 3 to 5 times a year."""
    from edgebench.claims.drawing import COLOURS

    axis = figure.subplots()
    drawn: Mapping[str, list[tuple[float, float]]] = {
        phase: _relative(series(evidence, phase)) for phase in PHASES
    }
    if not any(drawn.values()):
        return "Nothing to draw: no engines of several dates were measured."
    for colour, (phase, points) in zip(COLOURS, drawn.items(), strict=False):
        axis.plot([p[0] for p in points], [p[1] for p in points], "o", color=colour, label=phase)
    last = max(p[0] for points in drawn.values() for p in points)
    axis.fill_between([0, last], [1, 3**last], [1, 5**last], alpha=0.15, color="black")
    axis.set_yscale("log")
    axis.set_xlabel("years since the oldest release")
    axis.set_ylabel("speed over the oldest release's")
    axis.legend()
    return None


def _relative(blocks: Series) -> list[tuple[float, float]]:
    found = []
    for each in blocks.values():
        oldest = min(each)
        found += [(_years(day) - _years(oldest), each[day] / each[oldest]) for day in sorted(each)]
    return found


CLAIM = Claim(
    id="cost-decline",
    version=1,
    title="Cost falls to a third or a fifth every year",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="平均每年下降到原来的 1/3 到 1/5",
            english="on average falls to 1/3 to 1/5 of the year before",
        ),
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="并且他也一定能快速被解決",
            english="it will surely be solved quickly",
        ),
    ),
    hypothesis="The cost of a token falls by a factor of 3 to 5 every year; with the machine and "
    "the file held, software alone gains that factor in speed.",
    rule="Releases of llama-cpp-python of at least five dates, built alike on one machine, the "
    "same file: factor per year by least squares over logarithms, block by block. Supported when "
    "the whole 95 % interval lies within 3 to 5, refuted when it misses that range; prefill and "
    "decode are primary. The decline of list prices at one level of quality is judged beside it.",
    needs=(Trying("engine-history", blocks={"smoke": 2, "full": 5}),),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "The decline of hardware prices, and the 15,000 dollars of a host.",
        "Forecasts of ten years.",
        "What vendors pay themselves: list prices hide their margin.",
    ),
    others_would_add="ARM machines, where instruction sets were added to llama.cpp later than on "
    "x86; and GPUs.",
)
