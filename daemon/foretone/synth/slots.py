"""The slots of a sampler, as a file of sounds describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from foretone.synth.pool import Recording
from foretone.synth.voice import Parameter, Sound, whole

SLOT = (
    Parameter("gain", 0, 1, 0.5, "", "square"),
    Parameter("rate", 0, 4, 1),
    Parameter("pan", 0, 1, 0.5),
    Parameter("start", 0, 1, 0),
    Parameter("end", 0, 1, 1),
    Parameter("loop", 0, 1, 0, choices=("off", "on")),
)
"""What each slot has. `start` and `end` are shares of the recording; turned, they hold from the next stroke
or round on.
"""

GAIN, RATE, PAN, START, END, LOOP = range(len(SLOT))


class Slot(NamedTuple):
    """One recording, as a file of sounds describes it."""

    name: str
    recording: Recording | None
    low: float
    high: float
    root: float
    """The key at which it sounds as recorded."""
    choke: int


def tables_of(sound: Sound) -> list[dict[str, Any]]:
    """The tables of its slots. ValueError with a sentence."""
    tables = sound.settings.get("slots")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ValueError("a sampler needs slots: [[NAME.slots]] with a name and a file each")
    known = ("name", "file", "key", "root", "choke", *(p.name for p in SLOT))
    names = [table.get("name") for table in tables]
    for number, table in enumerate(tables):
        if not isinstance(table.get("name"), str) or "/" in table["name"] or names.count(table["name"]) > 1:
            raise ValueError(f"slot {number} needs a name of its own, without /")
        if not isinstance(table.get("file"), str):
            raise ValueError(f"slot {table['name']!r} needs a file")  # noqa: TRY004 -- it is the file's fault
        if wrong := [key for key in table if key not in known]:
            raise ValueError(f"{wrong[0]!r} is nothing that a slot has; it has {', '.join(known)}")
    return tables


def slot_of(table: Mapping[str, Any], number: int, recording: Recording | None) -> Slot:
    """One of them, which has a number. ValueError with a sentence."""
    key, choke = table.get("key", number), table.get("choke", 0)
    low, high = key if isinstance(key, list) and len(key) == 2 else (key, key)
    root = table.get("root", low)
    if not all(isinstance(n, int) and 0 <= n <= 127 for n in (low, high, root, choke)) or low > high:
        raise ValueError(
            f"slot {table['name']!r}: key, root and choke are whole numbers, 0 to 127, or key a range"
        )
    return Slot(table["name"], recording, low, high, root, choke)


def notes_of(sound: Sound) -> int:
    """How many recordings may sound at once. ValueError with a sentence."""
    if wrong := [key for key in sound.settings if key not in ("slots", "notes")]:
        raise ValueError(f"{wrong[0]!r} is nothing that a sampler has; it has slots and notes")
    return whole(sound, "notes", 16)
