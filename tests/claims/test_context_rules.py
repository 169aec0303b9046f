"""What stands beside the rule of context-cost, on either side of its margins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.measure.experiments.obedience import obeys
from tests.claims import context_cost as maker
from tests.claims.makers import Effect, endpoint, evidence, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from edgebench.schema.result import CellResult

WORDS: dict[Effect, str] = {
    "supported": "supported", "refuted": "refuted", "astride": "inconclusive",
}  # fmt: skip
KV_BYTES = 2 * 2 * 30 * 3 * 64


@pytest.mark.parametrize("effect", WORDS)
def test_a_rule_is_forgotten_kept_or_left_open(effect: Effect) -> None:
    found = endpoint("context-cost", "obedience_near_less_far", maker.made(effect))
    assert (found.verdict, found.primary) == (WORDS[effect], False)
    assert "after 4,096 tokens, 0% where it was never said" in found.says


def test_a_model_that_never_obeyed_cannot_forget() -> None:
    unable = evidence(experiments=(maker.rules("supported", near=0.5),))
    found = endpoint("context-cost", "obedience_near_less_far", unable)
    assert (found.verdict, found.reasons) == ("inconclusive", ("quality_floor",))


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        ("capitals", "IT IS BLUE.", "It is BLUE."),
        ("prefix", "ANSWER: blue.", "The ANSWER: blue."),
        ("brackets", "[[blue]].", "It is [[blue]]."),
        ("one_word", "Blue.", "It is blue."),
    ],
)
def test_a_rule_is_checked_by_the_form_of_the_answer(rule: str, kept: str, broken: str) -> None:
    assert obeys(rule, kept)
    assert not obeys(rule, broken)
    assert not obeys(rule, "  ")


@pytest.mark.parametrize(("share", "said"), [(1.0, "supported"), (1.3, "refuted")])
def test_memory_grows_by_what_the_shape_foretells_or_not(share: float, said: str) -> None:
    found = endpoint("context-cost", "kv_bytes_per_token", _growing(share))
    assert found.verdict == said
    assert found.estimate == pytest.approx(share, rel=0.01)
    assert "(23,040 bytes)" in found.question


def test_growth_astride_its_margin_is_left_open() -> None:
    found = endpoint("context-cost", "kv_bytes_per_token", _growing(1.1, scatter=0.1))
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(("at_8192", "said"), [(3.0, "supported"), (1.5, "refuted")])
def test_a_token_of_a_long_prompt_takes_longer_or_not(at_8192: float, said: str) -> None:
    q8 = file(quant="Q8_0")
    cells = [speeds(q8, f"pp{n}", 1000.0 / (at_8192 if n == 8192 else 1.0))
             for n in (64, 512, 8192)]  # fmt: skip
    name = "prefill_per_token_8192_over_512"
    assert endpoint("context-cost", name, evidence(record([q8], *cells))).verdict == said


def test_the_depth_of_half_speed_is_where_it_was_put() -> None:
    name = "half_speed_depth"
    far = endpoint("context-cost", name, maker.made("supported"))
    assert far.verdict == "refuted", "made to be half as fast at 8,192"
    assert far.estimate == pytest.approx(8192, rel=0.01)
    never = endpoint("context-cost", name, maker.made("refuted"))
    assert (never.verdict, never.reasons) == ("inconclusive", ("interval_straddles_margin",))


def _growing(share: float, scatter: float = 0.0) -> Evidence:
    """Decode at four depths by a process that takes `share` of what keys and values need."""
    shape = file().shape
    assert shape
    real = shape.model_copy(update={"layers": 30, "hidden": 576, "heads": 9, "kv_heads": 3})
    q8 = file(quant="Q8_0", shape=real)
    cells = [_cell(speeds(q8, maker.workload("tg", depth), 100.0), depth, share, scatter)
             for depth in (0, 1024, 2048, 4096)]  # fmt: skip
    return evidence(record([q8], *cells))


def _cell(cell: CellResult, depth: int, share: float, scatter: float) -> CellResult:
    launches = []
    for launch in cell.launches:
        assert launch.memory
        more = share + scatter * (1 if launch.round % 2 else -1)
        used = (50 << 20) + round(more * KV_BYTES * depth)
        memory = launch.memory.model_copy(update={"anonymous_bytes": used})
        launches.append(launch.model_copy(update={"memory": memory}))
    return cell.model_copy(update={"launches": tuple(launches)})
