"""Small models, short contexts and few bits as remedies: cheap is not enough, and good is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.claims import context_compress, quant_optimise
from tests.claims.makers import (
    NOISY,
    STEADY,
    Effect,
    endpoint,
    evidence,
    experiment,
    file,
    record,
    speeds,
)
from tests.claims.small_good_enough import LARGE, SMALL, points

if TYPE_CHECKING:
    from edgebench.claims import Evidence

WORDS: dict[Effect, str] = {
    "supported": "supported", "refuted": "refuted", "astride": "inconclusive",
}  # fmt: skip
FASTER = {"supported": 3.0, "refuted": 1.05, "astride": 1.8}


def optimised(effect: Effect, answers: Effect = "supported") -> Evidence:
    files = [file(quant=quant) for quant in ("F16", "Q4_0")]
    scatter = NOISY if effect == "astride" else STEADY
    cells = [
        speeds(each, name, 100.0 * (FASTER[effect] if each.quant == "Q4_0" else 1.0),
               scatter if each.quant == "Q4_0" else STEADY)
        for each in files
        for name in ("pp256", "tg64")
    ]  # fmt: skip
    return evidence(record(files, *cells), experiments=(quant_optimise.answered(answers),))


def smaller(seconds: float, right_of_ten: int = 9) -> Evidence:
    """The large model takes `seconds` for an item that the small one answers in 0.07."""
    slow = [
        (condition, values | {"prompt_s": seconds - 0.02}) for condition, values in points(LARGE, 9)
    ]
    block = [*points(SMALL, right_of_ten), *slow]
    return evidence(experiments=(experiment("task-items", [block], files=(SMALL, LARGE)),))


@pytest.mark.parametrize("effect", WORDS)
def test_fewer_bits_halve_the_cost_or_not(effect: Effect) -> None:
    found = endpoint("local-cost", "remedy_optimising", optimised(effect))
    assert (found.verdict, found.primary) == (WORDS[effect], False)


@pytest.mark.parametrize(("seconds", "said"), [(0.21, "supported"), (0.075, "refuted"),
                                              (0.12, "inconclusive")])  # fmt: skip
def test_a_smaller_model_halves_the_cost_or_not(seconds: float, said: str) -> None:
    assert endpoint("local-cost", "remedy_smaller_model", smaller(seconds)).verdict == said


@pytest.mark.parametrize("effect", WORDS)
def test_a_shorter_context_halves_the_cost_or_not(effect: Effect) -> None:
    found = endpoint("local-cost", "remedy_shorter_context", context_compress.made(effect))
    assert found.verdict == WORDS[effect]


def test_cheap_and_bad_is_no_remedy() -> None:
    bad = endpoint("local-cost", "remedy_optimising", optimised("supported", answers="refuted"))
    assert (bad.verdict, bad.reasons) == ("inconclusive", ("quality_floor",))
    assert bad.says.startswith("Cheap enough, and not shown to be good enough.")
    worse = endpoint("local-cost", "remedy_smaller_model", smaller(0.21, right_of_ten=4))
    assert (worse.verdict, worse.reasons) == ("inconclusive", ("quality_floor",))


def test_one_model_in_two_formats_is_no_small_and_large_one() -> None:
    files = (SMALL, file("small", "F16"))
    block = [point for each in files for point in points(each, 9)]
    found = evidence(experiments=(experiment("task-items", [block], files=files),))
    assert endpoint("local-cost", "remedy_smaller_model", found).reasons == ("model_missing",)
