"""What a million tokens cost on one's own device, beside what an API asks, and how much of that
is fixed.

Cost = price / (life x utilisation x speed) + energy / speed. Price, life and electricity are
inputs: a band of 95 % over seeded Monte-Carlo draws of them and of the measured speed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.analysis import energy, metrics, stats
from edgebench.claims import (
    Cells,
    Claim,
    Trying,
    answers,
    context_compress,
    costs,
    decide,
    figures,
    price_table,
    remedies,
    resampling,
)
from edgebench.schema.claim import Endpoint, Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.claims import Evidence, Row
    from edgebench.schema.claim import Reason

MODEL, QUANT = "smollm2-135m", "Q4_0"
WORKLOADS = ("tg64", "tg64@s4", "tg64@s16")
UTILISATION = 0.30
# What meters must cover, so that what the device draws is in it.
WHOLE_DEVICE = frozenset({"system", "platform", "board", "device", "module"})
# 0.02 USD per 1,000 tokens are "about 3,800 characters per yuan", at 6.9 yuan per dollar.
IMPLIED_TOKENS_PER_CHARACTER = 1e3 / 0.02 / 6.9 / 3800
MARGINS = {
    "cheaper": Margin(support=1.0, refute=1.0, upward=False),
    "marginal_share": Margin(support=0.20, refute=0.20, upward=False),
    "zero_marginal": Margin(support=0.0, refute=0.0, upward=False),
    "batch": Margin(support=2.0, refute=1.2),
    "characters": Margin(support=0.85, refute=1.15, band=True),
    "remedy": remedies.MARGIN,
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Against the cheapest API price; the marginal share; batching; characters per token."""
    best = measured(evidence)
    return (
        _cheaper(best),
        _marginal_share(best),
        _zero_marginal(best),
        _batching(evidence),
        _characters(evidence),
        *remedies.endpoints(evidence),
    )


def measured(evidence: Evidence) -> costs.Measured | None:
    """The fastest of the decode cells, all sequences together; None without a quiet launch."""
    found = [(figures.figures([row], metrics.decode_tok_s).values, row) for row in _rows(evidence)]
    found = [each for each in found if len(each[0]) >= figures.FEWEST_BLOCKS]
    if not found:
        return None
    speeds, row = max(found, key=lambda each: stats.quantile(each[0], 0.5) or 0.0)
    active, idle = _watts(row)
    price = price_table.device_price_usd(row.result.device.profile)
    return costs.Measured(row.entry.cell.workload.name, tuple(speeds), active, idle, price)


def _cheaper(best: costs.Measured | None) -> Endpoint:
    """Low from full utilisation and high from 30 %: what supports must hold at the lower, and
    what refutes even at the higher.
    """
    api = price_table.cheapest_api()
    question = "Do tokens cost less here than at the cheapest API, from 30 % utilisation on?"
    if best is None or best.price_usd is None:
        empty = _empty("cheaper_than_api", question, "cheaper", ("not_measured",))
        says = "" if best is None else "No price is known for this device: its profile cites none."
        return empty.model_copy(update={"says": says})
    often = costs.band(
        [each.total / api.output_per_million for each in costs.draws(best, costs.FULL)]
    )
    seldom = costs.band(
        [each.total / api.output_per_million for each in costs.draws(best, UTILISATION)]
    )
    found = resampling.Estimate(seldom.value, often.low, seldom.high, len(best.speeds))
    # Electricity only adds: without a meter, what hardware alone refutes stays refuted.
    dear = decide.word(found.low, found.high, MARGINS["cheaper"]) == "refuted"
    reasons: tuple[Reason, ...] = () if dear or best.active_w is not None else ("no_meter",)
    even = costs.break_even_tokens_per_day(best, api.output_per_million)
    says = f"Against {api.model} at {api.output_per_million:g} USD per million ({api.date}); " + (
        "no number of tokens a day pays for the device." if even is None
        else f"the device pays from {even:,.0f} tokens a day on."
    )  # fmt: skip
    return resampling.endpoint(
        "cheaper_than_api", question, found, MARGINS["cheaper"], unit="ratio of cost",
        reasons=reasons, says=says,
    )  # fmt: skip


def _marginal_share(best: costs.Measured | None) -> Endpoint:
    question = "Is at most a fifth of the cost marginal at 30 % utilisation?"
    if best is None or best.price_usd is None:
        return _empty("marginal_share", question, "marginal_share", ("not_measured",))
    if best.active_w is None:
        return _empty("marginal_share", question, "marginal_share", ("no_meter",))
    fixed = best._replace(active_w=(best.active_w - (best.idle_w or 0.0)), idle_w=None)
    pairs = zip(costs.draws(fixed, UTILISATION), costs.draws(best, UTILISATION), strict=True)
    band = costs.band([marginal.electricity / whole.total for marginal, whole in pairs])
    return resampling.endpoint(
        "marginal_share", question, band._replace(units=len(best.speeds)),
        MARGINS["marginal_share"], unit="share",
    )  # fmt: skip


def _zero_marginal(best: costs.Measured | None) -> Endpoint:
    question = "Is the marginal cost of a million tokens zero?"
    if best is None or best.active_w is None:
        reason: Reason = "not_measured" if best is None else "no_meter"
        return _empty("zero_marginal", question, "zero_marginal", (reason,), primary=False)
    marginal = best._replace(active_w=best.active_w - (best.idle_w or 0.0), idle_w=None)
    band = costs.band([each.electricity for each in costs.draws(marginal, costs.FULL)])
    return resampling.endpoint(
        "zero_marginal", question, band._replace(units=len(best.speeds)),
        MARGINS["zero_marginal"], primary=False, unit="USD per million tokens",
    )  # fmt: skip


def _batching(evidence: Evidence) -> Endpoint:
    sides = [
        figures.figures(
            [row for row in _rows(evidence) if row.entry.cell.workload.name == name],
            metrics.decode_tok_s,
        )
        for name in (WORKLOADS[0], WORKLOADS[-1])
    ]
    return decide.of_compared(
        "batch_16",
        "Do sixteen sequences together decode 2 times as many tokens a second as one?",
        figures.compare(*sides),
        MARGINS["batch"],
        primary=False,
    )


def _characters(evidence: Evidence) -> Endpoint:
    """Tokens per Chinese character that the quoted prices imply, over those counted.

    A tokenizer of GPT-3's kind is what the prices are about: with another one it stays open.
    """
    counted = [
        (tokens / characters, str(point.condition.get("file")))
        for _, _, point in evidence.points("token-counts")
        if (tokens := point.values.get("tokens")) and (characters := point.values.get("characters"))
    ]
    per_character = [each for each, _ in counted]
    found = resampling.bootstrap(
        [IMPLIED_TOKENS_PER_CHARACTER / each for each in per_character],
        lambda drawn: len(drawn) / math.fsum(1 / each for each in drawn),
        resampling.FEW_DRAWS,
    )
    says = ""
    if per_character:
        mean = math.fsum(per_character) / len(per_character)
        says = f"{mean:.2f} tokens a character here, {IMPLIED_TOKENS_PER_CHARACTER:.2f} implied."
    return resampling.endpoint(
        "tokens_per_character",
        "Do 3,800 characters per yuan fit the tokens that Chinese characters take?",
        found,
        MARGINS["characters"],
        primary=False,
        reasons=("model_missing",) if found else (),
        says=says,
    )


def _rows(evidence: Evidence) -> list[Row]:
    return [
        row
        for row in figures.rows(evidence, model=MODEL, quant=QUANT)
        if row.entry.cell.workload.name in WORKLOADS and figures.plain(row)
    ]


def _watts(row: Row) -> tuple[float | None, float | None]:
    """While decoding, and idle, by a meter of the whole device; None without one."""
    for each in energy.figures(row.entry, row.result.idle_energy):
        whole = each.scope in WHOLE_DEVICE and each.quality != "C"
        if each.phase == "decode" and whole and each.watts:
            return each.watts.estimate, each.idle_watts
    return None, None


def _empty(
    name: str, question: str, margin: str, reasons: tuple[Reason, ...], *, primary: bool = True
) -> Endpoint:
    return decide.empty(name, question, MARGINS[margin], reasons, primary=primary)


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Dollars per million tokens against utilisation, with API prices as lines."""
    from edgebench.claims.drawing import COLOURS

    best = measured(evidence)
    if best is None or best.price_usd is None:
        return "Nothing to draw: it takes a measured speed and a device whose profile has a price."
    axis = figure.subplots()
    shares = [10 ** (-2 + place / 10) for place in range(21)]
    bands = [costs.band([each.total for each in costs.draws(best, share, 400)]) for share in shares]
    axis.plot(shares, [b.value for b in bands], color=COLOURS[0], label="this device")
    axis.fill_between(shares, [b.low for b in bands], [b.high for b in bands], alpha=0.2)
    for price in _dollars():
        axis.axhline(price.output_per_million, color="grey", linewidth=0.8)
        axis.annotate(f"{price.model} ({price.date[:4]})", (0.011, price.output_per_million))
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("utilisation")
    axis.set_ylabel("USD per million tokens")
    axis.legend()
    return None


def _dollars() -> Iterator[Any]:
    return (each for each in price_table.load().api if each.currency == "USD")


CLAIM = Claim(
    id="local-cost",
    version=2,
    title="Inference is expensive; marginal cost becomes fixed cost",
    quotes=(
        Quote(
            document="002_8784da2637a6b130.txt",
            original="[[LLM]] 也会将边际成本变成固定成本",
            english="LLMs will turn marginal cost into fixed cost",
        ),
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="推理成本到底有多貴",
            english="how expensive inference really is",
        ),
        Quote(
            document="003_71d1236269980495.txt",
            original="按顺序优化费用",
            english="optimise cost, in order",
        ),
    ),
    hypothesis="From 30 % utilisation on a million tokens cost less on the device than at the "
    "cheapest API of the price table, and at most a fifth of that cost is marginal.",
    rule="Cost = price / (life x utilisation x speed) + energy x electricity / speed; band of 95 % "
    "over draws of life (3-5 years), electricity (0.10-0.30 USD/kWh) and the measured launches. "
    "Cheaper: supported when the band at 30 % utilisation is below the API price, refuted when "
    "that at 100 % is above it. Marginal share at 30 %: supported up to 0.20, refuted above. "
    "Without a meter of the whole device nothing is supported (no_meter); hardware alone can "
    "refute. The device's price is the one that its profile cites. The API's model is a better "
    "one: equal quality is not claimed. Beside it, each remedy that the documents name (a smaller "
    "model, a shorter context, an optimised model) by itself: at least 2 times cheaper an answer "
    "supports, below 1.2 refutes, and without relative quality of 0.75 (for the context: at most "
    "5 points lost) nothing is supported.",
    needs=(
        Cells(quants=(QUANT,), workloads=WORKLOADS, launches={"smoke": 3, "full": 10}),
        Trying("token-counts", blocks={"smoke": 1, "full": 1}),
        # Read here and measured for quant-optimise, small-good-enough and context-compress.
        Cells(quants=(remedies.BASE, remedies.OPTIMISED), workloads=("pp256", "tg64"), launches={}),
        Trying(answers.KIND, blocks={}),
        Trying(context_compress.KIND, blocks={}),
    ),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "That only a few businesses can bear the cost, and that solving it drives adoption.",
        "What vendors pay themselves: list prices hide their margin.",
        "Labour, and what a wrong answer costs.",
    ),
    others_would_add="Boards with a price in their profile and a meter at the plug: a Raspberry "
    "Pi, a mini PC, a GPU; and a tokenizer of GPT-3's kind for the characters per yuan.",
)
