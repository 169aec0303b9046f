"""Memory in full: PSS, phases, swap, KV cache types and ways to load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.analysis.notes import notes
from edgebench.machine import counters, limits
from edgebench.machine.peaks import Peaks
from edgebench.models import cost
from edgebench.report import details, table
from edgebench.schema.cell import Options
from edgebench.schema.launch import Memory, PhasePeaks
from edgebench.schema.result import CellResult
from tests.conftest import record_in
from tests.machine_tree import plant
from tests.results_maker import SHAPE, cell, launch, result, trial, verification
from tests.results_maker import counters as counted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench, Script

MIB = 1 << 20


def status(peak_kib: int, resident_kib: int) -> str:
    return f"Name:\tpython\nVmHWM:\t{peak_kib} kB\nVmRSS:\t{resident_kib} kB\nVmSwap:\t12 kB\n"


def test_each_phase_has_a_peak_of_its_own_and_the_whole_its_highest(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/self/clear_refs": "", "proc/self/status": status(900, 500)})
    peaks = Peaks(tmp_path)

    peaks.end("load")
    for phase, peak in (("prefill", 700), ("decode", 600), ("prefill", 650), ("decode", 640)):
        plant(tmp_path, {"proc/self/status": status(peak, 500)})
        peaks.end(phase)

    told = {"load_bytes": 900, "prefill_bytes": 700, "decode_bytes": 640}
    assert peaks.by_phase() == {"method": "reset"} | {k: v * 1024 for k, v in told.items()}
    assert peaks.all_phases_bytes() == 900 * 1024
    assert (tmp_path / "proc/self/clear_refs").read_text() == "5"


def test_where_the_peak_cannot_be_set_back_it_is_sampled_and_says_so(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/self/clear_refs/is a folder": "", "proc/self/status": status(900, 500)})
    peaks = Peaks(tmp_path)

    for phase in ("load", "prefill", "decode"):
        peaks.end(phase)

    told = {"load_bytes": 900, "prefill_bytes": 500, "decode_bytes": 500}
    assert peaks.by_phase() == {"method": "sampled"} | {k: v * 1024 for k, v in told.items()}
    assert peaks.all_phases_bytes() == 900 * 1024


def test_without_proc_nothing_is_zero(tmp_path: Path) -> None:
    peaks = Peaks(tmp_path)
    peaks.end("load")

    assert peaks.all_phases_bytes() is None
    assert set(peaks.by_phase().values()) == {"sampled", None}
    assert counters.pss_bytes(tmp_path) is None


def test_pss_is_read_from_the_rollup(tmp_path: Path) -> None:
    rollup = (
        "55e0-7fff ---p 00000000 00:00 0 [rollup]\nRss:  5000 kB\nPss:  3000 kB\nPss_Dirty: 1 kB\n"
    )
    plant(tmp_path, {"proc/self/smaps_rollup": rollup})

    assert counters.pss_bytes(tmp_path) == 3000 * 1024


@pytest.mark.parametrize(
    ("capable", "written", "found"),
    [
        ("0000000000000000", "Max locked memory  8388608  8388608  bytes", 8 * MIB),
        ("0000000000000000", "Max locked memory  unlimited  unlimited  bytes", None),
        ("0000000000004000", "Max locked memory  65536  65536  bytes", None),
    ],
)
def test_what_may_be_locked(tmp_path: Path, capable: str, written: str, found: int | None) -> None:
    plant(tmp_path, {"proc/self/limits": written, "proc/self/status": f"CapEff:\t{capable}\n"})

    assert limits.lockable_bytes(tmp_path) == found


@pytest.mark.parametrize(("kv", "of_32"), [("f32", 128), ("f16", 64), ("q8_0", 34), ("q4_0", 18)])
def test_a_token_of_cache_by_type(kv: str, of_32: int) -> None:
    shape = SHAPE.model_copy(update={"hidden": 2048, "heads": 32, "kv_heads": 4, "layers": 22})

    assert cost.kv_bytes_per_token(shape, kv) == 2 * 22 * 256 * of_32 // 32


def test_lists_of_cache_types_and_ways_to_load_multiply_and_are_shown_apart(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    done = edgebench(
        "run", "--file", script(), "--workload", "tg4", "--threads", "1", "--launches", "1",
        "--kv", "f16,q8_0", "--load", "mmap,read",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    kept = record_in(tmp_path)
    chosen = {(e.cell.options.kv_type, e.cell.options.load_mode) for e in kept.cells}
    assert chosen == {(kv, load) for kv in ("f16", "q8_0") for load in ("mmap", "read")}
    assert "fake kv=q8_0 load=read" in done.stdout


def test_the_way_things_were_before_keeps_its_id() -> None:
    assert cell(options=Options()).id == cell(options=Options(kv_type="f16", load_mode="mmap")).id
    assert cell(options=Options()).id == "af3eba509701"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--kv", "q8"), 4, "Did you mean 'q8_0'?"),
        (("--load", "mlok"), 4, "Did you mean 'mlock'?"),
        (("--kv", "q8_0", "--no-flash-attention"), 8, "only with flash attention"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    edgebench: Edgebench, script: Script, options: tuple[str, ...], code: int, words: str
) -> None:
    done = edgebench("run", "--file", script(), "--threads", "1", "--dry-run", *options)

    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def remembered(**fields: Any) -> CellResult:
    peaks = PhasePeaks(
        method="reset", load_bytes=90 * MIB, prefill_bytes=150 * MIB, decode_bytes=120 * MIB
    )
    plain: dict[str, Any] = dict.fromkeys(Memory.model_fields)
    plain |= {"peak_rss_bytes": 150 * MIB, "pss_bytes": 111 * MIB, "phase_peaks": peaks}
    times: dict[str, Any] = {"prefill_ns": None, "step_ns": (10**7,) * 4}
    faulty = counted(major_faults=40)
    return CellResult(
        cell=cell("tg4"),
        verification=verification(),
        launches=(
            launch(0, (trial(0, **times), trial(1, **times, counters=faulty)),
                   memory=Memory(**(plain | fields))),
        ),
    )  # fmt: skip


def test_details_show_every_part() -> None:
    shown = details.render(result(remembered()))

    for part in ("111.0 MiB", "90.0 MiB", "150.0 MiB", "120.0 MiB"):
        assert part in shown


def test_swap_and_page_faults_while_timed_are_warnings() -> None:
    named = {each.name: each.message for each in notes(result(remembered(swapped_bytes=3 * MIB)))}

    assert "3.0 MiB of the worker lay in swap" in named["swapped"]
    assert "up to 40 times in one trial" in named["page_faults"]
    assert "page_faults" in table.render(result(remembered()))


def test_a_record_says_what_the_kernel_told_of_a_real_worker(
    edgebench: Edgebench, script: Script
) -> None:
    done = edgebench(
        "run", "--file", script(), "--workload", "pp4+tg4", "--threads", "1", "--launches", "1",
        "--json",
    )  # fmt: skip

    memory = json.loads(done.stdout)["cells"][0]["launches"][0]["memory"]
    assert memory["pss_bytes"] is None or 0 < memory["pss_bytes"] <= memory["peak_rss_bytes"]
    assert memory["phase_peaks"]["method"] in ("reset", "sampled")
    assert 0 < memory["phase_peaks"]["decode_bytes"] <= memory["peak_rss_bytes"]
