"""Energy as one meter told it of one phase. Joules or null with a reason; never 0."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgebench.schema import Quantity, Strict, Whole

METHOD = r"^(wall_meter|(counter|sampled):[a-z0-9_]+)$"
Phase = Literal["prefill", "decode", "idle"]
# A: an instrument at the plug. B: a counter that the vendor keeps. C: power looked at now and then.
Quality = Literal["A", "B", "C"]
# What the figure covers. They overlap: platform holds package, package holds cores; never add up.
Scope = Literal[
    "system", "platform", "device", "board", "module", "rail", "package", "cores", "uncore",
    "memory", "gpu", "accelerator",
]  # fmt: skip


class Energy(Strict):
    """What one meter told of one phase, over the timed trials of a launch together.

    `method` is `wall_meter`, `counter:<source>` or `sampled:<source>`; `meter` the name of what
    was metered ("package-0"). All of `scope` is covered, other programs included.

    `window_s` sums the `windows` (one per trial) over which was integrated. `low_joules` and
    `high_joules` are bounds: for counters hard ones, from the readings just inside and just
    outside the windows; for sampled power, from the variance of the `samples` in the windows.
    `read_every_s` is how often edgebench looked, `update_every_s` how often the source has
    something new. `first_uj` and `last_uj` are the raw counter at both ends of the launch, and
    `wraps` how often it began anew between them; null where the source tells power.
    """

    phase: Phase
    method: Annotated[str, Field(pattern=METHOD)]
    meter: str
    scope: Scope
    quality: Quality
    joules: Quantity | None
    low_joules: Quantity | None
    high_joules: Quantity | None
    window_s: Quantity
    windows: Whole
    samples: Whole
    read_every_s: Quantity
    update_every_s: Quantity
    first_uj: Whole | None
    last_uj: Whole | None
    wraps: Whole | None
    reason: str | None

    @model_validator(mode="after")
    def _joules_or_a_reason(self) -> Energy:
        joules, low, high = self.joules, self.low_joules, self.high_joules
        if joules is None or low is None or high is None:
            if not self.reason or (joules, low, high) != (None, None, None):
                raise ValueError("no joules: a reason was expected, and no bounds")
        elif self.reason or joules == 0 or not low <= joules <= high:
            raise ValueError("joules must be above 0, between their bounds, and without a reason")
        return self
