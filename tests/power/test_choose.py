"""Which meters are read, of those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench.errors import BadInput, NotUsableHere, UnknownName
from edgebench.power import choose

if TYPE_CHECKING:
    from edgebench.power import Meter


class Stub:
    """A meter that can be read, or says why not."""

    method, quality, kind = "counter:stub", "B", "energy"
    update_every_s = read_every_s = 0.1

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason

    def why_not(self) -> str | None:
        return self.reason

    def domains(self) -> Any:
        from edgebench.power import Domain

        return (Domain("a", "package"), Domain("b", "package"))

    def read(self) -> Any:
        from edgebench.power import Reading

        return (Reading(1.0), Reading(1.0))


def stubs(**reasons: str | None) -> dict[str, Meter]:
    return {name.replace("_", "-"): Stub(reason) for name, reason in reasons.items()}  # type: ignore[misc]


def test_the_second_way_to_a_counter_is_read_only_where_the_first_is_closed() -> None:
    assert choose.usable(stubs(powercap=None, perf=None, nvml_power=None)) == (
        "powercap", "nvml-power",
    )  # fmt: skip
    assert choose.usable(stubs(powercap="root only", perf=None)) == ("perf",)


@pytest.mark.parametrize(
    "wrong", [{"method": "guess"}, {"quality": "D"}, {"read_every_s": 0}, {"kind": "volts"}]
)
def test_a_strangers_meter_must_speak_the_records_language(wrong: dict[str, Any]) -> None:
    meters: Any = {"theirs": Stub()}
    meters["theirs"].__dict__.update(wrong)
    with pytest.raises(BadInput, match="theirs"):
        choose.chosen(("auto",), meters, gpu=False)


def test_a_gpu_that_nothing_runs_on_is_left_asleep() -> None:
    def wake() -> str | None:
        pytest.fail("it was asked")

    meters = stubs(nvml=None, hwmon=None)
    gpu: Any = meters["nvml"]
    assert choose.chosen(("auto",), meters, gpu=True) == (gpu, meters["hwmon"])
    gpu.why_not = wake
    assert choose.chosen(("auto",), meters, gpu=False) == (meters["hwmon"],)


def test_doctor_lists_each_meter_in_its_own_words() -> None:
    able, unable = choose.energy_sources(stubs(hwmon=None, nvml="No GPU."))
    assert (able.kind, able.name, able.why_not) == ("hwmon", "a, b", None)
    assert (unable.kind, unable.name, unable.why_not) == ("nvml", None, "No GPU.")


def test_a_named_meter_must_be_there_and_readable() -> None:
    meters = stubs(powercap="Only root may.", hwmon=None)

    assert choose.chosen(("hwmon",), meters, gpu=False) == (meters["hwmon"],)
    assert choose.chosen(("none",), {}, gpu=False) == ()
    assert choose.chosen(("auto",), meters, gpu=False) == (meters["hwmon"],)
    with pytest.raises(NotUsableHere, match="Only root may"):
        choose.chosen(("powercap",), meters, gpu=False)
    with pytest.raises(UnknownName, match="Did you mean 'hwmon'"):
        choose.chosen(("hwmom",), meters, gpu=False)
    with pytest.raises(BadInput, match="goes with no other"):
        choose.chosen(("auto", "hwmon"), meters, gpu=False)
