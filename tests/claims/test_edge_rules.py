"""What stands beside the gates of edge-usable, on either side of its limits."""

from __future__ import annotations

import pytest

from edgebench.claims import edge_usable as claim
from tests.claims import edge_usable as maker
from tests.claims.makers import Effect, endpoint, evidence

WORDS: dict[Effect, str] = {
    "supported": "supported", "refuted": "refuted", "astride": "inconclusive",
}  # fmt: skip
OPPOSITE = {"supported": "refuted", "refuted": "supported", "inconclusive": "inconclusive"}


@pytest.mark.parametrize("effect", WORDS)
@pytest.mark.parametrize("name", ["busy_neighbour", "cold_start", "usable_command"])
def test_what_is_asked_beside_the_gates_wins_loses_and_stays_open(
    name: str, effect: Effect
) -> None:
    found = endpoint("edge-usable", name, maker.made(effect))
    assert (found.verdict, found.primary) == (WORDS[effect], False)


@pytest.mark.parametrize("effect", WORDS)
def test_must_be_redone_is_the_opposite_of_usable(effect: Effect) -> None:
    found = maker.made(effect)
    usable, redone = (
        endpoint("edge-usable", name, found) for name in ("usable_smollm2_135m", "must_be_redone")
    )
    assert redone.verdict == OPPOSITE[usable.verdict]
    assert redone.estimate == usable.estimate


def test_the_largest_model_that_passes_is_named() -> None:
    found = endpoint("edge-usable", "must_be_redone", maker.made("supported"))
    assert found.says == "The largest model that passes unmodified: smollm2-135m."


def test_a_busy_neighbour_costs_what_was_measured() -> None:
    found = endpoint("edge-usable", "busy_neighbour", maker.made("supported"))
    assert found.says.endswith("A token takes 2 times as long.")


def test_a_turn_with_wrong_output_shows_no_speed() -> None:
    wrong = evidence(experiments=(maker.conditions("supported", verified=False),))
    for name in ("busy_neighbour", "cold_start"):
        assert endpoint("edge-usable", name, wrong).reasons == ("unverified",)


def test_the_slowest_token_in_twenty_is_held_to_the_same_limit() -> None:
    found = maker.made("supported")
    slow = endpoint("edge-usable", "token_p95", maker.made("refuted"))
    assert endpoint("edge-usable", "token_p95", found).verdict == "supported"
    assert slow.verdict == "refuted"
    assert slow.estimate == pytest.approx(2.0 / 5.0, rel=0.02)


def test_first_tokens_of_the_long_run_are_counted() -> None:
    found = endpoint("edge-usable", "sustained", maker.made("supported"))
    assert found.says == "Of 600 first tokens 95 % came within 0.25 s."


def test_changed_rules_have_a_version_of_their_own() -> None:
    assert claim.CLAIM.version == 2
