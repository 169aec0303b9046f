"""What stands beside the rule of quant-optimise: right answers lost, and whether it is needed."""

from __future__ import annotations

import pytest

from edgebench.claims.quant_speed import BASE
from tests.claims import quant_optimise as maker
from tests.claims.makers import Effect, endpoint, evidence, file, record, speeds

WORDS: dict[Effect, str] = {
    "supported": "supported", "refuted": "refuted", "astride": "inconclusive",
}  # fmt: skip


@pytest.mark.parametrize("effect", WORDS)
def test_right_answers_are_lost_or_not(effect: Effect) -> None:
    found = endpoint("quant-optimise", "accuracy_lost_q4_0", maker.made(effect))
    assert (found.verdict, found.primary) == (WORDS[effect], False)
    right = maker.RIGHT_OF_TEN[effect] * 10
    assert found.estimate == pytest.approx(100 - right)
    assert found.says == f"{right} of 100 right, 100 by the base."


def test_a_format_that_answered_nothing_is_not_judged() -> None:
    found = endpoint("quant-optimise", "accuracy_lost_q5_0", maker.made("supported"))
    assert found.reasons == ("not_measured",)


@pytest.mark.parametrize(
    ("base", "small", "said", "reasons"),
    [
        (5.0, 20.0, "supported", ()),
        (20.0, 40.0, "refuted", ()),
        (5.0, 8.0, "inconclusive", ("quality_floor",)),
    ],
)
def test_optimising_is_needed_where_the_model_as_it_is_fails_what_another_passes(
    base: float, small: float, said: str, reasons: tuple[str, ...]
) -> None:
    files = [file(quant=BASE), file(quant="Q4_0")]
    cells = [speeds(f, "tg64", tok_s) for f, tok_s in zip(files, (base, small), strict=True)]
    found = endpoint("quant-optimise", "needed", evidence(record(files, *cells)))
    assert (found.verdict, found.reasons) == (said, reasons)
