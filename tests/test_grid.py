"""A table that is too wide: names are shortened, sentences take lines, numbers stay whole."""

from __future__ import annotations

from typing import Any

from edgebench.report.grid import grid

NAMES = ("cell", "method", "tok/s", "why not")
WHY = "The phase is too short for this meter: take a longer workload, or more trials."


def shown(names: tuple[str, ...], *rows: tuple[str, ...], **fields: Any) -> list[str]:
    """The heading and the rows, without the rule between them."""
    head, _, *lines = filter(None, grid(names, rows, **fields).splitlines())
    return [head, *lines]


def meters(*rows: tuple[str, ...], width: int) -> list[str]:
    return shown(NAMES, *rows, right=["tok/s"], sentences=["why not"], width=width)


def test_a_long_name_gives_way_and_a_number_does_not() -> None:
    head, first, *others = meters(("smollm2-135m " * 9, "counter:nvml", "59510.25", WHY), width=80)

    assert head.split() == ["cell", "method", "tok/s", "why", "not"]
    assert first.startswith(" smollm2-135m smollm2-13…   counter:nvml   59510.25   The phase")
    assert all(len(line) <= 80 for line in (head, first, *others))


def test_a_sentence_is_whole_on_as_many_lines_as_it_takes() -> None:
    head, *lines = meters(("a", "counter:nvml", "1", WHY), ("b", "-", "2", ""), width=60)

    assert len(lines) > 2
    said = [line[head.index("why not") :].strip() for line in lines]
    assert " ".join(said).strip() == WHY


def test_what_fits_is_as_it_is() -> None:
    assert shown(("a", "b"), ("x", "1"), right=["b"]) == [" a   b", " x   1"]


def test_numbers_alone_are_wider_than_was_asked() -> None:
    _, line = shown(("a", "b"), ("1" * 30, "2" * 30), right=["a", "b"], width=20)
    assert line.split() == ["1" * 30, "2" * 30]
