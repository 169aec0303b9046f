"""What a release consists of is built from the tree, checked, and used with the source gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from edgebench import __version__
from scripts import release
from scripts.archives import extract

ROOT = Path(__file__).parent.parent
EPOCH = "1767225600"
TOLD = f"## {__version__} (2026-12-01)\n\n- All of it.\n\n## 0.0.1\n\n- A start.\n"


class Made(NamedTuple):
    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", EPOCH)
        return Made(*release.build(ROOT, tmp_path_factory.mktemp("dist")))


@pytest.fixture(scope="module")
def installed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the built wheel and the locked packages, and without the source."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", "--disable-pip-version-check", made.wheel)  # fmt: skip
    # A path in a .pth file is not searched for other .pth files, so the editable one stays out.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "locked.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_nothing_is_wrong_with_them(made: Made) -> None:
    assert list(release.problems(*made)) == []


def test_a_wheel_with_tests_or_without_data_is_refused(made: Made, tmp_path: Path) -> None:
    worse = tmp_path / made.wheel.name
    with zipfile.ZipFile(made.wheel) as good, zipfile.ZipFile(worse, "w") as bad:
        for name in good.namelist():
            if "models.yaml" not in name:
                bad.writestr(name, good.read(name).replace(b"Apache-2.0", b"Nonsense-1.0"))
        bad.writestr("tests/test_x.py", "")

    found = list(release.problems(worse, made.sdist))

    assert f"{worse.name} lacks edgebench/data/models.yaml." in found
    assert f"{worse.name} holds tests/test_x.py." in found
    assert any("'Nonsense-1.0'" in each or "licence" in each for each in found)


def test_the_same_commit_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    """Built again from the source distribution, which has no git folder and other file times."""
    with tarfile.open(made.sdist) as archive:
        extract(archive, tmp_path)
    environ = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}

    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "again",
        tmp_path / f"edgebench-{__version__}", env=environ)  # fmt: skip

    for path in made:
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_environment_has_the_wheel_and_not_the_tree(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "bin" / "python", "-c", "import edgebench; print(edgebench.__file__)",
                cwd=tmp_path)  # fmt: skip
    assert Path(where.strip()).is_relative_to(installed)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--help"], "Usage: edgebench"),
        (["--version"], f"edgebench {__version__}"),
        (["hardware", "list"], "raspberry-pi/5"),
        (["models", "list"], "smollm2-135m"),
    ],
)
def test_it_works_without_the_source(
    arguments: list[str], told: str, installed: Path, tmp_path: Path
) -> None:
    environ = {**os.environ, "EDGEBENCH_CACHE": str(tmp_path / "cache")}
    shown = run(installed / "bin" / "edgebench", *arguments, cwd=tmp_path, env=environ)
    assert told in shown


def test_it_measures_and_diagnoses_without_the_source(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"edgebench_fake": 1}')
    environ = {**os.environ, "EDGEBENCH_CACHE": str(tmp_path / "cache")}
    program = installed / "bin" / "edgebench"

    run(program, "run", "--file", "model.json", "--workload", "tg4", "--launches", "2",
        "--output", "r.json", cwd=tmp_path, env=environ)  # fmt: skip
    assert "r.json" in run(program, "check", "r.json", cwd=tmp_path, env=environ)
    told = subprocess.run(
        [program, "doctor", "--json"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = {each["backend"] for each in json.loads(told.stdout)["engines"]}
    assert {"llama.cpp", "onnxruntime", "fake", "reference", "torch"} <= names


def test_a_tag_needs_its_version_and_a_dated_entry_in_the_changelog() -> None:
    assert list(release.unready(f"v{__version__}", TOLD)) == []
    assert "The tag is v9" in next(release.unready("v9", TOLD))
    assert "says nothing" in next(release.unready(f"v{__version__}", "## 0.0.1\n\n- A start.\n"))
    unreleased = TOLD.replace("2026-12-01", "unreleased")
    assert "unreleased" in next(release.unready(f"v{__version__}", unreleased))


def test_notes_are_those_of_this_version() -> None:
    assert release.notes(TOLD) == "- All of it.\n"
    assert release.notes("## 0.0.1\n\n- A start.\n") == ""


def test_sums_are_what_sha256sum_checks(tmp_path: Path) -> None:
    for name in ("b.whl", "a.tar.gz"):
        (tmp_path / name).write_text(name)
    (tmp_path / "SHA256SUMS").write_text(release.sums(tmp_path.iterdir()))
    if shutil.which("sha256sum"):
        assert "b.whl: OK" in run("sha256sum", "--check", "SHA256SUMS", cwd=tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text().split()[1::2] == ["a.tar.gz", "b.whl"]


def test_the_version_stands_in_one_place() -> None:
    assert f'"{__version__}"' in (ROOT / "edgebench" / "__init__.py").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project
    assert f'"{__version__}"' not in project
