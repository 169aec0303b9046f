"""Local deployment needs low-power FPGAs or ASICs: does no plain CPU run usefully at 15 watts?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis import energy, metrics, stats
from edgebench.claims import Cells, Claim, decide, figures
from edgebench.claims.local_cost import WHOLE_DEVICE
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Endpoint, Reason

READING_TOK_S, MOST_WATTS = 5.0, 15.0
FEWEST_DEVICES = 3
FEWEST_PARAMETERS_BYTES = 50_000_000
MARGINS = {
    "watts": Margin(support=MOST_WATTS, refute=MOST_WATTS),
    "tok_per_joule": Margin(support=0.0, refute=0.0),
}


class Metered(NamedTuple):
    """One cell on a CPU with a meter of the whole device: watts and speed by launch."""

    row: Row
    watts: Compared
    speed_low: float
    meter: str


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """One device can refute that FPGAs or ASICs are needed; it cannot show it alone."""
    best = cheapest(evidence)
    question = "Does the device draw 15 W or more while it decodes at reading speed?"
    if best is None:
        return (_nothing(evidence, question),)
    found = decide.of_compared(
        "watts_while_usable", question, best.watts, MARGINS["watts"], unit="W"
    )
    says = (
        f"{best.row.file.model or best.row.file.name} {best.row.file.quant}, at least "
        f"{best.speed_low:.1f} tok/s, by {best.meter}."
    )
    if found.verdict == "supported":
        reasons: tuple[Reason, ...] = ("too_few_devices",)
        found = found.model_copy(update={"verdict": "inconclusive", "p": None, "reasons": reasons})
    return (found.model_copy(update={"says": says}),)


def pool(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Refuted by one device that is usable at less than 15 W; supported when none of three or
    more metered devices is.
    """
    question = "Does every metered CPU device draw 15 W or more while it is usable?"
    names = sorted({result.device.id for result in evidence.results})
    per_device = [(name, cheapest(_of(evidence, name))) for name in names]
    metered = [(name, best) for name, best in per_device if best and best.watts.found]
    if not metered:
        return (_nothing(evidence, question).model_copy(update={"scope": "all"}),)
    name, least = min(metered, key=lambda each: _estimate(each[1]))
    found = decide.of_compared(
        "watts_while_usable", question, least.watts, MARGINS["watts"], unit="W"
    )
    update: dict[str, Any] = {
        "scope": "all",
        "says": f"Of {len(metered)} metered devices the least is {name}'s.",
    }
    if found.verdict == "supported" and len(metered) < FEWEST_DEVICES:
        update |= {"verdict": "inconclusive", "p": None, "reasons": ("too_few_devices",)}
    return (found.model_copy(update=update),)


def cheapest(evidence: Evidence) -> Metered | None:
    """The usable cell that draws the fewest watts; None where no meter watched a usable one."""
    usable = [found for row in _rows(evidence) if (found := _metered(row))]
    usable = [each for each in usable if each.speed_low >= READING_TOK_S and each.watts.found]
    return min(usable, key=_estimate, default=None)


def _rows(evidence: Evidence) -> list[Row]:
    """Decoding by one stream on a CPU, of a model that is one."""
    return [
        row
        for row in figures.rows(evidence, model=None)
        if row.entry.cell.workload.output_tokens
        and not row.entry.cell.workload.prompt_tokens
        and row.entry.cell.workload.sequences == 1
        and (row.file.size_bytes >= FEWEST_PARAMETERS_BYTES or row.file.model == "smollm2-135m")
        and row.result.device.emulated is None
    ]


def _metered(row: Row) -> Metered | None:
    speeds = figures.figures([row], metrics.decode_tok_s)
    told = stats.interval(speeds.values)
    for each in energy.figures(row.entry, row.result.idle_energy):
        if each.phase != "decode" or each.scope not in WHOLE_DEVICE or each.quality == "C":
            continue
        watts = {}
        for launch in row.entry.launches:
            for reading in launch.energy:
                same = (reading.phase, reading.scope, reading.method) == (
                    each.phase, each.scope, each.method,
                )  # fmt: skip
                if same and reading.joules and reading.window_s:
                    watts[row.result.run_id, launch.round] = reading.joules / reading.window_s
        level = figures.level(figures.Figures(watts))
        low = told.low if told and told.low else 0.0
        return Metered(row, level, low, f"{each.method} ({each.scope}, {each.quality})")
    return None


def _nothing(evidence: Evidence, question: str) -> Endpoint:
    """Not a single cell; no meter; or a meter, and nothing usable under it."""
    found = _rows(evidence)
    metered = [each for row in found if (each := _metered(row))]
    reasons: tuple[Reason, ...] = ("not_measured",)
    if found and not metered:
        reasons = ("no_meter",)
    elif metered:
        reasons = ("too_few_devices",)
    says = "A meter watched, and nothing decoded at reading speed." if metered else ""
    empty = decide.empty("watts_while_usable", question, MARGINS["watts"], reasons, unit="W")
    return empty.model_copy(update={"says": says})


def _of(evidence: Evidence, device: str) -> Evidence:
    results = tuple(each for each in evidence.results if each.device.id == device)
    return evidence._replace(results=results)


def _estimate(found: Metered) -> float:
    return found.watts.found.estimate if found.watts.found else float("inf")


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Speed against watts, a point per metered cell, with the gate."""
    from edgebench.claims.drawing import COLOURS

    points: Sequence[Metered] = [found for row in _rows(evidence) if (found := _metered(row))]
    drawn = [each for each in points if each.watts.found]
    if not drawn:
        return "Nothing to draw: no record has a meter of the whole device."
    axis = figure.subplots()
    for each in drawn:
        watts = sum(each.watts.found.bounds()) / 2 if each.watts.found else 0.0
        axis.plot(watts, each.speed_low, "o", color=COLOURS[0])
        axis.annotate(each.row.result.device.id, (watts, each.speed_low))
    axis.axhline(READING_TOK_S, color="black", linestyle="--")
    axis.axvline(MOST_WATTS, color="black", linestyle="--")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("watts of the device while decoding")
    axis.set_ylabel("tok/s (low end)")
    return None


CLAIM = Claim(
    id="low-power",
    version=1,
    title="Edge inference needs low-power FPGAs and ASICs",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="一定需要低功耗的 FPGA 和 ASIC 芯片来辅助的",
            english="definitely needs low-power FPGA and ASIC chips to assist",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="一些低功耗的 FPGA 和 ASIC 芯片也是有很大潜力完成进一步突破的",
            english="some low-power FPGA and ASIC chips have great potential",
        ),
    ),
    hypothesis="No plain CPU decodes at reading speed (5 tok/s) while its device draws less than "
    "15 W.",
    rule="Watts by a meter of the whole device (quality A or B) while it decodes, of the usable "
    "cell that draws the least: refuted when the whole interval of one device is below 15 W; "
    "supported when that of every one of three or more metered devices is at least 15 W. Package "
    "counters, sampled readings (C) and proxies decide nothing: no_meter.",
    needs=(Cells(quants=("Q4_0",), workloads=("tg64",), launches={"smoke": 3, "full": 10}),),
    margins=MARGINS,
    judge=judge,
    pool=pool,
    plot=plot,
    out_of_reach=(
        "FPGAs and ASICs themselves, unless somebody contributes records of one.",
        "The network of training clusters, which the documents name as well.",
    ),
    others_would_add="A Raspberry Pi with a meter at the plug decides it; a laptop by its battery, "
    "a Jetson by its rails, and anything with an NPU.",
)
