"""The files of a report, by their names below the folder that it is written to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgebench.errors import BadInput
from edgebench.report.plots import PLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from edgebench.analysis.report_reading import Collection
    from edgebench.report.plots.plot import Plot

# Nothing that a browser would run.
LINKS = re.compile(r"(https?://|\.{1,2}/)[^\s\"'<>]*")
INDEX, PAGE = "index.html", "report.md"


def check(folder: Path, name: str = INDEX) -> None:
    """Raises BadInput where a page that we did not make would be overwritten by `name`."""
    from edgebench.report import site_markdown
    from edgebench.report.site import pages

    mark = site_markdown.GENERATOR if name == PAGE else pages.GENERATOR
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file.", "Name a folder with --output.")
    page = folder / name
    if page.exists() and mark not in page.read_text(encoding="utf-8", errors="replace")[:4000]:
        raise BadInput(
            f"{page} was not made by edgebench report.", "Choose another folder with --output."
        )


def check_link(records_url: str) -> None:
    """Raises BadInput for what is no address."""
    if records_url and not LINKS.fullmatch(records_url):
        raise BadInput(
            f"{records_url!r} is no address of records.",
            "Begin it with https://, http://, ./ or ../ in --records-url.",
        )


def html(
    found: Collection,
    title: str,
    tell: Callable[[str], None],
    records_url: str = "",
    paths: Iterable[Path] = (),
) -> dict[str, str | bytes]:
    """One page with everything in it. Plots of claims are drawn from the files at `paths`."""
    from edgebench.report.site import pages
    from edgebench.report.site.figures import figure

    figures = [figure(plot) for plot in _plots(found, tell)]
    of_claims = [figure(plot) for plot in _claim_plots(found, tell, paths)]
    return {INDEX: pages.index(found, figures, title, records_url, of_claims)}


def markdown(
    found: Collection,
    title: str,
    tell: Callable[[str], None],
    records_url: str = "",
    paths: Iterable[Path] = (),
) -> dict[str, str | bytes]:
    """A page for a repository; beside it an SVG file per plot, and its numbers as CSV."""
    from edgebench.report import site_markdown
    from edgebench.report.plots import saving

    plots = [*_plots(found, tell), *_claim_plots(found, tell, paths)]
    pictures: dict[str, str | bytes] = {
        f"{plot.name}{suffix}": saving.content(plot, suffix)
        for plot in plots
        if plot.draw
        for suffix in (".svg", ".csv")
    }
    return {**pictures, PAGE: site_markdown.page(found, plots, title, records_url)}


def _plots(found: Collection, tell: Callable[[str], None]) -> Iterator[Plot]:
    for name, plot in PLOTS.items():
        tell(name)
        yield plot(found.cells)


def _claim_plots(
    found: Collection, tell: Callable[[str], None], paths: Iterable[Path]
) -> Iterator[Plot]:
    """Where verdicts are among the records; else nothing is read a second time."""
    if not found.claims:
        return
    from edgebench.report import claim_plots

    tell("claims")
    yield from claim_plots.plots(paths, found.claims)
