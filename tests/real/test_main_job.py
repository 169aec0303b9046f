"""`edgebench run` on real weights and a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import metrics
from edgebench.backends.llama_cpp import LlamaCpp
from tests.conftest import record_in
from tests.real.program import QUICK, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def test_the_main_job(tmp_path: Path, smollm2: Path) -> None:
    done = run(tmp_path, "run", "--model", "smollm2-135m", *QUICK)

    assert done.returncode == 0, done.stderr
    assert "smollm2-135m Q4_1" in done.stdout
    result = record_in(tmp_path)
    assert [entry.cell.workload.name for entry in result.cells] == ["pp32", "tg8"]
    for entry in result.cells:
        verified = entry.verification
        assert verified is not None
        assert verified.status == "passed"
        assert verified.positions >= 64
        assert verified.perplexity_engine == pytest.approx(verified.perplexity_reference, rel=0.05)
        for launch in entry.launches:
            assert launch.failure is None
            assert launch.dispatch is not None
            assert launch.dispatch.isa == entry.cell.isa
            assert launch.dispatch.library_sha256 is not None
            assert launch.memory is not None
            assert launch.memory.peak_rss_bytes is not None
            assert launch.memory.peak_rss_bytes > smollm2.stat().st_size, "the weights were mapped"
            assert launch.memory.before_engine_peak_bytes is not None
            assert launch.memory.before_engine_peak_bytes < 25 * 2**20
            assert launch.memory.kv_cache_bytes == 2 * 2 * 30 * 192 * 256, "256 positions in f16"
    assert result.files[0].tensor_types == {"F32": 61, "Q4_1": 210, "Q8_0": 1}
    assert result.texts[0].tokenizer == "the file's own"
    assert result.harness_peak_rss_bytes is not None
    assert run(tmp_path, "check", "results").returncode == 0


def test_every_variant_of_this_cpu_is_dispatched_verified_and_named(
    tmp_path: Path, smollm2: Path
) -> None:
    usable = LlamaCpp().isas()
    chosen = dict.fromkeys((usable[0], usable[-1]))

    run(
        tmp_path, "run", "--file", smollm2, *QUICK[:1], "tg8", *QUICK[2:], "--isa", ",".join(chosen)
    )

    found = {
        (entry.cell.isa, launch.dispatch.isa)
        for entry in record_in(tmp_path).cells
        for launch in entry.launches
        if launch.dispatch
    }
    assert found == {(name, name) for name in chosen}


def test_a_variant_that_this_cpu_lacks_is_refused_and_does_not_crash(
    tmp_path: Path, smollm2: Path
) -> None:
    engine = LlamaCpp()
    lacking = set(engine.known_isas()) - set(engine.isas())
    if not lacking:
        pytest.skip("this CPU runs every variant of this build")

    done = run(tmp_path, "run", "--file", smollm2, "--isa", min(lacking))

    assert done.returncode == 8
    assert f"This CPU cannot run {min(lacking)}" in done.stderr
    assert not (tmp_path / "results").exists()


def test_greedy_tokens_agree_between_launches(tmp_path: Path, smollm2: Path) -> None:
    run(tmp_path, "run", "--file", smollm2, *QUICK)

    entries = record_in(tmp_path).cells
    assert len(entries) == 2
    for entry in entries:
        whole = [t for ln in entry.launches for t in ln.trials if t.divided_by == 1]
        assert len(whole) >= len(entry.launches) == 2
        assert len({t.output_hash for t in whole}) == 1


def test_too_little_memory_is_a_finding(tmp_path: Path, smollm2: Path) -> None:
    """The limit lets the engine start and the file be mapped, not the repacked copy be made."""
    limit = smollm2.stat().st_size + (330 << 20)

    tight = ("--memory-limit", str(limit))

    done = run(tmp_path, "run", "--file", smollm2, *QUICK, *tight, "--force")

    assert done.returncode == 0, done.stderr
    (first, *_) = record_in(tmp_path).cells
    assert first.verification is not None
    assert first.verification.failure is not None
    assert first.verification.failure.kind == "out_of_memory"
    assert not metrics.may_show_speed(first)

    hopeless = ("--memory-limit", "150MiB")
    refused = run(tmp_path, "run", "--file", smollm2, *QUICK, *hopeless)

    assert refused.returncode == 8
    assert "--force tries it all the same" in refused.stderr


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: b"GGML" + data[4:], "not a GGUF"),
        (lambda data: data[:8] + b"\xff" * 7 + b"\x00" + data[16:], "tensor"),
        (lambda data: data.replace(b"llama", b"qwen2"), "architecture"),
    ],
    ids=["truncated", "magic", "counts", "architecture"],
)
def test_a_damaged_file_is_refused_before_an_engine_opens_it(
    tmp_path: Path, smollm2: Path, damage: object, said: str
) -> None:
    assert callable(damage)
    path = tmp_path / "damaged.gguf"
    path.write_bytes(damage(smollm2.read_bytes()))

    done = run(tmp_path, "run", "--file", path, *QUICK)

    assert done.returncode == 7, done.stderr
    assert said in done.stderr
    assert done.stderr.splitlines()[-1].startswith("edgebench: ")
    assert "Traceback" not in done.stderr


def without_network(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """An empty cache and no hub: an address that nobody serves stands for a pulled plug."""
    nowhere = "http://127.0.0.1:9"
    environ = {
        **os.environ,
        "EDGEBENCH_CACHE": str(folder / "cache"),
        "https_proxy": nowhere,
        "HTTPS_PROXY": nowhere,
        "HF_ENDPOINT": nowhere,
    }
    return subprocess.run(
        [sys.executable, "-m", "edgebench", "run", "--model", "llama-68m", *arguments],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    done = without_network(tmp_path)

    assert done.returncode == 6, done.stderr
    last = done.stderr.splitlines()[-1]
    assert str(tmp_path / "cache" / "models") in last, "where to put it by hand"
    assert "--weights synthetic" in last


def test_auto_falls_back_to_synthetic_weights_and_says_so_everywhere(tmp_path: Path) -> None:
    done = without_network(tmp_path, "--weights", "auto", "--weights-seed", "7", *QUICK)

    assert done.returncode == 0, done.stderr
    assert "Making synthetic weights" in done.stderr
    assert "(synthetic)" in done.stdout
    assert "Synthetic weights stand for llama-68m" in done.stdout
    result = record_in(tmp_path)
    (file,) = result.files
    assert (file.weights, file.seed) == ("synthetic", 7)
    assert file.shape is not None
    assert file.shape.layers == 2
    verified = result.cells[0].verification
    assert verified is not None
    assert verified.status == "passed"


def test_the_committed_record_of_a_real_machine_is_sound(tmp_path: Path) -> None:
    from pathlib import Path

    folder = Path(__file__).parent.parent.parent / "results"
    done = run(tmp_path, "check", folder, "--json")
    findings = json.loads(done.stdout)
    assert findings
    assert not [finding for finding in findings if finding["problem"]]


def test_a_format_that_nobody_publishes_is_made_here_and_says_of_what(
    tmp_path: Path, smollm2: Path
) -> None:
    asked = ("run", "--model", "smollm2-135m", "--quant", "q5_1")

    planned = json.loads(run(tmp_path, *asked, "--dry-run", "--json").stdout)
    done = run(tmp_path, *asked, "--workload", "tg2", "--launches", "1", "--trials", "1")

    assert {cell["workload"]["name"] for cell in planned["cells"]} == {"pp512", "tg128"}
    assert "smollm2-135m Q5_1 from Q4_1" in done.stdout, done.stderr
    assert record_in(tmp_path).files[0].chain == ("Q4_1", "Q5_1")
    assert run(tmp_path, "run", "--quant", "q9_9").returncode == 4
