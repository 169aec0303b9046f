"""The dated price table: what tokens cost elsewhere, and what electricity costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgebench.schema import Strict

Amount = Annotated[float, Field(gt=0, le=1e6)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]


class PriceSource(Strict):
    """`url` is null for one of the source documents, which is named instead."""

    title: str
    url: Annotated[str, Field(pattern=r"^https://")] | None


class ApiPrice(Strict):
    """`input_per_million` and `output_per_million` are in `currency`, per million tokens. `date` is
    when it was seen at that price, not when it was set; `note` what the source adds, or lacks.

    `level` groups prices of about equal quality; a decline is fitted within a level only.
    """

    model: str
    date: Date
    currency: Literal["USD", "CNY"]
    input_per_million: Amount
    output_per_million: Amount
    level: str
    source: str
    note: str | None = None


class Range(Strict):
    """Uniform between the two."""

    low: Amount
    high: Amount
    source: str

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Prices(Strict):
    """`api` lists what APIs ask; `electricity_usd_per_kwh` and `device_life_years` are ranges that
    costs of one's own devices are drawn from. `version` moves when a field changes its meaning.
    """

    version: Literal[1]
    api: tuple[ApiPrice, ...]
    electricity_usd_per_kwh: Range
    device_life_years: Range
    sources: dict[str, PriceSource]

    @model_validator(mode="after")
    def _sources_exist(self) -> Prices:
        cited = [each.source for each in self.api]
        cited += [self.electricity_usd_per_kwh.source, self.device_life_years.source]
        for key in cited:
            if key not in self.sources:
                raise ValueError(f"no source {key!r} in `sources`")
        return self
