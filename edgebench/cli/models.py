"""`edgebench models …`: which models there are, what is cached, and making more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.report.download import Bar, Lines
    from edgebench.schema.model import ShelfFile

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(help="A model of models.yaml.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Quants = Annotated[str, typer.Option("--quant", help="Weight formats, e.g. Q4_0,Q4_K_M.")]


@app.callback()
def models() -> None:
    """See, fetch, check, make and remove model files.

    Example: edgebench models list
    """


@app.command("list")
def list_(json: Json = False) -> None:
    """List every model with its files: what is cached, sizes, licences.

    Example: edgebench models list
    """
    from json import dumps

    from edgebench import files
    from edgebench.models import catalog, shelf
    from edgebench.report.models import render_list

    found = shelf.shelf(catalog.load_catalog(), files.cache_dir())
    documents = [model.model_dump(mode="json") for model in found]
    typer.echo(dumps(documents, indent=1) if json else render_list(found).rstrip("\n"))


@app.command()
def show(
    name: Name,
    quant: Annotated[str, typer.Option(help="A weight format; default: the first.")] = "",
    context: Annotated[
        int, typer.Option(min=1, help="Tokens in the KV cache, for the FLOPs.")
    ] = 512,
    json: Json = False,
) -> None:
    """Show a model's shape and what one token costs: bytes read, KV bytes, FLOPs.

    Example: edgebench models show tinyllama --quant Q4_K_M
    """
    from edgebench import files
    from edgebench.models import shelf
    from edgebench.report.models import render_card

    card = shelf.card(name, quant or None, files.cache_dir(), context_tokens=context)
    typer.echo(files.to_json(card) if json else render_card(card), nl=False)


@app.command()
def fetch(name: Name, quant: Quants = "", json: Json = False) -> None:
    """Download a model's files, unless they are cached, and check their hashes.

    Example: edgebench models fetch tinyllama --quant Q4_0,Q4_K_M
    """
    from edgebench import files, units
    from edgebench.models import errands

    _print(
        errands.fetched(
            name, units.parse_names(quant), cache=files.cache_dir(), progress=_progress()
        ),
        json=json,
    )


@app.command()
def verify(name: Name, quant: Quants = "", json: Json = False) -> None:
    """Read a model's cached files again, whole, and compare their hashes.

    Example: edgebench models verify smollm2-135m
    """
    from edgebench import files, units
    from edgebench.models import errands

    _print(
        errands.verified(
            name, units.parse_names(quant), cache=files.cache_dir(), progress=_progress()
        ),
        json=json,
    )


@app.command()
def quantize(
    name: Name,
    to: Annotated[str, typer.Option(help="Weight formats to make, e.g. q4_0,q8_0.")],
    source: Annotated[
        str, typer.Option("--from", help="The format to start from; default: the model's first.")
    ] = "",
    allow_requantize: Annotated[
        bool, typer.Option("--allow-requantize", help="Start from a quantized file all the same.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="Threads of the quantizer.")] = 1,
    json: Json = False,
) -> None:
    """Make other weight formats of a model with llama.cpp's own quantizer.

    Example: edgebench models quantize smollm2-135m --to q4_0,q8_0 --allow-requantize
    """
    from edgebench import files, units
    from edgebench.models import errands

    _print(
        errands.quantized(
            name, units.parse_names(to), source=source or None, cache=files.cache_dir(),
            progress=_progress(), allow_requantize=allow_requantize, threads=threads,
        ),
        json=json,
    )  # fmt: skip


@app.command()
def synthesize(
    name: Name,
    quant: Quants = "",
    seed: Annotated[str, typer.Option(help="Seed of the weights.")] = "1",
    json: Json = False,
) -> None:
    """Make a file of a model's exact shape with random weights: the same speed, no download.

    Example: edgebench models synthesize tinyllama --quant Q4_0 --seed 7
    """
    from edgebench import files, units
    from edgebench.models import errands
    from edgebench.models.synthesize import parse_seed

    _print(
        errands.synthesized(
            name, units.parse_names(quant), seed=parse_seed("--seed", seed),
            cache=files.cache_dir(), progress=_progress(),
        ),
        json=json,
    )  # fmt: skip


@app.command()
def remove(
    name: Name,
    quant: Quants = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove a model's cached files, made ones included.

    Example: edgebench models remove tinyllama --quant Q4_0 --yes
    """
    from edgebench import files, units
    from edgebench.models import errands
    from edgebench.report.models import question, render_files

    found = errands.removable(name, units.parse_names(quant), cache=files.cache_dir())
    if not yes:
        typer.echo(render_files(found), err=True)
        if not _agreed(question(found)):
            typer.echo("Nothing was removed.", err=True)
            return
    errands.remove(found, _progress())
    _print(found, json=json)


def _progress() -> Bar | Lines:
    import sys

    from edgebench.report.download import transfer_progress

    return transfer_progress(sys.stderr)


def _agreed(question: str) -> bool:
    from edgebench.errors import BadInput

    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        raise BadInput("Nobody answered.", "Give --yes to remove without being asked.") from None


def _print(found: Sequence[ShelfFile], *, json: bool) -> None:
    from json import dumps

    from edgebench.report.models import render_files, warnings

    documents = [file.model_dump(mode="json") for file in found]
    typer.echo(dumps(documents, indent=1) if json else render_files(found).rstrip("\n"))
    for line in warnings(found):
        typer.echo(line, err=True)
