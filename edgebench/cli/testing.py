"""What the fixture of edgebench/pytest_plugin.py does: measure, store a baseline, judge.

Measuring is a whole `edgebench run` in a process of its own, so that a test's process, its
threads and its sockets have no part in it. Judging is `edgebench gate` on two records.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench import files
from edgebench.analysis import metrics, same_device
from edgebench.analysis.compare_reading import samples_of
from edgebench.cli.contest import World
from edgebench.cli.gating import Rules, judge_records
from edgebench.errors import BadInput, CellFailed, EdgebenchError
from edgebench.printable import clean
from edgebench.report import gate, table
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.analysis.gate_evidence import Wish
    from edgebench.schema.comparison import GateReport
    from edgebench.schema.interval import Interval
    from edgebench.schema.summary import CellSummary

LAUNCHES = 10


class Report(NamedTuple):
    """How a test's session is told. `inconclusive` is `warn`, `fail`, or skips the test."""

    say: Callable[[str], None]
    warn: Callable[[str], None]
    fail: Callable[[str], None]
    inconclusive: Callable[[str], None]


class Measurement(NamedTuple):
    """A verified record. The intervals are those of its one cell, over launches, 95 %."""

    record: Result
    path: Path

    @property
    def decode_tok_s(self) -> Interval | None:
        """Output tokens per second; None where the workload decodes nothing."""
        return self.summary.decode_tok_s

    @property
    def prefill_tok_s(self) -> Interval | None:
        """Prompt tokens per second; None where the workload has no prompt."""
        return self.summary.prefill_tok_s

    @property
    def summary(self) -> CellSummary:
        """Everything that tables show of the one cell. Raises BadInput for several."""
        if len(self.record.cells) != 1:
            raise BadInput(
                f"This measurement has {len(self.record.cells)} cells.",
                "Read its record, or measure one at a time.",
            )
        return metrics.summarize(self.record.cells[0])

    def extra_info(self) -> dict[str, object]:
        """Plain values, for `benchmark.extra_info` of pytest-benchmark."""
        shown = self.summary.model_dump(mode="json", exclude_none=True)
        return {
            "edgebench_version": self.record.edgebench_version,
            "device": self.record.device.id,
            "cell": self.record.cells[0].cell.id,
            **shown,
        }


class Bench:
    """The fixture `edgebench`. `folder` keeps records, relative baselines are below `root`."""

    def __init__(self, *, folder: Path, root: Path, store: bool, report: Report) -> None:
        self._folder, self._root, self._store, self._report = folder, root, store, report
        self._count = 0

    def measure(
        self,
        model: str = "",
        *,
        file: str | Path | None = None,
        quant: str = "",
        workload: str = "tg32",
        backend: str = "",
        isa: str = "best",
        threads: int | str = "auto",
        launches: int = LAUNCHES,
        options: Sequence[str] = (),
        timeout_s: float = 3600.0,
    ) -> Measurement:
        """Run `edgebench run` with these, and with `options` of its own; verified first.

        Raises CellFailed where an output was wrong or an engine died, and otherwise the error
        that `edgebench run` ended with.
        """
        __tracebackhide__ = True
        self._count += 1
        path = self._folder / f"{self._count}.json"
        given = {"model": model, "file": file and self._root / file, "quant": quant,
                 "workload": workload, "backend": backend, "isa": isa, "threads": threads,
                 "launches": launches, "output": path}  # fmt: skip
        chosen = [f"--{name}={value}" for name, value in given.items() if value]
        done = _run([*chosen, "--strict", *options], timeout_s)
        if done.returncode and not path.exists():
            raise _error(done)
        measured = Measurement(files.read_json(path, Result), path)
        _refuse_failures(measured.record, done)
        for row in table.rows(measured.record):
            self._report.say("  ".join(clean(field) for field in row))
        return measured

    def read(self, path: str | Path) -> Measurement:
        """A record that `edgebench run` wrote before, to be judged or looked at."""
        __tracebackhide__ = True
        return Measurement(files.read_json(self._root / path, Result), self._root / path)

    def assert_not_slower(
        self,
        measured: Measurement,
        baseline: str | Path,
        *,
        threshold: float = 0.05,
        metric: Wish = "auto",
    ) -> GateReport | None:
        """Fail where it is slower than the baseline by more than `threshold`, a share.

        `{device}` in `baseline` stands for the id of this device. None is returned where
        --edgebench-store wrote the baseline. Raises BadInput for a baseline that is missing,
        damaged, or of another device or work.
        """
        __tracebackhide__ = True
        if not 0 < threshold < 1:
            raise BadInput(f"threshold={threshold} is no share.", "Write 0.10 for 10 % slower.")
        device = measured.record.device
        path = self._root / str(baseline).replace("{device}", device.id)
        if self._store:
            files.write_atomic(path, files.to_json(measured.record), "Choose another path.")
            self._report.say(f"stored {path}")
            return None
        if not path.exists():
            raise BadInput(f"{path} does not exist.", "Write it with pytest --edgebench-store.")
        same_device.require(files.read_json(path, Result).device, device, str(path))
        rules = Rules(threshold, metric)
        found = judge_records(path, measured.path, rules, World.real(timeout_s=0))
        self._tell(found)
        return found

    def _tell(self, found: GateReport) -> None:
        __tracebackhide__ = True
        text = gate.render(found)
        self._report.say(gate.headline(found))
        if found.verdict == "fail":
            self._report.fail(text)
        elif found.verdict == "inconclusive":
            self._report.inconclusive(f"edgebench: {text}")
        elif found.verdict == "warn":
            self._report.warn(text)


def _run(options: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "edgebench", "run", *options]
    try:
        return subprocess.run(
            command, env=_environ(), capture_output=True, text=True, errors="replace",
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CellFailed(
            f"The measurement was not done after {timeout_s:g} s.", "Allow more with timeout_s."
        ) from None


def _environ() -> dict[str, str]:
    """Ours without what pytest sets for itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _refuse_failures(record: Result, done: subprocess.CompletedProcess[str]) -> None:
    for sample in samples_of(record, ""):
        if sample.no_speed:
            raise CellFailed(f"{sample.label}: {sample.no_speed}.")
    if done.returncode:
        raise _error(done)


def _error(done: subprocess.CompletedProcess[str]) -> EdgebenchError:
    """The child's error again: its class by its exit code, its own sentences."""
    said = clean("\n".join(done.stderr.strip().splitlines()[-1:])) or "it said nothing"
    known = {each.exit_code: each for each in EdgebenchError.__subclasses__()}
    return known.get(done.returncode, CellFailed)(said.removeprefix("edgebench: "))
