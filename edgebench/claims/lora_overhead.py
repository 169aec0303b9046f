"""A model with a LoRA adapter cannot cost six times as much to serve as the model without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis import stats
from edgebench.claims import Claim, Trying, decide, figures
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edgebench.claims import Evidence
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Endpoint

KIND = "lora"
MODES = (
    ("unmerged", 8), ("unmerged", 16), ("unmerged", 64), ("merged", 8), ("merged", 16),
    ("merged", 64), ("switched", 16),
)  # fmt: skip
PHASES = ("prefill_s", "decode_s_per_token")
FLAGGED = 1.5
MARGINS = {
    "request": Margin(support=6.0, refute=6.0, upward=False),
    "phase": Margin(support=FLAGGED, refute=6.0, upward=False),
    "memory": Margin(support=FLAGGED, refute=6.0, upward=False),
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """The time of a request over the base's, for each way of serving; then phase by phase."""
    return (*_requests(evidence), *_phases(evidence), *_memory(evidence))


def ratio(evidence: Evidence, value: str, mode: str, rank: int) -> Compared:
    """That value with the adapter over the one without. What was not verified gives none."""
    base = figures.of_points(evidence, KIND, value, where=_is("base", 0), allow_unverified=False)
    head = figures.of_points(evidence, KIND, value, where=_is(mode, rank), allow_unverified=False)
    return figures.compare(base, head)


def _requests(evidence: Evidence) -> Iterator[Endpoint]:
    for mode, rank in MODES:
        found = ratio(evidence, "request_s", mode, rank)
        made = decide.of_compared(
            f"request_{mode}_r{rank}",
            f"Is a request (a prompt and its answer) with {_words(mode, rank)} less than six times "
            "as slow as without?",
            found,
            MARGINS["request"],
        )
        flagged = made.high is not None and made.high >= FLAGGED
        says = [f"Flagged: not surely below {FLAGGED} times."] if flagged else []
        if mode == "switched":
            says += _switching(evidence, rank)
        yield made.model_copy(update={"says": " ".join(says)})


def _switching(evidence: Evidence, rank: int) -> list[str]:
    """What the call alone takes; what follows from it is in the request."""
    took = figures.of_points(evidence, KIND, "switch_s", where=_is("switched", rank)).values
    middle = stats.quantile(took, 0.5)
    return [] if middle is None else [f"The call that switches takes {1e3 * middle:.2g} ms."]


def _phases(evidence: Evidence) -> Iterator[Endpoint]:
    for mode, rank in MODES:
        for value in PHASES:
            phase = value.partition("_")[0]
            yield decide.of_compared(
                f"{phase}_{mode}_r{rank}",
                f"The time of {phase} with {_words(mode, rank)} over that without.",
                ratio(evidence, value, mode, rank),
                MARGINS["phase"],
                primary=False,
            )


def _memory(evidence: Evidence) -> Iterator[Endpoint]:
    for mode, rank in MODES:
        yield decide.of_compared(
            f"peak_rss_{mode}_r{rank}",
            f"The peak of resident memory with {_words(mode, rank)} over that without.",
            ratio(evidence, "peak_rss_bytes", mode, rank),
            MARGINS["memory"],
            primary=False,
        )


def _is(mode: str, rank: int) -> Any:
    def fits(condition: Mapping[str, object]) -> bool:
        return condition["mode"] == mode and condition["rank"] == rank

    return fits


def _words(mode: str, rank: int) -> str:
    return {
        "unmerged": f"an adapter of rank {rank} beside the weights",
        "merged": f"an adapter of rank {rank} merged into the weights",
        "switched": f"two adapters of rank {rank} in turns, one for each request,",
    }[mode]


def plot(evidence: Evidence, figure: Any) -> str | None:
    """The ratio by rank, with lines at 1.5 and 6."""
    from edgebench.claims.drawing import COLOURS

    axis = figure.subplots()
    drawn = False
    for place, mode in enumerate(("unmerged", "merged", "switched")):
        points = [
            (rank, ratio(evidence, "request_s", m, rank).found) for m, rank in MODES if m == mode
        ]
        known = [(rank, found) for rank, found in points if found]
        if not known:
            continue
        drawn = True
        bounds = [found.bounds() for _, found in known]
        axis.fill_between(
            [rank for rank, _ in known], [low for low, _ in bounds], [high for _, high in bounds],
            color=COLOURS[place], alpha=0.2,
        )  # fmt: skip
        centre = [(low * high) ** 0.5 for low, high in bounds]
        axis.plot([rank for rank, _ in known], centre, marker="o", color=COLOURS[place], label=mode)
    if not drawn:
        return "Nothing to draw: no device has an adapter measured beside its base."
    for line in (FLAGGED, 6.0):
        axis.axhline(line, color="black", linestyle="--", linewidth=0.8)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xlabel("rank of the adapter")
    axis.set_ylabel("time of a request over the base's")
    axis.legend()
    return None


CLAIM = Claim(
    id="lora-overhead",
    version=1,
    title="A LoRA model cannot cost six times as much",
    quotes=(
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="基于Lora機制(凍結大部分模型參數,僅微調調整少量參數)實現的微調新模型,"
            "他的成本不可能翻6倍之多",
            english="a new model fine-tuned with LoRA (most parameters frozen, only a few adjusted)"
            " cannot cost as much as six times",
        ),
    ),
    hypothesis="A request to a model with a LoRA adapter on all linear layers takes less than 1.5 "
    "times as long as one to the model alone, merged or not, of rank 8 to 64.",
    rule="For each rank (8, 16, 64), beside the weights and merged into them, and two adapters of "
    "rank 16 in turns: the time of a request (256 tokens in, 64 out) over the base's. Supported "
    "when the whole 95 % interval is below 6, and flagged unless it is below 1.5; refuted when it "
    "is above 6. Prefill, decode and peak memory are judged against 1.5 beside it. Only adapters "
    "that were seen to be applied count.",
    needs=(Trying(kind=KIND, blocks={"smoke": 3, "full": 10}),),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "What it costs OpenAI to serve a fine-tuned model, and why it is priced as it is.",
        "Training: adapters here are random, since speed does not depend on their values.",
    ),
    others_would_add="A board whose memory is slow beside its arithmetic, where the adapter's "
    "bytes weigh more; a GPU, where many small products cost launches; larger models, where they "
    "cost less.",
)
