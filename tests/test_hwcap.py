from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgebench.machine import hwcap


def test_bits_are_named_as_in_proc_cpuinfo() -> None:
    # AT_HWCAP of a Neoverse N1 (bits of the kernel's uapi/asm/hwcap.h).
    dot_product, half_precision, scalable = 1 << 20, 1 << 10, 1 << 22
    int8_matrices, matrix_extension = 1 << 13, 1 << 23

    assert hwcap.features(3, 0) == ("fp", "asimd")
    assert hwcap.features(dot_product | half_precision, 0) == ("asimdhp", "asimddp")
    assert hwcap.features(scalable, int8_matrices | matrix_extension) == ("sve", "i8mm", "sme")


def test_what_variants_ask_for_stands_at_its_bit() -> None:
    """Bits of the kernel's uapi/asm/hwcap.h."""
    first = {"asimd": 1, "fphp": 9, "asimdhp": 10, "asimddp": 20, "sve": 22, "asimdfhm": 23}
    second = {"sve2": 1, "svesha3": 5, "svesm4": 6, "svei8mm": 9, "svebf16": 12, "i8mm": 13,
              "bf16": 14, "sme": 23, "smei8i32": 26, "smef16f32": 27, "smefa64": 30}  # fmt: skip

    assert {name: hwcap.features(1 << bit, 0) for name, bit in first.items()} == {
        name: (name,) for name in first
    }
    assert {name: hwcap.features(0, 1 << bit) for name, bit in second.items()} == {
        name: (name,) for name in second
    }


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_bits_without_a_name_are_left_out(hwcap1: int, hwcap2: int) -> None:
    named = hwcap.features(hwcap1, hwcap2)

    assert len(named) <= hwcap1.bit_count() + hwcap2.bit_count()
    assert len(set(named)) == len(named)
    assert set(named) <= set(hwcap.features(2**64 - 1, 2**64 - 1))
