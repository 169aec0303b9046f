"""The log of a wall meter: its clock, its columns, its late rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.errors import BadInput
from edgebench.power.wallmeter import WallMeter
from tests.power.makers import SECOND, window

if TYPE_CHECKING:
    from pathlib import Path

EPOCH_S = 1_800_000_000


def log(path: Path, rows: list[str], header: str = "time,power_w") -> Path:
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def wall(path: Path, offset_s: float = 0.0, **fields: Any) -> WallMeter:
    return WallMeter(
        path, offset_s, epoch_ns=lambda: EPOCH_S * SECOND, monotonic_ns=lambda: 0,
        **({"sleep": lambda _s: None} | fields),
    )  # fmt: skip


def test_a_wall_meters_clock_is_put_right(tmp_path: Path) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S + 7.5 + second},{second}" for second in range(9)])

    found = wall(path, offset_s=7.5).series(window(0, 5))

    assert found.times_ns == tuple(second * SECOND for second in range(9))
    assert found.values == tuple(second * 1e6 for second in range(9))
    assert (found.method, found.quality, found.update_every_s) == ("wall_meter", "A", 1.0)


@pytest.mark.parametrize(
    ("header", "row", "microwatts"),
    [("time,power_w", f"{EPOCH_S},4.5", 4.5e6), ("Timestamp,Volts,Power (mW)",
     "2027-01-15T08:00:00Z,5,4500", 4.5e6), ("watts,epoch_s", f"4.5,{EPOCH_S}", 4.5e6)],
)  # fmt: skip
def test_loggers_name_their_columns_in_their_own_way(
    tmp_path: Path, header: str, row: str, microwatts: float
) -> None:
    found = wall(log(tmp_path / "wall.csv", [row], header)).series(window(0, 0))

    assert (found.times_ns, found.values) == ((0,), (microwatts,))


def test_a_late_row_is_waited_for(tmp_path: Path) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S},4", f"{EPOCH_S + 1},4"])
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            with path.open("a") as stream:
                stream.write(f"{EPOCH_S + 2},4\n{EPOCH_S + 3},")

    found = wall(path, sleep=sleep).series(window(0, 2))

    assert len(found.times_ns) == 3, "the row that is still being written does not count"
    assert len(slept) == 3
    assert len(wall(path).series(window(0, 9)).times_ns) == 3, "and patience ends"


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [("time,power", "1,2", ":1: expected one column"), ("power_w", "2", ":1:"),
     ("time,power_w", "2026-01-31T12:00:00,2", ":2: not a time"), ("time,power_w", "1", ":2:"),
     ("time,power_w", "1,much", ":2:")],
)  # fmt: skip
def test_a_wrong_log_is_refused_with_its_line(
    tmp_path: Path, header: str, row: str, words: str
) -> None:
    path = log(tmp_path / "wall.csv", [row], header)
    with pytest.raises(BadInput, match=words):
        wall(path).check()
    broken = wall(path).series(window(0, 1)).broken or ""
    assert "wall.csv:" in broken
    assert str(tmp_path) not in broken, "records are made to be shared"


@pytest.mark.parametrize("text", ["", "time,power_w\n", "time,power_w\n1,2"])
def test_a_log_without_a_whole_reading_is_refused_before_anything_is_measured(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "wall.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"holds no reading. Start the meter's logger first"):
        wall(path).check()


@pytest.mark.parametrize("offset_s", [math.nan, math.inf])
def test_an_offset_that_is_no_time_is_refused(tmp_path: Path, offset_s: float) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S},4"])
    with pytest.raises(BadInput, match="is no time"):
        wall(path, offset_s=offset_s).check()


def test_a_log_whose_clock_jumps_back_is_not_trusted(tmp_path: Path) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S + second},4" for second in (0, 1, 1, 2)])
    assert "do not rise" in (wall(path).series(window(0, 1)).broken or "")
