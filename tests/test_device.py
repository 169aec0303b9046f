"""Detection on captured trees, and on small made ones for what no capture shows."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from edgebench.machine import cpu, device, instruction_sets, limits, x86_microarchitectures
from edgebench.machine.found import Microarchitecture

MACHINES = Path(__file__).parent / "machines"

RASPBERRY_PI_5 = """\
processor\t: {number}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""  # noqa: E501 - one line of a real file


def put(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_captured_x86_virtual_machine() -> None:
    found = device.detect(MACHINES / "epyc-zen4-vm-2cpu", environ={})

    assert found.id == "amd-epyc-25-17-2cpu"
    (cluster,) = found.clusters
    assert (cluster.vendor, cluster.family, cluster.model) == ("AuthenticAMD", 25, 17)
    assert cluster.cpus == (0, 1)
    assert {"avx2", "avx512_vnni", "avx512_bf16"} <= set(found.cpu_flags)
    assert [(c.level, c.kind, c.size_bytes, c.instances) for c in found.caches] == [
        (1, "data", 32 << 10, 2),
        (1, "instruction", 32 << 10, 2),
        (2, "unified", 1 << 20, 2),
        (3, "unified", 32 << 20, 1),
    ]
    assert found.physical_cores == 2
    assert found.hypervisor == "yes"
    assert found.operating_system == "Debian GNU/Linux 12 (bookworm)"


def test_an_arm_board_is_named_by_its_parts_and_its_device_tree(tmp_path: Path) -> None:
    root = put(
        tmp_path,
        proc__cpuinfo="".join(RASPBERRY_PI_5.format(number=n) for n in range(4)),
    )
    (root / "proc/device-tree").mkdir()
    (root / "proc/device-tree/model").write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\x1b[31m\0")

    found = device.detect(root, environ={})

    assert found.id == "raspberry-pi-5-model-b-rev-1-0-31m-4cpu"
    assert found.board == "Raspberry Pi 5 Model B Rev 1.0[31m", "without the escape and the NUL"
    assert found.clusters[0].name == "Cortex-A76"
    assert found.clusters[0].cpus == (0, 1, 2, 3)
    assert "asimddp" in found.cpu_flags


def test_device_tree_strings_cannot_command_a_terminal(tmp_path: Path) -> None:
    root = put(tmp_path, proc__cpuinfo=RASPBERRY_PI_5.format(number=0))
    (root / "proc/device-tree").mkdir()
    (root / "proc/device-tree/compatible").write_bytes(b"acme,\xff\x1b[2J\0\0brcm,x\r\n\0")

    found = device.detect(root, environ={}).firmware

    assert found is not None
    assert found.compatible == ("acme,\N{REPLACEMENT CHARACTER}[2J", "brcm,x")


def test_what_nobody_filled_into_dmi_is_no_name_and_serials_are_not_read(tmp_path: Path) -> None:
    dmi = {
        "sys_vendor": "To Be Filled By O.E.M.", "product_name": "Default string",
        "board_vendor": "Acme", "board_name": "N100-ITX", "product_serial": "s3cret",
    }  # fmt: skip
    root = put(
        tmp_path,
        proc__cpuinfo="processor: 0\nvendor_id: GenuineIntel\n",
        **{f"sys__class__dmi__id__{name}": f"{text}\n" for name, text in dmi.items()},
    )
    found = device.detect(root, environ={})

    assert found.board == "Acme N100-ITX"
    assert "s3cret" not in found.model_dump_json()


def test_sve2_without_sve_is_a_mistake_of_the_kernel() -> None:
    flags = ("asimd", "i8mm", "sme", "sve2", "svei8mm")
    assert instruction_sets.of_interest(flags, "aarch64") == ("asimd", "i8mm", "sme")
    assert instruction_sets.of_interest((*flags, "sve"), "aarch64")[-3:] == (
        "svei8mm", "sve2", "sme",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "name", "exact"),
    [
        (("AuthenticAMD", 25, 17, 1), "Zen 4", True),
        (("AuthenticAMD", 26, 255, 1), "Zen 5", False),
        (("GenuineIntel", 6, 0x55, 7), "Cascade Lake", True),
        (("GenuineIntel", 6, 0x9E, 10), "Kaby Lake", False),
        (("GenuineIntel", 6, 0xBE, 0), "Gracemont", True),
        (("GenuineIntel", 6, 0x97, 2), "Golden Cove or Gracemont", False),
    ],
)
def test_a_label_says_whether_it_is_exact(
    numbers: tuple[str, int, int, int], name: str, exact: bool
) -> None:
    found = x86_microarchitectures.label(*numbers, None)
    assert found == Microarchitecture(name=name, exact=exact)


def test_an_unknown_cpu_has_no_label(tmp_path: Path) -> None:
    assert x86_microarchitectures.label("GenuineIntel", 6, 0xFE, 0, None) is None
    root = put(tmp_path, proc__cpuinfo=RASPBERRY_PI_5.format(number=0).replace("0xd0b", "0xfff"))
    (found,) = cpu.clusters(root)
    assert (found.name, found.part, found.microarchitecture) == (None, "0xfff", None)


def test_midr_stands_in_where_cpuinfo_names_no_part(tmp_path: Path) -> None:
    folder = "sys__devices__system__cpu__cpu0__regs__identification__midr_el1"
    root = put(tmp_path, proc__cpuinfo="processor: 0\n", **{folder: "0x00000000414fd0b1\n"})
    (found,) = cpu.clusters(root)
    assert (found.name, found.variant, found.revision) == ("Cortex-A76", "0x4", 1)


def test_hybrid_kinds_come_from_the_kernel_s_two_counters(tmp_path: Path) -> None:
    block = "processor: {}\nvendor_id: GenuineIntel\ncpu family: 6\nmodel: 151\nmodel name: i9\n\n"
    cpus = "sys__devices__system__cpu__cpu{}__topology__thread_siblings_list"
    root = put(
        tmp_path,
        proc__cpuinfo="".join(block.format(n) for n in range(4)),
        sys__devices__cpu_core__cpus="0-1\n",
        sys__devices__cpu_atom__cpus="2-3\n",
        **{cpus.format(n): text for n, text in enumerate(("0-1", "0-1", "2", "3"))},
    )
    fast, small = cpu.clusters(root)

    assert (fast.kind, fast.cpus, fast.cores) == ("performance", (0, 1), 1)
    assert (small.kind, small.cpus, small.cores) == ("efficiency", (2, 3), 2)
    assert fast.microarchitecture == Microarchitecture(name="Golden Cove", exact=True)
    assert small.microarchitecture == Microarchitecture(name="Gracemont", exact=True)


def test_favoured_cores_of_one_kind_are_no_cluster_of_their_own(tmp_path: Path) -> None:
    block = "processor: {}\nvendor_id: AuthenticAMD\ncpu family: 26\nmodel: 68\n\n"
    path = "sys__devices__system__cpu__cpu{}__cpufreq__cpuinfo_max_freq"
    root = put(
        tmp_path,
        proc__cpuinfo="".join(block.format(n) for n in range(2)),
        **{path.format(0): "5752000\n", path.format(1): "5575000\n"},
    )
    (found,) = cpu.clusters(root)
    assert (found.cpus, found.max_frequency_khz) == ((0, 1), 5_752_000)


def test_only_one_of_two_packages_that_share_their_files_is_installed() -> None:
    """py-cpuinfo2, which newer pytest-benchmark needs, overwrites py-cpuinfo's files."""
    names = {d.metadata["Name"].lower().replace("_", "-") for d in metadata.distributions()}
    assert len(names & {"py-cpuinfo", "py-cpuinfo2"}) == 1


def test_cores_of_two_kinds_are_two_clusters_and_only_shared_flags_count(tmp_path: Path) -> None:
    little = RASPBERRY_PI_5.format(number=0).replace("0xd0b", "0xd05").replace(" asimddp", "")
    root = put(tmp_path, proc__cpuinfo=little + RASPBERRY_PI_5.format(number=1))

    assert [c.name for c in cpu.clusters(root)] == ["Cortex-A55", "Cortex-A76"]
    assert "asimddp" not in cpu.flags(root)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys__fs__cgroup__a__b__cpu.max": "150000 100000"}, 1.5),
        (
            {
                "sys__fs__cgroup__a__cpu.max": "50000 100000",
                "sys__fs__cgroup__a__b__cpu.max": "max 100000",
            },
            0.5,
        ),
        ({"sys__fs__cgroup__a__b__cpu.max": "max 100000"}, None),
    ],
)
def test_the_narrowest_quota_of_all_ancestors_counts(
    tmp_path: Path, files: dict[str, str], expected: float | None
) -> None:
    root = put(tmp_path, proc__self__cgroup="0::/a/b\n", **files)

    assert limits.cpu_limit(root) == expected


def test_a_version_1_quota_counts_too(tmp_path: Path) -> None:
    root = put(
        tmp_path,
        **{
            "sys__fs__cgroup__cpu__cpu.cfs_quota_us": "200000",
            "sys__fs__cgroup__cpu__cpu.cfs_period_us": "100000",
            "sys__fs__cgroup__memory__memory.limit_in_bytes": "1073741824",
        },
    )

    assert limits.cpu_limit(root) == 2.0
    assert limits.usable_cpus(root, allowed=8) == 2
    assert limits.memory_limit_bytes(root) == 1 << 30


def test_a_quota_below_one_cpu_still_leaves_one_thread(tmp_path: Path) -> None:
    root = put(
        tmp_path,
        proc__self__cgroup="0::/\n",
        **{"sys__fs__cgroup__cpu.max": "50000 100000"},
    )
    assert limits.usable_cpus(root, allowed=4) == 1


def test_variables_that_choose_kernels_are_recorded_and_others_are_not() -> None:
    environ = {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Haswell",
        "HOME": "/",
        "LD_PRELOAD": "x",
    }
    assert device.overrides(environ) == {
        "LD_PRELOAD": "x",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Haswell",
    }


def test_of_what_could_be_a_path_or_a_secret_only_the_name_is_recorded() -> None:
    environ = {
        "LLAMA_CLOUD_API_KEY": "s3cret",
        "OMP_TOOL_TOKEN": "s3cret",
        "LD_PRELOAD": "/home/somebody/lib.so",
    }
    assert device.overrides(environ) == {"LD_PRELOAD": "(set)", "OMP_TOOL_TOKEN": "(set)"}


def test_windows_is_told_by_its_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that py-cpuinfo 9.0.0 captured (tests/test_windows_10_x86_64_ryzen_7.py, MIT)."""
    from cpuinfo import cpuinfo

    captured = {
        "winreg_processor_brand": "AMD Ryzen 7 2700X Eight-Core Processor         ",
        "winreg_vendor_id_raw": "AuthenticAMD",
        "winreg_arch_string_raw": "AMD64",
        "winreg_hz_actual": 3693,
        "winreg_feature_bits": 1010515455,
    }
    monkeypatch.setattr(cpuinfo.DataSource, "is_windows", True)
    for name, value in captured.items():
        answer = staticmethod(lambda value=value: value)
        monkeypatch.setattr(cpuinfo.DataSource, name, answer, raising=False)

    brand, flags = cpu.flags_elsewhere(cpuinfo._get_cpu_info_from_registry)

    assert brand == "AMD Ryzen 7 2700X Eight-Core Processor"
    assert {"sse", "mmx"} <= set(flags)


@pytest.mark.parametrize("told", [{}, {"brand_raw": "", "flags": None}, {"flags": "sse"}])
def test_what_py_cpuinfo_does_not_tell_is_not_made_up(told: dict[str, object]) -> None:
    assert cpu.flags_elsewhere(lambda: told) == (None, ())


def test_a_processor_that_py_cpuinfo_does_not_know_is_no_traceback() -> None:
    def fails() -> dict[str, object]:
        raise Exception("py-cpuinfo currently only works on X86 and some ARM CPUs.")

    assert cpu.flags_elsewhere(fails) == (None, ())
