"""`hardware/<vendor>/<board>.yaml`: what a board is, how it is recognized, what its vendor claims.

The path is the profile's id. A profile is data: no code, no patterns to execute, no inheritance.
`null` means that no public source was found; nothing is guessed. Every block of facts names one of
the profile's `sources`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from edgebench.schema import Strict
from edgebench.schema.amounts import (
    Bits,
    Count,
    Gibibytes,
    Gigabytes_s,
    Megahertz,
    Transfers,
    Watts,
)
from edgebench.schema.interval import Interval

Text = Annotated[str, Field(min_length=1, max_length=300)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9\-]{0,40}$")]
Date = Annotated[str, Field(pattern=r"^\d{4}(-\d\d(-\d\d)?)?$")]


def _address(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("https://"):
        raise ValueError("a source is a public page: write its https:// address")
    return value


def _named(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("a block names its source: write one of `sources`")
    return value


Url = Annotated[
    str, Field(pattern=r"^https://[^\s<>\"]+$", max_length=400), BeforeValidator(_address)
]
Cited = Annotated[Key, BeforeValidator(_named)]


def _quoted(value: Any) -> Any:
    """YAML reads an unquoted 0x41 as the number 65."""
    if isinstance(value, int):
        raise ValueError(f'write "{value:#x}", with quotes')
    return value


Hex = Annotated[str, Field(pattern=r"^0x[0-9a-f]{2,3}$"), BeforeValidator(_quoted)]
NEEDS_SOURCE = "write `source: {url: https://…, title: …, date: 2026-01-31}` where it was made"


class Source(Strict):
    """A public page. `date`: when it was published, or read where it has no date."""

    url: Url
    title: Text
    date: Date | None = None


class CpuRule(Strict):
    """Holds when some cluster has everything that is given; `count` counts its logical CPUs."""

    implementer: Hex | None = None
    part: Hex | None = None
    vendor: Text | None = None
    family: Annotated[int, Field(ge=0, le=255)] | None = None
    model: Annotated[int, Field(ge=0, le=255)] | None = None
    name: Text | None = None
    name_contains: Text | None = None
    count: Count | None = None

    @model_validator(mode="after")
    def _says_something(self) -> CpuRule:
        if all(value is None for _, value in self):
            raise ValueError("an empty rule: write `implementer` and `part`, or `name_contains`")
        return self


class Match(Strict):
    """Holds when everything that is given holds; of a list, one entry is enough.

    `compatible` and `dmi_vendor` are compared whole, what ends in `_contains` in part, both without
    regard to case. `cpus`: every rule must hold. `virtual`: whether a hypervisor was found.
    """

    compatible: tuple[Text, ...] = ()
    model_contains: tuple[Text, ...] = ()
    dmi_vendor: tuple[Text, ...] = ()
    dmi_product_contains: tuple[Text, ...] = ()
    cpus: tuple[CpuRule, ...] = ()
    gpu_contains: tuple[Text, ...] = ()
    logical_cpus: tuple[Count, ...] = ()
    virtual: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Match:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("nothing is compared: give `compatible`, `cpus` or another rule")
        return self


class Cores(Strict):
    core: Text
    count: Count
    max_frequency_mhz: Megahertz | None = None


class Soc(Strict):
    name: Text
    clusters: tuple[Cores, ...] = ()
    source: Cited


class MemorySpec(Strict):
    """`bandwidth_gb_s` is theoretical, in 10^9 bytes/s: bus width times transfers per second."""

    type: Text | None = None
    bus_bits: Bits | None = None
    transfers_mt_s: Transfers | None = None
    bandwidth_gb_s: Gigabytes_s | None = None
    sizes_gib: tuple[Gibibytes, ...] = ()
    source: Cited

    @model_validator(mode="after")
    def _adds_up(self) -> MemorySpec:
        if self.bus_bits and self.transfers_mt_s and self.bandwidth_gb_s:
            product = self.bus_bits / 8 * self.transfers_mt_s / 1000
            if abs(product / self.bandwidth_gb_s - 1) > 0.03:
                raise ValueError(
                    f"bandwidth_gb_s is {self.bandwidth_gb_s:g}, and {self.bus_bits} bits at "
                    f"{self.transfers_mt_s:g} MT/s give {product:.1f}: write {product:.1f}"
                )
        return self


class Power(Strict):
    """`tdp_w` as the vendor defines it; `min_w` to `max_w` is a range that the vendor supports."""

    tdp_w: Watts | None = None
    min_w: Watts | None = None
    max_w: Watts | None = None
    supply_w: Watts | None = None
    source: Cited


class MeterSpec(Strict):
    """A built-in power meter. `calibration` is null where nobody held it against a wall meter."""

    method: Literal[
        "rapl", "hwmon", "ina3221", "ina238", "pmic", "nvml", "battery", "ioreport", "none"
    ]
    covers: Text
    calibration: Text | None = None
    source: Key | None = None


class Price(Strict):
    amount: Annotated[float, Field(gt=0, le=1e7)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    of: Text
    date: Date
    source: Cited


class Trap(Strict):
    """Something about this board that has spoilt measurements."""

    text: Text
    source: Key | None = None


class Conditions(Strict):
    """What the vendor says that it measured; null where it does not say."""

    model: Text | None = None
    quant: Text | None = None
    backend: Text | None = None
    device: Text | None = None
    isa: Text | None = None
    threads: Count | None = None
    workload: Text | None = None


class Claim(Strict):
    """A vendor's own number. Rates are claimed to be at least `value`, times at most."""

    id: Key
    quote: Text
    metric: Literal["prefill_tok_s", "decode_tok_s", "time_to_first_token_s", "read_bandwidth_gb_s"]
    value: Annotated[float, Field(gt=0, le=1e9)]
    conditions: Conditions
    source: Source

    @model_validator(mode="before")
    @classmethod
    def _has_a_source(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("source"):
            raise ValueError(f"a claim without its source: {NEEDS_SOURCE}")
        return data


class Profile(Strict):
    """One board. It is this machine where one of `match` holds.

    `maintainers` are accounts that answer for this file; empty: edgebench's own.
    """

    version: Literal[1]
    name: Text
    vendor: Text
    kind: Literal["board", "phone", "laptop", "desktop", "server", "cloud", "accelerator"]
    match: Annotated[tuple[Match, ...], Field(min_length=1)]
    soc: Soc
    memory: MemorySpec | None = None
    power: Power | None = None
    meters: tuple[MeterSpec, ...] = ()
    price: Price | None = None
    traps: tuple[Trap, ...] = ()
    maintainers: tuple[Text, ...] = ()
    sources: Annotated[dict[Key, Source], Field(min_length=1)]
    claims: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _sources_exist(self) -> Profile:
        for where, key in self.cited():
            if key not in self.sources:
                known = ", ".join(self.sources)
                raise ValueError(f"{where}: no source {key!r} in `sources`: write one of {known}")
        ids = [claim.id for claim in self.claims]
        if len(ids) != len(set(ids)):
            raise ValueError("claims: two claims have the same id: rename one of them")
        return self

    def cited(self) -> list[tuple[str, str]]:
        """Each place that names a source, with the name."""
        blocks = (("memory", self.memory), ("power", self.power), ("price", self.price))
        found = [("soc", self.soc.source)]
        found += [(name, block.source) for name, block in blocks if block is not None]
        found += [(f"meters.{n}", m.source) for n, m in enumerate(self.meters) if m.source]
        found += [(f"traps.{n}", t.source) for n, t in enumerate(self.traps) if t.source]
        return found


class ClaimVerdict(Strict):
    """A claim held against records of that board; `reason` says why it was not tested.

    `measured` is the interval over launches of the fastest cell under the claim's conditions, of
    `cells` such cells; `record` is the file that it is in, and `open` what the vendor left unsaid.
    """

    claim: Key
    metric: str
    claimed: float
    verdict: Literal["held", "not held", "not tested"]
    reason: str | None
    measured: Interval | None
    cell: str | None
    record: str | None
    cells: Count | Literal[0]
    open: tuple[str, ...]
