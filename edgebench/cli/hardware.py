"""`edgebench hardware …`: what this machine is, which profiles there are, what vendors claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Board = Annotated[str, typer.Argument(help="A profile's id, e.g. raspberry-pi/5.", metavar="BOARD")]
Folder = Annotated[
    Path | None, typer.Option("--profiles", help="A folder of profiles instead of ours.")
]


@app.callback()
def hardware() -> None:
    """Detect this machine, see and write hardware profiles, check vendors' claims.

    Example: edgebench hardware detect
    """


@app.command()
def detect(json: Json = False) -> None:
    """Say what this machine is: cores, instruction sets, caches, limits.

    Example: edgebench hardware detect --json
    """
    from edgebench.cli import detecting

    typer.echo(detecting.document() if json else detecting.text(), nl=False)


@app.command("list")
def list_(profiles: Folder = None, json: Json = False) -> None:
    """List the profiles of known boards.

    Example: edgebench hardware list
    """
    from edgebench.machine import profile
    from edgebench.report.hardware import render_list

    found = profile.load(profiles or profile.folder())
    typer.echo(_json(found) if json else render_list(found), nl=False)


@app.command()
def show(board: Board, profiles: Folder = None, json: Json = False) -> None:
    """Show a profile with its sources.

    Example: edgebench hardware show raspberry-pi/5
    """
    from edgebench import files
    from edgebench.machine import profile
    from edgebench.report.hardware import render_profile

    found = profile.find(profile.load(profiles or profile.folder()), board)
    typer.echo(files.to_json(found) if json else render_profile(board, found), nl=False)


@app.command()
def match(
    why_not: Annotated[
        bool, typer.Option("--why-not", help="Say of every other profile what speaks against it.")
    ] = False,
    profiles: Folder = None,
    json: Json = False,
) -> None:
    """Say which profile this machine is.

    Example: edgebench hardware match --why-not
    """
    from json import dumps

    from edgebench.machine import device, profile
    from edgebench.report.hardware import render_obstacles

    known = profile.load(profiles or profile.folder())
    found = device.detect()
    name = profile.profile_of(found, known)
    reasons = profile.reasons(found, known) if why_not else []
    if json:
        typer.echo(dumps({"profile": name, "why_not": dict(reasons)}, indent=1))
        return
    typer.echo(name or "No profile knows this machine: edgebench hardware new drafts one.")
    typer.echo(render_obstacles(reasons), nl=False)


@app.command()
def new(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of printing.")
    ] = None,
) -> None:
    """Draft a profile of this machine, for its vendor to complete.

    Example: edgebench hardware new --output hardware/acme/board-1.yaml
    """
    from edgebench import files
    from edgebench.errors import BadInput
    from edgebench.machine import device
    from edgebench.machine.new_profile import draft

    text = draft(device.detect())
    if output is None:
        typer.echo(text, nl=False)
        return
    if output.exists():
        raise BadInput(f"{output} exists.", "Choose another name with --output.")
    files.write_atomic(output, text)
    typer.echo(f"wrote    {output}", err=True)


@app.command()
def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Profiles, or folders of them; default: ours.")
    ] = None,
    json: Json = False,
) -> None:
    """Check profiles: schema, units, sources, and that no two are the same machine.

    Exits with 2 and names file and line when anything is wrong.

    Example: edgebench hardware validate hardware/acme/board-1.yaml
    """
    from json import dumps

    from edgebench.machine import profile, profile_checks
    from edgebench.printable import clean

    ours = profile.folder()
    findings = profile_checks.validate(paths or [ours], ours)
    if json:
        typer.echo(dumps([finding._asdict() for finding in findings], indent=1))
    for finding in [] if json else findings:
        typer.echo(clean(finding.problem or f"{finding.file}: ok"))
    if any(finding.problem for finding in findings):
        raise typer.Exit(2)


@app.command()
def check(
    board: Board,
    records: Annotated[
        list[Path], typer.Argument(help="Records, or folders of them.", metavar="RECORD")
    ],
    profiles: Folder = None,
    json: Json = False,
) -> None:
    """Hold a vendor's claims against records of that board.

    Example: edgebench hardware check aws/graviton3 results/
    """
    from functools import partial

    from edgebench.analysis import vendor_claims
    from edgebench.machine import profile
    from edgebench.report.hardware import render_claims

    claimed = profile.find(profile.load(profiles or profile.folder()), board)
    found = vendor_claims.read(records, partial(profile.is_board, board, claimed))
    verdicts = vendor_claims.judge(claimed.claims, found.records)
    if json:
        typer.echo(_json(verdicts), nl=False)
        return
    typer.echo(render_claims(verdicts, len(found.records), found.others), nl=False)


def _json(found: Mapping[str, BaseModel] | Sequence[BaseModel]) -> str:
    from json import dumps

    if isinstance(found, Sequence):
        return dumps([each.model_dump(mode="json") for each in found], indent=1) + "\n"
    documents = {name: each.model_dump(mode="json") for name, each in found.items()}
    return dumps(documents, indent=1) + "\n"
