"""Private deployment keeps data in: an engine whose model is local asks nothing of a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.claims import Claim, Trying, decide, figures, means
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgebench.claims import Evidence
    from edgebench.schema.claim import Endpoint, Reason
    from edgebench.schema.experiment import Point

KIND = "private-offline"
CONTROL = "control"
FAMILIES = ("unix", "inet", "inet6", "netlink", "other")
MARGINS = {
    "outbound_calls": Margin(support=0, refute=0, upward=False),
    "completed": Margin(support=1, refute=1),
    "speed": Margin(support=0.97, refute=1.03, band=True),
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Calls that would leave the machine, runs that ended well without a network, and speed."""
    return (_outbound(evidence), _completed(evidence), _speed(evidence))


def _outbound(evidence: Evidence) -> Endpoint:
    """Refuted by one call; worth nothing where the control's own calls were not seen."""
    found, control = _traced(evidence)
    calls = [_out(point) for point in found]
    known = [call for call in calls if call is not None]
    seen = sum(1 for point in control if (_out(point) or 0) >= 1)
    reasons: tuple[Reason, ...] = () if seen and known else ("not_measured",)
    return means.of_count(
        "outbound_calls",
        "How often did an engine try to reach an address outside the machine?",
        math.fsum(known) if known else None,
        MARGINS["outbound_calls"],
        unit="calls",
        blocks=_blocks(evidence),
        reasons=reasons,
        says=_says(found, seen) if known else "",
    )


def _completed(evidence: Evidence) -> Endpoint:
    """Ended and were right; what could not be begun, for whatever reason, is no run."""
    found = [p for p in _traced(evidence)[0] if p.values["completed"] is not None]
    done = [1.0 if each.values.get("completed") and each.verified else 0.0 for each in found]
    share = math.fsum(done) / len(done) if done else None
    failed = sorted({str(p.condition["engine"]) for p, d in zip(found, done, strict=True) if not d})
    return means.of_count(
        "completed",
        "What share of runs without a network ended with the right output?",
        share,
        MARGINS["completed"],
        unit="share",
        blocks=_blocks(evidence),
        says=f"Not: {', '.join(failed)}." if failed else "",
    )


def _speed(evidence: Evidence) -> Endpoint:
    up, none = (
        figures.of_points(evidence, KIND, "decode_s_per_token", where=_speed_at(network))
        for network in ("up", "none")
    )
    return decide.of_compared(
        "speed_without_network",
        "Decode speed without a network over that with one: equal within 3 %?",
        figures.compare(none, up),
        MARGINS["speed"],
    )


def _speed_at(network: str) -> Callable[[Mapping[str, object]], bool]:
    def fits(condition: Mapping[str, object]) -> bool:
        return condition["network"] == network and not condition["traced"] and (
            condition["engine"] == "llama.cpp"
        )  # fmt: skip

    return fits


def _traced(evidence: Evidence) -> tuple[list[Point], list[Point]]:
    """Points of engines that were watched, and of the control. Speed has points of its own."""
    engines, control = [], []
    for _, _, point in evidence.points(KIND):
        if point.condition["engine"] == CONTROL:
            control.append(point)
        elif "completed" in point.values:
            engines.append(point)
    return engines, control


def _out(point: Point) -> float | None:
    """By the trace; where there was no strace, all that the kernel counted, loopback included."""
    if point.condition["traced"]:
        return point.values.get("outbound_calls")
    return point.values.get("kernel_attempts")


def _says(found: list[Point], seen: int) -> str:
    kinds = {
        family: round(math.fsum(p.values.get(f"sockets_{family}") or 0 for p in found))
        for family in FAMILIES
    }
    sockets = ", ".join(f"{count} {family}" for family, count in kinds.items() if count) or "none"
    how = "strace" if all(p.condition["traced"] for p in found) else "the kernel's counters"
    engines = ", ".join(sorted({str(p.condition["engine"]) for p in found}))
    return (
        f"By {how}; engines: {engines}; sockets opened: {sockets}. The control's own call was "
        f"seen {seen} times."
    )


def _blocks(evidence: Evidence) -> int:
    return sum(len(each.blocks) for each in evidence.experiments if each.kind == KIND)


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Sockets by family for each engine, and the control's, as bars."""
    from edgebench.claims.drawing import COLOURS, SLANTED

    found, control = _traced(evidence)
    if not found:
        return "Nothing to draw: no engine was watched."
    axis = figure.subplots()
    names = sorted({str(point.condition["engine"]) for point in found})
    kinds = [f"sockets_{family}" for family in FAMILIES] + ["loopback_calls", "outbound_calls"]
    for place, name in enumerate([*names, CONTROL]):
        points = control if name == CONTROL else [p for p in found if p.condition["engine"] == name]
        heights = [
            math.fsum(p.values.get(kind) or 0 for p in points) / max(1, len(points))
            for kind in kinds
        ]
        width = 0.8 / (len(names) + 1)
        axis.bar(
            [x + place * width for x in range(len(kinds))], heights, width, label=name,
            color=COLOURS[place % len(COLOURS)],
        )  # fmt: skip
    axis.set_xticks(range(len(kinds)), [k.replace("sockets_", "") for k in kinds], **SLANTED)
    axis.set_ylabel("calls per run")
    axis.legend()
    return None


CLAIM = Claim(
    id="private-offline",
    version=1,
    title="Private deployment keeps data in",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="数据也不会外流",
            english="the data does not flow out either",
        ),
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="私有化部署",
            english="private deployment",
        ),
        Quote(
            document="000_bab7ed8dc006d67b.txt",
            original="cloud privatization with Azure, which smaller model manufacturers can take "
            "advantage of",
        ),
    ),
    hypothesis="Once the model is on the machine, no engine asks anything of a network: it loads, "
    "answers rightly and as fast in a network namespace that leads nowhere.",
    rule="Supported when no engine tries to reach an address outside the machine while it loads, "
    "prefills, decodes and is verified, all those runs end with the right output, and decode speed "
    "without a network is within 3 % of that with one (the whole 95 % interval). Refuted by one "
    "outbound call. Unix, netlink and loopback are counted apart. Nothing is concluded where the "
    "control, which calls out on purpose, was not seen.",
    needs=(Trying(kind=KIND, blocks={"smoke": 4, "full": 10}),),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "Compliance, theft of the model, side channels, and whether the answers are safe.",
        "What a program around the engine does: an app may send what an engine does not.",
        "Whether a private cloud keeps data in.",
    ),
    others_would_add="Android in airplane mode, macOS, and engines that come with an app.",
)
