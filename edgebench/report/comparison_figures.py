"""How figures of a comparison are written, the same in every format that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.schema.comparison import Finding, Metric, Ratio
    from edgebench.schema.interval import Interval

NAMES: Mapping[Metric, str] = {
    "prefill_tok_s": "prefill tok/s",
    "decode_tok_s": "decode tok/s",
    "time_to_first_token_s": "TTFT",
    "load_s": "load",
    "peak_rss_bytes": "peak memory",
    "cpu_s_per_token": "CPU s/token",
}
FINDINGS: Mapping[Finding, str] = {
    "better": "better",
    "worse": "worse",
    "not_shown": "~",
    "too_few_launches": "too few launches",
}
NOT_KNOWN = "not known"


def quantity(metric: Metric, value: float) -> str:
    """`118.2`, `45.3 ms` or `188 MiB`, whatever the metric is counted in."""
    if metric == "peak_rss_bytes":
        return f"{value / 2**20:.1f} MiB"
    if metric.endswith("_tok_s"):
        return significant(value)
    return f"{significant(value * 1000)} ms"


def interval(metric: Metric, found: Interval) -> str:
    """`118.2 - 121.0 (n=5)`, or only the number of launches."""
    if found.low is None or found.high is None:
        return f"n={found.launches}"
    low, high = (quantity(metric, bound).removesuffix(" ms") for bound in (found.low, found.high))
    return f"{low} - {high} (n={found.launches})"


def ratio(found: Ratio) -> str:
    """`1.034`: head over base."""
    return _factor(found.estimate)


def bounds(found: Ratio | None) -> str:
    """`1.012 - 1.057`, or `-` where two launches on each side are missing."""
    if found is None or found.low is None or found.high is None:
        return "-"
    return f"{_factor(found.low)} - {_factor(found.high)}"


def slowdown(factor: float) -> str:
    """`+4.1%` for 1.041; `12.0 times` where per cent would be hard to read."""
    return f"{factor - 1:+.1%}" if factor < 10 else f"{significant(factor)} times"


def known(value: float | None) -> str:
    return NOT_KNOWN if value is None else significant(value)


def significant(value: float) -> str:
    """Four significant digits, without an exponent where that is readable."""
    return f"{value:#.4g}".rstrip(".") if 1e-4 <= abs(value) < 1e6 else f"{value:.3e}"


def _factor(value: float) -> str:
    return f"{value:.3f}" if 0.01 <= value < 1000 else significant(value)
