"""Playing a recorded session again, and letting the ghost practise: an instrument without a stage."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from foretone import session
from foretone.clock import Clock, HandClock, WallClock
from foretone.errors import SessionError
from foretone.event import Event
from foretone.instrument import Instrument
from foretone.recorder import Recorder
from foretone.run import Performer, make_board
from foretone.stage import Stage

AFTER = 10.0
"""Seconds that a replay goes on after the last row, for the instrument to answer it."""


class Rows:
    """A source's rows of a session, each at its own time. Conductor thread only."""

    def __init__(self, axes: tuple[str, ...], rows: list[Event], start: float) -> None:
        self.axes = axes
        self._rows = rows[::-1]
        self._start = start
        self.wake = self._due()

    def tick(self, now: float) -> list[Event]:
        """Everything up to now."""
        played = []
        while self.wake <= now:
            event = self._rows.pop()
            played.append(event._replace(time=self.wake))
            self.wake = self._due()
        return played

    def close(self) -> None:
        """Nothing is held."""

    def _due(self) -> float:
        return self._start + self._rows[-1].time if self._rows else float("inf")


def replay(path: Path, instrument: Instrument, fast: bool, out: Path | None, hands: bool = False) -> int:
    """Play a session's sources into an instrument on a fake board, and write the session that comes out.

    Fast is virtual time: as quick as the machine can, and with the same seed the same bytes. Else it takes
    as long as the session did. With `hands` the session is not played in the place of the sources, but hands
    hold the board's sensors as it says: then it goes through the models of the chips and through their
    drivers. SessionError when a source is not held by hands.
    """
    recorded = session.read(path)
    heard = recorded.heard()
    names = {part.name: part for part in instrument.of("source")}
    for event in heard:
        if event.origin not in names:
            raise SessionError(
                f"{path} was played by '{event.origin}', but {instrument.title} has {', '.join(names)}"
            )
        if event.values and len(event.values) != len(names[event.origin].axes):
            raise SessionError(
                f"{path} has {len(event.values)} axes of '{event.origin}', but there are "
                f"{len(names[event.origin].axes)}: {', '.join(names[event.origin].axes)}"
            )
    if out is not None and out.exists() and out.samefile(path):
        raise SessionError(f"{out} is the session itself; give --out another name")
    clock: Clock = HandClock() if fast else WallClock()
    start = clock.now()
    sources: dict[str, Any] = {
        name: Rows(part.axes, [event for event in heard if event.origin == name], start)
        for name, part in names.items()
    }
    stage = Stage(instrument, make_board("fake", clock, instrument.seed), clock, None if hands else sources)
    end = start + (heard[-1].time if heard else 0.0) + AFTER
    with _recorded(stage, start, recorded.header.started, out):
        stage.open(threads=not fast)
        if hands:
            _play_by_hand(stage, heard, start)
        if fast:
            stage.run_until(end)
        else:
            stage.conductor.run(end)
    return 0


def practise(sources: Instrument, minutes: float, out: Path) -> int:
    """Let the ghost hold the sensors for so many minutes of virtual time, and write the session.

    Give it an instrument's sources alone: nothing need answer, so there need be no model yet.
    """
    clock = HandClock()
    stage = Stage(sources, make_board("fake", clock, sources.seed), clock)
    with _recorded(stage, 0.0, "", out):
        stage.open(threads=False)
        Performer(stage, clock).play(True)
        stage.run_until(60.0 * minutes)
    return 0


def _play_by_hand(stage: Stage, rows: Sequence[Event], start: float) -> None:
    """From now on hands hold the fake board's sensors as the rows say, each at its time."""
    board: Any = stage.board
    held = set(Performer(stage, stage.conductor.clock).sensors)
    for row in rows:
        if row.origin not in held:
            raise SessionError(f"'{row.origin}' is not held by hands; there are {', '.join(held) or 'none'}")
    waiting = deque(rows)

    def play(now: float) -> float:
        while waiting and start + waiting[0].time <= now:
            row = waiting.popleft()
            board.hold(row.origin, row.values) if row.values else board.lift(row.origin)
        return start + waiting[0].time if waiting else math.inf

    stage.conductor.chores.append(play)


@contextlib.contextmanager
def _recorded(stage: Stage, start: float, started: str, out: Path | None) -> Iterator[None]:
    """Everything that is played goes to `out`, or to the screen at the end, however the end comes."""
    with tempfile.TemporaryDirectory(prefix="foretone-") as place:
        path = Path(place) / "session.csv" if out is None else out
        if path.is_dir():
            raise SessionError(f"{path} is a folder; give --out the name of a file")
        path.unlink(missing_ok=True)
        recorder = Recorder(path, stage.instrument, start, started)
        stage.conductor.listeners.append(recorder.note)
        stage.conductor.chores.append(lambda now: _write(recorder, now))
        try:
            yield
        finally:
            stage.close()
            recorder.close()
            if out is None and path.exists():
                sys.stdout.write(path.read_text(encoding="utf-8"))
        if recorder.fault or recorder.lost:
            raise SessionError(f"{path} cannot be written: {recorder.fault}")


def _write(recorder: Recorder, now: float) -> float:
    recorder.write()
    return now + 10.0
