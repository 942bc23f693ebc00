"""The card: its errors, whether it may be written, and the room on it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from foretone.doctor.machine import Check, Finding, Level, Machine

FAULT = re.compile(
    r"(mmcblk\d+|mmc\d+|sd[a-z]).*\b(error|timeout)|\b(I/O error|EXT4-fs error)\b.*(mmcblk|sd[a-z])", re.I
)
NEW_CARD = "save what is on it now (make backup), and make a new card; they wear out"
FEW = 100_000_000
"""Bytes that a long evening may need."""


def card(machine: Machine) -> Iterator[Finding]:
    """What the kernel says of the card."""
    log = machine.run("dmesg") or machine.run("journalctl", "--dmesg", "--output=cat", "--no-pager")
    counted = [
        file for file in machine.files("sys/fs/ext4/*/errors_count") if file.read_text().strip() != "0"
    ]
    faults = [line for line in log.splitlines() if FAULT.search(line)]
    if faults:
        yield Finding(
            "card", Level.BAD, f"the card made {len(faults)} errors, the last: {faults[-1].strip()}", NEW_CARD
        )
    elif counted:
        names = ", ".join(file.parent.name for file in counted)
        yield Finding("card", Level.BAD, f"the file system of {names} found errors in itself", NEW_CARD)
    elif log:
        yield Finding("card", Level.GOOD, "the card made no errors since the start")
    else:
        yield Finding(
            "card", Level.UNKNOWN, "the kernel's messages cannot be read", "ask as root: sudo foretone doctor"
        )


def room(machine: Machine) -> Iterator[Finding]:
    """How much room there is for what is played."""
    if not machine.home.exists():
        yield Finding("room", Level.UNKNOWN, f"{machine.home} is not there: nothing was played here yet")
        return
    disk = shutil.disk_usage(machine.home)
    free = f"{disk.free / 1e6:.0f} MB of {disk.total / 1e6:.0f} MB are free for what you play"
    if disk.free < FEW:
        cure = "fetch the sessions (make sessions), then remove old ones from its sessions folder"
        yield Finding("room", Level.BAD, free, cure)
    else:
        yield Finding("room", Level.GOOD, free)


def writable(machine: Machine) -> Iterator[Finding]:
    """Whether the part of the card that should be written can be."""
    places = [line.split() for line in machine.text("proc/mounts").splitlines()]
    home = f"/{machine.home.relative_to(machine.root)}/"
    holding = [entry for entry in places if len(entry) > 3 and home.startswith(entry[1].rstrip("/") + "/")]
    if not holding:
        yield Finding("writable", Level.UNKNOWN, "this machine does not tell what is mounted")
        return
    _, place, _, options, *_ = max(holding, key=lambda entry: len(entry[1]))
    if "ro" in options.split(","):
        yield Finding(
            "writable", Level.BAD, f"{place} can only be read: nothing is recorded or saved", NEW_CARD
        )
    else:
        yield Finding("writable", Level.GOOD, f"{place} can be written")


CHECKS: tuple[Check, ...] = (card, room, writable)
