"""LocalScore's files, real ones: its own output and that of localscore-bench."""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.interchange import reading
from edgebench.errors import BadInput
from tests.interchange.makers import DATA, imported_record, rates, written

if TYPE_CHECKING:
    from pathlib import Path


def test_a_real_file_of_localscores_format() -> None:
    """Its rates follow from the two durations that it lists: 1024 tokens, and then 16."""
    record = imported_record("localscore-bench.json")
    first = record.cells[0]

    assert rates(first) == pytest.approx(
        {
            "prefill_tok_s": 1024e9 / 23513163,
            "decode_tok_s": 16e9 / 20140222,
            "time_to_first_token_s": 24.771926875e-3,
        }
    )
    assert record.device.accelerator == "NVIDIA RTX PRO 6000 Blackwell Server Edition"
    assert (first.device, first.model_size_bytes) == ("gpu", 799862912)


def test_localscores_output_as_it_comes() -> None:
    """All that `localscore -o json` prints: its averages after the JSON are those of the cells."""
    text = (DATA / "localscore.txt").read_text()
    record = imported_record("localscore.txt")
    printed = re.findall(r"(?:Generation|Processing|Token):\D+\x1b\[1;\d+m([\d.]+)", text)
    means = [
        statistics.mean(rates(cell)[name] for cell in record.cells)
        for name in ("decode_tok_s", "prefill_tok_s", "time_to_first_token_s")
    ]

    assert text.startswith("Loading model")
    assert text.endswith("Results Not Submitted.\n")
    assert [means[0], means[1], means[2] * 1e3] == pytest.approx(
        [float(n) for n in printed], abs=0.005
    )
    assert [cell.workload.name for cell in record.cells][::4] == [
        "pp1024+tg16",
        "pp1024+tg1024",
        "pp16+tg1536",
    ]
    tied = 576 * 49152
    assert record.cells[0].parameters == 134515008 + tied, "as it says: it counts them twice"
    assert record.sources[0].tool_version == "0.9.3"


def test_localscores_zeros_are_not_measurements() -> None:
    record = imported_record("localscore.txt")
    launches = [cell.launches[0] for cell in record.cells]

    assert record.device.accelerator is None, "it calls the processor its accelerator"
    assert {each.source_stdev_tok_s for launch in launches for each in launch.timings} == {None}
    assert all(launch.started_utc for launch in launches)


@pytest.mark.parametrize(
    ("name", "repetitions", "spread"),
    [
        ("localscore.txt", 1, False),
        ("localscore-repeated.txt", 3, True),
        ("localscore-bench.json", None, False),
    ],
)
def test_how_often_localscore_repeated(name: str, repetitions: int | None, *, spread: bool) -> None:
    """It lists a duration for each repetition; localscore-bench lists one for each phase."""
    for cell in imported_record(name).cells:
        for timing in cell.launches[0].timings:
            assert timing.repetitions == repetitions
            assert (timing.source_stdev_tok_s is not None) == spread


@pytest.mark.parametrize(
    ("cut", "times", "expected"), [(5000, 1, "not valid JSON"), (None, 2, "2 runs in one file")]
)
def test_part_of_a_localscore_run_or_two_are_refused(
    cut: int | None, times: int, expected: str, tmp_path: Path
) -> None:
    text = (DATA / "localscore.txt").read_text()[:cut] * times

    with pytest.raises(BadInput, match=expected):
        reading.read(written(tmp_path, "localscore.txt", text))
