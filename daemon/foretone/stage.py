"""An instrument on a board: every part opened in order, and closed in the opposite order."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Protocol

from foretone import kinds
from foretone.bus import Bus, Device
from foretone.clock import Clock
from foretone.conductor import Conductor
from foretone.errors import InstrumentError, ModelError
from foretone.event import Event
from foretone.instrument import Instrument, Part
from foretone.midibus import MidiBus
from foretone.parts import BUSES, Board, Status
from foretone.recorder import Recorder
from foretone.seat import Seat
from foretone.watch import Histogram

TURN = 3.0
"""Seconds that a display shows how the instrument plays, and then where it can be reached."""

LOOK = 0.1
"""Seconds between looks at whether a part that is being opened again is open."""


class Keeper(Protocol):
    """Whoever keeps something on the disk."""

    @property
    def fault(self) -> str:
        """Why nothing is being kept just now; empty while it is."""


class Stage:
    """Puts an instrument on a board and takes it down again.

    `sources` replaces the file's own sources, by name, with ready-made objects: that is how a recorded
    session is played instead of hands. `open` and `close` are each other's mirror.
    """

    def __init__(
        self, instrument: Instrument, board: Board, clock: Clock, sources: dict[str, Any] | None = None
    ) -> None:
        self.instrument = instrument
        self.board = board
        self.conductor = Conductor(clock)
        self.buses: dict[str, Bus] = {}
        self.recorder: Recorder | None = None
        """Set by whoever records, so that a session that is not being recorded is told as a fault."""
        self.workshops: list[Keeper] = []
        """Set by whoever lets mappings be taught, so that examples that are not being kept are a fault."""
        self.address: Callable[[], str] = str
        """Set by whoever plays on a machine with a network: its address, which a display shows in turn."""
        self._sources = sources
        self._shut: list[tuple[Seat, Part]] = []
        self._tried: SimpleQueue[tuple[Seat, Part, Any]] = SimpleQueue()
        """What came of opening a part again: itself, or the reason why not."""
        self._threads = True

    def open(self, threads: bool = True) -> None:
        """Open every part. A device that is not there is out, and waited for; the others play.

        With `threads` each bus runs by itself; without, `run_until` moves everything by the clock.
        """
        self._threads = threads
        for part in self.instrument.parts.values():
            if part.role == "source" and self._sources is not None:
                self.conductor.seat(Seat(part, self._sources.get(part.name)))
            elif kinds.is_driver(part.maker):
                self._seat_driver(part)
            else:
                self._seat_made(part)
        if self._shut:
            self.conductor.chores.append(self._reopen)
        for bus in self.buses.values():
            bus.open()
            if threads:
                bus.start()

    def close(self) -> None:
        """Everything rests, then closes, in the opposite order of opening. Never raises."""
        self.conductor.rest()
        for bus in reversed(self.buses.values()):
            bus.close()
        for seat in reversed(self.conductor.seats.values()):
            if not isinstance(seat, Device) and hasattr(seat.part, "close"):
                self.conductor.shut(seat)
        self.board.close()

    def run_until(self, moment: float) -> None:
        """Play on by hand to `moment`; for a clock that is moved by hand."""
        clock: Any = self.conductor.clock
        while (wake := min([self.conductor.wake(), *(bus.wake() for bus in self.buses.values())])) <= moment:
            clock.move_to(wake)
            for bus in self.buses.values():
                bus.step()
            self.conductor.run_waiting()
        clock.move_to(moment)

    def play(self, events: Sequence[Event]) -> None:
        """Play events at their times; for a clock that is moved by hand."""
        for event in events:
            self.run_until(event.time)
            self.conductor.step(event)
            for bus in self.buses.values():
                bus.step()

    def report(self) -> dict[str, Any]:
        """What happened so far: counts, and latencies in milliseconds."""
        devices = [seat for seat in self.conductor.seats.values() if isinstance(seat, Device)]
        servos = [device for device in devices if device.writes]
        played = Histogram.merged(
            [self.conductor.latency["due_to_played"], *(device.lateness for device in devices)]
        )
        counts = {**self.conductor.counts, "overflowed": 0}
        for counter in [*(seat.part for seat in self.conductor.seats.values()), *self.buses.values()]:
            counts["malformed"] += getattr(counter, "malformed", 0)
            counts["overflowed"] += getattr(counter, "overflowed", 0)
        return {
            **counts,
            "servo_writes": sum(device.writes for device in servos),
            "superseded": sum(device.superseded for device in devices),
            "unrecorded": self.recorder.lost if self.recorder else 0,
            "faults": {seat.name: seat.faults for seat in self.conductor.seats.values() if seat.faults},
            "waiting": {seat.name: seat.waits for seat in self.conductor.seats.values() if seat.waits},
            "late": dict(self.conductor.late.counts),
            "latency_ms": {
                "input_to_prediction": self.conductor.latency["input_to_prediction"].summary(),
                "input_to_servo": Histogram.merged(device.lateness for device in servos).summary(),
                "due_to_played": played.summary(),
            },
        }

    def faults(self) -> list[str]:
        """What is out of order just now, a sentence each."""
        told = [f"{seat.name}: {seat.fault}" for seat in self.conductor.seats.values() if seat.fault]
        if self.recorder is not None and self.recorder.fault:
            told.append(self.recorder.fault)
        told += [workshop.fault for workshop in self.workshops if workshop.fault]
        return told

    def waits(self) -> list[str]:
        """Who waits for a cable to be plugged in, and for which, a sentence each; that is no fault."""
        seats = self.conductor.seats.values()
        return [f"{seat.name}: {seat.waits}" for seat in seats if seat.waits and not seat.fault]

    def status(self) -> Status:
        """How the instrument is, in short, with its address in turn with its mode; any thread."""
        players = (seat.part for seat in self.conductor.seats.values() if seat.role == "player")
        mode = next((str(player.mode) for player in players if hasattr(player, "mode")), "")
        if self.conductor.clock.now() % (2 * TURN) >= TURN:
            mode = self.address() or mode
        late = 1000.0 * self.conductor.latency["due_to_played"].quantile(0.99)
        return Status(self.instrument.title, mode, late, next(iter(self.faults() + self.waits()), ""))

    def _seat_driver(self, part: Part) -> None:
        # A sensor without a wire, such as the ghost, is a bus of its own.
        wire = next((name for name in kinds.house(part.maker) if name in BUSES), part.name)
        bus = self.buses.get(wire)
        if bus is None:
            bus = self.buses[wire] = self._bus(wire)
        device = bus.device(part, lambda **chosen: self._make(part, chosen))
        try:
            if wire in BUSES:
                self.board.fit(part.name, part.maker, part.settings, part.role)
        except OSError as error:
            raise InstrumentError(self.instrument.path, [f"[{part.role}.{part.name}] {error}"]) from error
        self.conductor.seat(device)

    def _bus(self, wire: str) -> Bus:
        clock, emit = self.conductor.clock, self.conductor.emit
        return MidiBus(clock, emit, lambda: self.board.midi) if wire == "midi" else Bus(wire, clock, emit)

    def _seat_made(self, part: Part) -> None:
        seat = Seat(part, None)
        try:
            seat.part = self._make(part, part.settings)
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever keeps it away may be gone later
            seat.fail(error, self.conductor.clock.now())
            self._shut.append((seat, part))
        self.conductor.seat(seat)

    def _reopen(self, now: float) -> float:
        """Open what could not be opened before, such as a port that another program had.

        Each in a thread of its own, for a name server may keep it waiting for half a minute. That thread runs
        as early as the conductor's, because those that the part starts do as it does.
        """
        for seat, part in self._shut:
            if seat.again <= now:
                if self._threads:
                    name = f"opens {part.name}"
                    threading.Thread(target=self._try, args=(seat, part), name=name, daemon=True).start()
                else:
                    self._try(seat, part)
                seat.again = math.inf
        while not self._tried.empty():
            seat, part, found = self._tried.get()
            if isinstance(found, Exception):
                seat.fail(found, now)
                continue
            seat.part = found
            self._shut.remove((seat, part))
            seat.heal()
            self.conductor.follow(seat)
        waiting = (seat.again if seat.again < math.inf else now + LOOK for seat, _ in self._shut)
        return min(waiting, default=math.inf)

    def _try(self, seat: Seat, part: Part) -> None:
        try:
            self._tried.put((seat, part, self._make(part, part.settings)))
        except Exception as error:  # noqa: BLE001 -- whatever keeps it away may be gone later
            self._tried.put((seat, part, error))

    def _make(self, part: Part, settings: dict[str, Any]) -> Any:
        given: dict[str, Any] = {
            "clock": self.conductor.clock,
            "axes": part.heard or part.axes,
            "name": part.name,
            "emit": self.conductor.emit,
            "random": random.Random(f"{self.instrument.seed} {part.name}"),
            "folder": self.instrument.path.parent,
            "status": self.status,
        }
        wanted = kinds.house(part.maker)
        for wire in set(BUSES) & set(wanted):
            bus = self.buses[wire]
            given[wire] = bus.sender(part.name) if isinstance(bus, MidiBus) else getattr(self.board, wire)
        made = part.maker(*(given[name] for name in wanted), **settings)
        if hasattr(made, "origins"):
            made.origins = part.wires
        if part.places:
            made.places = part.places
        return made
