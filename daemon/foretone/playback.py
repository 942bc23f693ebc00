"""A recorded session sounds and moves again, as it was: nobody answers it, and nothing records it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foretone import session
from foretone.conductor import Conductor
from foretone.errors import SessionError
from foretone.event import Event

log = logging.getLogger("foretone")

LOOK = 0.1
"""Seconds between looks, while it plays, at whether something else is asked for."""


class Playback:
    """Shows a session's events to the sinks that play their origins. `begin` and `end` from any thread.

    `begin` reads the file and looks at its header and its last row; the conductor takes the rows apart one by
    one as they come due, so that opening an hour costs no more than opening a minute.
    """

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._asked: Tape | None = None
        self._tape: Tape | None = None
        conductor.chores.append(self._go_on)

    def begin(self, path: Path) -> None:
        """Play a session from its first row, in place of one that is being played.

        SessionError when it cannot be read, or was played on another instrument.
        """
        roll = session.unroll(path)
        seats = self._conductor.seats
        widths = {
            name: len(seats[name].axes)
            for name in (*roll.header.sources, *roll.header.players)
            if name in seats and len(seats[name].axes) <= len(roll.header.axes)
        }
        if not widths:
            raise SessionError(f"{path.name} was played on another instrument")
        self._asked = Tape(path.name, roll.rows, roll.last, widths)

    def end(self) -> None:
        """Stop, and let go of everything."""
        self._asked = Tape("", iter(()))

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
    """The rows of a session that are still to be played; `widths` are the axes of the origins that may be."""

    def __init__(
        self, name: str, rows: Iterator[Event], last: float = 0.0, widths: dict[str, int] | None = None
    ) -> None:
        self.name = name
        self.start = math.inf
        """When its first second began, in seconds of the clock."""
        self.origins = widths or {}
        self._rows = rows
        self._next = next(rows, None)
        self._first = self._next.time if self._next else 0.0
        self.length = last - self._first

    @property
    def due(self) -> float:
        """When the next row is played; `inf` after the last."""
        return self.start + self._next.time - self._first if self._next else math.inf

    def until(self, now: float) -> list[Event]:
        """Take the rows that are due, each with the time at which it is."""
        found = []
        while self._next is not None and (due := self.due) <= now:
            if len(self._next.values) in (0, self.origins.get(self._next.origin)):
                found.append(self._next._replace(time=due))
            try:
                self._next = next(self._rows, None)
            except SessionError as error:
                log.warning("the playback ends: %s", error)
                self._next = None
        return found
