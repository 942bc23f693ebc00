"""`foretone box`: what may be asked of it on the desk, and on a box."""

from __future__ import annotations

from pathlib import Path

from foretone.box import address, announce, find, settings
from foretone.box.apply import apply
from foretone.doctor.machine import Machine

NOBODY = "No box answered. It needs a minute after its start, and must be on the network of this machine.\n"


def run(action: str, file: Path, *, only_new: bool) -> int:
    """Do one of them; the exit status. Raises BoxError for a wrong `file`, OSError for a disk."""
    match action:
        case "find":
            boxes = find.find()
            print(find.table(boxes) or NOBODY, end="")
            return 0 if boxes else 1
        case "apply":
            return apply()
        case "announce":
            announce.announce(Machine())
        case "say" if only_new:
            address.say_when_new(Machine())
        case "say":
            print(address.say(Machine()))
        case _:
            box = settings.load(file)
            print(f"{file} is a box: {box.hostname}.local plays {box.instrument}")
    return 0
