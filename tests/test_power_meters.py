"""Every meter on made-up machines, with the traps that real ones set."""

from __future__ import annotations

import ctypes
import math
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import plugins
from edgebench.errors import BadInput, NotUsableHere, UnknownName
from edgebench.power import choose
from edgebench.power.battery import BatteryEnergy, BatteryPower
from edgebench.power.hwmon import HwmonEnergy, HwmonPower
from edgebench.power.ioreport import IOReport
from edgebench.power.nvml import NvmlEnergy, NvmlPower
from edgebench.power.perf import Perf
from edgebench.power.powercap import Powercap
from edgebench.power.raspberrypi import RaspberryPi
from edgebench.power.wallmeter import WallMeter
from tests.machine_tree import plant
from tests.power_maker import SECOND, play, told, window, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.power import Meter

RAPL = "sys/class/powercap"
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def zone(folder: str, name: str, energy_uj: int = 10**9, range_uj: int = 2**38) -> dict[str, str]:
    return {
        f"{RAPL}/{folder}/name": f"{name}\n",
        f"{RAPL}/{folder}/energy_uj": f"{energy_uj}\n",
        f"{RAPL}/{folder}/max_energy_range_uj": f"{range_uj}\n",
    }


def test_powercap_gives_what_went_through_a_counter_that_wraps(tmp_path: Path) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0", range_uj=2**32))
    path = root / RAPL / "intel-rapl:0/energy_uj"

    found = play(
        Powercap(root), lambda second: write(path, (2**32 - 5e7 + second * 25e6) % 2**32)
    )  # fmt: skip

    assert found["package-0"].joules == pytest.approx(250.0)
    assert found["package-0"].wraps == 1
    assert (found["package-0"].method, found["package-0"].quality) == ("counter:rapl", "B")


def test_overlapping_domains_are_told_apart(tmp_path: Path) -> None:
    """A platform holds its package, which holds its cores: each keeps its scope and its name."""
    tree = (
        zone("intel-rapl:0", "package-0") | zone("intel-rapl:0:0", "core")
        | zone("intel-rapl:0:1", "uncore") | zone("intel-rapl:0:2", "dram")
        | zone("intel-rapl:1", "psys") | zone("intel-rapl:2", "package-1")
        | {f"{RAPL}/intel-rapl/enabled": "1"}
    )  # fmt: skip
    domains = Powercap(plant(tmp_path, tree)).domains()

    assert {domain.name: domain.scope for domain in domains} == {
        "package-0": "package", "package-0/core": "cores", "package-0/uncore": "uncore",
        "package-0/dram": "memory", "psys": "platform", "package-1": "package",
    }  # fmt: skip


def test_the_mmio_interface_shows_no_package_twice(tmp_path: Path) -> None:
    msr = zone("intel-rapl:0", "package-0", 5_000_000_000)
    mmio = zone("intel-rapl-mmio:0", "package-0", 7_000_000_000)
    both = Powercap(plant(tmp_path / "both", msr | mmio))
    alone = Powercap(plant(tmp_path / "alone", mmio))
    locked = Powercap(tmp_path / "both", lambda path: "mmio" in path.parent.name)

    assert told(both) == {"package-0": (5e9, None)}
    assert told(alone) == {"package-0": (7e9, None)}
    assert told(locked) == {"package-0": (7e9, None)}, "the one that may be read"


def test_dies_that_show_one_counter_are_one_package(tmp_path: Path) -> None:
    mirrored = zone("intel-rapl:0", "package-0-die-0") | zone(
        "intel-rapl:1", "package-0-die-1", 10**9 + 300_000
    )
    different = zone("intel-rapl:0", "package-0-die-0") | zone(
        "intel-rapl:1", "package-0-die-1", 4 * 10**9
    )
    sockets = zone("intel-rapl:0", "package-0") | zone("intel-rapl:1", "package-1")

    names = [
        [domain.name for domain in Powercap(plant(tmp_path / str(n), tree)).domains()]
        for n, tree in enumerate((mirrored, different, sockets))
    ]

    assert names[0] == ["package-0-die-0"], "Zen 1 and 2 mirror the package's counter per die"
    assert names[1] == ["package-0-die-0", "package-0-die-1"], "Intel's dies count for themselves"
    assert names[2] == ["package-0", "package-1"], "two sockets are two, whatever they count"


@pytest.mark.parametrize(
    ("meter", "tree", "words"),
    [
        (Powercap, zone("intel-rapl:0", "package-0"), "chmod"),
        (HwmonPower, {"sys/class/hwmon/hwmon0/power1_input": "1"}, "may not read power1_input"),
        (HwmonEnergy, {"sys/class/hwmon/hwmon0/energy1_input": "1"}, "may not read"),
        (BatteryPower, {"sys/class/power_supply/BAT0/type": "Battery",
                        "sys/class/power_supply/BAT0/power_now": "1"}, "to this user"),
    ],
)  # fmt: skip
def test_who_may_not_read_is_told_so(
    tmp_path: Path, meter: Any, tree: Mapping[str, str], words: str
) -> None:
    root = plant(tmp_path, tree)

    closed = meter(root, lambda _path: False)

    assert words in (closed.why_not() or "")
    assert list(closed.domains()) == []
    assert meter(tmp_path / "nothing").why_not(), "and a machine without any says so as well"


def test_a_sensor_that_disappears_gives_a_reason_and_no_joule(tmp_path: Path) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0") | zone("intel-rapl:1", "psys"))
    folder = root / RAPL

    def change(second: float) -> None:
        write(folder / "intel-rapl:1/energy_uj", 1e9 + second * 30e6)
        if second < 6:
            write(folder / "intel-rapl:0/energy_uj", 1e9 + second * 25e6)
        elif (folder / "intel-rapl:0/energy_uj").exists():
            (folder / "intel-rapl:0/energy_uj").unlink()

    found = play(Powercap(root), change)

    assert found["package-0"].joules is None
    assert found["package-0"].reason == "energy_uj disappeared while it was measured."
    assert found["psys"].joules == pytest.approx(300.0), "the other one is none the worse"


def test_a_sensor_that_comes_back_is_not_trusted_again(tmp_path: Path) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0"))
    path = root / RAPL / "intel-rapl:0/energy_uj"

    def change(second: float) -> None:
        write(path, 1e9 + second * 25e6)
        if 6 < second < 6.3:
            path.write_text("no number\n")

    found = play(Powercap(root), change)

    assert found["package-0"].reason == "energy_uj holds no number."


@pytest.mark.parametrize("after", [0, 900_000_000])
def test_a_counter_that_is_reset_is_no_wrap(tmp_path: Path, after: int) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0"))
    path = root / RAPL / "intel-rapl:0/energy_uj"

    found = play(
        Powercap(root),
        lambda second: write(path, (1e9 if second < 6 else after) + second * 25e6),
    )

    assert found["package-0"].joules is None
    assert "backwards" in (found["package-0"].reason or "")


CHIP = "sys/class/hwmon/hwmon3"
ORIN = {
    f"{CHIP}/name": "ina3221\n", f"{CHIP}/update_interval": "1\n",
    f"{CHIP}/in1_label": "VDD_IN\n", f"{CHIP}/in2_label": "VDD_CPU_GPU_CV\n",
    f"{CHIP}/in1_input": "5080\n", f"{CHIP}/curr1_input": "1000\n",
    f"{CHIP}/in2_input": "5072\n", f"{CHIP}/curr2_input": "200\n",
    f"{CHIP}/in3_input": "0\n", f"{CHIP}/curr3_input": "0\n", f"{CHIP}/in3_enable": "0\n",
    f"{CHIP}/in4_input": "8\n",
}  # fmt: skip


def test_an_ina3221_tells_milliamperes_and_millivolts(tmp_path: Path) -> None:
    meter = HwmonPower(plant(tmp_path, ORIN))

    assert told(meter) == {
        "ina3221/VDD_IN": (5_080_000.0, None), "ina3221/VDD_CPU_GPU_CV": (1_014_400.0, None),
    }, "5.08 V times 1 A; the disabled channel and the shunt voltages are none"  # fmt: skip
    assert [domain.scope for domain in meter.domains()] == ["module", "rail"]


def test_hwmon_power_is_in_microwatts(tmp_path: Path) -> None:
    tree = {f"{CHIP}/name": "ina238", f"{CHIP}/power1_input": "7250000", f"{CHIP}/power1_label":
            "VIN", f"{CHIP}/curr1_input": "1450", f"{CHIP}/in1_input": "5000"}  # fmt: skip
    root = plant(tmp_path, tree)
    found = play(HwmonPower(root), lambda _: write(root / CHIP / "power1_input", 7_250_000))

    assert found["ina238/VIN"].joules == pytest.approx(72.5)
    assert found["ina238/VIN"].scope == "module"


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_a_driver_with_the_wrong_unit_gives_no_joule(tmp_path: Path, unit: float) -> None:
    root = plant(tmp_path, {f"{CHIP}/name": "ina238", f"{CHIP}/power1_input": "1",
                            f"{CHIP}/power1_label": "VIN"})  # fmt: skip

    found = play(HwmonPower(root), lambda _: write(root / CHIP / "power1_input", 7.25e6 * unit))

    assert found["ina238/VIN"].joules is None
    assert found["ina238/VIN"].reason


def test_equal_numbers_make_no_power_of_unrelated_sensors(tmp_path: Path) -> None:
    usb = {f"{CHIP}/name": "ucsi_source_psy", f"{CHIP}/curr1_input": "3000", f"{CHIP}/in1_input":
           "20000"}  # fmt: skip
    gauge = {"sys/class/hwmon/hwmon4/name": "BAT0", "sys/class/hwmon/hwmon4/power1_input": "5",
             "sys/class/hwmon/hwmon4/device/capacity": "80"}  # fmt: skip

    assert HwmonPower(plant(tmp_path, usb | gauge)).why_not(), "and a battery has its own meter"


def test_hwmon_counts_energy_in_microjoules(tmp_path: Path) -> None:
    root = plant(tmp_path, {f"{CHIP}/name": "amd_energy", f"{CHIP}/energy1_input": "1",
                            f"{CHIP}/energy1_label": "Esocket0"})  # fmt: skip

    found = play(HwmonEnergy(root), lambda s: write(root / CHIP / "energy1_input", s * 65e6))

    assert found["amd_energy/Esocket0"].joules == pytest.approx(650.0)
    assert found["amd_energy/Esocket0"].scope == "package"


EVENTS = "sys/bus/event_source/devices/power"
POWER = {
    f"{EVENTS}/type": "9\n", f"{EVENTS}/cpumask": "0,32\n",
    f"{EVENTS}/events/energy-pkg": "event=0x02\n",
    f"{EVENTS}/events/energy-pkg.scale": "2.3283064365386962890625e-10\n",
    f"{EVENTS}/events/energy-pkg.unit": "Joules\n",
    f"{EVENTS}/events/energy-ram": "event=0x03\n",
    f"{EVENTS}/events/energy-ram.scale": "2.3e-10\n", f"{EVENTS}/events/energy-ram.unit": "Ducks\n",
}  # fmt: skip


def test_perf_counts_each_package_in_joules_of_its_scale(tmp_path: Path) -> None:
    opened: list[tuple[int, int, int]] = []

    def open_event(kind: int, config: int, cpu: int) -> int:
        opened.append((kind, config, cpu))
        return cpu

    meter = Perf(plant(tmp_path, POWER), open_event, lambda handle: 2**32 * (handle + 1))

    assert meter.why_not() is None
    assert opened == [(9, 2, 0), (9, 2, 32)], "an event whose unit is unknown is not opened"
    found = {name: reading.value for name, reading in told(meter).items()}
    assert found == {"package-0": pytest.approx(1e6), "package-1": pytest.approx(33e6)}


def test_perf_without_the_right_to_it_says_what_to_do(tmp_path: Path) -> None:
    def refuse(*_: int) -> int:
        raise OSError(13, "Permission denied")

    assert "perf_event_paranoid" in (Perf(plant(tmp_path, POWER), refuse).why_not() or "")
    assert Perf(tmp_path / "nothing").why_not()

    def gone(_: int) -> int:
        raise OSError(19, "No such device")

    meter = Perf(tmp_path, lambda *_: 1, gone)
    assert told(meter)["package-0"].value is None


PMIC = """\
   3V7_WL_SW_A current(0)=0.10000000A
   VDD_CORE_A current(7)=2.00000000A
   3V7_WL_SW_V volt(8)=3.70000000V
   VDD_CORE_V volt(15)=0.80000000V
   EXT5V_V volt(24)=5.13000000V
   BATT_V volt(25)=0.00000000V
"""


def test_a_raspberry_pi_tells_the_rails_behind_its_input() -> None:
    meter = RaspberryPi(lambda _command: PMIC)

    assert meter.why_not() is None
    assert told(meter)["pmic"].value == pytest.approx(1.97e6), "0.37 W and 1.6 W"
    assert meter.domains()[0].scope == "board"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (FileNotFoundError(2, "No such file"), "No vcgencmd"),
        (OSError(0, "vcgencmd failed: timeout"), "group video"),
        ("   EXT5V_V volt(24)=5.13V\n", "only a Raspberry Pi 5"),
        ('error=1 error_msg="Command not registered"', "only a Raspberry Pi 5"),
        ("   VDD_CORE_A current(7)=2.0A\n", "without their voltages"),
    ],
)
def test_a_raspberry_pi_without_currents_says_why(said: Any, reason: str) -> None:
    def run(_command: tuple[str, ...]) -> str:
        if isinstance(said, OSError):
            raise said
        return str(said)

    assert reason in (RaspberryPi(run).why_not() or "")


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


BAT = "sys/class/power_supply/BAT0"
LAPTOP = {f"{BAT}/type": "Battery\n", f"{BAT}/status": "Discharging\n"}


@pytest.mark.parametrize(
    "files",
    [{"power_now": "12000000"}, {"current_now": "1000000", "voltage_now": "12000000"},
     {"current_now": "-1000000", "voltage_now": "12000000"}],
)  # fmt: skip
def test_a_battery_tells_microwatts_or_what_makes_them(
    tmp_path: Path, files: Mapping[str, str]
) -> None:
    tree = LAPTOP | {f"{BAT}/{name}": text for name, text in files.items()}
    meter = BatteryPower(plant(tmp_path, tree))

    assert meter.why_not() is None
    assert told(meter) == {"BAT0": (12e6, None)}, "12 W, whatever sign the driver uses"


def test_a_gauge_counts_in_watt_hours_or_in_ampere_hours(tmp_path: Path) -> None:
    hours = plant(tmp_path / "wh", LAPTOP | {f"{BAT}/energy_now": "50000000"})
    amperes = plant(
        tmp_path / "ah",
        LAPTOP | {f"{BAT}/charge_now": "4000000", f"{BAT}/voltage_now": "12000000"},
    )
    for root, name, before in ((hours, "energy_now", 50e6), (amperes, "charge_now", 4e6)):
        meter = BatteryEnergy(root)
        assert told(meter)["BAT0"].value == 0
        write(root / BAT / name, before - 10_000)
        joules = (told(meter)["BAT0"].value or 0) / 1e6
        assert joules == pytest.approx(36.0 if name == "energy_now" else 432.0)


def test_a_battery_on_a_charger_tells_nothing(tmp_path: Path) -> None:
    root = plant(tmp_path, LAPTOP | {f"{BAT}/power_now": "12000000"})

    def change(second: float) -> None:
        (root / BAT / "status").write_text("Charging\n" if second > 6 else "Discharging\n")

    found = play(BatteryPower(root), change)["BAT0"]

    assert "unplug" in (found.reason or ""), "plugged in while it was measured"
    assert "unplug" in (BatteryPower(root).why_not() or "")


class FakeApple:
    def __init__(self) -> None:
        self.told: Any = type("Metrics", (), {"cpu_total_mj": 5000, "gpu_mj": 20, "ane_mj": None})

    def get_cumulative_energy(self) -> Any:
        return self.told


def test_apple_silicon_tells_what_this_chip_knows() -> None:
    monitor = FakeApple()
    meter = IOReport(lambda: monitor)

    assert meter.why_not() is None
    assert told(meter) == {"cpu": (5e6, None), "gpu": (20e3, None)}
    monitor.told.gpu_mj = None
    assert meter.read()[1].value is None


def test_without_the_package_apple_silicon_says_how_to_get_it() -> None:
    def missing() -> Any:
        raise ImportError

    assert "pip install" in (IOReport(missing).why_not() or "")


EPOCH_S = 1_800_000_000


def log(path: Path, rows: list[str], header: str = "time,power_w") -> Path:
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def wall(path: Path, offset_s: float = 0.0, **fields: Any) -> WallMeter:
    return WallMeter(
        path, offset_s, epoch_ns=lambda: EPOCH_S * SECOND, monotonic_ns=lambda: 0,
        **({"sleep": lambda _s: None} | fields),
    )  # fmt: skip


def test_a_wall_meters_clock_is_put_right(tmp_path: Path) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S + 7.5 + second},{second}" for second in range(9)])

    found = wall(path, offset_s=7.5).series(window(0, 5))

    assert found.times_ns == tuple(second * SECOND for second in range(9))
    assert found.values == tuple(second * 1e6 for second in range(9))
    assert (found.method, found.quality, found.update_every_s) == ("wall_meter", "A", 1.0)


@pytest.mark.parametrize(
    ("header", "row", "microwatts"),
    [("time,power_w", f"{EPOCH_S},4.5", 4.5e6), ("Timestamp,Volts,Power (mW)",
     "2027-01-15T08:00:00Z,5,4500", 4.5e6), ("watts,epoch_s", f"4.5,{EPOCH_S}", 4.5e6)],
)  # fmt: skip
def test_loggers_name_their_columns_in_their_own_way(
    tmp_path: Path, header: str, row: str, microwatts: float
) -> None:
    found = wall(log(tmp_path / "wall.csv", [row], header)).series(window(0, 0))

    assert (found.times_ns, found.values) == ((0,), (microwatts,))


def test_a_late_row_is_waited_for(tmp_path: Path) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S},4", f"{EPOCH_S + 1},4"])
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            with path.open("a") as stream:
                stream.write(f"{EPOCH_S + 2},4\n{EPOCH_S + 3},")

    found = wall(path, sleep=sleep).series(window(0, 2))

    assert len(found.times_ns) == 3, "the row that is still being written does not count"
    assert len(slept) == 3
    assert len(wall(path).series(window(0, 9)).times_ns) == 3, "and patience ends"


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [("time,power", "1,2", ":1: expected one column"), ("power_w", "2", ":1:"),
     ("time,power_w", "2026-01-31T12:00:00,2", ":2: not a time"), ("time,power_w", "1", ":2:"),
     ("time,power_w", "1,much", ":2:")],
)  # fmt: skip
def test_a_wrong_log_is_refused_with_its_line(
    tmp_path: Path, header: str, row: str, words: str
) -> None:
    path = log(tmp_path / "wall.csv", [row], header)
    with pytest.raises(BadInput, match=words):
        wall(path).check()
    broken = wall(path).series(window(0, 1)).broken or ""
    assert "wall.csv:" in broken
    assert str(tmp_path) not in broken, "records are made to be shared"


@pytest.mark.parametrize("text", ["", "time,power_w\n", "time,power_w\n1,2"])
def test_a_log_without_a_whole_reading_is_refused_before_anything_is_measured(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "wall.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"holds no reading. Start the meter's logger first"):
        wall(path).check()


@pytest.mark.parametrize("offset_s", [math.nan, math.inf])
def test_an_offset_that_is_no_time_is_refused(tmp_path: Path, offset_s: float) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S},4"])
    with pytest.raises(BadInput, match="is no time"):
        wall(path, offset_s=offset_s).check()


def test_a_log_whose_clock_jumps_back_is_not_trusted(tmp_path: Path) -> None:
    path = log(tmp_path / "wall.csv", [f"{EPOCH_S + second},4" for second in (0, 1, 1, 2)])
    assert "do not rise" in (wall(path).series(window(0, 1)).broken or "")


def test_every_meter_of_the_project_answers_on_any_machine() -> None:
    """What is declared can be imported, asked and read, or says why it cannot."""
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"][plugins.METERS]
    assert len(declared) == 10
    for target in declared.values():
        module, _, name = target.partition(":")
        meter = getattr(import_module(module), name)()
        assert meter.quality in ("A", "B", "C")
        reason = meter.why_not()
        assert reason or len(meter.read()) == len(meter.domains()) > 0


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
