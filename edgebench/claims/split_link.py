"""Cutting a model between two machines is limited by the bandwidth inside it, says the claim; its
rival is that only round trips count: a cut between layers moves 2.3 KB a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.claims import Claim, Trying, decide, figures, means
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.figures import Block
    from edgebench.schema.claim import Endpoint

KIND = "split-link"
JUDGED_MBIT_S = 100
PHASES = {"decode": "decode_s_per_token", "prefill": "prefill_s"}
F32_BYTES = 4
SYNCHRONISATIONS = 2  # of a tensor-parallel layer: after attention, and after the feed-forward
MARGINS = {
    "bandwidth_share": Margin(support=0.20, refute=0.05),
    "efficiency": Margin(support=1.0, refute=1.0, upward=False),
    "round_trips": Margin(support=0.8, refute=1.2, band=True),
}


class Seen(NamedTuple):
    """One link in one block; `moved_bytes` per token in decode, altogether in prefill."""

    round_trip_s: float
    rate_bit_s: float
    took_s: float
    moved_bytes: float


class Fit(NamedTuple):
    """took = base + trips * round trip + 8 * moved / rate, by least squares of relative errors."""

    base_s: float
    trips: float
    moved_bytes: float


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """The share of bandwidth in decode; then prefill, slower links, round trips, the discount."""
    return (
        _share(evidence, "decode", JUDGED_MBIT_S, primary=True),
        *(_share(evidence, "decode", rate, primary=False) for rate in (1, 10)),
        *(_share(evidence, "prefill", rate, primary=False) for rate in (1, 10, JUDGED_MBIT_S)),
        _round_trips(evidence),
        *_discount(evidence),
    )


def seen(evidence: Evidence, phase: str) -> dict[Block, list[Seen]]:
    """What was measured under each link; only where the split model's output equalled the whole."""
    moved = "bytes_per_token" if phase == "decode" else "prefill_bytes"
    found: dict[Block, list[Seen]] = {}
    for experiment, block, point in evidence.points(KIND):
        took, size = point.values.get(PHASES[phase]), point.values.get(moved)
        if not point.condition["split"] or not point.verified or not took or not size:
            continue
        trip, rate = (float(point.condition[n] or 0) for n in ("round_trip_ms", "rate_mbit_s"))
        each = Seen(trip / 1e3, rate * 1e6, took, size)
        found.setdefault((experiment.run_id, block.index), []).append(each)
    return found


def fit(found: Sequence[Seen]) -> Fit | None:
    """None where the links do not tell the three apart."""
    import numpy as np

    if len({each.round_trip_s for each in found}) < 2 or len({e.rate_bit_s for e in found}) < 2:
        return None
    rows = np.array([[1, e.round_trip_s, 8 / e.rate_bit_s] for e in found], dtype=np.float64)
    took = np.array([e.took_s for e in found], dtype=np.float64)
    solved, _, rank, _ = np.linalg.lstsq(rows / took[:, None], np.ones(len(found)), rcond=None)
    return Fit(*map(float, solved)) if rank == 3 else None


def shares(evidence: Evidence, phase: str, rate_mbit_s: float) -> list[float]:
    """By block: the fitted time of transmission over the time at that rate and no round trip."""
    fits = [fitted for each in seen(evidence, phase).values() if (fitted := fit(each))]
    sent = [8 * f.moved_bytes / (rate_mbit_s * 1e6) for f in fits]
    return [s / (f.base_s + s) for s, f in zip(sent, fits, strict=True) if f.base_s + s > 0]


def _share(evidence: Evidence, phase: str, rate_mbit_s: int, *, primary: bool) -> Endpoint:
    return means.of_values(
        f"bandwidth_share_{phase}_{rate_mbit_s}_mbit_s",
        f"What share of {phase} at {rate_mbit_s} Mbit/s is transmission, without round trips?",
        shares(evidence, phase, rate_mbit_s),
        MARGINS["bandwidth_share"],
        unit="share",
        primary=primary,
        says=_volumes(evidence) if primary else "",
    )


def _round_trips(evidence: Evidence) -> Endpoint:
    fits = [fitted for each in seen(evidence, "decode").values() if (fitted := fit(each))]
    return means.of_values(
        "round_trips_per_token",
        "How many round trips does a token of decode take (the rival reading says one)?",
        [each.trips for each in fits],
        MARGINS["round_trips"],
        unit="round trips",
        primary=False,
    )


def _discount(evidence: Evidence) -> Iterator[Endpoint]:
    """Two processes with half of the threads each, on the best link, against one with all."""
    best = _best_link(evidence)
    for phase, value in PHASES.items():
        whole = figures.of_points(evidence, KIND, value, where=lambda c: not c["split"])
        split = figures.of_points(
            evidence, KIND, value, where=lambda c: bool(c["split"]) and _link(c) == best
        )
        yield decide.of_compared(
            f"efficiency_{phase}",
            f"The speed of {phase} in two processes on the best link over that in one with as many "
            "threads: is there a discount?",
            figures.compare(split, whole),
            MARGINS["efficiency"],
            primary=False,
        )


def _best_link(evidence: Evidence) -> tuple[float, float] | None:
    links = {_link(p.condition) for _, _, p in evidence.points(KIND) if p.condition["split"]}
    return min(links, key=lambda link: (link[0], -link[1]), default=None)


def _link(condition: Mapping[str, Any]) -> tuple[float, float]:
    return float(condition["round_trip_ms"]), float(condition["rate_mbit_s"])


def volumes(evidence: Evidence) -> tuple[int, int, int] | None:
    """Bytes per token across a layer cut, and across tensor-parallel cuts, and how many of those
    wait for one another; from the shape of the model.
    """
    for experiment in evidence.experiments:
        if experiment.kind == KIND and experiment.files and experiment.files[0].shape:
            shape = experiment.files[0].shape
            state, cuts = shape.hidden * F32_BYTES, SYNCHRONISATIONS * shape.layers
            return state, state * cuts, cuts
    return None


def _volumes(evidence: Evidence) -> str:
    found = volumes(evidence)
    if found is None:
        return ""
    layer, tensor, cuts = found
    networks = {str(p.condition["network"]) for _, _, p in evidence.points(KIND)
                if p.condition["split"]}  # fmt: skip
    where = "on loopback, without namespaces" if "loopback" in networks else "between namespaces"
    return (
        f"Analytic: a layer cut moves {layer:,} bytes a token in one message; cutting every layer's"
        f" matrices would move {tensor:,} in {cuts} that wait for each other. Measured {where}."
    )


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Slow-down of decode by round trip and rate, with both cuts' analytic lines of 2x."""
    import numpy as np

    found = [each for block in seen(evidence, "decode").values() for each in block]
    fits = [f for block in seen(evidence, "decode").values() if (f := fit(block))]
    if not found or not fits:
        return "Nothing to draw: no split model was measured on several links."
    trips = sorted({each.round_trip_s for each in found})
    rates = sorted({each.rate_bit_s for each in found})
    base_s = float(np.median([each.base_s for each in fits]))
    table = np.array([
        [_median([e.took_s for e in found if (e.round_trip_s, e.rate_bit_s) == (t, r)]) / base_s
         for r in rates] for t in trips
    ])  # fmt: skip
    axis = figure.subplots()
    image = axis.imshow(np.log2(table), origin="lower", aspect="auto", cmap="viridis")
    middle = float(np.log2(table).min() + np.log2(table).max()) / 2
    for (row, column), value in np.ndenumerate(table):
        colour = "black" if np.log2(value) > middle else "white"
        axis.text(column, row, f"{value:.1f}x", ha="center", va="center", color=colour)
    axis.set_xticks(range(len(rates)), [f"{rate / 1e6:g}" for rate in rates])
    axis.set_yticks(range(len(trips)), [f"{trip * 1e3:g}" for trip in trips])
    axis.set_xlabel("Mbit/s")
    axis.set_ylabel("round trip, ms")
    figure.colorbar(image, label="log2 of decode time over that without a link")
    axis.set_title(_limits(evidence, base_s), fontsize=8)
    axis.grid(visible=False)
    return None


def _limits(evidence: Evidence, base_s: float) -> str:
    """Where each cut would double the time: for rates without round trips, and the reverse."""
    found = volumes(evidence)
    if found is None:
        return ""
    layer, tensor, cuts = found
    return (
        "decode takes twice as long, by arithmetic: layer cut below "
        f"{8 * layer / base_s / 1e6:.2g} Mbit/s\n"
        f"or above {base_s * 1e3:.0f} ms; tensor cuts below {8 * tensor / base_s / 1e6:.3g} Mbit/s "
        f"or above {base_s * 1e3 / cuts:.2g} ms"
    )


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else float("nan")


CLAIM = Claim(
    id="split-link",
    version=1,
    title="Splitting a model between edge and cloud is limited by internal bandwidth",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="对于一些中间链接较多的模型，数据带宽过大，想要硬性切开就非常复杂",  # noqa: RUF001
            english="for models with many links in the middle the data bandwidth is too large, and "
            "a hard cut is very complex",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="毕竟分布式会有折扣",
            english="after all, distribution carries a discount",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="太大的模型放在边缘端确实是比较头疼的问题",
            english="putting too large a model at the edge is a headache",
        ),
    ),
    hypothesis="The link's bandwidth binds: of the time that a token takes in a model cut in half "
    "between two machines, a fifth or more is transmission at 100 Mbit/s. The rival: only round "
    "trips count.",
    rule="The time per token over a grid of links is fitted as base + k round trips + bytes / "
    "rate, block by block. Supported when the whole 95 % interval of the share of transmission in "
    "decode at 100 Mbit/s is at least 20 %, refuted when it is below 5 %. Beside it: other rates, "
    "prefill, k (one, says the rival), and whether two processes with half of the threads each are "
    "slower than one with all (the discount: an efficiency below 1). Only a split model whose "
    "logits equal the whole one's counts.",
    needs=(Trying(kind=KIND, blocks={"smoke": 3, "full": 10}),),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "Links of training clusters (800 Gbit/s and more).",
        "Packets lost, and connections that are not warm yet: the link here is a relay that ends "
        "both connections, and TCP's windows see no delay.",
        "Cutting inside layers: its bytes and its round trips are computed, not measured.",
    ),
    others_would_add="Two real machines on Ethernet, Wi-Fi and a mobile network, and a model large "
    "enough that one of them cannot hold it.",
)
