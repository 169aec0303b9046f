"""The kept wheel of llama-cpp-python is used only while it is what was built."""

from __future__ import annotations

import platform
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from edgebench import files
from scripts import llama_wheel

if TYPE_CHECKING:
    from pathlib import Path


def keep(folder: Path) -> Path:
    folder.mkdir()
    wheel = folder / "llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl"
    wheel.write_bytes(b"a wheel")
    (folder / "sha256").write_text(llama_wheel.sha256(wheel) + "\n")
    return wheel


def test_a_kept_wheel_is_used(tmp_path: Path) -> None:
    wheel = keep(tmp_path / "kept")
    assert llama_wheel.kept_wheel(tmp_path / "kept") == wheel


def test_a_changed_wheel_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path / "kept").write_bytes(b"another")
    assert llama_wheel.kept_wheel(tmp_path / "kept") is None
    assert "building it again" in capsys.readouterr().err


def test_nothing_is_kept_at_first(tmp_path: Path) -> None:
    assert llama_wheel.kept_wheel(tmp_path / "absent") is None


def test_compiler_flags_make_another_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXXFLAGS", raising=False)
    plain = llama_wheel.fingerprint()
    assert llama_wheel.fingerprint() == plain
    monkeypatch.setenv("CXXFLAGS", "-O1")
    assert llama_wheel.fingerprint() != plain


def test_the_lock_entry_becomes_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEBENCH_CACHE", str(tmp_path))
    folder = tmp_path / "llama-cpp-python" / f"{llama_wheel.entry()[1]}-{llama_wheel.fingerprint()}"
    folder.parent.mkdir()
    wheel = keep(folder)
    llama_wheel.main()
    printed = capsys.readouterr().out
    assert "llama-cpp-python==" not in printed
    assert f"{wheel.as_uri()} --hash=sha256:{llama_wheel.sha256(wheel)}\n" in printed
    assert "\nnumpy==" in printed


@pytest.mark.parametrize(
    "environ", [{"EDGEBENCH_CACHE": "/a"}, {"XDG_CACHE_HOME": "/b"}, {"XDG_CACHE_HOME": "b"}, {}]
)
def test_the_cache_is_the_one_of_edgebench(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EDGEBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert llama_wheel.cache_dir() == files.cache_dir()


def given(folder: Path, name: str, member: str = "llama_cpp/lib/libggml-cpu-x.so") -> Path:
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr(member, "")
    return folder / name


def test_a_wheel_of_a_release_needs_no_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = llama_wheel.entry()[1]
    wheel = given(tmp_path, f"llama_cpp_python-{version}-py3-none-linux_{platform.machine()}.whl")
    monkeypatch.setenv("EDGEBENCH_LLAMA_WHEEL", str(wheel))
    monkeypatch.setattr(llama_wheel, "fingerprint", lambda: pytest.fail("a compiler was asked"))
    monkeypatch.setattr(sys, "argv", ["llama_wheel.py"])

    llama_wheel.main()

    assert f"{wheel.as_uri()} --hash=sha256:{llama_wheel.sha256(wheel)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "member", "said"),
    [
        ("other-1.0.whl", "llama_cpp/lib/libggml-cpu-x.so", "is no file"),
        ("llama_cpp_python-{}-py3-none-linux_z80.whl", "llama_cpp/lib/libggml-cpu-x.so", "not for"),
        ("llama_cpp_python-{}-py3-none-linux_{}.whl", "llama_cpp/lib/libllama.so", "no CPU var"),
    ],
)
def test_another_wheel_is_refused(
    name: str, member: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = given(tmp_path, name.format(llama_wheel.entry()[1], platform.machine()), member)
    monkeypatch.setenv("EDGEBENCH_LLAMA_WHEEL", str(wheel))

    with pytest.raises(SystemExit, match=said):
        llama_wheel.given_wheel()
