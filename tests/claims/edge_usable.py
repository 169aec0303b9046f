"""Made evidence for edge-usable: a chat turn, minutes of them, and a machine that is not alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.schema.result import CellResult
from edgebench.schema.sustained import Sustained
from tests.claims.makers import NOISY, STEADY, evidence, experiment, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

# 256 tokens take 1 s at 256 tok/s; 5 tok/s are the limit of decode.
TOK_S = {"supported": 300.0, "refuted": 2.0, "astride": 130.0}
# Of the limits of 2 s, 0.2 s and 10 s.
SHARE = {"supported": 0.5, "refuted": 2.0, "astride": 1.0}
SECOND = 10**9


def made(effect: Effect) -> Evidence:
    scatter = NOISY if effect == "astride" else STEADY
    weights = file(quant="Q4_0")
    chat = speeds(weights, "chat.v1", TOK_S[effect], scatter)
    # A quarter of the prompt, at a quarter of the speed.
    command = speeds(weights, "command.v1", TOK_S[effect] / 4, scatter)
    looped = chat.launches[0].model_copy(update={"sustained": _steady_loops(), "trials": ()})
    cell = CellResult(cell=chat.cell, verification=chat.verification, launches=(looped,))
    return evidence(record([weights], chat, command, run_id="000000aa"),
                    record([weights], cell, run_id="000000bb"),
                    experiments=(conditions(effect),))  # fmt: skip


def conditions(effect: Effect, *, verified: bool = True) -> Any:
    """Chat turns on a quiet machine, beside a busy process, and from a cold start."""
    scatter = NOISY if effect == "astride" else STEADY
    blocks = [_block(SHARE[effect] * each) for each in scatter]
    return experiment("edge-conditions", blocks, verified=verified)


def _block(share: float) -> list[tuple[dict[str, Any], dict[str, float | None]]]:
    busy: dict[str, float | None] = {"first_token_s": 2.0 * share, "token_s": 0.2 * share}
    quiet: dict[str, float | None] = {"first_token_s": 1.0 * share, "token_s": 0.1 * share}
    cold: dict[str, float | None] = quiet | {"start_s": 10.0 * share}
    states = {"quiet": quiet, "busy": busy, "cold": cold}
    return [({"state": state}, values) for state, values in states.items()]


def _steady_loops() -> Sustained:
    """Ten minutes of loops of a second, equally fast throughout but for a little scatter."""
    count = 600
    decode = tuple(round(0.6 * SECOND * (1 + 0.01 * (n % 7 - 3))) for n in range(count))
    return Sustained(
        asked_s=600.0, started_ns=tuple(n * SECOND for n in range(count)),
        wall_ns=(SECOND - 1,) * count, tokenize_ns=None, first_sample_ns=None,
        prefill_ns=(SECOND // 4,) * count, decode_ns=decode, cpu_s=(1.0,) * count,
        run_delay_ns=None, major_faults=(0,) * count, other_outputs=0, conditions=None, power=(),
    )  # fmt: skip
