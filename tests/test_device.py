"""Detection on captured trees, and on small made ones for what no capture shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebench.machine import cpu, device, limits

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
