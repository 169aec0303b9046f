"""What a plot is before anything is drawn: its numbers, its sentences, and how to draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from edgebench.printable import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matplotlib.figure import Figure

    from edgebench.analysis.report_rows import CellRow
    from edgebench.schema.interval import Interval

T = TypeVar("T")
Number = str | float | int | None
# What axes can take without running out of floats; a record may say 1e308.
LEAST, MOST = 1e-9, 1e15
# An interval that reaches further than this factor from its estimate is cut there.
REACH = 3.0
CUT = f"Intervals that reach beyond {REACH:g} times their estimate are cut there."
# Characters that fit into a plot's width: in a title, and in the smaller print of a legend.
TITLE_LENGTH, LABEL_LENGTH = 44, 62
# And in the still smaller print above a bar, across the whole plot.
WIDE_LABEL = 74
# What is left of a name in a label that is too long.
SHORT_NAME = 15
CELL = ("device", "model", "backend", "ISA", "threads", "test")


class Plot(NamedTuple):
    """`draw` is None where there is nothing to draw, and `why_not` then says why.

    `numbers` are what is drawn, a row per mark under `columns`; `notes` say what is not.
    """

    name: str
    title: str
    caption: str
    columns: tuple[str, ...]
    numbers: tuple[tuple[Number, ...], ...]
    notes: tuple[str, ...]
    why_not: str | None
    draw: Callable[[], Figure] | None


def cell(row: CellRow) -> tuple[Number, ...]:
    """Which cell a row of numbers is of, under the columns CELL."""
    return (row.device, row.model_and_settings, row.engine, row.isa, row.threads, row.workload.name)


def nothing(name: str, title: str, why_not: str) -> Plot:
    return Plot(name, title, "", (), (), (), why_not, None)


def drawable(value: float | None) -> bool:
    return value is not None and LEAST <= value <= MOST


def whisker(found: Interval) -> tuple[float, float]:
    """How far the interval reaches below and above its estimate, at most REACH times."""
    estimate = found.estimate
    low = estimate if found.low is None else max(found.low, estimate / REACH)
    high = estimate if found.high is None else min(found.high, estimate * REACH)
    return max(0.0, estimate - low), max(0.0, high - estimate)


def is_cut(found: Interval) -> bool:
    """Whether `whisker` shows less than the interval."""
    low, high = found.low, found.high
    return low is not None and high is not None and (
        low < found.estimate / REACH or high > found.estimate * REACH
    )  # fmt: skip


def bounds(found: Interval | None) -> tuple[float | None, float | None, float | None]:
    """Estimate, low and high, for a row of numbers."""
    return (None,) * 3 if found is None else (found.estimate, found.low, found.high)


def label(text: str, most: int = LABEL_LENGTH) -> str:
    """A stranger's name on a plot: printable, of bearable length, its middle giving way."""
    plain = text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-(most // 2) :]}"
    plain = clean(plain)
    # matplotlib leaves out what starts with an underscore.
    return f" {plain}" if plain.startswith("_") else plain


def names(row: CellRow) -> dict[str, str]:
    """The words that may tell one configuration from another."""
    return {
        # A host's name alone would give its CPU the speed of its GPU.
        "device": row.device if row.on == "cpu" else f"{row.on} of {row.device}",
        "model": row.model,
        "backend": row.backend,
        "isa": row.isa,
        "threads": f"{row.threads}t",
        "workload": row.workload.name,
        "settings": row.settings,
    }


def told_apart(
    keys: Iterable[tuple[str, ...]], most: int = LABEL_LENGTH
) -> tuple[dict[tuple[str, ...], str], str]:
    """A label for each key, of the words that differ; and the words that all of them share, which
    may take two lines.
    """
    every = list(dict.fromkeys(keys))
    columns = list(zip(*every, strict=True))
    differ = [place for place, words in enumerate(columns) if len(set(words)) > 1]
    same = [words[0] for place, words in enumerate(columns) if place not in differ and words[0]]
    labels = {key: _fitted([key[place] for place in differ], most) for key in every}
    alone = _fitted(same, most)
    return {key: text or alone for key, text in labels.items()}, _fitted(same, 2 * most)


def _fitted(words: Sequence[str], most: int) -> str:
    """The words, of which the longest give way, so that no one hides the others."""
    kept = list(filter(None, words))
    for _ in words:
        if (over := len(", ".join(kept)) - most) <= 0:
            break
        place = max(range(len(kept)), key=lambda each: len(kept[each]))
        kept[place] = label(kept[place], max(len(kept[place]) - over, SHORT_NAME))
    return label(", ".join(kept), most)


def key(row: CellRow, *fields: str) -> tuple[str, ...]:
    known = names(row)
    return tuple(known[field] for field in fields)


def largest(
    groups: Mapping[tuple[str, ...], Sequence[T]], most: int, what: str
) -> tuple[dict[tuple[str, ...], list[T]], tuple[str, ...]]:
    """The groups with the most marks, and a sentence that says how many are not drawn."""
    ordered = sorted(groups, key=lambda each: (-len(groups[each]), each))
    kept = {each: list(groups[each]) for each in ordered[:most]}
    left = len(ordered) - len(kept)
    if not left:
        return kept, ()
    return kept, (
        f"Drawn: the {most} {what} with the most marks. {left} more are in the table of cells; "
        "edgebench plot draws them when filters choose them.",
    )


def grouped(
    rows: Iterable[T], by: Callable[[T], tuple[str, ...]]
) -> dict[tuple[str, ...], list[T]]:
    found: dict[tuple[str, ...], list[T]] = {}
    for row in rows:
        found.setdefault(by(row), []).append(row)
    return found
