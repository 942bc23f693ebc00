"""The instrument: its parts and controllers, its lateness, and its file against the last one that played."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from foretone import instrument as files
from foretone import shelf
from foretone.doctor.machine import Check, Finding, Level, Machine
from foretone.errors import InstrumentError

LATE = 10.0
"""Milliseconds from a gesture to its answer that must never be exceeded."""

COUNTS = {
    "malformed": ("messages were malformed", "look at what sends them"),
    "overflowed": ("messages were overflowed", "look at what sends them"),
    "dropped": (
        "messages came faster than they could be played, and were dropped",
        "look at what sends them",
    ),
    "unrecorded": ("events are in no session log", "look at the room on the card"),
}
"""What is counted where nothing should be, and what to do about it."""


def controllers(machine: Machine) -> Iterator[Finding]:
    """Every part that is out, and why; and who waits for a cable, which is no fault."""
    told = machine.instrument
    if told is None:
        cure = "journalctl -u foretone says why; make doctor shows more"
        yield Finding("controllers", Level.BAD, "the instrument does not answer", cure)
        return
    parts = told["about"].get("parts", [])
    faults, waits = (told["state"].get(kind, []) for kind in ("faults", "waits"))
    for fault in faults:
        cure = (
            "look at its cable, its power and its address in the instrument file; it is tried again by itself"
        )
        yield Finding("controllers", Level.BAD, str(fault), cure)
    for wait in waits:
        yield Finding("controllers", Level.UNKNOWN, str(wait), "plug it in, if it is to play")
    if not faults:
        out = {str(wait).partition(":")[0] for wait in waits}
        names = ", ".join(part["name"] for part in parts if part["name"] not in out)
        yield Finding("controllers", Level.GOOD, f"{told['about'].get('title')} plays; {names} answer")


def lateness(machine: Machine) -> Iterator[Finding]:
    """Who was late, and what was dropped."""
    told = machine.instrument
    if told is None:
        yield Finding("lateness", Level.UNKNOWN, "the instrument does not answer")
        return
    state = told["state"]
    slow = [
        f"{name.replace('_', ' ')} took up to {figures['max']:.1f} ms"
        for name, figures in state.get("latency_ms", {}).items()
        if figures.get("p99", 0) > LATE
    ]
    if slow:
        cure = "stop other programs on this box; look at power and heat"
        yield Finding("lateness", Level.WARNING, "; ".join(slow), cure)
    if last := state.get("late"):
        yield Finding(
            "lateness", Level.WARNING, f"the last late part: {last}", "a smaller model, or a slower rate"
        )
    if not slow and not last:
        yield Finding("lateness", Level.GOOD, "no part was late")
    for count, (says, cure) in COUNTS.items():
        if number := state.get("counts", {}).get(count):
            yield Finding("lateness", Level.WARNING, f"{number} {says}", cure)


def instrument_file(machine: Machine) -> Iterator[Finding]:
    """Whether the chosen instrument is one, and how it differs from the one that was played before it."""
    chosen = machine.chosen
    if not chosen:
        yield Finding("instrument", Level.UNKNOWN, "no box.toml has chosen an instrument here")
        return
    own = machine.home / "instruments" / f"{chosen}.toml"
    try:
        found = files.load(own if own.exists() else files.find(chosen))
    except InstrumentError as error:
        cure = "correct it, or take back the one that was played before, in the page's tab Instrument"
        yield Finding("instrument", Level.BAD, f"{chosen}: {'; '.join(error.faults)}", cure)
        return
    before = machine.text(shelf.earlier(own)).splitlines()
    lines = difflib.ndiff(before, machine.text(own).splitlines())
    changed = [line for line in lines if line[:2] in ("+ ", "- ")] if before else []
    since = f"; since the one before: {'; '.join(changed[:4])}" if changed else ""
    yield Finding("instrument", Level.GOOD, f"{found.title} is an instrument{since}")


CHECKS: tuple[Check, ...] = (controllers, lateness, instrument_file)
