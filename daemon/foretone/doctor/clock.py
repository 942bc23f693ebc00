"""The clock: sessions are named after it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from foretone.doctor.machine import Check, Finding, Level, Machine

BUILT = 1767225600.0
"""2026-01-01: a clock before that has never been set."""


def clock(machine: Machine) -> Iterator[Finding]:
    """Whether the clock was set, and by whom."""
    now = time.strftime("%Y-%m-%d %H:%M %Z")
    cure = "let it reach a network once after each start, or give it a clock chip"
    if time.time() < BUILT:
        yield Finding("clock", Level.BAD, f"the clock was never set, it says {now}", cure)
    elif machine.files("run/systemd/timesync/synchronized"):
        yield Finding("clock", Level.GOOD, f"the clock was set by the network, it is {now}")
    elif machine.files("sys/class/rtc/rtc0"):
        yield Finding("clock", Level.GOOD, f"the clock chip says {now}")
    else:
        yield Finding("clock", Level.WARNING, f"nobody set the clock since the start; it says {now}", cure)


CHECKS: tuple[Check, ...] = (clock,)
