"""From files to samples; hostile files are one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.compare_reading import read_side, samples_of
from edgebench.analysis.compare_samples import Sample, key
from edgebench.errors import BadInput
from tests.comparing.makers import SLOWER_MS, STEPS_MS, record, write, wrong

if TYPE_CHECKING:
    from pathlib import Path


def test_the_newest_session_stands_for_a_cell_and_older_ones_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "all", "a.json", record(started_utc="2026-01-02T00:00:00Z"))
    write(tmp_path / "all", "b.json", record(*SLOWER_MS, started_utc="2026-01-01T00:00:00Z"))

    found = read_side(tmp_path / "all")

    (kept,) = found.samples
    assert (kept.source, found.records) == ("a.json", 2)
    assert found.older == {key(kept): 1}


def test_a_sample_holds_one_number_per_launch_however_many_trials_there_are() -> None:
    (sample,) = samples_of(record(), "a")

    assert {len(values) for values in sample.values.values()} == {len(STEPS_MS)}


def _damage(text: str, how: str) -> bytes:
    document = json.loads(text)
    if how == "not text":
        return b"\xff\xfe\x00"
    if how == "truncated":
        return text[: len(text) // 2].encode()
    if how == "deep":
        return b"[" * 100_000
    if how == "unknown key":
        document["surprise"] = 1
    if how == "wrong type":
        document["cells"] = "none"
    if how == "wrong id":
        document["cells"][0]["cell"]["id"] = "0" * 12
    if how == "no such file":
        document["files"] = []
    if how == "huge number":
        document["cells"][0]["launches"][0]["trials"][1]["step_ns"][0] = 2**70
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "how",
    ["not text", "truncated", "deep", "unknown key", "wrong type", "wrong id", "no such file",
     "huge number"],
)  # fmt: skip
def test_hostile_input_is_one_sentence_with_the_files_name(tmp_path: Path, how: str) -> None:
    good = write(tmp_path, "good.json", record())
    bad = tmp_path / "bad.json"
    bad.write_bytes(_damage(good.read_text(), how))

    with pytest.raises(BadInput) as refusal:
        read_side(bad)

    assert "bad.json" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_samples_of_a_wrong_answer_hold_no_figures() -> None:
    (sample,) = samples_of(wrong(), "a")
    assert isinstance(sample, Sample)
    assert sample.values == {}
