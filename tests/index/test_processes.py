"""Several processes at one index, and one that is killed in the middle: nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from edgebench.analysis.index import query, store
from tests import many_records

if TYPE_CHECKING:
    from pathlib import Path

INDEXER = """
import sys
from pathlib import Path
from edgebench.analysis.index import refresh, store
refresh.BATCH, refresh.SAY_ABOVE = 5, 0
folder, cache, times = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for _ in range(times):
    with store.fresh([folder], lambda text: print(text, flush=True), cache):
        pass
"""
WRITER = """
import sys
from pathlib import Path
from tests import many_records
for number in range(10, 40):
    many_records.write(Path(sys.argv[1]), cells=2, per_record=2, first=number)
"""
ENDLESS = """
import signal, sys
from pathlib import Path
from edgebench.analysis.index import query, store
signal.signal(signal.SIGINT, signal.default_int_handler)
with store.fresh([Path(sys.argv[1])], print, Path(sys.argv[2])) as index:
    print("asking", flush=True)
    try:
        query.run(index, "SELECT count(*) FROM range(1000000000000) a, range(1000000) b")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def cells(folder: Path, cache: Path) -> int:
    with store.fresh([folder], print, cache) as index:
        ((number,),) = query.run(index, "SELECT count(*) FROM results").rows
    return int(number)


def test_two_indexers_while_records_are_written(tmp_path: Path) -> None:
    folder, cache = tmp_path / "many", tmp_path / "cache"
    many_records.write(folder, cells=20, per_record=2)

    running = [
        start(WRITER, folder),
        start(INDEXER, folder, cache, 4),
        start(INDEXER, folder, cache, 4),
    ]

    for process in running:
        process.communicate(timeout=120)
    assert [process.returncode for process in running] == [0, 0, 0]
    assert cells(folder, cache) == 2 * len(list(folder.iterdir())) == 80


def test_a_kill_loses_no_finished_batch_and_harms_nothing(tmp_path: Path) -> None:
    folder, cache = tmp_path / "many", tmp_path / "cache"
    many_records.write(folder, cells=80, per_record=2)
    with start(INDEXER, folder, cache, 1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "indexing 5 of 40 records\n"
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
    assert process.returncode == -signal.SIGKILL

    with store.opened(store.location([folder], cache), read_only=False) as connection:
        ((kept,),) = connection.execute("SELECT count(*) FROM files").fetchall()

    assert kept >= 5
    assert kept % 5 == 0
    assert cells(folder, cache) == 80


def test_ctrl_c_ends_a_query_that_would_run_for_ever(tmp_path: Path) -> None:
    folder, cache = tmp_path / "many", tmp_path / "cache"
    many_records.write(folder, cells=2, per_record=2)
    with start(ENDLESS, folder, cache) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
    assert process.returncode == 0
