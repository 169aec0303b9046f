"""Whatever kills a launch is recorded; whatever kills the run loses nothing that was finished."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Edgebench, Script, record_in

ONE_CELL = ("--workload", "tg4", "--threads", "1", "--launches", "3")
# Tokenizing, the reference and the verification load the script before the first launch does.
LOADS_BEFORE_MEASURING = 3


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("sigkill", "killed"),
        ("sigsegv", "crashed"),
        ("memory", "out_of_memory"),
        ("error", "engine_error"),
        ("exit", "protocol"),
    ],
)
def test_a_launch_that_dies_is_a_failure_and_the_others_stay(
    edgebench: Edgebench, script: Script, tmp_path: Path, how: str, kind: str
) -> None:
    path = script(fail={"at": "decode", "how": how, "after_loads": LOADS_BEFORE_MEASURING + 2})

    done = edgebench("run", "--file", path, *ONE_CELL)

    assert done.returncode == 0, done.stderr
    assert "launch_failed" in done.stdout
    (cell,) = record_in(tmp_path).cells
    assert [launch.failure and launch.failure.kind for launch in cell.launches] == [
        None, None, kind,
    ]  # fmt: skip
    assert cell.launches[2].failure is not None
    assert cell.launches[2].failure.stage == "warmup"
    assert edgebench("check", "results").returncode == 0


def test_a_worker_that_hangs_is_killed_and_named(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(fail={"at": "decode", "how": "hang", "after_loads": LOADS_BEFORE_MEASURING})

    edgebench("run", "--file", path, *ONE_CELL, "--timeout", "8s")

    (cell,) = record_in(tmp_path).cells
    assert {launch.failure.kind for launch in cell.launches if launch.failure} == {"timeout"}
    assert len(cell.launches) == 2, "a cell that failed twice is not launched a third time"
    assert not _workers_of(path)


def test_an_engine_that_prints_to_stdout_disturbs_nothing(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    edgebench("run", "--file", script(fail={"at": "decode", "how": "chatter"}), *ONE_CELL)

    (cell,) = record_in(tmp_path).cells
    assert [launch.failure for launch in cell.launches] == [None, None, None]


def test_memory_that_the_limit_forbids_is_out_of_memory(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(allocate_bytes=3 << 30)

    edgebench("run", "--file", path, *ONE_CELL, "--memory-limit", "2GiB")

    (cell,) = record_in(tmp_path).cells
    assert cell.verification is not None
    assert cell.verification.failure is not None
    assert cell.verification.failure.kind == "out_of_memory"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_every_finished_launch_and_leaves_no_worker(
    script: Script, tmp_path: Path, environ: dict[str, str], number: signal.Signals
) -> None:
    path = script(really_s=0.05)
    process = _start(tmp_path, environ, "--file", path, "--workload", "tg4", "--launches", "50")
    _wait_until(lambda: _launches(tmp_path) >= 2)

    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)

    assert process.returncode == 130, stderr
    assert "Interrupted after" in stderr
    assert "tg4" in stdout, "what is there is shown"
    result = record_in(tmp_path)
    assert result.schedule.stopped_because == "interrupted"
    assert len(result.cells[0].launches) >= 2
    assert not _workers_of(path)


def test_ctrl_c_while_weights_are_fetched_is_one_sentence(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environ |= {"HF_ENDPOINT": address, "NO_PROXY": "*"}
        process = subprocess.Popen(
            [sys.executable, "-m", "edgebench", "run", "--model", "llama-68m"],
            cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        silent.settimeout(60)
        asked, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        asked.close()

    assert process.returncode == 130
    assert stderr.splitlines()[-1].startswith("edgebench: Interrupted.")
    assert "Traceback" not in stderr


def test_a_harness_that_is_killed_leaves_a_valid_record_and_no_worker(
    script: Script, tmp_path: Path, environ: dict[str, str], edgebench: Edgebench
) -> None:
    path = script(really_s=0.05)
    process = _start(tmp_path, environ, "--file", path, "--workload", "tg4", "--launches", "50")
    _wait_until(lambda: _launches(tmp_path) >= 1)

    process.kill()
    process.communicate(timeout=30)

    assert len(record_in(tmp_path).cells[0].launches) >= 1
    assert edgebench("check", "results").returncode == 0
    _wait_until(lambda: not _workers_of(path))


def test_a_record_that_cannot_grow_ends_the_run_with_a_sentence(
    script: Script, tmp_path: Path, environ: dict[str, str], edgebench: Edgebench
) -> None:
    """The kernel refuses to write beyond a file size limit, as it does on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, 64_000))

    done = subprocess.run(
        [sys.executable, "-m", "edgebench", "run", "--file", path_text(script()),
         "--workload", "tg256", "--threads", "1", "--launches", "20"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, preexec_fn=limit,
        timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 9, done.stderr
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(record_in(tmp_path).cells[0].launches) >= 1, "what had been saved is intact"
    assert edgebench("check", "results").returncode == 0
    leftovers = [p for p in (tmp_path / "results").rglob("*") if p.name.startswith(".")]
    assert leftovers == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tiny file system needs root")
def test_a_full_disk_keeps_the_last_complete_record(
    script: Script, tmp_path: Path, environ: dict[str, str], edgebench: Edgebench
) -> None:
    disk = tmp_path / "results"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        done = edgebench("run", "--file", script(), "--workload", "tg256", "--threads", "1",
                         "--launches", "20")  # fmt: skip
        assert done.returncode == 9, done.stderr
        assert "No space left on device" in done.stderr
        assert edgebench("check", "results").returncode == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_output_that_cannot_be_written_is_said_before_anything_is_measured(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file, not a folder")

    done = edgebench("run", "--file", script(), *ONE_CELL, "--output", "blocked/deep")

    assert done.returncode == 9
    assert "could not be written" in done.stderr


def test_two_runs_at_once_both_leave_a_valid_record(
    script: Script, tmp_path: Path, environ: dict[str, str], edgebench: Edgebench
) -> None:
    path = script(really_s=0.02)
    both = [_start(tmp_path, environ, "--file", path, *ONE_CELL) for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], ended
    records = sorted((tmp_path / "results").rglob("*.json"))
    assert len(records) == 2
    assert edgebench("check", "results").returncode == 0


def _start(folder: Path, environ: dict[str, str], *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "edgebench", "run", "--threads", "1", *map(str, arguments)],
        cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _launches(folder: Path) -> int:
    records = list((folder / "results").rglob("*.json"))
    if not records:
        return 0
    return sum(len(cell["launches"]) for cell in json.loads(records[0].read_text())["cells"])


def _workers_of(path: Path) -> list[str]:
    """Worker processes that are still there (they hold the script's folder as their cwd)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            folder = (entry / "cwd").resolve()
        except OSError:
            continue
        if "edgebench.measure.worker" in command and folder == path.parent:
            found.append(command)
    return found


def _wait_until(condition: object, timeout_s: float = 60) -> None:
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def path_text(path: Path) -> str:
    return str(path)
