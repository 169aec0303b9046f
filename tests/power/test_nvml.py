"""NVIDIA's library, played on two GPUs."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from edgebench.power.nvml import NvmlEnergy, NvmlPower
from tests.power.makers import play, told


class FakeNvml:
    """The functions of libnvidia-ml.so.1 that are called, on two GPUs."""

    def __init__(self, status: int = 0, init: int = 0) -> None:
        self.millijoules, self.milliwatts, self.status, self.init = 5_000_000, 350_000, status, init

    def nvmlInit_v2(self) -> int:  # noqa: N802 - NVIDIA's name
        return self.init

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, number: int, gpu: Any) -> int:  # noqa: N802
        gpu._obj.value = 100 + number
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, _gpu: Any, answer: Any) -> int:  # noqa: N802
        assert isinstance(answer._obj, ctypes.c_ulonglong)
        answer._obj.value = self.millijoules
        return self.status

    def nvmlDeviceGetPowerUsage(self, _gpu: Any, answer: Any) -> int:  # noqa: N802
        assert isinstance(answer._obj, ctypes.c_uint)
        answer._obj.value = self.milliwatts
        return self.status


def test_nvml_counts_in_millijoules_and_tells_milliwatts() -> None:
    library = FakeNvml()
    counter, power = NvmlEnergy(lambda: library), NvmlPower(lambda: library)

    assert told(counter) == {"gpu-0": (5e9, None), "gpu-1": (5e9, None)}
    assert told(power)["gpu-0"].value == 350e6

    def change(second: float) -> None:
        library.millijoules = 5_000_000 + round(second * 350_000)

    counted = play(counter, change)["gpu-0"]
    integrated = play(power, change)["gpu-0"]
    assert counted.joules == pytest.approx(3500.0)
    assert integrated.joules is None, "an average over a second needs 50 of them"
    assert "50 s are needed" in (integrated.reason or "")


@pytest.mark.parametrize(
    ("library", "reason"),
    [(FakeNvml(status=3), "does not tell"), (FakeNvml(status=15), "failed with 15"),
     (FakeNvml(init=9), "failed with 9")],
)  # fmt: skip
def test_a_gpu_that_does_not_tell_is_null_and_not_0(library: FakeNvml, reason: str) -> None:
    assert reason in (NvmlEnergy(lambda: library).why_not() or "")


def test_without_a_driver_there_is_no_gpu_to_ask() -> None:
    def missing() -> Any:
        raise OSError("libnvidia-ml.so.1 cannot be opened")

    assert "No NVIDIA driver" in (NvmlPower(missing).why_not() or "")
