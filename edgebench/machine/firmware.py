"""What the firmware calls this machine: the device tree, or DMI; and whether it is virtual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.machine import kernel_files
from edgebench.machine.found import Firmware

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# What manufacturers of mainboards leave in DMI when nobody fills it in.
_PLACEHOLDERS = frozenset(
    {"to be filled by o.e.m.", "system product name", "system manufacturer", "default string",
     "not applicable", "not specified", "none", "o.e.m.", "system name", "unknown"}
)  # fmt: skip
# Vendors that DMI names on virtual machines and on nothing else.
_VIRTUAL = {
    "qemu": "qemu", "kvm": "kvm", "vmware, inc.": "vmware", "xen": "xen",
    "innotek gmbh": "virtualbox",
    "parallels software international inc.": "parallels", "alibaba cloud": "alibaba",
    "openstack foundation": "openstack", "digitalocean": "digitalocean", "hetzner": "hetzner",
}  # fmt: skip
LONGEST = 120


def read(root: Path) -> Firmware:
    """Names only: serial numbers and asset tags are never read."""
    dmi = root / "sys/class/dmi/id"
    tree = root / "proc/device-tree"
    return Firmware(
        model=_first(_strings(tree / "model")) or _copied_model(root),
        compatible=_strings(tree / "compatible"),
        dmi_vendor=_name(dmi / "sys_vendor"),
        dmi_product=_name(dmi / "product_name"),
        dmi_board_vendor=_name(dmi / "board_vendor"),
        dmi_board=_name(dmi / "board_name"),
    )


def board(found: Firmware) -> str | None:
    """The device tree's model, else DMI's product, else its mainboard."""
    system = (found.dmi_vendor, found.dmi_product)
    mainboard = (found.dmi_board_vendor, found.dmi_board)
    vendor, product = system if found.dmi_product else mainboard
    # Products that begin with their vendor's name: "HP EliteBook", "NVIDIA_DGX_Spark".
    told = vendor and not (product or "").lower().startswith(vendor.lower())
    named = f"{vendor} {product or ''}".strip() if told else product or ""
    return (found.model or named)[:LONGEST] or None


def hypervisor(root: Path, found: Firmware, flags: tuple[str, ...]) -> str | None:
    """Its name where something says it, `yes` where the CPU says that it is virtual, else None."""
    named = _first(_strings(root / "sys/hypervisor/type"))
    vendor, product = (found.dmi_vendor or "").lower(), (found.dmi_product or "").lower()
    if product in {"kvm", "virtual machine", "google compute engine"}:
        vendor_named: str | None = {"virtual machine": "hyper-v"}.get(product, "kvm")
    elif vendor == "amazon ec2" and not product.endswith("metal"):
        vendor_named = "amazon ec2"
    else:
        vendor_named = _VIRTUAL.get(vendor)
    return named or vendor_named or ("yes" if "hypervisor" in flags else None)


def _copied_model(root: Path) -> str | None:
    """Raspberry Pi's kernels copy it into /proc/cpuinfo, where containers see it as well."""
    told = kernel_files.fields(root / "proc/cpuinfo").get("Model", "")
    return _first(_printable((told,)))


def _strings(path: Path) -> tuple[str, ...]:
    """NUL-separated strings as the device tree has them, without control characters."""
    try:
        raw = path.read_bytes()[:4096]
    except OSError:
        return ()
    return _printable(raw.decode("utf-8", errors="replace").split("\0"))


def _printable(texts: Iterable[str]) -> tuple[str, ...]:
    printable = ("".join(c for c in text if c.isprintable()).strip()[:LONGEST] for text in texts)
    return tuple(text for text in printable if text)


def _name(path: Path) -> str | None:
    found = _first(_strings(path))
    return None if found is None or found.lower() in _PLACEHOLDERS else found


def _first(texts: tuple[str, ...]) -> str | None:
    return texts[0] if texts else None
