"""What is locked is asked about, by pip-audit, in a small folder of advisories made here."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from edgebench.errors import BadInput
from scripts import advisories, audit

ROOT = Path(__file__).parent.parent
TODAY = date(2026, 11, 26)
DISKCACHE = {"id": "PYSEC-1", "aliases": ["CVE-2025-69872"], "fix_versions": []}


def advisory(name: str = "Some.Package", **fields: Any) -> dict[str, Any]:
    """One that concerns every version below 1.4, unless told otherwise."""
    affected = {
        "package": {"ecosystem": fields.pop("ecosystem", "PyPI"), "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.4"}]}],
    } | fields.pop("affected", {})
    told = {"id": "PYSEC-2026-1", "modified": "2026-11-01T12:00:00.5Z", "affected": [affected]}
    return told | fields


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a clone of pypa/advisory-database is, with a workflow and a note beside the advisories."""
    made = tmp_path / "advisory-database"
    for path in ("vulns/some-package", ".github/workflows", "triage"):
        (made / path).mkdir(parents=True)
    (made / ".github/workflows/run.yml").write_text("id: {{ unreadable")
    (made / "triage/false_positives.yaml").write_text("- CVE-1\n")
    put(made, advisory())
    return made


def put(folder: Path, told: dict[str, Any], name: str = "PYSEC-2026-1.yaml") -> None:
    text = json.dumps(told) if name.endswith(".json") else yaml.safe_dump(told)
    (folder / "vulns/some-package" / name).write_text(text, encoding="utf-8")


def about(folder: Path, name: str, version: str) -> list[str]:
    read = advisories.read(folder, {"some-package", "other"}, TODAY)
    return [each.id for each in read.about(name, version)]


def test_an_advisory_holds_below_its_fix_however_the_name_is_spelled(folder: Path) -> None:
    for name in ("some-package", "Some_Package", "some.package"):
        assert about(folder, name, "1.3.9") == ["PYSEC-2026-1"]
        assert about(folder, name, "1.4") == about(folder, name, "1.4.0") == []
    assert about(folder, "other", "1.0") == []


def test_a_withdrawn_advisory_holds_for_nothing(folder: Path) -> None:
    put(folder, advisory(withdrawn="2026-11-02T00:00:00Z"))
    assert about(folder, "some-package", "1.0") == []


def test_listed_versions_hold_beside_ranges_and_in_any_spelling(folder: Path) -> None:
    listed = {"versions": ["2.0.0", "2004d", "2.1rc1"], "ranges": None}
    put(folder, advisory(affected=listed), "GHSA-1.json")
    (folder / "vulns/some-package/PYSEC-2026-1.yaml").unlink()
    assert about(folder, "some-package", "2.0") == ["PYSEC-2026-1"]
    assert about(folder, "some-package", "2.1.rc1") == ["PYSEC-2026-1"]
    assert about(folder, "some-package", "1.0") == []


def test_ranges_of_commits_and_of_other_ecosystems_are_not_ours(folder: Path) -> None:
    put(folder, advisory("other", affected={"ranges": [{"type": "GIT", "events": []}]}), "a.yaml")
    put(folder, advisory("other", ecosystem="npm"), "b.yaml")
    assert about(folder, "other", "1.0") == []


@pytest.mark.parametrize(
    ("version", "events", "held"),
    [
        ("1.0", [("introduced", "1.0"), ("fixed", "2.0")], True),
        ("2.0", [("introduced", "1.0"), ("fixed", "2.0")], False),
        ("0.9", [("introduced", "1.0")], False),
        ("9", [("introduced", "0")], True),
        ("0.dev1", [("introduced", "0"), ("fixed", "1")], True),
        ("3.5", [("fixed", "3.1"), ("introduced", "0"), ("introduced", "3.4")], True),
        ("3.2", [("fixed", "3.1"), ("introduced", "0"), ("introduced", "3.4")], False),
        ("5.6.3", [("introduced", "0"), ("last_affected", "5.6.3")], True),
        ("5.6.4", [("introduced", "0"), ("last_affected", "5.6.3")], False),
        ("2.0rc1", [("introduced", "0"), ("fixed", "2.0")], True),
        ("10.0", [("introduced", "0"), ("fixed", "9.0")], False),
        ("3.0", [("introduced", "0"), ("limit", "2.0")], False),
        ("3.0", [("introduced", "0"), ("limit", "*")], True),
        ("1.0", [("introduced", "sometime")], True),
    ],
)
def test_versions_in_ranges(version: str, events: list[tuple[str, str]], held: bool) -> None:
    told = [{kind: text} for kind, text in events]
    assert advisories.within(Version(version), told) is held


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("PYSEC-2.yaml", "id: [", "cannot be read as an advisory"),
        ("PYSEC-2.json", "{", "cannot be read as an advisory"),
        ("PYSEC-2.yaml", "id: PYSEC-2\nmodified: lately\n", "is no advisory: modified"),
    ],
)
def test_a_damaged_advisory_is_named_and_not_passed_over(
    folder: Path, name: str, text: str, said: str
) -> None:
    (folder / "vulns" / name).write_text(text)
    with pytest.raises(BadInput, match=f"{name} {said}"):
        about(folder, "some-package", "1.0")


def test_a_folder_without_advisories_is_a_mistake_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in (tmp_path, tmp_path / "absent", ROOT / "docs"):
        assert audit.main(["--advisories", str(wrong)]) == audit.BAD_FOLDER
        printed = capsys.readouterr()
        assert "Clean" not in printed.out + printed.err
        assert "Give a clone of pypa/advisory-database" in printed.err


def test_advisories_are_as_old_as_their_commit_or_their_newest_record(folder: Path) -> None:
    put(folder, advisory(modified="2027-07-09T15:54:00Z"), "misdated.yaml")
    read = advisories.read(folder, set(), TODAY)
    assert (read.day, read.commit, read.total) == (date(2026, 11, 1), "", 2)

    git = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com")
    dated = {"GIT_COMMITTER_DATE": "2026-10-05T00:00:00Z", "PATH": "/usr/bin:/bin"}
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "all")):
        subprocess.run([*git, *command], check=True, env=dated)
    read = advisories.read(folder, set(), TODAY)
    assert read.day == date(2026, 10, 5)
    assert len(read.commit) >= 7


def test_old_advisories_say_so_and_fail_where_an_age_is_demanded(folder: Path) -> None:
    known = [advisories.read(folder, set(), TODAY)]
    late, (said,) = audit.aged(known, TODAY, None)
    assert not late
    assert "of 2026-11-01, 25 days old." in said
    late, lines = audit.aged(known, TODAY, 7)
    assert late
    assert "git pull" in lines[1]


def test_pip_audit_finds_in_the_folder_what_is_there_and_nothing_else(folder: Path) -> None:
    asked = {"some-package": {"1.3", "1.4"}, "other": {"1.0"}}
    told = audit.audited(asked, [advisories.read(folder, asked, TODAY)])
    code, lines = audit.verdict(told)
    assert (code, lines) == (
        audit.VULNERABLE,
        ["some-package 1.3: PYSEC-2026-1, mended in 1.4."],
    )
    assert len(told["dependencies"]) == 3


def test_everything_locked_is_asked_about_and_clean_in_this_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["--advisories", str(folder)], TODAY) == audit.CLEAN
    age, clean = capsys.readouterr().out.splitlines()
    assert "1 advisories about Python packages, of 2026-11-01, 25 days old" in age
    versions = sum(map(len, audit.locked(ROOT).values()))
    assert clean == (
        f"Clean, as far as advisories of 2026-11-01 tell: {versions} versions asked about."
    )


def test_versions_for_other_pythons_and_of_build_tools_are_asked_about_too() -> None:
    asked = audit.locked(ROOT)
    assert len(asked["numpy"]) == 2
    assert {"cmake", "ninja", "llama-cpp-python", "pip"} <= asked.keys()
    first, second = audit.layers({"a": {"1"}, "b": {"10", "9"}})
    assert (first, second) == (["a==1", "b==9"], ["b==10"])


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": []}]},
            audit.CLEAN,
            "Clean: 1 versions asked about.",
        ),
        (
            {"dependencies": [{"name": "a", "skip_reason": "not found"}]},
            audit.NOT_AUDITED,
            "Not audited: 1 of 1 versions.",
        ),
        ({"dependencies": [], "problem": "no service"}, audit.NOT_AUDITED, "no service"),
        ({"dependencies": []}, audit.NOT_AUDITED, ""),
    ],
)
def test_an_audit_that_looked_nothing_up_is_not_clean(
    told: dict[str, Any], code: int, said: str
) -> None:
    found, lines = audit.verdict(told)
    assert found == code
    assert said in "\n".join(lines)


def test_what_is_accepted_is_said_and_holds_for_one_version_and_one_advisory() -> None:
    def of(version: str, *flaws: dict[str, Any]) -> tuple[int, list[str]]:
        found = {"name": "diskcache", "version": version, "vulns": list(flaws)}
        return audit.verdict({"dependencies": [found]}, audit.accepted())

    code, (finding, clean) = of("5.6.3", DISKCACHE)
    assert code == audit.CLEAN
    assert "PYSEC-1, mended in no version yet. Accepted: Who can write" in finding
    assert clean.startswith("Clean but for what is accepted")
    assert of("5.6.2", DISKCACHE)[0] == audit.VULNERABLE
    assert of("5.6.3", DISKCACHE, DISKCACHE | {"aliases": ["CVE-2"]})[0] == audit.VULNERABLE
    assert of("5.6.3", DISKCACHE | {"fix_versions": ["5.6.4"]})[0] == audit.VULNERABLE


def test_edgebench_opens_no_cache_of_diskcache() -> None:
    """Why the finding above is accepted."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "edgebench").rglob("*.py")]
    assert not any("DiskCache" in text or "diskcache" in text for text in sources)
