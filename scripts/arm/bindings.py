"""llama-cpp-python as it would be installed on aarch64: its Python files beside its libraries."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.archives import extract
from scripts.llama_wheel import entry, pip

if TYPE_CHECKING:
    from collections.abc import Iterator


def version() -> str:
    """Of llama-cpp-python, from the lock."""
    return str(entry()[1])


@contextlib.contextmanager
def source(folder: Path) -> Iterator[Path]:
    """The source distribution that the lock names, its hash checked, unpacked for a while."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="llama-cpp-python-", dir=folder) as temporary:
        archive = pip("download", "--dest", Path(temporary), folder / "download.log")
        with tarfile.open(archive) as packed:
            extract(packed, Path(temporary))
        (found,) = (path for path in Path(temporary).iterdir() if (path / "PKG-INFO").is_file())
        yield found


def assemble(target: Path, unpacked: Path, libraries: Path) -> Path:
    """`target`, for PYTHONPATH: the package, its metadata, and every library of `libraries`."""
    with tempfile.TemporaryDirectory(prefix="bindings-", dir=target.parent) as temporary:
        made = Path(temporary, "site")
        shutil.copytree(unpacked / "llama_cpp", made / "llama_cpp")
        shutil.copytree(libraries, made / "llama_cpp/lib", symlinks=True, dirs_exist_ok=True)
        metadata = made / f"llama_cpp_python-{version()}.dist-info"
        metadata.mkdir()
        shutil.copy2(unpacked / "PKG-INFO", metadata / "METADATA")
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return target
