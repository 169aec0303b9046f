"""The CPU variants of the installed llama.cpp: which there are, and having exactly one registered.

A wheel holds one library per variant. It is registered by its path before `llama_backend_init()`,
which would otherwise look for backends beside the executable and find none. Everything goes
through the bindings' own library handle: a wheel turns the symbolic link `libggml.so` into a
second copy of the library with a second, empty registry.
"""

from __future__ import annotations

import _ctypes
import contextlib
import ctypes
import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import WrongIsaError

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIANT = "libggml-cpu-"
_LOG_LINES = 40


class EngineLog:
    """Keeps the engine's last log lines: they say why a load failed."""

    def __init__(self, api: Any) -> None:
        self._lines: list[str] = []
        self._callback = api.llama_log_callback(self._receive)
        api.llama_log_set(self._callback, ctypes.c_void_p(0))

    def explain(self, what: str) -> str:
        words = ("error", "fail", "unable", "cannot", "invalid", "not ", "unknown", "bad_alloc")
        said = [line for line in self._lines if any(word in line.lower() for word in words)]
        return ": ".join([what, *said[-3:]])

    def lines(self) -> tuple[str, ...]:
        """The last lines so far."""
        return tuple(self._lines)

    def _receive(self, _level: int, text: bytes, _data: object) -> None:
        # A dot comes for each percent loaded: a hundred would push out what was said before.
        if (line := text.decode(errors="replace").strip()).strip("."):
            self._lines = [*self._lines[-_LOG_LINES:], line]


@contextlib.contextmanager
def registered_variant(api: Any, isa: str) -> Iterator[Path]:
    """Load the library of one CPU variant; llama.cpp answers NULL where this CPU lacks it."""
    path = variants().get(isa)
    if path is None:
        raise WrongIsaError(f"this build of llama.cpp has no CPU variant {isa!r}")
    ggml = api._lib
    ggml.ggml_backend_load.restype = ctypes.c_void_p
    ggml.ggml_backend_load.argtypes = [ctypes.c_char_p]
    ggml.ggml_backend_unload.argtypes = [ctypes.c_void_p]
    registered = ggml.ggml_backend_load(bytes(path))
    if not registered:
        raise WrongIsaError(f"this CPU cannot run the variant {isa!r}")
    try:
        yield path
    finally:
        ggml.ggml_backend_unload(registered)


def variants() -> dict[str, Path]:
    """CPU variants of the installed build, found without importing it.

    `LLAMA_CPP_LIB_PATH` names another folder of libraries, for the bindings and so for us.
    """
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        return {}
    installed = Path(next(iter(spec.submodule_search_locations))) / "lib"
    folder = Path(os.environ.get("LLAMA_CPP_LIB_PATH") or installed)
    return {name_of(path): path for path in sorted(folder.glob(f"{_VARIANT}*.so"))}


def library_versions() -> str:
    """`libggml 0.25.3, libllama 0.5.0`, from the names of the shared libraries."""
    folder = next(iter(variants().values())).parent
    names = [
        re.fullmatch(r"(lib(?:ggml|llama))\.so\.(\d+\.\d+\.\d+)", p.name)
        for p in sorted(folder.iterdir())
    ]
    return ", ".join(f"{match[1]} {match[2]}" for match in names if match)


def score(path: Path) -> int:
    """What llama.cpp's own loader asks a variant: 0 where this CPU lacks an instruction set."""
    library = ctypes.CDLL(str(path))
    answer: int = library.ggml_backend_score()
    _ctypes.dlclose(library._handle)
    return answer


def mapped_variants() -> set[str]:
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return set(re.findall(rf"{_VARIANT}[\w.\-]+?\.so", maps))


def name_of(library: Path) -> str:
    return library.name.removeprefix(_VARIANT).removesuffix(".so")


def system_info(api: Any) -> str:
    return str(api.llama_print_system_info().decode(errors="replace")).strip()
