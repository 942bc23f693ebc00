"""Who the box is: box.toml and its instrument's files against what was applied last."""

from __future__ import annotations

from collections.abc import Iterator

from foretone.box.files import same
from foretone.box.settings import load
from foretone.doctor.machine import Check, Finding, Level, Machine
from foretone.errors import BoxError

BOOT, APPLIED = "boot/firmware/box.toml", "var/lib/box/applied/box.toml"
AGAIN = "start the box again to take it"


def settings(machine: Machine) -> Iterator[Finding]:
    """Whether box.toml is what this box is, is waiting for the next start, or was refused."""
    wanted, applied = machine.text(BOOT), machine.text(APPLIED)
    if not wanted and not applied:
        yield Finding("box.toml", Level.UNKNOWN, "no box.toml can be read here")
    elif wanted == applied and (new := _changed(machine)):
        said = f"{new} was changed beside box.toml and is not taken yet"
        yield Finding("box.toml", Level.WARNING, said, AGAIN)
    elif wanted == applied:
        yield Finding("box.toml", Level.GOOD, "this box is what its box.toml says")
    elif not wanted:
        cure = "copy /var/lib/box/applied/box.toml onto the boot partition"
        yield Finding("box.toml", Level.WARNING, "this box is what a box.toml said that is gone", cure)
    else:
        try:
            load(machine.root / BOOT)
        except BoxError as error:
            cure = f"correct it, then {AGAIN}; until then the one before holds"
            yield Finding("box.toml", Level.BAD, f"box.toml is refused: {'; '.join(error.faults)}", cure)
        else:
            yield Finding("box.toml", Level.WARNING, "box.toml was changed and is not applied yet", AGAIN)


def _changed(machine: Machine) -> str:
    """The first of the instrument's files that is not on the boot partition as it was taken from there."""
    taken = (machine.root / APPLIED).parent
    for file in machine.files(f"{taken.relative_to(machine.root)}/**/*"):
        name = file.relative_to(taken)
        if file.is_file() and not same((machine.root / BOOT).parent / name, file):
            return str(name)
    return ""


CHECKS: tuple[Check, ...] = (settings,)
