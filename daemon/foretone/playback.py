"""A recorded session sounds and moves again, as it was: nobody answers it, and nothing records it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from foretone import session
from foretone.conductor import Conductor
from foretone.errors import SessionError
from foretone.event import Event

LOOK = 0.1
"""Seconds between looks, while it plays, at whether something else is asked for."""


class Playback:
    """Shows a session's events to the sinks that play their origins. `begin` and `end` from any thread."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._asked: Tape | None = None
        self._tape: Tape | None = None
        conductor.chores.append(self._go_on)

    def begin(self, path: Path) -> None:
        """Play a session from its first row, in place of one that is being played.

        SessionError when it cannot be read, or was played on another instrument.
        """
        seats = self._conductor.seats
        events = [
            event
            for event in session.read(path).events
            if event.origin in seats and len(event.values) in (0, len(seats[event.origin].axes))
        ]
        if not events:
            raise SessionError(f"{path.name} was played on another instrument")
        self._asked = Tape(path.name, events)

    def end(self) -> None:
        """Stop, and let go of everything."""
        self._asked = Tape("", [])

    def state(self, now: float) -> dict[str, Any] | None:
        """What is played: `name`, `at` and `length` in seconds; None when nothing is. Conductor thread."""
        tape = self._tape
        if tape is None:
            return None
        return {"name": tape.name, "at": max(0.0, now - tape.start), "length": tape.length}

    def _go_on(self, now: float) -> float:
        asked, self._asked = self._asked, None
        if asked is not None:
            self._let_go(now)
            asked.start = now
            self._tape = asked
        tape = self._tape
        if tape is None:
            return math.inf
        for event in tape.until(now):
            self._conductor.show(event)
        if tape.due == math.inf:
            self._let_go(now)
            self._tape = None
            return math.inf
        return min(tape.due, now + LOOK)

    def _let_go(self, now: float) -> None:
        for origin in self._tape.origins if self._tape else ():
            self._conductor.show(Event(now, origin, ()))


class Tape:
    """The rows of a session that are still to be played."""

    def __init__(self, name: str, events: list[Event]) -> None:
        self.name = name
        self.start = math.inf
        """When its first second began, in seconds of the clock."""
        self.length = events[-1].time - events[0].time if events else 0.0
        self.origins = tuple(dict.fromkeys(event.origin for event in events))
        self._first = events[0].time if events else 0.0
        self._waiting = events[::-1]

    @property
    def due(self) -> float:
        """When the next row is played; `inf` after the last."""
        return self.start + self._waiting[-1].time - self._first if self._waiting else math.inf

    def until(self, now: float) -> list[Event]:
        """Take the rows that are due, each with the time at which it is."""
        found = []
        while (due := self.due) <= now:
            found.append(self._waiting.pop()._replace(time=due))
        return found
