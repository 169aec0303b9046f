"""The pure parts of the experiments on text, layers and pass-keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from edgebench.errors import BadInput
from edgebench.machine import counters
from edgebench.measure import tasks
from edgebench.measure.experiments import KINDS, find
from edgebench.measure.experiments.chunks import cut
from edgebench.measure.experiments.pass_key_task import assembled, greedy
from edgebench.measure.experiments.quality_task import score
from edgebench.models import layers

BUILT = ("lora", "split-link", "private-offline", "layers-dropped", "perplexity", "pass-key")


@pytest.mark.parametrize("kind", BUILT)
def test_an_experiment_is_found_by_its_name(kind: str) -> None:
    assert kind in KINDS
    assert find(kind).kind == kind


def test_blocks_take_different_parts_of_the_text() -> None:
    tokens = tuple(range(100))
    assert cut(tokens, 0, 2, 20) == [tuple(range(20)), tuple(range(20, 40))]
    assert cut(tokens, 1, 2, 20) == [tuple(range(40, 60)), tuple(range(60, 80))]
    assert cut(tokens, 2, 2, 20)[1] == tuple(range(20)), "and then it goes round"
    with pytest.raises(BadInput, match="less than a chunk"):
        cut(tokens, 0, 1, 101)


def test_layers_are_left_out_in_the_middle_or_at_the_end() -> None:
    assert layers.chosen(30, 4, "middle") == {13, 14, 15, 16}
    assert layers.chosen(30, 2, "end") == {28, 29}
    assert layers.chosen(30, 0, "end") == set()
    with pytest.raises(BadInput, match="cannot be left out"):
        layers.chosen(30, 30, "end")


@pytest.mark.parametrize("position", [0.0, 0.5, 1.0])
def test_a_key_lies_where_it_should_in_a_prompt_of_that_length(position: float) -> None:
    pieces = {"head": [1, 1], "needle": [7, 7, 7], "tail": [2]}
    prompt = assembled(pieces, filler=[50, 51, 52], length=26, position=position, start=1)
    assert len(prompt) == 26
    assert (prompt[:2], prompt[-1]) == ([1, 1], 2)
    assert prompt.index(7) == 2 + round(position * 20)
    assert [t for t in prompt if t >= 50][:4] == [51, 52, 50, 51]


class Parrot:
    """A session that always foretells the token after the last one."""

    def reset(self) -> None: ...

    def prefill(self, tokens: list[int], **_: Any) -> Any:
        return np.eye(20)[tokens[-1] + 1]

    def decode(self, tokens: list[int]) -> Any:
        return np.eye(20)[[tokens[0] + 1]]


def test_an_answer_is_right_only_when_every_token_is() -> None:
    session: Any = Parrot()
    assert greedy(session, [1, 2], [3, 4, 5]) == {"correct": 1.0, "tokens_right": 3.0}
    assert greedy(session, [1, 2], [3, 4, 9]) == {"correct": 0.0, "tokens_right": 2.0}


def test_scores_are_means_in_nats() -> None:
    base = np.log(np.array([[0.5, 0.5], [0.9, 0.1]], dtype=np.float32))
    found = np.log(np.array([[0.25, 0.75], [0.9, 0.1]], dtype=np.float32))
    scored = score(base, found, [0, 1])
    assert scored.base_nll_nats == pytest.approx(-(math.log(0.5) + math.log(0.1)) / 2, rel=1e-5)
    assert scored.nll_nats == pytest.approx(-(math.log(0.25) + math.log(0.1)) / 2, rel=1e-5)
    assert scored.kl_nats == pytest.approx(0.5 * math.log(0.25 / (0.25 * 0.75)) / 2, rel=1e-5)
    assert scored.scored_tokens == 2


def test_medians_leave_the_warm_up_out() -> None:
    ticks = iter([0, 500, 900, 1000, 1010, 1030, 2000, 2030, 2090, 3000, 3020, 3060])
    asked = tasks.Request(tokens=[1, 2, 3], prompt_tokens=1, output_tokens=2, trials=3)
    session: Any = Parrot()
    stages: list[str] = []
    values = tasks.timed(
        session, lambda: next(ticks), asked, lambda _event, stage: stages.append(stage)
    )
    assert stages == ["warmup", "trial", "trial", "trial"]
    assert values["prefill_s"] == pytest.approx(20e-9)
    assert values["decode_s_per_token"] == pytest.approx(20e-9)


def test_the_share_of_waiting() -> None:
    plain: Any = counters.snapshot()
    before = plain._replace(cpu_user_s=1.0, cpu_system_s=0.0, run_delay_ns=0)
    after = plain._replace(cpu_user_s=3.5, cpu_system_s=0.5, run_delay_ns=1_000_000_000)
    assert tasks.waited_share(before, after) == pytest.approx(1 / 4)
    assert tasks.waited_share(before, after._replace(run_delay_ns=None)) is None
