"""Rows and plots in, pages out: one HTML document each, with everything that it needs inside."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench import __version__
from edgebench.errors import NotUsableHere
from edgebench.printable import clean
from edgebench.report.site import claims, imported, tables
from edgebench.report.site.field import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from edgebench.analysis.report_reading import Collection
    from edgebench.report.site.figures import Figure

TEMPLATES = Path(__file__).parent / "templates"
GENERATOR = '<meta name="generator" content="edgebench '


class Plots(NamedTuple):
    plots: Sequence[Figure]
    anchor: str = "plots"
    title: str = "Plots"
    kind: str = "plots"


class Lines(NamedTuple):
    anchor: str
    title: str
    words: str
    lines: tuple[str, ...]
    kind: str = "list"


def index(
    found: Collection,
    figures: Sequence[Figure],
    title: str,
    records_url: str = "",
    of_claims: Sequence[Figure] = (),
) -> str:
    """The main page. `of_claims` stand beside the verdicts that they belong to."""
    lines = left_out(found)
    blocks: list[Any] = [
        Plots(figures),
        *[claims.table(found.claims)] * bool(found.claims),
        *[Plots(of_claims, "claim-plots", "Plots of claims")] * bool(of_claims),
        tables.cells(found.cells, records_url),
        *[imported.table(found.imported, records_url)] * bool(found.imported),
        tables.devices(found.devices, imported.devices(found.imported_devices)),
        tables.files(found.files),
        *[Lines("left-out", "Left out", "", lines)] * bool(lines),
    ]
    style, script = (_text(name) for name in ("style.css", "script.js"))
    return _environment().get_template("index.html").render(
        title=title,
        version=__version__,
        policy=_policy(style, script),
        style=_ours(style),
        script=_ours(script),
        counts=_counts(found),
        sections=[(block.anchor, block.title) for block in blocks],
        blocks=blocks,
    )  # fmt: skip


def _environment() -> Environment:
    """Everything is escaped, and control and direction characters are replaced, in every value."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise NotUsableHere(
            "A report needs Jinja2, which is not installed.", "pip install 'edgebench[report]'"
        ) from None

    def printable(value: object) -> object:
        return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        finalize=printable, keep_trailing_newline=True,
    )  # fmt: skip


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and only our own style and script run."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _ours(content: str) -> object:
    """Our own files go into the page as they are; nothing else does."""
    from markupsafe import Markup

    return Markup(content)  # noqa: S704 - read from this package, never from a record


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _counts(found: Collection) -> list[tuple[int, str]]:
    devices = {each.id for each in found.devices} | {each.id for each in found.imported_devices}
    numbers = (
        (len(devices), "device"),
        (len(found.files), "model file"),
        (len(found.cells), "cell"),
        (len(found.imported), "imported cell"),
        (found.records, "record"),
        (len({each.verdict.claim_id for each in found.claims}), "claim"),
    )
    return [(number, what if number == 1 else f"{what}s") for number, what in numbers if number]


def _experiments(number: int, *, judged: bool) -> str:
    """Their verdicts are a file of their own, which somebody has to make first."""
    if judged:
        return f"{number} records of experiments: edgebench claims reads them."
    return (
        f"{number} records of experiments: edgebench claims judge RESULTS -o verdicts.json judges "
        "claims by them, and edgebench report RESULTS verdicts.json shows the verdicts."
    )


def left_out(found: Collection) -> tuple[str, ...]:
    """Never in silence: what was refused, and what another session replaced."""
    lines = [cut(f"{each.file}: {each.reason}") for each in found.refused]
    if found.older:
        lines.append(
            f"{found.older} older results of these cells: the newest session stands for each, "
            "and of long runs the longest."
        )
    if found.experiments:
        lines.append(_experiments(found.experiments, judged=bool(found.claims)))
    return tuple(lines)
