from __future__ import annotations

from pathlib import Path

from edgebench.machine import counters, pagecache

CAPTURED = Path(__file__).parent / "machines" / "epyc-zen4-vm-2cpu"


def test_counters_of_this_process_only_grow() -> None:
    before = counters.snapshot()
    sum(range(200_000))
    found = counters.difference(before, counters.snapshot())

    assert set(found) == set(counters.Snapshot._fields)
    cpu_user_s = found["cpu_user_s"]
    assert cpu_user_s is not None
    assert cpu_user_s >= 0


def test_a_captured_machine_gives_its_figures() -> None:
    found = counters.snapshot(CAPTURED)

    assert found.steal_s is not None
    assert found.steal_s > 0
    assert found.pressure_cpu_us is not None
    assert found.pressure_cpu_us > 0
    assert found.run_delay_ns is None, "no task in the capture: not measured, and not 0"


def test_what_cannot_be_read_is_none_and_never_0(tmp_path: Path) -> None:
    found = counters.snapshot(tmp_path)

    assert found.steal_s is None
    assert found.pressure_cpu_us is None
    assert found.cgroup_throttled_us is None
    assert counters.temperature_c(tmp_path) is None
    assert counters.frequency_khz(tmp_path) is None
    assert counters.peak_rss_bytes(tmp_path) is None
    assert counters.difference(found, found)["steal_s"] is None


def test_a_counter_that_runs_backwards_is_none() -> None:
    now = counters.snapshot()
    earlier = now._replace(steal_s=5.0)
    assert counters.difference(earlier, now._replace(steal_s=4.0))["steal_s"] is None


def test_sensors_that_report_nonsense_do_not_count(tmp_path: Path) -> None:
    for number, text in enumerate(["51234", "-256000", "n/a"]):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)
    cpufreq = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    cpufreq.mkdir(parents=True)
    (cpufreq / "scaling_cur_freq").write_text("2400000\n")

    assert counters.temperature_c(tmp_path) == 51.234
    assert counters.frequency_khz(tmp_path) == 2_400_000


def test_the_page_cache_can_be_asked_and_emptied(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(1 << 20))
    with path.open("rb") as stream:
        import os

        os.fsync(stream.fileno())

    assert pagecache.resident_share([path]) == 1.0
    pagecache.drop([path])
    share = pagecache.resident_share([path])
    assert share is not None
    assert 0.0 <= share <= 1.0


def test_files_that_are_gone_have_no_share(tmp_path: Path) -> None:
    pagecache.drop([tmp_path / "gone"])
    assert pagecache.resident_share([tmp_path / "gone"]) is None
    assert pagecache.resident_share([]) is None
