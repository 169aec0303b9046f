from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.errors import BadInput, EdgebenchError
from edgebench.schema.workload import SCENARIOS, parse_workloads


@pytest.mark.parametrize(
    ("text", "prompt", "output", "depth"),
    [
        ("pp512", 512, 0, 0),
        ("tg128", 0, 128, 0),
        ("pp512+tg128", 512, 128, 0),
        ("tg128@d1024", 0, 128, 1024),
        ("pp16+tg4@d8", 16, 4, 8),
    ],
)
def test_llama_bench_notation(text: str, prompt: int, output: int, depth: int) -> None:
    (workload,) = parse_workloads(text)

    assert workload.name == text
    assert (workload.prompt_tokens, workload.output_tokens, workload.depth_tokens) == (
        prompt, output, depth,
    )  # fmt: skip
    assert workload.context_tokens == prompt + output + depth
    assert workload.scenario is None


def test_a_list_keeps_its_order_and_drops_repeats() -> None:
    assert [w.name for w in parse_workloads("tg8, pp4,tg8,chat.v1")] == ["tg8", "pp4", "chat.v1"]


def test_scenarios_are_versioned_by_name() -> None:
    assert all(name.endswith(".v1") and s.scenario == name for name, s in SCENARIOS.items())


@pytest.mark.parametrize("text", ["", "pp", "+tg4", "pp4tg4", "@d4", "pp4@d", "pp-4", "pp4+@d4"])
def test_what_is_not_a_workload_is_said(text: str) -> None:
    with pytest.raises(EdgebenchError, match="No workload named"):
        parse_workloads(text)


def test_more_than_a_million_tokens_is_refused() -> None:
    with pytest.raises(BadInput, match="more than 1048576 tokens"):
        parse_workloads("pp9999999")


@given(st.integers(0, 4096), st.integers(0, 4096), st.integers(0, 4096))
def test_a_name_parses_back_to_the_same_workload(prompt: int, output: int, depth: int) -> None:
    if prompt + output == 0:
        return
    text = "+".join([f"pp{prompt}"] * bool(prompt) + [f"tg{output}"] * bool(output))
    (once,) = parse_workloads(text + (f"@d{depth}" if depth else ""))
    (again,) = parse_workloads(once.name)
    assert again == once
