"""`doctor` says what is usable, why not the rest, and whether this machine is ready."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from edgebench.machine import checkup, device, devices, isa_needs, storage
from edgebench.machine.default_model import default_model
from edgebench.measure.plan import Probe
from edgebench.models import catalog
from edgebench.models.cache import Place
from edgebench.report import doctor
from edgebench.schema.doctor import CacheFound, Checkup, EnergySource
from edgebench.schema.note import Note
from tests.conftest import golden
from tests.machine_tree import plant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Edgebench

ROOT = Path(__file__).parent.parent
CAPTURED = Path(__file__).parent / "machines" / "epyc-zen4-vm-2cpu"
NO_GPU = devices.Gpu((), None, "No NVIDIA GPU is to be seen.")
H200 = devices.Gpu(("NVIDIA H200",), "570.86.15", None)
LLAMA = Probe(
    why_not=None,
    formats=("gguf",),
    known_isas=("x64", "haswell", "zen4", "sapphirerapids"),
    isas=("zen4", "haswell", "x64"),
    name="llama.cpp",
    version="llama-cpp-python 0.3.36",
    build="libllama 0.5.0",
    why_not_devices={"cpu": None, "cuda": "This llama-cpp-python was built for CPUs only."},
)
REFERENCE = Probe(
    why_not=None, formats=("gguf",), known_isas=("numpy",), isas=("numpy",), name="reference",
    version="numpy 2", build="float32",
)  # fmt: skip
MISSING = Probe(why_not="torch is not installed. Install it: pip install 'edgebench[torch]'.")


def examined(tmp_path: Path, probes: Mapping[str, Probe], **changes: Any) -> Checkup:
    asked = checkup.Asked(
        device=device.detect(CAPTURED, environ={}).model_copy(
            update={
                "memory_total_bytes": 4 << 30,
                "kernel": "Linux 6",
                "architecture": "x86_64",
                "usable_cpus": 2,
            }
        ),
        probes=probes,
        gpu=NO_GPU,
        energy=(
            EnergySource(
                kind="powercap", name="intel-rapl:0 (package-0)", why_not="Only root may."
            ),
            EnergySource(kind="battery", name=None, why_not="No battery."),
        ),
        cache=CacheFound(path="~/.cache/edgebench", free_bytes=1 << 33, why_not=None),
        model=default_model(catalog.load_catalog(), tmp_path, 1 << 33),
        disturbances=(Note(name="busy", message="Load average was 1.0\x1b[31m on 2 CPUs."),),
    )
    return checkup.checkup(asked._replace(**changes))


def test_a_ready_machine_as_people_see_it(tmp_path: Path) -> None:
    probes = {"llama.cpp": LLAMA, "reference": REFERENCE, "torch": MISSING}
    found = examined(tmp_path, probes)

    assert found.ready
    page = doctor.render(found).replace(found.edgebench_version, "0.0.0")
    golden("doctor.txt", page)
    assert "\x1b" not in page


def test_what_a_cpu_lacks_is_told_apart_from_what_it_can_run(tmp_path: Path) -> None:
    (engine,) = examined(tmp_path, {"llama.cpp": LLAMA}).engines

    assert [isa.name for isa in engine.isas if isa.why_not is None] == ["zen4", "haswell", "x64"]
    lacking = [(isa.name, isa.why_not) for isa in engine.isas if isa.why_not]
    assert lacking == [("sapphirerapids", "This CPU lacks amx_tile and amx_int8.")]


def test_what_is_missing_of_a_cpu_is_named_where_it_is_known() -> None:
    avx2 = {"sse4_2", "avx", "f16c", "fma", "avx2", "bmi2"}

    assert isa_needs.why_not("alderlake", avx2) == "This CPU lacks avx_vnni."
    assert isa_needs.why_not("armv8.6_2", {"asimddp", "asimdhp"}) == (
        "This CPU lacks sve, i8mm and sve2."
    )
    unknown = "This CPU lacks an instruction set that it needs."
    assert isa_needs.why_not("haswell", avx2) == unknown, "the engine sees something else"
    assert isa_needs.why_not("power11", avx2) == unknown
    assert isa_needs.why_not("haswell", ()) == unknown, "nobody said what the CPU has"


@pytest.mark.parametrize("probes", [{}, {"reference": REFERENCE}, {"torch": MISSING}], ids=str)
def test_stand_ins_and_missing_engines_make_no_machine_ready(
    tmp_path: Path, probes: Mapping[str, Probe]
) -> None:
    found = examined(tmp_path, probes)

    assert not found.ready
    assert found.problems[0].startswith("No engine is usable.")
    assert doctor.render(found).endswith("\n\nNot ready.\n")


def test_a_gpu_counts_only_with_an_engine_that_can_use_it(tmp_path: Path) -> None:
    torch = LLAMA._replace(why_not_devices={"cpu": None, "cuda": None})
    alone = examined(tmp_path, {"llama.cpp": LLAMA}, gpu=H200).devices[1]
    both = examined(tmp_path, {"llama.cpp": LLAMA, "torch": torch}, gpu=H200).devices[1]
    without = examined(tmp_path, {"torch": torch}).devices[1]

    assert (alone.name, alone.hardware, alone.driver) == ("cuda", ("NVIDIA H200",), "570.86.15")
    assert alone.why_not == "No engine here can use it: each of them says why."
    assert (both.why_not, both.backends) == (None, ("torch",))
    assert without.why_not == NO_GPU.why_not


def test_an_engine_says_why_it_cannot_use_the_gpu_that_is_there(tmp_path: Path) -> None:
    with_gpu = doctor.render(examined(tmp_path, {"llama.cpp": LLAMA}, gpu=H200))
    without = doctor.render(examined(tmp_path, {"llama.cpp": LLAMA}))

    said = "llama.cpp: This llama-cpp-python was built for CPUs only."
    assert said in with_gpu
    assert said not in without


def test_a_model_needs_room_until_it_is_there(tmp_path: Path) -> None:
    known = catalog.load_catalog()
    absent, full = (default_model(known, tmp_path, free) for free in (1 << 33, 1000))
    assert (absent.name, absent.cached, absent.why_not) == (known.default, False, None)
    assert "1,000 are free" in str(full.why_not)

    place = Place.of(known.models[known.default].files[0], tmp_path)
    place.path.parent.mkdir(parents=True)
    place.path.write_bytes(b"GGUF")
    assert default_model(known, tmp_path, 1000).why_not is None, "what is there needs no room"


PCI = "sys/bus/pci/devices/0000:01:00.0"
CARD = {f"{PCI}/vendor": "0x10de\n", f"{PCI}/class": "0x030200\n", f"{PCI}/device": "0x2335\n"}
DRIVER = {
    "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Jan\n"
    "GCC version:  gcc 12\n",
    "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H200\nIRQ: 1\n",
}
NODE = {"dev/nvidia0": ""}


@pytest.mark.parametrize(
    ("files", "names", "said"),
    [
        ({}, (), "No NVIDIA GPU is to be seen"),
        ({f"{PCI}/vendor": "0x10de", f"{PCI}/class": "0x040300"}, (), "No NVIDIA GPU"),
        ({f"{PCI}/vendor": "0x1002", f"{PCI}/class": "0x030000"}, (), "No NVIDIA GPU"),
        (CARD, ("NVIDIA 0x2335",), "no driver for it"),
        (CARD | DRIVER, ("NVIDIA H200",), "its device files are not"),
        (CARD | DRIVER | NODE, ("NVIDIA H200",), None),
        (CARD | DRIVER | {"dev/nvidiactl": ""}, ("NVIDIA H200",), "its device files are not"),
        (NODE, ("NVIDIA GPU",), None),
        ({"dev/nvhost-gpu": "", "proc/device-tree/compatible": "nvidia,p3767\0nvidia,tegra234\0"},
         ("NVIDIA Tegra, integrated",), None),
        ({"dev/dxg": ""}, (), "No NVIDIA GPU"),
        ({"dev/dxg": "", "usr/lib/wsl/lib/libcuda.so.1": ""}, ("NVIDIA GPU",), None),
    ],
)  # fmt: skip
def test_what_is_missing_between_us_and_a_gpu_is_named(
    tmp_path: Path, files: Mapping[str, str], names: tuple[str, ...], said: str | None
) -> None:
    found = devices.nvidia_gpu(plant(tmp_path, files), lambda _path: True)

    assert found.names == names
    assert (found.why_not is None) == (said is None)
    assert said is None or said in str(found.why_not)


def test_one_gpu_of_two_that_may_be_opened_is_enough(tmp_path: Path) -> None:
    root = plant(tmp_path, CARD | DRIVER | NODE | {"dev/nvidia1": ""})
    found = devices.nvidia_gpu(root, lambda path: path.name == "nvidia1")
    assert found.why_not is None


def test_the_loaded_module_knows_the_drivers_version(tmp_path: Path) -> None:
    root = plant(tmp_path, CARD | NODE | {"sys/module/nvidia/version": "580.95.05\n"})
    assert devices.nvidia_gpu(root, lambda _path: True).driver == "580.95.05"
    assert devices.accessible(root / "dev/nvidia0")
    assert not devices.accessible(root / "dev/nvidia9")


def test_a_gpu_that_this_user_may_not_open_is_not_usable(tmp_path: Path) -> None:
    found = devices.nvidia_gpu(plant(tmp_path, CARD | DRIVER | NODE), lambda _path: False)

    assert found.driver == "570.86.15"
    assert found.why_not is not None
    assert "/dev/nvidia0" in found.why_not


def test_a_cache_that_is_not_there_yet_is_judged_by_the_folder_above(tmp_path: Path) -> None:
    fresh = storage.cache_found(tmp_path / "a" / "b", home=tmp_path)
    assert (fresh.path, fresh.why_not) == ("~/a/b", None)
    assert fresh.free_bytes
    assert storage.shown(tmp_path, tmp_path) == "~"
    assert not (tmp_path / "a").exists(), "asking makes nothing"

    (tmp_path / "file").write_text("")
    blocked = storage.cache_found(tmp_path / "file" / "cache", home=tmp_path)
    assert str(blocked.why_not).startswith("~/file is not a folder. Set EDGEBENCH_CACHE")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    found = storage.cache_found(tmp_path / "closed" / "cache", home=tmp_path)
    assert str(found.why_not).startswith("~/closed cannot be written: ")


def test_a_machine_that_is_not_ready_exits_with_8_and_says_why(
    edgebench: Edgebench, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    environ["EDGEBENCH_CACHE"] = str(tmp_path / "file")

    done = edgebench("doctor", "--json")

    assert done.returncode == 8
    document = json.loads(done.stdout)
    published = json.loads((ROOT / "docs/schema/doctor.v1.schema.json").read_text("utf-8"))
    assert not list(jsonschema.Draft202012Validator(published).iter_errors(document))
    assert "is not a folder" in document["problems"][0]
    why = " ".join(document["problems"])
    assert done.stderr == f"edgebench: This machine is not ready to measure. {why}\n"
    assert {"llama.cpp", "reference"} <= {engine["backend"] for engine in document["engines"]}


@pytest.mark.real
def test_this_machine_with_an_engine_is_ready(edgebench: Edgebench) -> None:
    pytest.importorskip("llama_cpp")

    done = edgebench("doctor")

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nReady: edgebench run can measure here.\n")
