"""Profiles are data that is checked: those that ship, and every way to get one wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from edgebench import files
from edgebench.errors import BadInput
from edgebench.machine import device, new_profile, profile, profile_checks
from edgebench.schema.hardware import Profile
from scripts import schema
from tests.machine_tree import BOARD, plant

ROOT = Path(__file__).parent.parent
OURS = profile.load(ROOT / "hardware")


def wrong(folder: Path, old: str, new: str) -> str:
    """What is said of the example with one mistake in it."""
    assert BOARD.count(old) == 1
    path = folder / "board.yaml"
    path.write_text(BOARD.replace(old, new))
    with pytest.raises(BadInput) as caught:
        files.read_yaml(path, Profile)
    return str(caught.value).removeprefix(f"{folder}/")


def test_there_are_twenty_profiles_and_no_machine_is_two_of_them() -> None:
    assert len(OURS) >= 20
    assert not [*profile_checks.clashes(OURS)]


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_fact_of_a_profile_has_a_public_source(name: str) -> None:
    found = OURS[name]
    assert {url.url.split(":")[0] for url in found.sources.values()} == {"https"}
    unused = set(found.sources) - {key for _, key in found.cited()}
    assert not unused, "a source that nothing cites"


@pytest.mark.parametrize("name", sorted(OURS))
def test_profiles_fit_the_published_schema(name: str) -> None:
    published = json.loads((schema.FOLDER / "hardware.v1.schema.json").read_text("utf-8"))
    text = (ROOT / f"hardware/{name}.yaml").read_text("utf-8")
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    assert not list(jsonschema.Draft202012Validator(published).iter_errors(document))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: board", "kind: board\nkind: phone", "board.yaml:5: duplicate key 'kind', which"),
        ("vendor: Ex", "vendr: Ex", "board.yaml:3: vendr: unknown key; Did you mean 'vendor'?"),
        ("mhz: 2400", "mhz: 2.4 GHz", ":10: soc.clusters.0.max_frequency_mhz: value error, write "
         "2400, which is in MHz, not '2.4 GHz'."),
        ("mhz: 2400", "mhz: 2.4", ":10: soc.clusters.0.max_frequency_mhz: input should be greater"),
        ("17.1", "17.1 GB/s", "bandwidth_gb_s: value error, write 17.1, which is in GB/s"),
        ("17.1", "34.2", ":12: memory: value error, bandwidth_gb_s is 34.2, and 32 bits at 4267"
         " MT/s give 17.1: write 17.1."),
        ('    source: {url: "https://example.org/speed", title: Speed, date: 2026-01-31}\n', "",
         "board.yaml:20: claims.0: value error, a claim without its source: write `source: {url"),
        ("  name: Example SoC", "  name: {}", ":8: soc.name: input should be a valid string"),
        ("  source: page\nsources", "  source: paper\nsources",
         "memory: no source 'paper' in `sources`: write one of page"),
        ('["example,board"]', "[]", "match.0: value error, nothing is compared: give `compatible`"),
        ('compatible: ["example,board"]', "cpus: [{implementer: 0x41}]",
         'match.0.cpus.0.implementer: value error, write "0x41", with quotes'),
        ('"https://example.org/board"', '"http://example.org"', "sources.page.url: value error, a "
         "source is a public page: write its https:// address, not 'http://example.org'."),
        ('"https://example.org/board"', "null", "board.yaml:18: sources.page.url: value error, a "
         "source is a public page: write its https:// address, not null."),
        ("  source: page\nsources", "  source: null\nsources", "board.yaml:16: memory.source: "
         "value error, a block names its source: write one of `sources`, not null."),
        ("[\"example,board\"]", "&a [x]", "anchors and aliases are not allowed"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_what_to_write_instead(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert said in wrong(tmp_path, old, new)


def test_two_profiles_of_one_machine_are_found(tmp_path: Path) -> None:
    for name in ("one", "two"):
        plant(tmp_path, {f"acme/{name}.yaml": BOARD})

    findings = profile_checks.validate([tmp_path], ROOT / "hardware")

    assert findings[0].problem == (
        f"{tmp_path}/acme/one.yaml:5: match: a machine that is acme/one also matches acme/two. "
        "Add to one of them a rule that the other does not fulfil."
    )
    machine = plant(tmp_path / "root", {"proc/device-tree/compatible": "example,board\0acme,soc\0"})
    plant(machine, {"proc/cpuinfo": "processor\t: 0\n"})
    with pytest.raises(BadInput, match="Two hardware profiles match this machine: acme/one and"):
        profile.profile_of(device.detect(machine, environ={}), profile.load(tmp_path))


def arm(*parts: tuple[str, int]) -> str:
    """/proc/cpuinfo of Arm's cores: part numbers, and how many of each."""
    all_ = [part for part, count in parts for _ in range(count)]
    return "".join(
        f"processor\t: {n}\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n"
        for n, part in enumerate(all_)
    )


A76, A55, A78AE, V1 = "0xd0b", "0xd05", "0xd42", "0xd40"
EC2 = {"sys/class/dmi/id/sys_vendor": "Amazon EC2\n",
       "sys/class/dmi/id/product_name": "c7g.16xlarge\n"}  # fmt: skip


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"proc/cpuinfo": arm((A76, 4)),
          "proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0"},
         "raspberry-pi/5"),
        ({"proc/cpuinfo": arm((A55, 4), (A76, 4)),
          "proc/device-tree/compatible": "radxa,rock-5b\0rockchip,rk3588\0"}, "radxa/rock-5b"),
        ({"proc/cpuinfo": arm((A78AE, 6)),
          "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
          "proc/device-tree/compatible": "nvidia,p3768-0000\0nvidia,tegra234\0"},
         "nvidia/jetson-orin-nano-8gb"),
        ({"proc/cpuinfo": arm((V1, 2)), **EC2}, "aws/graviton3"),
        ({"proc/cpuinfo": arm((V1, 2))}, None),
        ({"proc/cpuinfo": arm(("0xd46", 4), ("0xd4d", 4), ("0xd4e", 1))}, "google/pixel-8"),
    ],
)  # fmt: skip
def test_boards_are_recognized_by_what_they_call_themselves(
    tmp_path: Path, made: dict[str, str], expected: str | None
) -> None:
    found = device.detect(plant(tmp_path, made), environ={})
    assert profile.profile_of(found, OURS) == expected


def test_a_gpu_names_the_machine_that_holds_it(tmp_path: Path) -> None:
    made = {"proc/cpuinfo": arm((V1, 2)), **EC2,
            "proc/driver/nvidia/gpus/0/information": "Model: \t\t NVIDIA H200\n"}  # fmt: skip
    found = device.detect(plant(tmp_path, made), environ={})
    assert profile.profile_of(found, OURS) == "nvidia/h200"


def test_why_not_names_each_rule_that_does_not_hold(tmp_path: Path) -> None:
    found = device.detect(plant(tmp_path, {"proc/cpuinfo": arm((V1, 2))}), environ={})
    reasons = dict(profile.reasons(found, OURS))
    assert reasons["aws/graviton3"] == ["dmi_vendor: nothing, wanted Amazon EC2."]


@pytest.mark.parametrize("made", [
    {"proc/cpuinfo": arm((A55, 4), (A76, 4))},
    {"proc/cpuinfo": arm((A76, 4)), "proc/device-tree/compatible": "acme,\"x\x1b[31m\": y\0"},
    {"proc/cpuinfo": arm((V1, 1)), **EC2},
    {"proc/cpuinfo": "processor: 0\nvendor_id: GenuineIntel\ncpu family: 6\nmodel: 151\n"
                     "model name: i7: \"{x}\"\n"},
])  # fmt: skip
def test_a_drafted_profile_lacks_only_its_source_and_matches_its_machine(
    tmp_path: Path, made: dict[str, str]
) -> None:
    found = device.detect(plant(tmp_path, made), environ={})
    path = tmp_path / "board.yaml"
    path.write_text(new_profile.draft(found))
    with pytest.raises(BadInput, match=r"sources\.vendor\.url"):
        files.read_yaml(path, Profile)

    text = path.read_text().replace("url: null", "url: https://example.org/x")
    path.write_text(text.replace("title: null", "title: Data sheet"))
    drafted = files.read_yaml(path, Profile)
    assert not profile.why_not(drafted, profile.identity(found))
