"""A gateway takes load off the centre where it is sure, right and quick enough."""

from __future__ import annotations

from typing import Any

import pytest

from tests.claims.makers import endpoint, evidence, experiment

NAME = "gateway_tokens_avoided"


def labelled(right: int, seconds: float = 0.1) -> Any:
    """Of ten records that many are answered right and surely, the others wrong and unsurely."""
    blocks = [[point(number, right, seconds) for number in range(10)]
              + [alone(number, seconds) for number in range(2)] for _ in range(20)]  # fmt: skip
    return evidence(experiments=(experiment("sensor-records", blocks, verified=None),))


def point(number: int, right: int, seconds: float) -> tuple[dict[str, Any], dict[str, float]]:
    label = ("no", "yes")[number % 2]
    sure = number < right
    condition = {"task": "threshold", "encoding": "key_value", "mode": "label", "label": label,
                 "rule": label, "answered": label if sure else "other"}  # fmt: skip
    ahead = 3.0 if sure else 0.1
    values = {"record_tokens": 40.0, "prompt_s": seconds, "waited_share": 0.0}
    return condition, values | {"log_probability_0": -1.0, "log_probability_1": -1.0 - ahead}


def alone(number: int, seconds: float) -> tuple[dict[str, Any], dict[str, float]]:
    condition = {"task": "threshold", "encoding": "key_value", "mode": "alone", "label": "no",
                 "rule": "no", "answered": "no", "number": number}  # fmt: skip
    return condition, {"record_tokens": 40.0, "prompt_s": seconds, "waited_share": 0.0}


@pytest.mark.parametrize(("right", "said"), [(9, "supported"), (1, "refuted"), (5, "inconclusive")])
def test_load_is_taken_off_where_the_gateway_is_sure_and_right(right: int, said: str) -> None:
    found = endpoint("sensor-light", NAME, labelled(right))
    assert (found.verdict, found.primary) == (said, False)


def test_a_gateway_that_cannot_keep_pace_takes_nothing_off() -> None:
    found = endpoint("sensor-light", NAME, labelled(9, seconds=3.0))
    assert (found.verdict, found.says) == ("refuted", "The pace is not kept.")


def test_without_records_nothing_is_said() -> None:
    found = endpoint("sensor-light", NAME, evidence())
    assert (found.verdict, found.reasons) == ("inconclusive", ("not_measured",))
