"""Tokens per joule of an ARM board over those of a machine with a GPU, on every side of 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.claims import arm_vs_gpu
from tests.claims.local_cost import metered
from tests.claims.makers import NOISY, STEADY, X86, evidence, file, record, speeds
from tests.results_maker import DEVICE as BOARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.claims import Evidence
    from edgebench.schema.claim import Endpoint

HOST = X86.model_copy(update={"id": "gpu-server", "gpus": ("Example GPU",)})
ARM_TOK_S, GPU_TOK_S = 100.0, 1000.0


def made(arm_watts: float, gpu_watts: float, scatter: Sequence[float] = STEADY) -> Evidence:
    weights = file(quant="Q4_0")
    arm = speeds(weights, "tg32", ARM_TOK_S, scatter, isa="armv8.2_1", threads=4)
    gpu = speeds(weights, "tg32", GPU_TOK_S, device="cuda")
    return evidence(
        record([weights], metered(arm, arm_watts), device=BOARD, run_id="000000aa"),
        record([weights], metered(gpu, gpu_watts), device=HOST, run_id="000000bb"),
    )


def joules(found: Evidence) -> Endpoint:
    (endpoint,) = (each for each in arm_vs_gpu.pool(found) if each.name == "tokens_per_joule")
    return endpoint


@pytest.mark.parametrize(
    ("arm_watts", "verdict", "ratio"),
    [(10.0, "supported", 4.0), (80.0, "refuted", 0.5)],
)
def test_both_at_the_plug_are_compared(arm_watts: float, verdict: str, ratio: float) -> None:
    found = joules(made(arm_watts, gpu_watts=400.0))
    assert found.verdict == verdict
    assert found.estimate == pytest.approx(ratio)
    assert "both by wall_meter of the system" in found.says


def test_an_interval_astride_of_one_decides_nothing() -> None:
    assert joules(made(40.0, 400.0, scatter=NOISY)).verdict == "inconclusive"


def test_a_board_at_the_plug_and_a_gpu_without_its_host_are_not_compared() -> None:
    found = made(10.0, 400.0)
    board, server = found.results
    (cell,) = server.cells
    of_the_gpu = {"method": "counter:nvml", "scope": "gpu", "quality": "B"}
    launches = tuple(
        launch.model_copy(
            update={"energy": tuple(e.model_copy(update=of_the_gpu) for e in launch.energy)}
        )
        for launch in cell.launches
    )
    alone = server.model_copy(update={"cells": (cell.model_copy(update={"launches": launches}),)})
    endpoint = joules(found._replace(results=(board, alone)))
    assert (endpoint.verdict, endpoint.reasons) == ("inconclusive", ("no_meter",))
