"""The command line: one file per verb, which parses, calls and prints.

Everything heavy is imported inside the commands, so that `--help` stays quick.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from edgebench import __version__
from edgebench.cli import (
    calibrate,
    check,
    claims,
    compare,
    doctor,
    export,
    gate,
    hardware,
    import_,
    models,
    plot,
    query,
    report,
    roofline,
    run,
    show,
)
from edgebench.errors import Interrupted


class Verbs(TyperGroup):
    """Ctrl-C is an error with a sentence and an exit code like any other."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("Interrupted.", "What had arrived or was finished is kept.") from None


app = typer.Typer(
    name="edgebench",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgebench {__version__}")
        raise typer.Exit


@app.callback()
def edgebench(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Measure small language models on this device, verify their output, keep the raw record.

    Example: edgebench run --model smollm2-135m
    """


app.command("run")(run.command)
app.command("roofline")(roofline.command)
app.command("show")(show.command)
app.command("check")(check.command)
app.command("compare")(compare.command)
app.command("gate")(gate.command)
app.command("calibrate")(calibrate.command)
app.command("import")(import_.command)
app.command("export")(export.command)
app.command("report")(report.command)
app.command("plot")(plot.command)
app.command("query")(query.command)
app.command("doctor")(doctor.command)
app.add_typer(claims.app, name="claims")
app.add_typer(models.app, name="models")
app.add_typer(hardware.app, name="hardware")
