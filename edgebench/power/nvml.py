"""NVIDIA GPUs through the driver's own library: a counter (Volta and later), or power.

Source: the NVML API reference; units are millijoules and milliwatts. Where the driver says "not
supported" (older cards, virtual GPUs) there is no figure. Since Ampere's small chips the power is
an average over a second (ml-energy/zeus#45), and on A100 and H100 it is sampled a quarter of the
time only (arXiv 2312.02741): the counter is the better of the two.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Literal

from edgebench.power import READ_EVERY_S, Domain, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.schema.energy import Quality

LIBRARY = "libnvidia-ml.so.1"
SUCCESS, NOT_SUPPORTED = 0, 3


def load_library() -> Any:
    """The driver's library. Raises OSError where there is none."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError:
        raise OSError(f"{LIBRARY} cannot be opened") from None


class _Nvml:
    """What the counter and the power have in common: finding the GPUs, and asking each."""

    quality: Quality
    read_every_s = READ_EVERY_S
    _function: str
    _answer: type[ctypes.c_ulonglong] | type[ctypes.c_uint]

    def __init__(self, library: Callable[[], Any] = load_library) -> None:
        self._library_of = library
        self._library: Any = None
        self._gpus: list[ctypes.c_void_p] = []

    def why_not(self) -> str | None:
        try:
            self._open()
        except OSError as error:
            return f"No NVIDIA driver that answers: {error}."
        if not self._gpus:
            return "The NVIDIA driver knows no GPU."
        readings = self.read()
        if all(reading.value is None for reading in readings):
            return readings[0].why_not
        return None

    def domains(self) -> tuple[Domain, ...]:
        self._open()
        return tuple(Domain(f"gpu-{number}", "gpu") for number in range(len(self._gpus)))

    def read(self) -> tuple[Reading, ...]:
        self._open()
        return tuple(self._ask(gpu) for gpu in self._gpus)

    def _ask(self, gpu: ctypes.c_void_p) -> Reading:
        answer = self._answer()
        status = getattr(self._library, self._function)(gpu, ctypes.byref(answer))
        if status == NOT_SUPPORTED:
            return Reading(None, "This GPU does not tell it: older and virtual ones do not.")
        if status != SUCCESS:
            return Reading(None, f"{self._function} failed with {status}.")
        return Reading(answer.value * 1000.0)

    def _open(self) -> None:
        """Once. Raises OSError where there is no library or it does not start."""
        if self._library is not None:
            return
        library = self._library_of()
        if status := library.nvmlInit_v2():
            raise OSError(f"nvmlInit failed with {status}")
        count = ctypes.c_uint()
        library.nvmlDeviceGetCount_v2(ctypes.byref(count))
        for number in range(count.value):
            gpu = ctypes.c_void_p()
            if library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(gpu)) == SUCCESS:
                self._gpus.append(gpu)
        self._library = library


class NvmlEnergy(_Nvml):
    """The counter, in millijoules; it moves every ten milliseconds or more rarely."""

    method = "counter:nvml"
    quality: Quality = "B"
    kind: Literal["energy", "power"] = "energy"
    update_every_s = 0.02
    _function = "nvmlDeviceGetTotalEnergyConsumption"
    _answer = ctypes.c_ulonglong


class NvmlPower(_Nvml):
    """Power in milliwatts, an average over a second."""

    method = "sampled:nvml"
    quality: Quality = "C"
    kind: Literal["energy", "power"] = "power"
    update_every_s = 1.0
    _function = "nvmlDeviceGetPowerUsage"
    _answer = ctypes.c_uint
