"""`claims run`: identical cells once, nothing measured twice, whatever ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from edgebench import files
from edgebench.claims.figures import is_contended
from edgebench.measure import experimenting
from edgebench.schema.experiment import Block, Experiment, Point
from edgebench.schema.result import Result
from tests.claims.makers import X86

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.measure.experimenting import Rim
    from edgebench.measure.experiments import World
    from tests.conftest import Edgebench, Script

# A suite of one claim whose two needs share a cell, on the fake engine.
PROGRAM = """
import sys
from pathlib import Path
from edgebench.claims import Cells, Claim
from edgebench.cli.claims_running import Asked, run_claims
from edgebench.cli.claims_world import Here
from edgebench.models.prepared import prepare
from edgebench.models.progress import Silent

class Scripted(Here):
    def file(self, model, quant, weights, *, dry):
        return prepare(Path(sys.argv[1]), source="made", cache=self.cache, progress=Silent())

def cells(isas, launches):
    return Cells(quants=("none",), workloads=("tg4",), backends=("fake",), isas=isas,
                 threads=(1,), launches={"smoke": launches})

claim = Claim(id="isa-speedup", version=1, title="made", quotes=(), hypothesis="", rule="",
              needs=(cells(("scripted", "other"), 4), cells(("other",), 6)), margins={},
              judge=lambda evidence: (), out_of_reach=(), others_would_add="")
asked = Asked((), "smoke", Path("results"), None, 3600.0, False, False, True, ("none",))
run_claims(asked, Scripted(ceilings=False, meters=("none",)), (claim,))
"""
WANTED = {"scripted": 4, "other": 6}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def start(program: Path, script: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, program, script], cwd=program.parent, env=environ,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def kept(folder: Path) -> list[Result]:
    return [files.read_json(path, Result) for path in sorted(folder.rglob("results/*/*.json"))]


def launches(results: Sequence[Result], *, all_of_them: bool = True) -> dict[str, int]:
    """By instruction set; without those that count as contended, where not all are asked for."""
    counts = dict.fromkeys(WANTED, 0)
    for result in results:
        for entry in result.cells:
            counts[entry.cell.isa] += sum(
                all_of_them or not is_contended(each, result.device.usable_cpus)
                for each in entry.launches
                if len(each.trials) > 1
            )
    return counts


def test_a_killed_suite_goes_on_and_measures_nothing_twice(
    tmp_path: Path, program: Path, script: Script, environ: dict[str, str]
) -> None:
    path = script(really_s=0.05)
    first = start(program, path, environ)
    deadline = time.monotonic() + 100
    while sum(launches(kept(tmp_path)).values()) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    before = kept(tmp_path)
    assert 4 <= sum(launches(before).values()) < sum(WANTED.values())

    second = start(program, path, environ)
    out, err = second.communicate(timeout=100)
    assert second.returncode == 0, err.decode()

    counted = launches(before, all_of_them=False)
    added = launches([each for each in kept(tmp_path) if each not in before])
    assert added == {isa: WANTED[isa] - counted[isa] for isa in WANTED}
    assert json.loads(out)["record"] == "verdicts"


def test_a_finished_suite_measures_nothing_more(
    tmp_path: Path, program: Path, script: Script, environ: dict[str, str]
) -> None:
    path = script()
    for _ in range(2):
        done = start(program, path, environ)
        _, err = done.communicate(timeout=100)
        assert done.returncode == 0, err.decode()
    if launches(kept(tmp_path)) == launches(kept(tmp_path), all_of_them=False):
        assert launches(kept(tmp_path)) == WANTED


def test_a_disk_that_is_full_ends_the_suite_with_one_sentence(
    tmp_path: Path, program: Path, script: Script, environ: dict[str, str]
) -> None:
    """No file may grow beyond 4 kB here, and a record is longer."""
    command = [sys.executable, str(program), str(script())]
    done = subprocess.run(
        ["prlimit", "--fsize=4096", *command], cwd=tmp_path, env=environ, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("edgebench.errors.CannotWrite: ")
    assert last.endswith("Free some space, or choose another place with --results.")
    assert kept(tmp_path) == []


def test_results_that_cannot_be_written_are_known_before_anything_is_measured(
    tmp_path: Path, program: Path, script: Script, environ: dict[str, str]
) -> None:
    (tmp_path / "results").write_text("a file where a folder should be")
    _, err = start(program, script(), environ).communicate(timeout=100)
    last = err.decode().strip().splitlines()[-1]
    assert last.startswith("edgebench.errors.CannotWrite: ")
    assert last.endswith("Choose another place with --results.")
    assert "tok/s" not in err.decode()


class Counting(NamedTuple):
    """An experiment that fails in the block of that index, once."""

    fails_at: int | None = None
    kind: str = "counting"
    version: int = 1

    def why_not(self, _world: World) -> str | None:
        return None

    def files(self, _world: World) -> Sequence[object]:
        return ()

    def block_s(self, _world: World) -> float:
        return 0.0

    def block(self, _world: World, index: int, rng: random.Random) -> Sequence[Point]:
        if index == self.fails_at:
            raise KeyboardInterrupt
        return [Point(condition={"index": index}, values={"drawn": rng.random()})]


def rim(saved: list[Experiment]) -> Rim:
    return experimenting.Rim(
        utc=lambda: "2026-01-01T00:00:00Z",
        load_average=lambda: 0.1,
        engines=tuple,
        save=saved.append,
        block_done=lambda _done, _blocks: None,
    )


def blank(kind: Counting, run_id: str, **settings: int) -> Experiment:
    return experimenting.blank(
        kind,  # type: ignore[arg-type]
        run_id=run_id, started_utc="2026-01-01T00:00:00Z", device=X86, files=(),
        settings=settings, seed=7,
    )  # fmt: skip


def test_an_experiment_loses_at_most_the_block_under_way() -> None:
    saved: list[Experiment] = []
    broken, whole = Counting(fails_at=2), Counting()
    world: World = None  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        experimenting.run(broken, world, blank(broken, "aaaaaaaa"), range(4), rim(saved))  # type: ignore[arg-type]
    first = saved[-1]
    assert [block.index for block in first.blocks] == [0, 1]
    assert first.finished_utc is None

    again = blank(whole, "bbbbbbbb")
    missing = experimenting.missing(4, [first])
    found = experimenting.run(whole, world, again, missing, rim(saved))  # type: ignore[arg-type]
    assert [block.index for block in found.blocks] == [2, 3]
    assert found.finished_utc is not None


def test_no_block_is_begun_when_time_is_up() -> None:
    """A kind of many blocks would else go on for as long as all of them take."""
    saved: list[Experiment] = []
    left = iter([True, True, False])
    short = rim(saved)._replace(may_begin=lambda: next(left))
    world: World = None  # type: ignore[assignment]
    kind = Counting()
    found = experimenting.run(kind, world, blank(kind, "aaaaaaaa"), range(4), short)  # type: ignore[arg-type]
    assert [block.index for block in found.blocks] == [0, 1]
    assert experimenting.missing(4, saved[-1:]) == [2, 3]


def test_blocks_of_other_settings_are_other_blocks() -> None:
    one = blank(Counting(), "aaaaaaaa", rank=8)
    block = Block(index=0, started_utc="2026-01-01T00:00:00Z", load_average=None, points=())
    one = one.model_copy(update={"blocks": (block,)})
    others = (
        blank(Counting(), "bbbbbbbb", rank=8),
        blank(Counting(), "bbbbbbbb", rank=16),
        blank(Counting(version=2), "bbbbbbbb", rank=8),
    )
    same = [experimenting.identity(each) == experimenting.identity(one) for each in others]
    assert same == [True, False, False]


def with_blocks(*blocks: tuple[int, tuple[Point, ...]]) -> Experiment:
    made = tuple(
        Block(index=index, started_utc="2026-01-01T00:00:00Z", load_average=9.0, points=points)
        for index, points in blocks
    )
    return blank(Counting(), "aaaaaaaa").model_copy(update={"blocks": made})


def shares(*waited: float | None) -> tuple[Point, ...]:
    why = "The worker was killed."
    return tuple(
        Point(condition={"n": n}, values={"waited_share": each}, why=why if each is None else None)
        for n, each in enumerate(waited)
    )


@pytest.mark.parametrize(
    ("points", "again"),
    [(shares(0.5, 0.4, 0.0), True), (shares(0.4, 0.0), False), ((), False),
     (shares(None, None), True), (shares(None, 0.0), False)],
)  # fmt: skip
def test_a_block_that_is_no_evidence_is_measured_again(
    points: tuple[Point, ...], again: bool
) -> None:
    """Others had the CPU, or nothing came of it: but in the run that made it once is enough."""
    record = with_blocks((0, points))
    assert experimenting.missing(1, [record]) == ([0] if again else [])
    assert experimenting.missing(1, [record], {record.run_id}) == []


def test_the_block_that_is_missing_is_measured_and_not_the_last_one_again() -> None:
    """A block's index decides what it asks about."""
    record = with_blocks((0, shares(0.0)), (1, shares(0.9)), (2, shares(0.0)))
    assert experimenting.missing(3, [record]) == [1]
    assert experimenting.missing(5, [record, record]) == [1, 3, 4]


def test_ids_or_all_and_not_both(edgebench: Edgebench) -> None:
    for arguments in ((), ("isa-speedup", "--all")):
        done = edgebench("claims", "run", *arguments)
        assert done.returncode == 2
        assert "takes ids of claims, or --all" in done.stderr


def test_an_unknown_claim_is_a_sentence(edgebench: Edgebench) -> None:
    done = edgebench("claims", "show", "isa-spedup")
    assert done.returncode == 4
    assert "Did you mean 'isa-speedup'?" in done.stderr


def test_a_claim_is_shown_whole(edgebench: Edgebench) -> None:
    done = edgebench("claims", "show", "isa-speedup")
    assert done.returncode == 0
    assert "通过 CPU 指令优化" in done.stdout
    assert "prefill: at least 2 supports, 1.2 refutes" in done.stdout
    listed = json.loads(edgebench("claims", "show", "isa-speedup", "--json").stdout)
    assert listed["margins"]["decode"] == {
        "support": 1.5, "refute": 1.2, "upward": True, "band": False,
    }  # fmt: skip
