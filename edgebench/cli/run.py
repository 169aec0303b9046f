"""`edgebench run`: measure models on this device and write the record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgebench.measure.schedule import Budget


def command(
    model: Annotated[
        str, typer.Option(help="Models of models.yaml, separated by commas.", metavar="NAMES")
    ] = "",
    file: Annotated[
        Path | None, typer.Option(help="A GGUF or ONNX file instead of a model.")
    ] = None,
    quant: Annotated[
        str, typer.Option(help="Weight formats, e.g. Q4_0,Q4_K_M; default: the model's first.")
    ] = "",
    weights: Annotated[
        str,
        typer.Option(
            help="real, synthetic (same shape, random values), or auto: real if possible."
        ),
    ] = "real",
    weights_seed: Annotated[str, typer.Option(help="Seed of synthetic weights.")] = "1",
    backend: Annotated[str, typer.Option(help="Engines; default: the one for the file.")] = "",
    workload: Annotated[
        str,
        typer.Option(
            help="Tests: pp512, tg128, pp512+tg128@d1024, tg64@s4, command.v1, chat.v1, rag.v1; "
            "default: pp512,tg128, with --sustain chat.v1."
        ),
    ] = "",
    threads: Annotated[
        str, typer.Option(help="Thread counts, e.g. 1,2; auto: the usable physical cores.")
    ] = "auto",
    isa: Annotated[
        str,
        typer.Option(
            help="Instruction sets: llama.cpp's variants (haswell,zen4), friendly names (avx2, "
            "dotprod), best, all that this CPU runs, or ladder: the steps that matter."
        ),
    ] = "best",
    device: Annotated[str, typer.Option(help="Where the model runs: cpu, cuda, or both.")] = "cpu",
    launches: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Exactly this many launches per cell.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, max=1000, help="Timed trials per launch.")] = 3,
    launch_time: Annotated[
        str, typer.Option(help="A launch begins no further trial after this long.")
    ] = "3s",
    precision: Annotated[
        str, typer.Option(help="Stop when every 95 % interval is within ± this share.")
    ] = "2%",
    max_time: Annotated[
        str,
        typer.Option(help="Start no launch that would end after this long in all."),
    ] = "9m",
    sustain: Annotated[
        str,
        typer.Option(
            help="Loop the workload for this long in one launch per cell, e.g. 10m: does it slow "
            "down as it gets hot?"
        ),
    ] = "",
    wait_quiet: Annotated[
        str, typer.Option(help="First wait until nobody else is busy, at most this long, e.g. 5m.")
    ] = "",
    flash_attention: Annotated[
        bool, typer.Option("--flash-attention/--no-flash-attention", help="Always set explicitly.")
    ] = True,
    load: Annotated[
        str, typer.Option(help="How weights are loaded: mmap, read, mlock, or several of them.")
    ] = "mmap",
    kv: Annotated[
        str, typer.Option(help="KV cache types: f16, f32, q8_0, q4_0; default: the engine's own.")
    ] = "",
    activations: Annotated[
        str,
        typer.Option(help="ONNX Runtime, torch: multiply activations as int8, fp32 or fp16."),
    ] = "auto",
    spinning: Annotated[
        bool, typer.Option("--spinning/--no-spinning", help="ONNX Runtime: idle threads spin.")
    ] = True,
    prepacked: Annotated[
        bool, typer.Option("--prepacked", help="ONNX Runtime: load weights saved in its layout.")
    ] = False,
    repacking: Annotated[
        bool, typer.Option("--repacking/--no-repacking", help="llama.cpp: rearrange weights.")
    ] = True,
    allow_derived: Annotated[
        bool,
        typer.Option(
            "--allow-derived", help="ONNX: convert weight formats that have no exact counterpart."
        ),
    ] = False,
    cpus: Annotated[
        str, typer.Option(help="Keep workers on these CPUs, e.g. 4-7.", metavar="LIST")
    ] = "",
    ceilings: Annotated[
        bool,
        typer.Option(
            "--ceilings/--no-ceilings",
            help="Measure this machine's ceilings first, unless they are known.",
        ),
    ] = True,
    memory_limit: Annotated[
        str, typer.Option(help="Address space of the worker, e.g. 2GiB: play a small board.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Try what is predicted not to fit into memory.")
    ] = False,
    meters: Annotated[
        str, typer.Option(help="Power meters: auto, none, or names that doctor lists.")
    ] = "auto",
    wall_meter: Annotated[
        Path | None, typer.Option(help="CSV that a meter at the plug writes meanwhile.")
    ] = None,
    wall_clock_offset: Annotated[
        float, typer.Option(help="Seconds that the wall meter's clock is ahead of this one.")
    ] = 0.0,
    timeout: Annotated[
        str, typer.Option(help="A worker that says nothing for this long has hung.")
    ] = "10m",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the launch order.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Record file (.json) or folder; default: results/<device>/."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the record as JSON instead of the table.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the cells, and why any is skipped; fetch nothing."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 when a cell failed; for CI.")
    ] = False,
) -> None:
    """Measure prefill and decode speed, memory and load time of verified output.

    Example: edgebench run --model smollm2-135m --threads 1,2 --workload pp512,tg128
    """
    from edgebench import units
    from edgebench.cli.running import run
    from edgebench.cli.setup import Choices
    from edgebench.models.synthesize import parse_seed

    run(
        Choices(
            models=units.parse_names(model),
            quants=units.parse_names(quant),
            file=file,
            weights=weights,
            weights_seed=parse_seed("--weights-seed", weights_seed),
            force=force,
            backends=units.parse_names(backend),
            workload=workload or ("chat.v1" if sustain else "pp512,tg128"),
            threads=() if threads == "auto" else units.parse_counts("--threads", threads),
            isas=units.parse_names(isa) or ("best",),
            flash_attention=flash_attention,
            load_mode="mmap",
            load_modes=units.parse_names(load) or ("mmap",),
            kv_types=units.parse_names(kv),
            activations=activations,
            spinning=spinning,
            prepacked=prepacked,
            repacking=repacking,
            devices=units.parse_names(device) or ("cpu",),
            allow_derived=allow_derived,
            ceilings=ceilings,
            cpus=cpus or None,
            memory_limit_bytes=(
                units.parse_bytes("--memory-limit", memory_limit) if memory_limit else None
            ),
            meters=units.parse_names(meters) or ("none",),
            wall_meter=wall_meter,
            wall_clock_offset_s=wall_clock_offset,
            wait_quiet_s=units.parse_seconds("--wait-quiet", wait_quiet) if wait_quiet else None,
            silence_s=units.parse_seconds("--timeout", timeout),
            seed=seed,
            output=output,
            json=json,
            dry_run=dry_run,
            strict=strict,
        ),
        _budget(precision, launches, trials, launch_time, max_time, sustain),
    )


def _budget(
    precision: str, launches: int | None, trials: int, launch_time: str, max_time: str, sustain: str
) -> Budget:
    from edgebench import units
    from edgebench.measure.schedule import Budget, sustained

    budget = Budget(
        precision=units.parse_share("--precision", precision),
        min_launches=launches or Budget().min_launches,
        max_launches=launches or Budget().max_launches,
        max_time_s=units.parse_seconds("--max-time", max_time),
        trials=trials,
        launch_time_s=units.parse_seconds("--launch-time", launch_time),
    )
    if not sustain:
        return budget
    return sustained(budget, units.parse_seconds("--sustain", sustain), launches)
