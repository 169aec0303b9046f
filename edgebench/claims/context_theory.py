"""What theory foretells of long contexts, beside what was measured: of context-cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.claims import means
from edgebench.claims.courses import courses, decode_fit, kv_bytes_per_token, memory_courses
from edgebench.schema.claim import Margin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.claims import Evidence
    from edgebench.schema.claim import Endpoint, Reason

# Depth at which KV bytes equal weight bytes, and attention FLOPs those of the matrices: of
# smollm2-135m, from the shape in its header.
HALF_SPEED_BY_BYTES, HALF_SPEED_BY_FLOPS = 4186, 3891
# A token's prefill at 8,192 over that of a short prompt, if attention ran as fast as matrices do.
PREFILL_AT_GEMM_SPEED = 2.05
SHORT, LONG = 512, 8192
MARGINS = {
    "half_speed": Margin(support=0.8, refute=1.25, band=True),
    "kv_bytes": Margin(support=0.75, refute=0.95, upward=False),
    # Between the two theories, with the same room on both sides as half_speed.
    "half_speed_depth": Margin(support=3100.0, refute=5200.0, band=True),
    "kv_memory": Margin(support=0.9, refute=1.1, band=True),
    "long_prefill": Margin(support=PREFILL_AT_GEMM_SPEED, refute=PREFILL_AT_GEMM_SPEED),
}


def endpoints(evidence: Evidence) -> Iterator[Endpoint]:
    """They stand beside what decides."""
    yield from _half_speed(evidence)
    yield _half_speed_depth(evidence)
    yield _long_prefill(evidence)
    yield _kv_bytes(evidence)
    yield _kv_memory(evidence)


def _half_speed(evidence: Evidence) -> Iterator[Endpoint]:
    """Whether decode is half as fast where theory puts it: growth there is then all of the start.

    Judged as growth at the predicted depth, which has an interval where the depth has none.
    """
    fits = [decode_fit(course) for course in courses(evidence, "decode").values()]
    usable = [(start, slope) for start, slope in fits if start > 0]
    depths = sorted(start / slope for start, slope in usable if slope > 0)
    middle = depths[len(depths) // 2] if depths else None
    says = f"Half speed at about {middle:,.0f} tokens." if middle else ""
    for name, depth in (("bytes", HALF_SPEED_BY_BYTES), ("flops", HALF_SPEED_BY_FLOPS)):
        yield means.of_values(
            f"half_speed_by_{name}",
            f"At a depth of {depth:,} tokens, where {name} foretell half speed: how much has a "
            "token's time grown, over its time without context (foretold: 1)?",
            [depth * slope / start for start, slope in usable],
            MARGINS["half_speed"],
            unit="ratio",
            primary=False,
            says=says,
        )


def _half_speed_depth(evidence: Evidence) -> Endpoint:
    """Of blocks in which decode slowed: where it did not, there is no such depth."""
    fits = [decode_fit(course) for course in courses(evidence, "decode").values()]
    faster: tuple[Reason, ...] = ("interval_straddles_margin",)
    return means.of_values(
        "half_speed_depth",
        "At what depth is decode half as fast as without context: where bytes or FLOPs foretell "
        f"({HALF_SPEED_BY_BYTES:,} and {HALF_SPEED_BY_FLOPS:,})?",
        [start / slope for start, slope in fits if start > 0 and slope > 0],
        MARGINS["half_speed_depth"],
        unit="tokens",
        primary=False,
        reasons=faster if any(slope <= 0 for _, slope in fits) else (),
    )


def _long_prefill(evidence: Evidence) -> Endpoint:
    found = courses(evidence, "prefill").values()
    return means.of_values(
        "prefill_per_token_8192_over_512",
        "How much longer does a token of a prompt of 8,192 take than one of 512: more than "
        f"{PREFILL_AT_GEMM_SPEED}, as if attention ran slower than matrices do?",
        [(c[LONG] / LONG) / (c[SHORT] / SHORT) for c in found if SHORT in c and LONG in c],
        MARGINS["long_prefill"],
        unit="ratio",
        primary=False,
    )


def _kv_memory(evidence: Evidence) -> Endpoint:
    """What the process grows by with depth, from /proc, over what the shape foretells."""
    foretold = kv_bytes_per_token(evidence)
    slopes = [decode_fit(course)[1] for course in memory_courses(evidence).values()]
    says = f"{sum(slopes) / len(slopes):,.0f} bytes a token." if slopes else ""
    return means.of_values(
        "kv_bytes_per_token",
        "Does a token of context take the memory that keys and values of f16 need "
        + (f"({foretold:,} bytes)?" if foretold else "?"),
        [slope / foretold for slope in slopes] if foretold else [],
        MARGINS["kv_memory"],
        unit="of the bytes foretold",
        primary=False,
        says=says,
    )


def _kv_bytes(evidence: Evidence) -> Endpoint:
    """Whether a smaller cache flattens decode, which it does only where bytes bind."""
    small = courses(evidence, "decode", kv_type="q8_0")
    plain = courses(evidence, "decode")
    slopes = [(decode_fit(small[each])[1], decode_fit(plain[each])[1]) for each in small
              if each in plain]  # fmt: skip
    return means.of_values(
        "decode_slope_q8_0_over_f16",
        "How steep is decode over depth with a cache of q8_0, over one of f16 (0.53 of the bytes)?",
        [one / two for one, two in slopes if two > 0],
        MARGINS["kv_bytes"],
        unit="ratio",
        primary=False,
    )
