"""Build llama.cpp's own llama-bench around the very libraries that edgebench measures.

    python -m scripts.build_llama_bench [--variant haswell]    prints the path of the executable

Only llama-bench's two source files are compiled, from the source distribution in the lock;
everything that computes is copied from the installed llama-cpp-python, with one CPU variant, so
that a difference in speed is a difference between harnesses.
"""

from __future__ import annotations

import argparse
import ctypes
import filecmp
import importlib.util
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.llama_wheel import NAME, cache_dir, compiler, entry, pip

SHARED = ("libllama-common.so.0", "libllama.so.0", "libggml.so.0", "libggml-base.so.0")
SOURCES = ("main.cpp", "llama-bench.cpp")
INCLUDES = ("common", "include", "ggml/include", "vendor")
# $ORIGIN for the libraries' own needs too: the copies, never a system's llama.cpp.
LINK = ("-pthread", "-Wl,--disable-new-dtags,-rpath,$ORIGIN")


def libraries() -> dict[str, Path]:
    """The installed shared libraries of llama.cpp by file name."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        sys.exit(f"{NAME} is not installed for {sys.executable}: sh scripts/install.sh")
    package = Path(spec.origin).parent
    # The wheel leaves llama-common outside the package.
    return {file.name: file for top in (package.parent, package) for file in top.glob("lib/lib*")}


def score(library: Path) -> int:
    """How well llama.cpp thinks a CPU variant fits this CPU; 0 when it cannot run here."""
    function = ctypes.CDLL(str(library)).ggml_backend_score
    function.restype = ctypes.c_int
    return int(function())


def unchanged(library: Path, folder: Path) -> bool:
    copy = folder / library.name
    return copy.is_file() and filecmp.cmp(library, copy)


def build(folder: Path, copied: list[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print("Building llama-bench: about a minute.", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        sdist = pip("download", "--dest", Path(temporary), folder / "download.log")
        shutil.unpack_archive(sdist, temporary)
        (source,) = Path(temporary).glob("*/vendor/llama.cpp")
        for library in copied:
            shutil.copy2(library, folder)
        command = [*shlex.split(compiler()), "-O3", "-DNDEBUG", "-std=c++17"]
        command += [f"-I{source / include}" for include in INCLUDES]
        command += [str(source / "tools/llama-bench" / name) for name in SOURCES]
        command += [str(folder / name) for name in SHARED]
        built = subprocess.run([*command, *LINK, "-o", str(folder / "llama-bench")], check=False)
    if built.returncode:
        sys.exit("llama-bench could not be built; the compiler's words are above.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--variant", help="CPU variant (default: the best that this CPU can run)")
    installed = libraries()
    missing = [name for name in SHARED if name not in installed]
    if missing:
        sys.exit(f"The installed {NAME} lacks {', '.join(missing)}: sh scripts/install.sh")
    ctypes.CDLL(str(installed["libggml-base.so.0"]))  # the variants have no run path to it
    scores = {
        name.removeprefix("libggml-cpu-").removesuffix(".so"): score(file)
        for name, file in installed.items()
        if name.startswith("libggml-cpu-")
    }
    usable = sorted((name for name in scores if scores[name]), key=scores.__getitem__)
    variant = parser.parse_args().variant or (usable[-1] if usable else None)
    if variant not in usable:
        sys.exit(
            f"{NAME} has no CPU variant {variant} that runs here. Usable: {', '.join(usable)}."
        )

    folder = cache_dir("llama-bench", f"{entry()[1]}-{variant}")
    copied = [installed[name] for name in (*SHARED, f"libggml-cpu-{variant}.so")]
    executable = folder / "llama-bench"
    if not (executable.is_file() and all(unchanged(library, folder) for library in copied)):
        build(folder, copied)
    print(executable)


if __name__ == "__main__":
    main()
