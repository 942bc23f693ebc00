"""Sound: the card by its name, and what the voice says of itself."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from foretone.doctor.machine import Check, Finding, Level, Machine

ALIVE = 1.0
"""Seconds without a block of sound after which the voice is gone."""

HEAVY = 0.5
"""Of what a block lasts: a voice is too heavy whose blocks take longer at the 99th percentile."""


def sound_card(machine: Machine) -> Iterator[Finding]:
    """Whether the card that box.toml names is there; cards are found by name, numbers change."""
    there = re.findall(r"^\s*\d+ \[(\w+)\s*\]", machine.text("proc/asound/cards"), re.M)
    wanted = re.search(r"CARD=([\w-]+)", machine.text("var/lib/box/asound.conf"))
    names = ", ".join(there)
    if wanted and wanted[1] not in there:
        have = f"there is {names}" if there else "there is none"
        cure = "plug it in; a card on the pins needs its overlay in config.txt"
        yield Finding("sound card", Level.BAD, f"the sound card {wanted[1]} is not there, {have}", cure)
    elif there:
        yield Finding("sound card", Level.GOOD, f"the sound card {wanted[1] if wanted else names} is there")
    elif not _sounds_elsewhere(machine):
        yield Finding("sound card", Level.BAD, "there is no sound card", "plug one in")


def voice(machine: Machine) -> Iterator[Finding]:
    """Whether it sounds, how often it was too late, and what came to it that it did not understand."""
    if _sounds_elsewhere(machine):
        yield Finding("voice", Level.GOOD, "this instrument has no voice: it sounds elsewhere")
        return
    status = machine.ring
    if status is None or not status.running or time.monotonic() - status.heartbeat > ALIVE:
        cure = "journalctl -u foretone-synth says why"
        yield Finding("voice", Level.BAD, "the voice does not run", cure)
        return
    if status.paced:
        yield Finding(
            "voice", Level.WARNING, "the voice plays into the void: it found no card", "plug one in"
        )
    else:
        yield Finding("voice", Level.GOOD, f"the voice plays on {status.device}, {status.rate} Hz")
    if status.xruns:
        cure = "if they are many: raise period or periods of the voice, and look at power and heat"
        if status.p99 > HEAVY * 1e6 * status.span > 0.0:
            cure = "the voice is too much for this board: take fewer notes or voices, or a longer period"
        yield Finding("xruns", Level.WARNING, f"the sound was interrupted {status.xruns} times", cure)
    else:
        yield Finding("xruns", Level.GOOD, "the sound was never interrupted")


def _sounds_elsewhere(machine: Machine) -> bool:
    """Whether the instrument that plays has no voice of its own."""
    told = machine.instrument
    return told is not None and all(part.get("kind") != "synth" for part in told["about"].get("parts", []))


CHECKS: tuple[Check, ...] = (sound_card, voice)
