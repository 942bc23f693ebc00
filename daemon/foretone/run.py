"""`foretone run`: one instrument on one board, from opening to rest, on one page."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import math
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from foretone import kinds, punctual
from foretone.box.interfaces import addresses
from foretone.clock import Clock, HandClock, WallClock
from foretone.control import Control
from foretone.errors import RENEWED, InstrumentError, ModelError
from foretone.event import Event
from foretone.instrument import Instrument
from foretone.parts import BUSES, Board
from foretone.recorder import Recorder
from foretone.sources.ghost import Ghost
from foretone.stage import Stage
from foretone.watch import Systemd
from foretone.workshop import Workshop

log = logging.getLogger("foretone")

BOARDS = {"fake": "a simulated board", "pi": "a Raspberry Pi"}

SWITCH = 0.0005
"""Seconds that a thread may keep the interpreter while the conductor waits for it; Python's own 5 ms is half
of the whole budget from a gesture to its answer.
"""


@dataclass(frozen=True)
class Options:
    """How to run.

    board: `pi` or `fake`. ghost: whether a performer that is not there plays. seconds: how long, `inf` for
    until told to stop. folder: where the control socket goes, or None for none. sessions: the folder for
    the session log, or None for no log. examples: the folder for what mappings are shown and what they
    learned, or None to keep and train nothing. report: where to write what happened, or None.
    """

    board: str = "pi"
    ghost: bool = False
    seconds: float = math.inf
    folder: Path | None = None
    sessions: Path | None = None
    examples: Path | None = None
    report: Path | None = None


def run(instrument: Instrument, options: Options) -> int:
    """Play until stopped by SIGTERM, SIGINT or the end of `seconds`. Returns the exit status."""
    sys.setswitchinterval(SWITCH)
    clock = WallClock()
    board = make_board(options.board, clock, instrument.seed)
    stage = Stage(instrument, board, clock)
    stage.address = lambda: " ".join(addresses()[:1])
    conductor, systemd = stage.conductor, Systemd()
    with contextlib.ExitStack() as mirror:
        # First in and last out: an impatient second Ctrl-C must not interrupt the coming to rest.
        mirror.enter_context(_stopped_by_signals(conductor.stop))
        mirror.callback(_write_report, stage, options.report)
        if options.sessions is not None:
            path = _log_path(options.sessions, instrument)
            recorder = Recorder(path, instrument, clock.now(), _today().isoformat())
            mirror.callback(recorder.close)
            recorder.start()
            stage.recorder = recorder
            conductor.listeners.append(recorder.note)
        mirror.callback(stage.close)
        # Before the buses start, so that their threads run first too; the recorder's does not.
        if not punctual.run_first(punctual.CONDUCTOR) and options.board == "pi":
            log.warning("answers may come late under load: allow it to run first (%s)", punctual.ADVICE)
        stage.open()
        for seat in conductor.seats.values():
            if seat.kind == "mapping" and options.examples is not None:
                stem = f"{instrument.path.stem}-{seat.name}"
                workshop = Workshop(options.examples, stem, seat.part, conductor.emit)
                mirror.callback(workshop.close)
                workshop.open()
                stage.workshops.append(workshop)
        ghost = Performer(stage, clock) if board.name == "fake" else None
        control = None
        if options.folder is not None:
            control = Control(options.folder / "control.sock", stage, ghost)
            mirror.callback(control.close)
        if options.ghost and ghost is not None:
            ghost.play(True)
        conductor.chores.append(lambda now: _alive(systemd, now))
        mirror.callback(systemd.stopping)
        systemd.ready(f"{instrument.title} plays")
        log.info("%s plays on %s", instrument.title, BOARDS[board.name])
        conductor.run(clock.now() + options.seconds)
    return RENEWED if control is not None and control.renewed else 0


def make_board(name: str, clock: Clock, seed: int) -> Board:
    """The real board, or the one made of dictionaries."""
    if name == "fake":
        from foretone_hardware.fake import FakeBoard

        return FakeBoard(clock, seed)
    from foretone_hardware.pi import Pi

    return Pi()


def rehearse(instrument: Instrument) -> None:
    """Open an instrument's chips and models on a simulated board, and close them again.

    Finds what no key by itself shows: two chips at one address, two lights on one pin, a damaged model.
    Leaves out what listens or sends, whose ports another program may have just now. InstrumentError.
    """
    clock = HandClock()
    inside = {
        name: part
        for name, part in instrument.parts.items()
        if part.role == "player" or set(kinds.house(part.maker)) & set(BUSES)
    }
    stage = Stage(replace(instrument, parts=inside), make_board("fake", clock, instrument.seed), clock)
    try:
        stage.open(threads=False)
        stage.run_until(0.1)
        faults = stage.faults()
    except ModelError as error:
        faults = [str(error)]
    finally:
        stage.close()
    if faults:
        raise InstrumentError(instrument.path, faults)


IDLE, MESSAGE = 0.5, 0.02
"""Seconds between looks at whether the ghost shall play, and between the messages it sends as a patch."""


class Performer:
    """Hands on a fake board: a person's, through the page, or the ghost's.

    On an instrument without a sensor the ghost is a patch instead: it plays what listens to one.
    """

    def __init__(self, stage: Stage, clock: Clock) -> None:
        self.playing = False
        self._board: Any = stage.board
        self._conductor = stage.conductor
        self._names = [
            device.name for bus in stage.buses.values() if bus.name in BUSES for device in bus.devices
        ]
        self._ghosts = {
            seat.name: Ghost(seat.axes, clock, Random(f"{stage.instrument.seed} ghost {seat.name}"))
            for seat in map(stage.conductor.seats.get, self._names)
            if seat is not None and seat.role == "source"
        }
        self._patches = {
            seat.name: Ghost(seat.axes, clock, Random(f"{stage.instrument.seed} ghost {seat.name}"))
            for seat in stage.conductor.seats.values()
            if not self._ghosts and seat.role == "source" and not hasattr(seat.part, "tick")
        }
        self._sent: dict[str, tuple[float, ...]] = {}
        self._next = -math.inf
        if self._patches:
            stage.conductor.chores.append(self._send)

    @property
    def sensors(self) -> list[str]:
        """What can be held."""
        return list(self._ghosts)

    def play(self, on: bool) -> None:
        """The ghost takes every sensor, or leaves them as they are."""
        self.playing = on
        for name, ghost in self._ghosts.items():
            self._board.perform(name, ghost.at if on else None)

    def _send(self, now: float) -> float:
        """What the ghost plays as a patch, a message whenever it moved; a chore of the conductor's."""
        if not self.playing:
            return now + IDLE
        if now < self._next:
            return self._next
        self._next = now + MESSAGE
        for name, ghost in self._patches.items():
            values = ghost.at(now)
            if values != self._sent.get(name, values):
                self._conductor.emit(Event(now, name, values))
            self._sent[name] = values
        return self._next

    def hold(self, name: str, values: tuple[float, ...]) -> None:
        """A person holds the sensor `name` there; the ghost steps back. ValueError when there is none."""
        if name not in self._ghosts or len(values) != len(self._ghosts[name].axes):
            raise ValueError(f"there is no sensor '{name}' with {len(values)} axes to hold")
        if self.playing:
            self.play(False)
        self._board.hold(name, values)

    def look(self) -> dict[str, tuple[float, ...]]:
        """Every sensor and actuator as a person sees it, 0..1; nothing for one that is released."""
        return {name: self._board.look(name) for name in self._names}


def _alive(systemd: Systemd, now: float) -> float:
    systemd.step(now)
    return now + min(systemd.interval, 0.5)


@contextlib.contextmanager
def _stopped_by_signals(stop: Any) -> Iterator[None]:
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_report(stage: Stage, path: Path | None) -> None:
    if path is not None:
        path.write_text(json.dumps(stage.report(), indent=2) + "\n")


def _today() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def _log_path(sessions: Path, instrument: Instrument) -> Path:
    return sessions / f"{_today():%Y-%m-%dT%H-%M-%SZ}-{instrument.path.stem}.csv"
