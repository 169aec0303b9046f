"""The numbers in a matplotlib figure that somebody else drew: a row per mark.

Plots of claims are drawn by each claim in its own way. What is in them is read back from the
figure itself, so that the numbers are those of the picture and no claim can forget one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.report.plots.plot import Number

Row = tuple["Number", ...]
# Bars of one group stand side by side around the tick that names them.
HALF = 0.5
COLUMNS = ("panel", "series", "x", "y", "low", "high", "y is")


def numbers(figure: Any) -> tuple[Row, ...]:
    """Rows under COLUMNS. `low` and `high` are the ends of the interval that is drawn."""
    return tuple(row for axes in figure.axes for row in _of_axes(axes))


def _of_axes(axes: Any) -> Iterator[Row]:
    from matplotlib.collections import PathCollection
    from matplotlib.container import BarContainer, ErrorbarContainer

    bars = [each for each in axes.containers if isinstance(each, BarContainer)]
    if axes.images or _is_map(bars):
        yield from _of_map(axes)
        return
    taken = {id(line) for each in bars if each.errorbar for line in each.errorbar.lines[1]}
    for container in bars:
        yield from _of_bars(axes, container)
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer) and container.lines[0] is not None:
            taken |= {id(line) for line in (container.lines[0], *container.lines[1])}
            yield from _of_points(axes, container)
    for line in axes.lines:
        if id(line) not in taken and not _is_rule(line):
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
                yield _row(axes, line.get_label(), (_name(axes.xaxis, x), y))
    for collection in axes.collections:
        if isinstance(collection, PathCollection):
            offsets: Any = collection.get_offsets()
            name: Any = collection.get_label()
            for x, y in offsets:
                yield _row(axes, name, (_name(axes.xaxis, x), y))


def _of_bars(axes: Any, bars: Any) -> Iterator[Row]:
    """The bar's length, whichever way it lies; its name is the tick that it stands on."""
    lying = bars.orientation == "horizontal"
    reaches = _reaches(bars.errorbar, 0 if lying else 1)
    for place, patch in enumerate(bars.patches):
        if lying:
            name = _name(axes.yaxis, patch.get_y() + patch.get_height() / 2)
            length, what = patch.get_width(), axes.get_xlabel()
        else:
            name = _name(axes.xaxis, patch.get_x() + patch.get_width() / 2)
            length, what = patch.get_height(), axes.get_ylabel()
        reach = reaches[place] if place < len(reaches) else None
        yield (*_row(axes, bars.get_label(), (name, length), reach)[:-1], what)


def _of_points(axes: Any, points: Any) -> Iterator[Row]:
    line, reaches = points.lines[0], _reaches(points, 1)
    for place, (x, y) in enumerate(zip(line.get_xdata(), line.get_ydata(), strict=True)):
        reach = reaches[place] if place < len(reaches) else None
        yield _row(axes, points.get_label(), (_name(axes.xaxis, x), y), reach)


def _is_rule(line: Any) -> bool:
    """A line without a name and without marks is a limit or a guide, and no measurement."""
    unmarked = line.get_marker() in (None, "None", "", " ")
    return unmarked and bool(line.get_label().startswith("_"))


def _is_map(bars: Sequence[Any]) -> bool:
    """Bars that do not begin at zero are fields of a table."""
    lying = [each for each in bars if each.orientation == "horizontal"]
    return bool(lying) and all(patch.get_x() for each in lying for patch in each.patches)


def _of_map(axes: Any) -> Iterator[Row]:
    """Coloured fields with words in them: the words are the numbers, names stand to their left."""
    words = [(*each.get_position(), each.get_text()) for each in axes.texts]
    names = {y: text for x, y, text in words if x < 0}
    for x, y, text in words:
        if x >= 0:
            yield _row(
                axes, names.get(y) or str(_name(axes.yaxis, y)), (_name(axes.xaxis, x), text)
            )


def _reaches(bars: Any, along: int) -> list[tuple[float, float]]:
    """Low and high of every error bar, along x (0) or y (1)."""
    segments = [each for lines in (bars.lines[2] if bars else ()) for each in lines.get_segments()]
    return [(float(ends[0][along]), float(ends[-1][along])) for ends in segments]


def title(axes: Any) -> str:
    """Of a panel, wherever the settings put it."""
    return str(axes.get_title("left") or axes.get_title())


def words_on(axis: Any) -> dict[float, str]:
    """The ticks of an axis on which somebody set words; none where it counts by itself."""
    from matplotlib.category import StrCategoryLocator
    from matplotlib.ticker import FixedLocator

    if not isinstance(axis.get_major_locator(), (FixedLocator, StrCategoryLocator)):
        return {}
    ticks = [float(each) for each in axis.get_majorticklocs()]
    return dict(zip(ticks, axis.get_major_formatter().format_ticks(ticks), strict=True))


def _name(axis: Any, place: Any) -> Number:
    """The words at that place, where there are some; else the place itself."""
    if isinstance(place, str):
        return place
    words = words_on(axis)
    nearest = min(words, key=lambda at: abs(at - place), default=None)
    if nearest is None or abs(nearest - place) >= HALF or _is_number(words[nearest]):
        return float(place)
    return words[nearest]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _row(
    axes: Any, series: str, place: tuple[Number, Any], reach: tuple[float, float] | None = None
) -> Row:
    """`place` is x and y, and `reach` the ends of an interval along y."""
    (x, y), (low, high) = place, reach or (None, None)
    shown = y if isinstance(y, str) else float(y)
    name = "" if series.startswith("_") else series
    return title(axes), name, x, shown, low, high, axes.get_ylabel()
