"""Measuring ceilings: rounds in a scripted world, and what is kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.errors import BadInput, NotUsableHere
from edgebench.measure import roofline
from edgebench.schema.device import Cache
from tests.ceilings_maker import measured
from tests.results_maker import DEVICE

if TYPE_CHECKING:
    from pathlib import Path


MIB = 1 << 20


def test_every_launch_leaves_its_fastest_trial() -> None:
    found = measured(threads=(1, 2))

    assert [rate.threads for rate in found.read] == [1, 2]
    assert [len(rate.fastest_ns) for rate in (*found.read, *found.f32, *found.int8)] == [8] * 6
    assert found.read[0].fastest_ns[:2] == (1001, 1007), "six launches to a round"
    assert found.huge_page_bytes == 4096, "the least"
    assert (found.stopped_because, found.not_measured) == ("rounds", {})


def test_time_ends_it_but_never_the_first_round() -> None:
    found = measured(max_time_s=1, threads=(1, 2))

    assert [len(rate.fastest_ns) for rate in (*found.read, *found.f32, *found.int8)] == [1] * 6
    assert found.stopped_because == "max_time"


def test_what_cannot_be_measured_is_left_out_with_the_reason() -> None:
    found = measured(failing="int8")

    assert found.int8 == ()
    assert found.not_measured == {"int8, 1 thread(s)": "onnxruntime is not installed."}
    with pytest.raises(NotUsableHere, match="onnxruntime is not installed"):
        measured(failing="all")


def test_thread_counts_double_on_large_machines() -> None:
    assert roofline.thread_counts(1) == (1,)
    assert roofline.thread_counts(4) == (1, 2, 3, 4)
    assert roofline.thread_counts(12) == (1, 2, 4, 8, 12)
    assert roofline.thread_counts(64) == (1, 2, 4, 8, 16, 32, 64)


def test_last_level_caches_are_counted_together() -> None:
    caches = (
        Cache(level=2, kind="unified", size_bytes=MIB, instances=8),
        Cache(level=3, kind="unified", size_bytes=32 * MIB, instances=2),
    )
    assert roofline.last_level_cache_bytes(DEVICE.model_copy(update={"caches": caches})) == 64 * MIB
    assert roofline.last_level_cache_bytes(DEVICE) is None


def test_a_device_carries_what_was_kept_for_it(tmp_path: Path) -> None:
    found = measured()

    assert roofline.with_ceilings(DEVICE, tmp_path) == DEVICE
    path = roofline.keep(found, tmp_path)
    assert roofline.with_ceilings(DEVICE, tmp_path).ceilings == found
    other = DEVICE.model_copy(update={"id": "other"})
    assert roofline.with_ceilings(other, tmp_path).ceilings is None

    path.write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput, match="Measure again with edgebench roofline"):
        roofline.with_ceilings(DEVICE, tmp_path)


def test_ceilings_at_other_thread_counts_stay_beside_new_ones() -> None:
    one, two = measured(threads=(1,)), measured(threads=(2,), failing="int8")

    assert roofline.beside(None, one) == one
    both = roofline.beside(one, two)
    assert [rate.threads for rate in (*both.read, *both.f32, *both.int8)] == [1, 2, 1, 2, 1]
    assert both.not_measured == {"int8, 2 thread(s)": "onnxruntime is not installed."}
    assert roofline.beside(both, one).read == (both.read[1], one.read[0]), "a new one replaces it"
    assert roofline.unknown_counts(None, (2, 1)) == (1, 2)
    assert roofline.unknown_counts(both, (1, 2, 4)) == (4,)


@pytest.mark.parametrize(("load", "busy"), [(17.8, True), (0.7, True), (0.5, False), (None, False)])
def test_ceilings_that_were_taken_beside_others_are_known(load: float | None, busy: bool) -> None:
    found = measured(threads=(1,)).model_copy(update={"load_average": load})
    assert roofline.taken_while_busy(found, usable_cpus=2) is busy
    assert not roofline.taken_while_busy(None, usable_cpus=2)
