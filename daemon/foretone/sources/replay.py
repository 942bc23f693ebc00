"""A recorded session in the place of hands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretone import session
from foretone.clock import Clock
from foretone.errors import SessionError
from foretone.event import Event


class Replay:
    """A recorded session in the place of hands, from now on.

    Conductor thread only.

    session
        The log, looked for beside the instrument file.
    origin
        Which of the log's sources; all of them when not given.
    loop
        Begin again at the end.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        name: str,
        clock: Clock,
        folder: Path,
        *,
        session: str,
        origin: str | None = None,
        loop: bool = False,
    ) -> None:
        self.axes = axes
        self._name = name
        self._rows = rows(folder / session, origin)
        self._loop = loop
        self._next = 0
        self._start = clock.now()
        self.wake = self._start + self._rows[0].time

    @staticmethod
    def check(axes: tuple[str, ...], folder: Path, settings: dict[str, Any]) -> list[str]:
        """What is wrong with the session for these axes; for the instrument file's check."""
        try:
            found = rows(folder / settings["session"], settings.get("origin"))
        except (SessionError, KeyError, TypeError) as error:
            return [str(error)]
        if settings.get("loop") and found[-1].time <= 0:
            return ["the session is too short to be played in a loop"]
        width = len(found[0].values)
        return [] if width == len(axes) else [f"the session has {width} axes, not {len(axes)}"]

    def tick(self, now: float) -> Sequence[Event]:
        """Everything up to now."""
        played = []
        while self.wake <= now:
            row = self._rows[self._next]
            played.append(Event(self._start + row.time, self._name, row.values))
            self._next += 1
            if self._next == len(self._rows):
                self._next, self._start = 0, self._start + row.time if self._loop else math.inf
            self.wake = self._start + self._rows[self._next].time
        return played

    def close(self) -> None:
        """Nothing is held."""


def rows(path: Path, origin: str | None = None) -> tuple[Event, ...]:
    """The sources' rows of a session, or those of one source. SessionError when there are none."""
    found = tuple(event for event in session.read(path).heard() if origin in (None, event.origin))
    if not found:
        raise SessionError(f"{path} has nothing that {origin or 'a source'} played")
    return found
