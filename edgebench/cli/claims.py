"""`edgebench claims …`: what others have claimed, put to measurement."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Results = Annotated[
    list[Path], typer.Argument(help="Records, experiments, or folders of them.", metavar="RESULTS…")
]


class Depth(StrEnum):
    smoke = "smoke"
    full = "full"


@app.callback()
def claims() -> None:
    """Put published claims about small models on small machines on trial.

    Example: edgebench claims run isa-speedup --level smoke
    """


@app.command("list")
def list_(json: Json = False) -> None:
    """List the claims, the weightiest first.

    Example: edgebench claims list
    """
    from json import dumps

    from edgebench.claims import suite
    from edgebench.report.claims import claim_list

    known = suite.claims()
    rows = [{"id": c.id, "version": c.version, "title": c.title} for c in known]
    typer.echo(dumps(rows, indent=1) + "\n" if json else claim_list(known), nl=False)


@app.command()
def show(
    claim: Annotated[str, typer.Argument(help="A claim's id, e.g. isa-speedup.", metavar="ID")],
    json: Json = False,
) -> None:
    """Show a claim: its quotes, hypothesis, decision rule and margins.

    Example: edgebench claims show decode-bandwidth
    """
    from json import dumps

    from edgebench.claims import suite
    from edgebench.report.claims import claim_text
    from edgebench.report.claims_json import document

    (found,) = suite.chosen([claim])
    text = dumps(document(found), indent=1, ensure_ascii=False) + "\n"
    typer.echo(text if json else claim_text(found), nl=False)


@app.command()
def run(
    ids: Annotated[list[str] | None, typer.Argument(help="Claims.", metavar="[ID]…")] = None,
    every: Annotated[bool, typer.Option("--all", help="The whole suite.")] = False,
    level: Annotated[Depth, typer.Option(help="How much is measured.")] = Depth.smoke,
    results: Annotated[
        Path, typer.Option(help="Where records are, and go: <folder>/<device>/.")
    ] = Path("results"),
    launches: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Launches and blocks in place of each claim's own."),
    ] = None,
    max_time: Annotated[str, typer.Option(help="Begin nothing that would end after this.")] = "6h",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure anew what earlier records already hold.")
    ] = False,
    meters: Annotated[
        str, typer.Option(help="Power meters: auto, none, or names that doctor lists.")
    ] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is missing, and about how long it takes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print verdicts as JSON.")] = False,
) -> None:
    """Measure what claims need and this device has not measured yet, then judge them.

    What earlier records in the results folder hold is not measured again: a run that was
    interrupted goes on where it stopped.

    Example: edgebench claims run isa-speedup decode-bandwidth --level full
    """
    from edgebench import units
    from edgebench.cli import claims_running
    from edgebench.errors import BadInput

    if bool(ids) == every:
        raise BadInput(
            "claims run takes ids of claims, or --all, and not both.", "See edgebench claims list."
        )
    claims_running.run(
        claims_running.Asked(
            ids=ids or (),
            level=level.value,
            results=results,
            launches=launches,
            max_time_s=units.parse_seconds("--max-time", max_time),
            fresh=fresh,
            dry_run=dry_run,
            json=json,
            meters=units.parse_names(meters) or ("none",),
        )
    )


@app.command()
def judge(
    results: Results,
    claim: Annotated[str, typer.Option(help="Only these claims, separated by commas.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the verdicts as JSON to this file.")
    ] = None,
    json: Json = False,
) -> None:
    """Judge claims from records alone, of one device or of many.

    Example: edgebench claims judge results -o verdicts.json
    """
    from edgebench import files, units
    from edgebench.claims import judging, records, suite
    from edgebench.report.claims import text

    chosen = suite.chosen(units.parse_names(claim))
    found = judging.judge(chosen, records.read(results))
    if output is not None:
        files.write_atomic(output, files.to_json(found))
    typer.echo(files.to_json(found) if json else text(found), nl=False)


@app.command()
def report(
    results: Results,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The Markdown page; plots go beside it.")
    ] = Path("claims.md"),
) -> None:
    """Write a page with every claim, its rule, its verdicts and plots, from records alone.

    Plots lie in a folder of the page's name. The same records give the same bytes.

    Example: edgebench claims report results -o docs/claims.md
    """
    from edgebench import files
    from edgebench.claims import judging, records, suite
    from edgebench.report.claims_page import page

    given = records.read(results)
    found = judging.judge(suite.claims(), given)
    made = page(found, given, output.stem)
    files.write_atomic(output, made.text)
    for name, text in sorted(made.plots.items()):
        files.write_atomic(output.with_suffix("") / name, text)
    typer.echo(f"{output}: {len(suite.claims())} claims, {len(made.plots)} plots", err=True)
