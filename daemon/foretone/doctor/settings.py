"""Who the box is: its box.toml against the one that was applied last."""

from __future__ import annotations

from collections.abc import Iterator

from foretone.box.settings import load
from foretone.doctor.machine import Check, Finding, Level, Machine
from foretone.errors import BoxError

BOOT, APPLIED = "boot/firmware/box.toml", "var/lib/box/applied.toml"
AGAIN = "start the box again to take it"


def settings(machine: Machine) -> Iterator[Finding]:
    """Whether box.toml is what this box is, is waiting for the next start, or was refused."""
    wanted, applied = machine.text(BOOT), machine.text(APPLIED)
    if not wanted and not applied:
        yield Finding("box.toml", Level.UNKNOWN, "no box.toml can be read here")
    elif wanted == applied:
        yield Finding("box.toml", Level.GOOD, "this box is what its box.toml says")
    elif not wanted:
        cure = "copy /var/lib/box/applied.toml onto the boot partition, as box.toml"
        yield Finding("box.toml", Level.WARNING, "this box is what a box.toml said that is gone", cure)
    else:
        try:
            load(machine.root / BOOT)
        except BoxError as error:
            cure = f"correct it, then {AGAIN}; until then the one before holds"
            yield Finding("box.toml", Level.BAD, f"box.toml is refused: {'; '.join(error.faults)}", cure)
        else:
            yield Finding("box.toml", Level.WARNING, "box.toml was changed and is not applied yet", AGAIN)


CHECKS: tuple[Check, ...] = (settings,)
