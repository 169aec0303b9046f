"""The distance from the reference: never negative, zero for equals, and NaN never passes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.measure.verify import LIMITS, Distances, Limits, distances, judge, thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOSE = Limits(mean_kl=0.02, max_kl=0.5, top1_agreement=0.9)
PERFECT = Distances(
    positions=4, mean_kl=0.0, max_kl=0.0, top1_agreement=1.0,
    perplexity_engine=9.0, perplexity_reference=9.0, relative_logit_error=0.0,
    finite_reference=True,
)  # fmt: skip
seeds = st.integers(0, 2**32 - 1)


def logits(seed: int, positions: int = 5, vocabulary: int = 11) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 4, (positions, vocabulary)).astype(np.float32)


@given(one=seeds, other=seeds)
def test_divergence_is_never_negative(one: int, other: int) -> None:
    found = distances(logits(one), logits(other), [0] * 5)
    assert found.mean_kl is not None
    assert found.max_kl is not None
    assert 0 <= found.mean_kl <= found.max_kl
    assert 0 <= found.top1_agreement <= 1


@given(seed=seeds)
def test_equal_logits_are_at_distance_zero_and_pass_every_format(seed: int) -> None:
    found = distances(logits(seed), logits(seed), [3] * 5)
    assert (found.mean_kl, found.max_kl, found.top1_agreement) == (0.0, 0.0, 1.0)
    assert found.perplexity_engine == found.perplexity_reference
    assert {judge(found, limits).status for limits in LIMITS.values()} == {"passed"}


@given(one=seeds, other=seeds, shift=st.floats(-50, 50, width=32))
def test_adding_a_constant_to_all_logits_changes_nothing(
    one: int, other: int, shift: float
) -> None:
    plain = distances(logits(one), logits(other), [1] * 5)
    moved = distances(logits(one), logits(other) + np.float32(shift), [1] * 5)
    assert moved.mean_kl == pytest.approx(plain.mean_kl, abs=1e-4)


def test_a_worked_example() -> None:
    """p = (1/2, 1/2) against q = (3/4, 1/4): KL = ln(2) - ln(3)/2; token 1 follows."""
    reference = np.log([[0.5, 0.5]]).astype(np.float32)
    engine = np.log([[0.75, 0.25]]).astype(np.float32)
    found = distances(reference, engine, [1])
    assert found.mean_kl == pytest.approx(np.log(2) - np.log(3) / 2, abs=1e-6)
    assert found.perplexity_reference == pytest.approx(2, abs=1e-5)
    assert found.perplexity_engine == pytest.approx(4, abs=1e-5)


def test_chunks_do_not_change_the_answer() -> None:
    """100 positions are several chunks; the mean is over positions, not over chunks."""
    one, other = logits(1, 100), logits(2, 100)
    each = [distances(one[i : i + 1], other[i : i + 1], [0]).mean_kl or 0.0 for i in range(100)]
    found = distances(one, other, [0] * 100)
    assert found.positions == 100
    assert found.mean_kl == pytest.approx(np.mean(each))
    assert found.max_kl == pytest.approx(max(each))


@given(seed=seeds, at=st.integers(0, 54), bad=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_one_logit_that_is_no_number_never_passes(seed: int, at: int, bad: float) -> None:
    engine = logits(seed)
    engine.flat[at] = bad
    found = distances(logits(seed), engine, [0] * 5)
    assert found.mean_kl is None
    assert found.max_kl is None
    assert found.perplexity_engine is None
    assert found.top1_agreement == 0.8
    assert judge(found, Limits(np.inf, np.inf, 0.0)).status == "failed"


def test_a_broken_reference_says_nothing_about_the_engine() -> None:
    reference = logits(0)
    reference[2, 3] = np.nan
    found = distances(reference, logits(0), [0] * 5)
    assert judge(found, LOOSE).status == "not_possible"


def test_one_wrong_position_among_many_right_ones_fails() -> None:
    """The mean forgives it, the maximum does not."""
    reference = logits(0, positions=128, vocabulary=1000)
    engine = reference.copy()
    engine[70] = np.roll(engine[70], 1)
    found = distances(reference, engine, [0] * 128)
    reason = judge(found, Limits(mean_kl=1.0, max_kl=0.5, top1_agreement=0.9)).reason
    assert reason is not None
    assert reason.startswith("Against the float32 reference, max KL ")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"mean_kl": 0.03}, "mean KL 0.03 is above 0.02"),
        ({"max_kl": 0.6}, "max KL 0.6 is above 0.5"),
        ({"top1_agreement": 0.85}, "top-1 agreement 0.85 is below 0.9"),
    ],
)
def test_each_limit_is_judged_and_named(changed: dict[str, float], says: str) -> None:
    found = judge(PERFECT._replace(**changed), LOOSE)  # type: ignore[arg-type]
    assert found == ("failed", f"Against the float32 reference, {says}.")


def test_on_the_limit_passes() -> None:
    edge = PERFECT._replace(mean_kl=0.02, max_kl=0.5, top1_agreement=0.9)
    assert judge(edge, LOOSE) == ("passed", None)


@pytest.mark.parametrize("following", [[0] * 4, [0] * 6])
def test_every_position_has_one_next_token(following: list[int]) -> None:
    with pytest.raises(ValueError, match="next tokens for 5 positions"):
        distances(logits(0), logits(0), following)


def test_logits_of_other_shapes_do_not_compare() -> None:
    with pytest.raises(ValueError, match="do not compare"):
        distances(logits(0), logits(0, vocabulary=12), [0] * 5)


def test_a_mixture_is_judged_as_its_loosest_type() -> None:
    quantized = thresholds({"Q4_0": 210})
    assert thresholds({"F32": 61, "Q4_1": 210, "Q8_0": 1}) == quantized
    assert thresholds({"F32": 61, "F16": 211}).mean_kl < quantized.mean_kl


def test_a_type_that_is_not_known_yet_is_judged_as_quantized() -> None:
    assert thresholds({"F32": 10, "Q2_FUTURE": 1}) == thresholds({"Q8_0": 1})


def test_types_with_no_tensors_do_not_count() -> None:
    assert thresholds({"F16": 3, "Q4_0": 0}) == thresholds({"F16": 1})
    with pytest.raises(ValueError, match="without tensors"):
        thresholds({})


def test_importing_it_costs_no_numpy() -> None:
    """The worker imports it before it has an engine."""
    program = "import sys, edgebench.measure.verify; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_relative_error_of_the_logits_is_that_of_their_differences() -> None:
    made = logits(1)
    assert distances(made, made + 3, [0] * 5).relative_logit_error == pytest.approx(0, abs=1e-6)
    centred = made - made.mean(axis=-1, keepdims=True)
    found = distances(made, made + 0.1 * centred, [0] * 5).relative_logit_error
    assert found == pytest.approx(0.1, rel=1e-4)
