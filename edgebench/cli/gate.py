"""`edgebench gate`: did head get slower than base? An exit code that a pull request can use."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class MetricWish(StrEnum):
    auto = "auto"
    wall = "wall"
    cpu = "cpu"


class Inconclusive(StrEnum):
    own_code = "3"
    passes = "pass"
    fails = "fail"


def command(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BASE.json HEAD.json | -- RUN-OPTIONS",
            help="Two records; or, with --base or --head, options of edgebench run for both.",
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(help="Environment (its folder or Python) or model file; default: this one."),
    ] = None,
    head: Annotated[Path | None, typer.Option(help="The same for the new side.")] = None,
    base_args: Annotated[
        str, typer.Option(help="Options of edgebench run for base only, as one string.")
    ] = "",
    head_args: Annotated[str, typer.Option(help="The same for head only.")] = "",
    threshold: Annotated[str, typer.Option(help="How much slower is too slow.")] = "5%",
    pairs: Annotated[int, typer.Option(min=2, max=1000, help="Pairs of launches in a set.")] = 20,
    metric: Annotated[
        MetricWish, typer.Option(help="auto: CPU seconds per token where other programs ran.")
    ] = MetricWish.auto,
    inconclusive: Annotated[
        Inconclusive, typer.Option(help="Exit code of inconclusive: 3, or as pass, or as fail.")
    ] = Inconclusive.own_code,
    max_time: Annotated[str, typer.Option(help="Start no pair after this long.")] = "1h",
    timeout: Annotated[str, typer.Option(help="Longest time for one launch of a side.")] = "30m",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the order in pairs.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the two records.")
    ] = Path("gate"),
    markdown: Annotated[
        Path | None, typer.Option(help="Write a comment for a pull request to this file.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the decision as JSON.")] = False,
) -> None:
    """Pass, warn, fail or inconclusive: exits with 0, 0, 1, 3.

    Example: edgebench gate --base old-venv --head new-venv -- --model smollm2-135m --workload tg128
    """
    from edgebench import files, units
    from edgebench.cli.contest import Limits, World
    from edgebench.cli.gating import Rules, judge_in_turns, judge_records
    from edgebench.measure import interleave
    from edgebench.report import gate, pull_request
    from edgebench.report import junit as junit_xml

    given = arguments or []
    world = World.real(units.parse_seconds("--timeout", timeout))
    rules = Rules(units.parse_share("--threshold", threshold), metric.value)
    records = interleave.before_options(given)
    if base or head or base_args or head_args:
        interleave.refuse_records(records)
        sides = (
            interleave.side_of("base", base, base_args, given),
            interleave.side_of("head", head, head_args, given),
        )
        limits = Limits(
            pairs,
            units.parse_seconds("--max-time", max_time),
            seed,
        )
        report = judge_in_turns(sides, rules, limits, output, world)
    elif len(records) == len(given) == 2:
        report = judge_records(Path(given[0]), Path(given[1]), rules, world)
    else:
        raise interleave.without_sides(records, given)
    if markdown:
        files.write_atomic(markdown, pull_request.render(report))
    if junit:
        files.write_atomic(junit, junit_xml.render(report))
    typer.echo(files.to_json(report) if json else gate.render(report), nl=False)
    codes = {"fail": 1, "inconclusive": {"3": 3, "pass": 0, "fail": 1}[inconclusive.value]}
    raise typer.Exit(codes.get(report.verdict, 0))
