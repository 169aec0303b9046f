"""What a cell did while it was looped for minutes: arrays with one place per loop or look.

Times are nanoseconds of the monotonic clock. An array is null where nothing tells such a thing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Quantity, Strict, Whole
from edgebench.schema.energy import METHOD, Quality, Scope

Celsius = Annotated[float, Field(ge=-100, le=1000)]


class Conditions(Strict):
    """What sensors told, look by look, read by the harness while the worker looped.

    `temperature_c` is the hottest sensor, `frequency_khz` the fastest of the CPUs measured on,
    `throttle_count` what x86 CPUs have counted since boot, `cooling_state` the highest state of a
    cooling device that slows CPUs (0: none does), `firmware_throttled` whether a Raspberry Pi's
    firmware reported any of its limits at that moment.
    """

    times_ns: tuple[Whole, ...]
    temperature_c: tuple[Celsius | None, ...] | None
    frequency_khz: tuple[Whole | None, ...] | None
    throttle_count: tuple[Whole | None, ...] | None
    cooling_state: tuple[Whole | None, ...] | None
    firmware_throttled: tuple[bool | None, ...] | None


class PowerCourse(Strict):
    """Average watts of one meter's domain up to each of `times_ns`, since the one before.

    Where nothing can be computed both are empty and `reason` says why.
    """

    method: Annotated[str, Field(pattern=METHOD)]
    meter: str
    scope: Scope
    quality: Quality
    times_ns: tuple[Whole, ...]
    watts: tuple[Quantity, ...]
    reason: str | None


class Sustained(Strict):
    """One launch that looped its workload back to back for `asked_s` seconds after its warm-up.

    `prefill_ns` and `decode_ns` are a loop's prefill call and the sum of its decode steps;
    `first_sample_ns` the first greedy choice of a scenario. `other_outputs` counts loops whose
    greedy tokens were not those of the first.
    """

    asked_s: Quantity
    started_ns: tuple[Whole, ...]
    wall_ns: tuple[Whole, ...]
    tokenize_ns: tuple[Whole, ...] | None
    first_sample_ns: tuple[Whole, ...] | None
    prefill_ns: tuple[Whole, ...] | None
    decode_ns: tuple[Whole, ...] | None
    cpu_s: tuple[Quantity, ...]
    run_delay_ns: tuple[Whole | None, ...] | None
    major_faults: tuple[Whole, ...]
    other_outputs: Whole
    conditions: Conditions | None
    power: tuple[PowerCourse, ...]


class SpeedCourse(Strict):
    """First window against last: `last_over_first` with its 95 % interval.

    `unit` says over what: the loops of one launch, their serial correlation taken into account
    (`correlation` of neighbours), its windows where loops resemble each other too much, or launches
    where there are several. Null bounds need more. `degrees` are those of Student's t.
    """

    first_tok_s: float
    last_tok_s: float
    last_over_first: float
    low: float | None
    high: float | None
    unit: Literal["loops", "windows", "launches"]
    first_loops: Whole
    last_loops: Whole
    correlation: float | None
    degrees: float | None = None


class WattsCourse(Strict):
    """Average watts in the first and in the last window."""

    method: str
    meter: str
    scope: Scope
    quality: Quality
    first_w: float
    last_w: float


class SustainedSummary(Strict):
    """`window_s` is a minute, or half of what was looped where that was less than two.

    `throttled_share` is the share of looks at which something said that CPUs were held back; null
    where nothing tells.
    """

    looped_s: float
    window_s: float
    loops: Whole
    prefill: SpeedCourse | None
    decode: SpeedCourse | None
    first_temperature_c: float | None
    last_temperature_c: float | None
    highest_temperature_c: float | None
    first_frequency_khz: float | None
    last_frequency_khz: float | None
    lowest_frequency_khz: float | None
    throttled_share: float | None
    watts: tuple[WattsCourse, ...]
