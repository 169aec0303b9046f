"""Every verb of the command line, imported when it is asked for.

Typer reads the options of each command that it is given, through pydantic: of all of them, that
takes longer than `edgebench --version` does. And everything heavy is imported inside the
commands, so that `--help` stays quick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from edgebench import __version__
from edgebench.errors import Interrupted

# Each names a file beside this one, with a `command`, or an `app` of several.
VERBS = (
    "run",
    "roofline",
    "show",
    "check",
    "compare",
    "gate",
    "calibrate",
    "import",
    "export",
    "report",
    "plot",
    "query",
    "doctor",
    "claims",
    "models",
    "hardware",
)


class Loaded(Mapping[str, Any]):
    """Commands by verb; looking one up imports it."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def __getitem__(self, verb: str) -> Any:
        if verb not in VERBS:
            raise KeyError(verb)
        if verb not in self._found:
            self._found[verb] = _load(verb)
        return self._found[verb]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def _load(verb: str) -> Any:
    """Of a Typer around this verb alone, so that it is what it would be among all."""
    module = import_module(f"edgebench.cli.{'import_' if verb == 'import' else verb}")
    around = typer.Typer(add_completion=False, rich_markup_mode=None)
    around.callback()(_nothing)
    if hasattr(module, "app"):
        around.add_typer(module.app, name=verb)
    else:
        around.command(verb, cls=Once)(module.command)
    group: Any = get_command(around)
    return group.commands[verb]


def _nothing() -> None:
    """A callback makes a group of a Typer with one command."""


class Once(TyperCommand):
    """An option given twice, of which only the last counts, is said: lists are written a,b."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=[*args])
        for name in _twice(order):
            typer.echo(
                f"note     {name} was given more than once, and the last one counts. "
                f"Write several as one list: {name} A,B",
                err=True,
            )
        return super().parse_args(ctx, args)


def _twice(order: list[Any]) -> list[str]:
    """The names of options that take one value and were given more."""
    taking = [each for each in order if not getattr(each, "is_flag", True) and not each.multiple]
    counts = Counter(each.opts[0] for each in taking)
    return [name for name, count in counts.items() if count > 1]


class Verbs(TyperGroup):
    """Ctrl-C is an error with a sentence and an exit code like any other."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = Loaded()

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
