"""How plots look: one SVG for light and dark, text as text, the same bytes for the same numbers."""

from __future__ import annotations

import io
import math
import re
import textwrap
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgebench.errors import NotUsableHere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from edgebench.report.plots.plot import Plot

# Narrow, so that a phone shows it at three quarters of its size.
WIDTH_IN = 4.8
PNG_DPI = 200
# Characters of small print that fit across a plot.
HEADING_LENGTH = 76
# Ends of a logarithmic axis that are closer than this factor hold too few powers to name.
CLOSE = 4.0
INK, SOFT, GRID, PAPER = "#1d2430", "#5c6675", "#dfe3e9", "#ffffff"
# Of Okabe and Ito's set for colour-blind readers, moved so that each stands out on both papers;
# marks differ as well.
COLOURS = ("#2a78d0", "#d9680f", "#12946a", "#a355c9", "#c9324f", "#8a7a00", "#0d93a8", "#7a6f66")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "h")
# A viewer that does not know the query shows the light plot.
DARK = {
    INK: "#e4e8ee", SOFT: "#9aa5b4", GRID: "#323a46", PAPER: "#161b22",
    "#2a78d0": "#58a6f5", "#d9680f": "#f08c3a", "#12946a": "#3bc08f", "#a355c9": "#c58ae6",
    "#c9324f": "#ef6b82", "#8a7a00": "#c9b62f", "#0d93a8": "#3fc0d4", "#7a6f66": "#ada299",
    # And the colours of claims/drawing.py.
    "#0072b2": "#3f8fe8", "#d55e00": "#f08c3a", "#009e73": "#3bc08f", "#cc79a7": "#d998bd",
    "#56b4e9": "#a5dcff", "#5a5a5a": "#e4e8ee", "#000000": "#e4e8ee", "#dddddd": "#4a5361",
    "#808080": "#9aa5b4",
}  # fmt: skip
_RC: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "edgebench",
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "axes.formatter.use_mathtext": False,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.markersize": 5.0,
    "lines.linewidth": 1.4,
    "errorbar.capsize": 0.0,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "axes.edgecolor": SOFT,
    "axes.titlecolor": INK,
    "axes.labelcolor": SOFT,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
}

_SPARE = (
    (re.compile(r"<metadata>.*?</metadata>", re.DOTALL), ""),
    (re.compile(r'<g id="[^"]*">'), "<g>"),
    (re.compile(r' transform="rotate\(-0 [^)]*\)"'), ""),
    (re.compile(r"\s*\n\s*(?=<)"), ""),
    (re.compile(r"\s*\n\s*"), " "),
)
_PLACES = re.compile(r' (?:d|x|y)="[^"]*"')
_DECIMALS = re.compile(r"(\.\d\d)\d+")


def svg(plot: Plot) -> str:
    """The plot as one SVG document: no date, no random ids, no request, no script."""
    stream = io.StringIO()
    with _drawn(plot) as figure:
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "edgebench"})
    text = _smaller(stream.getvalue())
    head = text.index(">", text.index("<svg")) + 1
    style = f'<title id="title">{_xml(plot.title)}</title><style>{_dark()}</style>'
    return text[:head] + style + text[head:]


def png(plot: Plot) -> bytes:
    """The plot as a picture, light."""
    stream = io.BytesIO()
    with _drawn(plot) as figure:
        figure.savefig(stream, format="png", dpi=PNG_DPI, metadata={"Software": "edgebench"})
    return stream.getvalue()


def figure(height_in: float) -> Figure:
    from matplotlib.figure import Figure as Made

    return Made(figsize=(WIDTH_IN, height_in), layout="constrained")


def heading(figure: Figure, words: str) -> None:
    """Small print above everything: what all marks have in common."""
    if words:
        figure.suptitle(
            textwrap.fill(words, HEADING_LENGTH), x=0.01, ha="left", fontsize=8, color=SOFT
        )


def legend(figure: Figure, handles: list[Any], labels: list[str]) -> None:
    """Below everything, in one column: names are long and phones narrow."""
    if len(labels) > 1:
        figure.legend(handles, labels, loc="outside lower left", ncols=1, borderaxespad=0.2)


def plain_numbers(axes: Axes, *which: str) -> None:
    """`1000`, not `10^3`, and `100k` for what is longer."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    for name in which:
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        if axis.get_scale() == "log":
            low, high = sorted(axis.get_view_interval())
            powers = math.floor(math.log10(high)) - math.ceil(math.log10(low)) + 1
            narrow = powers < 2 or high / low < 30
            few = MaxNLocator(3) if high / low < CLOSE else None
            axis.set_major_locator(
                few or LogLocator(10, subs=(1, 2, 5) if narrow else (1,), numticks=8)
            )
            axis.set_minor_formatter(NullFormatter())


def short(value: float) -> str:
    """`0.25`, `40`, `2k`, `3M`: a number on an axis."""
    for factor, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g}{unit}"
    return f"{value:.3g}"


@contextmanager
def _drawn(plot: Plot) -> Iterator[Figure]:
    """The figure, with our settings around drawing and saving."""
    if plot.draw is None:
        raise ValueError(f"{plot.name} has nothing to draw: {plot.why_not}")
    with settings():
        yield plot.draw()


@contextmanager
def settings() -> Iterator[None]:
    """Our settings, and none of the user's, around drawing and saving."""
    matplotlib = required()
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A stranger's model may be named in letters that DejaVu lacks: the reader's font has them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def required() -> Any:
    """matplotlib, or one sentence with its remedy."""
    try:
        import matplotlib
    except ImportError:
        raise NotUsableHere(
            "Plots need matplotlib, which is not installed.", "pip install 'edgebench[report]'"
        ) from None
    return matplotlib


def _smaller(text: str) -> str:
    """Half as long and the same picture: no metadata, no names of groups, hundredths of a point."""
    for pattern, instead in _SPARE:
        text = pattern.sub(instead, text)
    return _PLACES.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), text)


def _dark() -> str:
    """matplotlib writes colours as style attributes, which only `!important` overrides."""
    rules = (
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def _xml(text: str) -> str:
    return re.sub(r"[<>&]", "", text)
