from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.models import catalog, cost, fit
from edgebench.schema.cell import Options
from tests.synthetic import TINY

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.model import Shape

MIB = 2**20
SMOLLM2 = catalog.load_catalog().models["smollm2-135m"].shape
TINYLLAMA = catalog.load_catalog().models["tinyllama"].shape
LLAMA_2_7B = catalog.load_catalog().models["llama-2-7b"].shape


def predicted(options: Options = Options(), *, available_bytes: int = 8 << 30) -> fit.Fit:  # noqa: B008 - frozen
    return fit.predict(
        LLAMA_2_7B,
        cost.weights_of(LLAMA_2_7B, "Q4_0"),
        options,
        context_tokens=640,
        available_bytes=available_bytes,
        machine="x86_64",
    )


def test_a_7b_model_fits_into_8_gib_and_not_into_2() -> None:
    assert fit.why_not(predicted()) is None
    refusal = fit.why_not(predicted(available_bytes=2 << 30))
    assert refusal == (
        "It needs about 4,184 MiB of memory (weights 3,648, kv 384, compute 88, process 64), "
        "2,048 MiB are available; --force tries it all the same."
    )


def test_the_parts_add_up() -> None:
    found = predicted()
    assert sum(found.parts.values()) == found.needed_bytes
    assert found.parts["kv"] == 768 * 2 * 32 * 4096 * 2, "640 tokens are rounded up to 768"


def test_a_limit_on_address_space_counts_the_mapping_and_its_repacked_copy() -> None:
    found = predicted(Options(memory_limit_bytes=6 << 30))
    assert found.of == "address space"
    head = 4096 * 32000 // 256 * 210
    assert found.parts["repacked copy"] == pytest.approx(found.parts["weights"] - head, rel=0.03), (
        "all but the head, the embedding and the norms"
    )
    assert fit.why_not(found) is not None
    assert fit.why_not(predicted(Options(memory_limit_bytes=6 << 30, load_mode="read"))) is None


def test_the_tighter_of_two_limits_is_the_one_that_is_told() -> None:
    found = predicted(Options(memory_limit_bytes=64 << 30), available_bytes=1 << 30)
    assert found.of == "memory"


def test_an_architecture_that_nobody_looked_at_repacks_nothing() -> None:
    assert fit.repacked_bytes(cost.weights_of(TINY, "Q4_0"), "riscv64") == 0


@pytest.mark.parametrize(
    ("shape", "options", "context", "logged_mib"),
    [
        (SMOLLM2, Options(), 640, 98.25),
        (SMOLLM2, Options(), 2048, 102.51),
        (SMOLLM2, Options(flash_attention=False), 2048, 99.38),
        (TINYLLAMA, Options(), 640, 70.50),
        (TINYLLAMA, Options(), 2048, 70.50),
        (TINYLLAMA, Options(flash_attention=False), 2048, 153.01),
        (TINYLLAMA, Options(flash_attention=False, ubatch_tokens=128), 2048, 38.25),
        (TINYLLAMA, Options(flash_attention=False), 256, 35.25),
    ],
)
def test_the_compute_buffer_is_what_llama_cpp_logged_or_a_little_more(
    shape: Shape, options: Options, context: int, logged_mib: float
) -> None:
    foretold = fit.compute_bytes(shape, options, context) / MIB
    assert logged_mib <= foretold <= logged_mib * 1.12


def test_a_cgroup_s_limit_is_what_is_available(tmp_path: Path) -> None:
    assert fit.available_bytes(tmp_path) > 1000
    group = tmp_path / "sys/fs/cgroup/box"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("1000\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/box\n")
    assert fit.available_bytes(tmp_path) == 1000
