"""A real model answers: option probabilities, its own words, and the experiments made of them."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from edgebench.files import cache_dir
from edgebench.measure.experiments import answering
from edgebench.measure.experiments.answering import Ask, Text
from edgebench.measure.experiments.context_compress import ContextCompress
from edgebench.measure.experiments.sensor_records import SensorRecords
from edgebench.measure.experiments.task_items import TaskItems
from tests.real.experiment_world import whole_world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("smollm2")]


def test_options_of_one_prompt_have_the_probabilities_of_their_tokens(
    tmp_path: Path, smollm2: Path
) -> None:
    prefix = "France: Paris\nItaly:"
    asks = (
        Ask(" Rome\nJapan:", (" Tokyo", " Lima", " Tokyo Tokyo")),
        Ask(" Rome\nJapan:", (" Tokyo",)),
    )
    texts = (Text(prefix, asks), Text("", (Ask(prefix + asks[1].prompt, asks[1].options),)))
    here = whole_world(tmp_path, cache_dir())

    found = answering.answer(here, smollm2, texts, 256)

    assert found.why is None
    first, again, whole = (found.answers[key] for key in ((0, 0), (0, 1), (1, 0)))
    tokyo, lima, twice = first.log_probabilities
    assert 0 > tokyo > lima
    assert tokyo > twice
    assert first.option_tokens[2] == 2 * first.option_tokens[0]
    # Rewinding leaves nothing behind, and a prefix read apart changes only the kernels' rounding.
    assert again.log_probabilities[0] == pytest.approx(tokyo, abs=1e-3)
    assert whole.log_probabilities[0] == pytest.approx(tokyo, abs=0.1)
    assert math.exp(tokyo) + math.exp(lima) <= 1


def test_a_model_writes_until_it_is_stopped(tmp_path: Path, smollm2: Path) -> None:
    asks = (Ask("one, two, three, four,", write=8), Ask("A\nA\nA\n", write=32, stop="\n"))
    here = whole_world(tmp_path, cache_dir())

    found = answering.answer(here, smollm2, (Text("", asks),), 256)

    counted, stopped = found.answers[0, 0], found.answers[0, 1]
    assert "five" in counted.wrote
    assert 1 <= counted.wrote_tokens <= 8
    assert stopped.wrote.endswith("\n")
    assert stopped.wrote_tokens < 32


def test_task_items_gives_a_point_per_item_file_and_number_of_examples(tmp_path: Path) -> None:
    here = whole_world(tmp_path, cache_dir(), items=1, quants="Q4_1", without_layers=4)

    points = TaskItems().block(here, 1, random.Random(1))

    assert len(points) == (5 * 2 + 1) * 2, "the whole file, and one without four layers"
    assert len({point.condition["file"] for point in points}) == 2
    assert all(point.why is None for point in points)
    scored = [point for point in points if point.condition["family"] != "json"]
    assert {point.condition["shots"] for point in scored} == {0, 3}
    assert all(point.values["log_probability_1"] < 0 for point in scored)  # type: ignore[operator]
    written = [point for point in points if point.condition["family"] == "json"]
    assert {point.values["valid_json"] for point in written} <= {0.0, 1.0}


def test_sensor_records_are_labelled_in_every_encoding_alone_and_as_json(tmp_path: Path) -> None:
    here = whole_world(tmp_path, cache_dir(), per_task=1, quant="Q4_1")

    points = SensorRecords().block(here, 0, random.Random(1))

    assert len(points) == 3 * 3 * 3, "tasks, encodings, and label, alone, json"
    assert all(point.why is None for point in points)
    alone = [point for point in points if point.condition["mode"] == "alone"]
    assert all(0 < point.values["record_tokens"] < 200 for point in alone)  # type: ignore[operator]
    labelled = [point for point in points if point.condition["mode"] == "label"]
    assert {point.condition["answered"] for point in labelled} <= {
        "no", "yes", "falling", "steady", "rising", "resting", "walking", "running",
    }  # fmt: skip


def test_a_passage_is_read_whole_retrieved_from_and_summarized(tmp_path: Path) -> None:
    here = whole_world(tmp_path, cache_dir(), words=300, quant="Q4_1")

    points = ContextCompress().block(here, 0, random.Random(1))

    assert all(point.why is None for point in points)
    by_method = {
        (point.condition["method"], point.condition["ratio"]): point.values for point in points
    }
    assert set(by_method) == {
        ("full", 1.0), ("bm25", 0.25), ("bm25", 0.0625), ("extract", 0.25), ("extract", 0.0625),
        ("written", 0.0625),
    }  # fmt: skip
    assert len(points) == 5 * len(by_method)
    tokens = {key: values["context_tokens"] for key, values in by_method.items()}
    assert tokens["full", 1.0] > 2 * tokens["bm25", 0.25]  # type: ignore[operator]
    written, full = by_method["written", 0.0625], by_method["full", 1.0]
    assert written["shortening_s"] > full["shortening_s"] == 0.0  # type: ignore[operator]
    for values in by_method.values():
        parts = (values["shortening_s"], values["reading_s"])
        assert values["first_token_s"] == pytest.approx(sum(parts))
