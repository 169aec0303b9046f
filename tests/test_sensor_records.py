"""Made sensor records: what is asked about them, and what the rules know."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from edgebench.measure.experiments import sensors
from edgebench.measure.experiments.sensor_records import judge_label, questions


@pytest.mark.parametrize("task", sensors.TASKS)
def test_a_rule_of_a_few_comparisons_labels_every_record(task: str) -> None:
    records = [sensors.draw(task, seed) for seed in range(300)]
    assert all(sensors.rule(record) == record.label for record in records)


@pytest.mark.parametrize("task", sensors.TASKS)
def test_labels_come_equally_often(task: str) -> None:
    counts = Counter(sensors.draw(task, seed).label for seed in range(60))
    assert set(counts) == set(sensors.LABELS[task])
    assert len(set(counts.values())) == 1


def test_a_record_is_the_same_whenever_it_is_drawn() -> None:
    assert sensors.draw("trend", 7) == sensors.draw("trend", 7)
    assert sensors.draw("trend", 7) != sensors.draw("trend", 10)


def test_encodings_carry_the_same_numbers() -> None:
    record = sensors.draw("activity", 2)
    numbers = [str(value) for value in record.values.values()]
    said = {name: sensors.encode(record, name) for name in sensors.ENCODINGS}
    assert json.loads(said["json"]) == record.values
    assert said["key_value"].startswith("mean_g=")
    assert all(number in text for text in said.values() for number in numbers)


def test_three_hundred_records_in_ten_blocks_and_none_twice() -> None:
    asked = [each for block in range(10) for each in questions(block)]
    records = [r for each in asked if each.mode == "label" for r in each.records]
    assert len(records) == 300 * len(sensors.ENCODINGS)
    for encoding in sensors.ENCODINGS:
        seen = [
            (r.task, tuple(r.values.items()))
            for each in asked
            if each.mode == "label" and each.encoding == encoding
            for r in each.records
        ]
        assert len(set(seen)) >= 290, "chance makes a few temperatures alike"


@pytest.mark.parametrize(
    ("wrote", "valid", "right"),
    [
        (' {"label": "rising"}\n', 1, 1),
        (' {"label": "falling"}', 1, 0),
        (' {"label": "up"}', 0, 0),
        (" rising", 0, 0),
        (' ["rising"]', 0, 0),
        (' {"label": ["rising"]}', 0, 0),
    ],
)
def test_a_written_label_has_to_be_json_and_known(wrote: str, valid: int, right: int) -> None:
    record = sensors.draw("trend", 2)
    assert record.label == "rising"
    assert judge_label(record, wrote) == {"valid_json": valid, "right_label": right}
