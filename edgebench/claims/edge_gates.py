"""The gates of edge-usable: each a limit over what was measured, so that above 1 passes. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import metrics, stats
from edgebench.analysis.notes import is_contended
from edgebench.analysis.stats import LogRatio
from edgebench.claims import figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Compared, Figures
    from edgebench.schema.result import CellResult

SMALL, QUANT = "smollm2-135m", "Q4_0"
CONDITIONS = "edge-conditions"
MEMORY_SHARE, FIRST_TOKEN_S, PER_TOKEN_S, SUSTAINED = 0.5, 2.0, 0.2, 0.8
# What a person waits for at most: of a start from the disk, and of a text four times as long.
LONGEST_WAIT_S = 10.0


class Gate(NamedTuple):
    name: str
    compared: Compared


def gates(evidence: Evidence, model: str) -> list[Gate]:
    """Memory, first token of 256, a token; and for the small model whether it lasts."""
    chosen = rows(evidence, model)
    found = [*_speed(chosen, FIRST_TOKEN_S), Gate("memory", _memory(chosen))]
    return [*found, Gate("sustained speed", sustained(evidence))] if model == SMALL else found


def of_scenario(evidence: Evidence, workload: str, first_token_s: float) -> list[Gate]:
    """First token and each token of the small model in another scenario than a chat."""
    return _speed(rows(evidence, SMALL, workload), first_token_s)


def of_condition(evidence: Evidence, state: str) -> list[Gate]:
    """First token and each token of a chat turn in a state of the machine."""
    limits = {"first_token_s": FIRST_TOKEN_S, "token_s": PER_TOKEN_S}
    return [_point_gate(evidence, state, value, limit) for value, limit in limits.items()]


def cold_start(evidence: Evidence) -> Gate:
    """From opening the file, none of which is in memory, to the first token of 256."""
    return _point_gate(evidence, "cold", "start_s", LONGEST_WAIT_S)


def token_p95(evidence: Evidence) -> Compared:
    """The slowest token in twenty of each launch."""

    def slowest(entry: CellResult) -> dict[int, float]:
        found = {}
        for launch in entry.launches:
            steps = [ns for t in launch.trials if not t.warmup for ns in t.step_ns]
            if p95 := stats.quantile(steps, 0.95):
                found[launch.round] = p95 * metrics.NS
        return found

    chosen = [row for row in rows(evidence, SMALL) if metrics.may_show_speed(row.entry)]
    quiet = figures.figures(chosen, metrics.decode_tok_s)
    by_block = {
        (row.result.run_id, round_): seconds
        for row in chosen
        for round_, seconds in slowest(row.entry).items()
        if (row.result.run_id, round_) in quiet.by_block
    }
    return inverse(quiet._replace(by_block=by_block), PER_TOKEN_S)


def binding(found: Sequence[Gate]) -> Gate:
    """A failed gate, else the one that comes nearest to failing; of none known, the first."""
    known = [gate for gate in found if gate.compared.found]
    worst = min(known, key=upper, default=found[0])
    return worst if fails(worst) else min(known, key=lower, default=found[0])


def fails(gate: Gate) -> bool:
    return upper(gate) < 1


def upper(gate: Gate) -> float:
    return gate.compared.found.bounds()[1] if gate.compared.found else math.inf


def lower(gate: Gate) -> float:
    return gate.compared.found.bounds()[0] if gate.compared.found else math.inf


def rows(evidence: Evidence, model: str, workload: str = "chat.v1") -> list[Row]:
    """Real text where there is a tokenizer; at the most threads, best instructions."""
    from edgebench.claims.isa_speedup import STEPS

    real = model == SMALL
    chosen = figures.rows(
        evidence, model=model, weights="real" if real else "synthetic", quant=QUANT,
        workload=workload if real else "pp256+tg64", where=figures.plain,
    )  # fmt: skip
    most = max((row.entry.cell.threads for row in chosen), default=0)
    best = figures.best_isa(chosen, STEPS)
    return [
        r for r in chosen
        if r.entry.cell.threads == most and best in (None, r.entry.cell.isa)
    ]  # fmt: skip


def inverse(found: Figures, limit: float) -> Compared:
    """limit / value, for what must be small."""
    shares = {block: limit / value for block, value in found.by_block.items()}
    return figures.level(found._replace(by_block=shares))


def looped(evidence: Evidence) -> Row | None:
    """The chat that was looped for the longest time."""
    found = [
        row for row in figures.rows(evidence, quant=QUANT, workload="chat.v1", where=figures.plain)
        if any(launch.sustained for launch in row.entry.launches)
        and metrics.may_show_speed(row.entry)
    ]  # fmt: skip
    return max(found, key=_looped_s, default=None)


def sustained(evidence: Evidence) -> Compared:
    """Last window of the loop over the first, over 0.8. The interval is that of the loops."""
    row = looped(evidence)
    if row is None:
        return figures.NOTHING
    if is_contended(row.entry):
        return figures.Compared(None, 0, ("contended",))
    summary = metrics.summarize(row.entry).sustained
    course = summary.decode if summary else None
    if course is None or course.low is None or course.high is None:
        return figures.Compared(None, 0, ("too_few_blocks",))
    degrees = course.degrees or max(2.0, float(min(course.first_loops, course.last_loops) - 1))
    error = math.log(course.high / course.low) / 2 / stats.t_quantile(degrees)
    ratio = LogRatio(math.log(course.last_over_first / SUSTAINED), error, degrees)
    return figures.Compared(ratio, course.first_loops + course.last_loops, ())


def courses(row: Row) -> Iterator[tuple[list[float], list[float]]]:
    """Minutes since the beginning and tokens per second of decode, of each looped launch."""
    tokens = row.entry.cell.workload.output_tokens
    for launch in row.entry.launches:
        if (long := launch.sustained) and long.decode_ns:
            begun = long.started_ns[0]
            minutes = [(at - begun) * metrics.NS / 60 for at in long.started_ns]
            yield minutes, [tokens / (ns * metrics.NS) for ns in long.decode_ns if ns]


def _speed(chosen: Sequence[Row], first_token_s: float) -> list[Gate]:
    first = figures.figures(chosen, metrics.time_to_first_token_s)
    token = figures.figures(chosen, metrics.decode_tok_s)
    return [
        Gate("time to the first token", inverse(first, first_token_s)),
        Gate("time per token", figures.level(token, 1 / PER_TOKEN_S)),
    ]


def _point_gate(evidence: Evidence, state: str, value: str, limit: float) -> Gate:
    found = figures.of_points(
        evidence, CONDITIONS, value, where=lambda c: c.get("state") == state, allow_unverified=False
    )
    names = {"first_token_s": "time to the first token", "token_s": "time per token"}
    return Gate(names.get(value, value), inverse(found, limit))


def _memory(chosen: Sequence[Row]) -> Compared:
    """Of each launch; peaks hardly differ, and the limit is half of the memory."""
    shares = {
        (row.result.run_id, launch.round): MEMORY_SHARE
        * row.result.device.memory_total_bytes
        / launch.memory.peak_rss_bytes
        for row in chosen
        for launch in row.entry.launches
        if launch.memory and launch.memory.peak_rss_bytes and not launch.sustained
    }
    return figures.level(figures.Figures(shares))


def _looped_s(row: Row) -> float:
    return max((ln.sustained.asked_s for ln in row.entry.launches if ln.sustained), default=0.0)
