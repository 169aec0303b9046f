"""The bundled items, and what is made of a model's answers to them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.measure.experiments import rules
from edgebench.measure.experiments.task_items import SLICES, judge_json, load_tasks, questions
from scripts import tasks as script

if TYPE_CHECKING:
    from edgebench.schema.tasks import Item

TASKS = load_tasks()
EXPECTED: dict[str, str | int] = {"sensor": "humidity", "room": "attic", "value": 40}


def test_the_committed_items_are_what_the_script_makes() -> None:
    assert script.make() == TASKS


def test_there_are_enough_items_of_every_family_and_no_two_alike() -> None:
    families = Counter(item.family for item in TASKS.items)
    assert len(TASKS.items) >= 200
    assert set(families.values()) == {44}
    assert len(TASKS.json_items) == 50
    asked = [item.prompt + repr(sorted(item.options)) for item in TASKS.items]
    asked += [item.text for item in TASKS.json_items]
    assert len(set(asked)) == len(asked)
    assert len({item.id for item in TASKS.items}) == len(TASKS.items)


@pytest.mark.parametrize("item", TASKS.items, ids=lambda item: item.id)
def test_an_item_has_one_answer_among_different_options(item: Item) -> None:
    assert item.answer < len(item.options)
    assert len({option.lower() for option in item.options}) == len(item.options)
    assert item.prompt == item.prompt.strip()
    if item.family == "arithmetic":
        assert rules.guess(item) == item.answer


@pytest.mark.parametrize("family", sorted(TASKS.shots))
def test_answers_stand_equally_often_in_each_place(family: str) -> None:
    places = Counter(item.answer for item in TASKS.items if item.family == family)
    assert len(set(places.values())) == 1


@pytest.mark.parametrize("family", sorted(TASKS.shots))
def test_no_solved_example_is_an_item(family: str) -> None:
    prompts = {item.prompt for item in TASKS.items}
    assert len(TASKS.shots[family]) == 3  # type: ignore[index]
    assert not prompts & {shot.prompt for shot in TASKS.shots[family]}  # type: ignore[index]


def test_slices_share_the_items_out_evenly() -> None:
    asked = [each for part in range(SLICES) for each in questions(TASKS, part) if each.shots]
    seen: list[str] = [item.id for each in asked for item in each.items]
    assert sorted(seen) == sorted(
        [*(item.id for item in TASKS.items), *(item.id for item in TASKS.json_items)]
    )


def test_rules_know_some_families_and_leave_facts_to_chance() -> None:
    share = {
        family: sum(rules.guess(i) == i.answer for i in TASKS.items if i.family == family) / 44
        for family in TASKS.shots
    }
    assert share["arithmetic"] == 1.0
    assert share["fact"] == 0.0
    assert share["intent"] > 0.5


@pytest.mark.parametrize(
    ("wrote", "valid", "keys", "values"),
    [
        (' {"sensor": "humidity", "room": "attic", "value": 40}\n\nText: more', 1, 1, 1.0),
        (' {"sensor": "humidity", "room": "attic", "value": "40"}', 1, 1, 2 / 3),
        (' {"sensor": "humidity"}', 1, 0, 0.0),
        (" humidity", 0, 0, 0.0),
        ("", 0, 0, 0.0),
        ("[1, 2]", 1, 0, 0.0),
    ],
)
def test_what_was_written_is_judged_as_json(
    wrote: str, valid: int, keys: int, values: float
) -> None:
    found = judge_json(EXPECTED, wrote)
    assert (found["valid_json"], found["right_keys"]) == (valid, keys)
    assert found["right_values_share"] == pytest.approx(values)


@given(st.text())
def test_no_text_is_too_strange_to_be_judged(wrote: str) -> None:
    assert set(judge_json(EXPECTED, wrote).values()) <= {0.0, 1 / 3, 2 / 3, 1.0}


@given(st.dictionaries(st.text(max_size=3), st.integers()))
def test_every_json_object_is_valid(wrote: dict[str, int]) -> None:
    assert judge_json(EXPECTED, json.dumps(wrote))["valid_json"] == 1.0


def test_options_alone_after_three_examples_when_only_they_are_asked_for() -> None:
    tasks = load_tasks()
    asked = questions(tasks, 0, only=3)
    assert len(asked) == len(tasks.shots)
    assert {each.shots for each in asked} == {3}
    assert all(ask.options for each in asked for ask in each.text.asks)
