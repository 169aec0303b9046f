from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench import units
from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("text", "value"), [("2%", 0.02), ("0.05", 0.05), (" 12.5 % ", 0.125)])
def test_shares_are_read_with_a_percent_sign_and_without(text: str, value: float) -> None:
    assert units.parse_share("--precision", text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("10m", 600), ("1.5h", 5400), ("2s", 2)])
def test_durations_are_read_as_seconds(text: str, value: float) -> None:
    assert units.parse_seconds("--max-time", text) == value


@pytest.mark.parametrize(("text", "value"), [("2GiB", 2 << 30), ("500 MB", 500_000_000)])
def test_amounts_of_memory_are_read_as_bytes(text: str, value: int) -> None:
    assert units.parse_bytes("--memory-limit", text) == value


def test_counts_keep_their_order_and_drop_repeats() -> None:
    assert units.parse_counts("--threads", "4,1, 4") == (4, 1)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (units.parse_share, "0"),
        (units.parse_share, "100%"),
        (units.parse_share, "nan"),
        (units.parse_seconds, "0s"),
        (units.parse_seconds, "-1"),
        (units.parse_seconds, "5 fortnights"),
        (units.parse_bytes, "much"),
        (units.parse_counts, "0"),
        (units.parse_counts, "1,,2"),
        (units.parse_counts, "99999"),
    ],
)
def test_nonsense_names_the_option_and_shows_the_form(
    parse: Callable[[str, str], object], text: str
) -> None:
    with pytest.raises(BadInput, match=r"--option .* Write it as"):
        parse("--option", text)
