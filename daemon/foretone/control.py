"""The Unix socket through which other processes look at the instrument and turn its knobs.

Datagrams of JSON. A watcher (the panel) says hello once a second and is told what the instrument is; while
anyone watches, the state follows 30 times a second. Watching costs the instrument nothing when nobody does.

    {"hello": true}                          watch for the next 3 s
    {"set": ["duet", "mode", "filter"]}      turn a knob
    {"hold": ["lever", [0.41]]}              a hand on the fake board's lever, or on the page's pad
    {"ghost": true}                          the performer that is not there takes the lever, or leaves it
    {"model": ["duet", "/.../new.tflite"]}   go on with another model, without a gap
    {"playback": "/.../session.csv"}         sound and move again as was recorded; "" ends it
    {"renew": true}                          end, to be started again: its file was changed
    {"do": ["teach", "delete", "take", 3], "id": 7}
                                             a part is told to do something; whoever asked gets
                                             {"did": [7, ANSWER]} or {"refused": [7, SENTENCE]}
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import socket
import threading
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from foretone.errors import ModelError, SessionError
from foretone.event import Command, Event, Handover, Setting
from foretone.kinds import Setting as Known
from foretone.playback import Playback
from foretone.seat import Seat
from foretone.stage import Stage

FRAME = 1 / 30
"""Seconds between states."""

SUMMED = 0.2
"""Seconds between looks at the counts and latencies, which take longer to add up than all the rest."""

STAYS = 3.0
"""Seconds that a watcher is told after its last hello."""

LARGEST = 60_000
"""Bytes in a datagram from a watcher."""

SHOWN = 200
"""Events in one state, 6 000 a second; of more than that the newest."""


class Hands(Protocol):
    """Someone who can take hold of a board's sensors, and see its actuators."""

    playing: bool
    """Whether the ghost plays."""

    def play(self, on: bool) -> None:
        """The ghost takes the sensors, or leaves them."""

    def hold(self, name: str, values: tuple[float, ...]) -> None:
        """A person holds the sensor `name` there, 0..1 on each axis."""

    def look(self) -> dict[str, tuple[float, ...]]:
        """Every sensor and actuator as a person sees it."""


class Control:
    """Listens in a thread of its own, which only parses and emits; answers from the conductor thread.

    `hands` are there on a fake board only.
    """

    def __init__(self, path: Path, stage: Stage, hands: Hands | None = None) -> None:
        self.malformed = self.taken = 0
        """Datagrams that were not understood, and all that were read."""
        self.renewed = False
        """Whether it was asked to end and be started again."""
        self._stage, self._emit, self._hands = stage, stage.conductor.emit, hands
        self._watchers: dict[str, float] = {}
        self._greeted: set[str] = set()
        self._events: list[Event] = []
        self._report: dict[str, Any] = {}
        self._reported = self._next = -math.inf
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        _bind(self._socket, path)
        path.chmod(0o600)
        self._answers = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._answers.setblocking(False)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._thread.start()
        self._playback = Playback(stage.conductor)
        stage.conductor.listeners.append(self._note)
        stage.conductor.chores.append(self._tell)

    def close(self) -> None:
        """Stop listening."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._answers.sendto(b"", str(self._path))
        self._thread.join(timeout=2.0)
        self._socket.close()
        self._answers.close()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._closing:
            data, sender = self._socket.recvfrom(LARGEST)
            try:
                self._take(json.loads(data), sender) if data else None
            except (ModelError, SessionError, OSError) as error:
                self._send(sender, {"refused": str(error)})
            except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
                self.malformed += 1
            self.taken += 1

    def _take(self, message: dict[str, Any], sender: str) -> None:
        match message:
            case {"hello": _} if sender:
                self._watchers[sender] = self._stage.conductor.clock.now() + STAYS
                self._greeted.add(sender)
            case {"set": [str(part), str(key), value]}:
                self._emit(Setting(part, key, value))
            case {"hold": [str(name), list(values)]}:
                self._hold(name, tuple(min(max(_finite(value), 0.0), 1.0) for value in values))
            case {"ghost": bool(on)} if self._hands:
                self._hands.play(on)
            case {"model": [str(part), str(path)]}:
                self._take_on(part, Path(path))
            case {"renew": True}:
                self.renewed = True
                self._stage.conductor.stop()
            case {"playback": str(path)}:
                self._playback.begin(Path(path)) if path else self._playback.end()
            case {"do": [str(part), str(verb), *words]} if not verb.startswith("_"):
                reply = partial(self._reply, sender, message.get("id"))
                self._emit(Command(part, verb, tuple(words), reply))
            case _:
                self.malformed += 1

    def _hold(self, name: str, values: tuple[float, ...]) -> None:
        """A hand on the fake board, or fingers on the page's own pad, which every board has."""
        part = self._stage.instrument.parts.get(name)
        if part is not None and part.kind == "pad":
            self._emit(Event(self._stage.conductor.clock.now(), name, values))
        elif self._hands is not None:
            self._hands.hold(name, values)
        else:
            raise ValueError(f"there is no pad called '{name}'")

    def _take_on(self, part: str, path: Path) -> None:
        """Load a model here, where it is not in the conductor's way."""
        known = self._stage.instrument.parts.get(part)
        if known is None or not hasattr(known.maker, "prepare"):
            raise ModelError(f"there is no player '{part}' that could take another model")
        self._emit(Handover(part, known.maker.prepare(known.axes, path)))

    def _reply(self, asker: str, number: Any, answer: Any) -> None:
        """What came of a command, to whoever asked; from the conductor thread."""
        refused = isinstance(answer, Exception)
        self._send(asker, {"refused": [number, str(answer)]} if refused else {"did": [number, answer]})

    def _note(self, event: Event) -> None:
        if self._watchers:
            self._events.append(event)

    def _tell(self, now: float) -> float:
        """Send the state to whoever watches; a chore of the conductor's, 0.2 ms while someone does."""
        for watcher in [name for name, until in list(self._watchers.items()) if until < now]:
            self._watchers.pop(watcher, None)
        if not self._watchers:
            self._events.clear()
            return now + 10 * FRAME
        if now < self._next:
            return self._next
        self._next = now + FRAME
        while self._greeted:
            self._send(self._greeted.pop(), {"about": self._about()})
        state = {"state": self._state(now)}
        for watcher in list(self._watchers):
            self._send(watcher, state)
        self._events.clear()
        return self._next

    def _send(self, watcher: str, message: dict[str, Any]) -> None:
        if not watcher:
            return
        data = json.dumps(message, separators=(",", ":")).encode()
        try:
            self._answers.sendto(data, watcher)
        except BlockingIOError:
            pass
        except OSError:
            self._watchers.pop(watcher, None)

    def _state(self, now: float) -> dict[str, Any]:
        conductor = self._stage.conductor
        if now >= self._reported:
            self._reported = now + SUMMED
            self._report = self._stage.report()
        report = self._report
        return {
            "now": now,
            "events": [_shown(event) for event in self._events[-SHOWN:]],
            "ahead": [_shown(event) for event in conductor.ahead()[:100]],
            "world": {
                name: list(values) for name, values in (self._hands.look() if self._hands else {}).items()
            },
            "settings": {seat.name: values for seat in conductor.seats.values() if (values := seat.values())},
            "ghost": self._hands is not None and self._hands.playing,
            "playback": self._playback.state(now),
            "taught": {
                seat.name: seat.part.glance()
                for seat in conductor.seats.values()
                if hasattr(seat.part, "glance")
            },
            "counts": {key: value for key, value in report.items() if isinstance(value, int)},
            "latency_ms": report["latency_ms"],
            "faults": self._stage.faults(),
            "waits": self._stage.waits(),
            "late": conductor.late.last,
        }

    def _about(self) -> dict[str, Any]:
        instrument = self._stage.instrument
        return {
            "title": instrument.title,
            "file": str(instrument.path),
            "changes": list(instrument.changes),
            "axes": list(instrument.axes),
            "board": self._stage.board.name,
            "seed": instrument.seed,
            "parts": [_part(seat) for seat in self._stage.conductor.seats.values()],
        }


def _bind(listener: socket.socket, path: Path) -> None:
    """Take the place of an instrument that is gone, but not of one that still listens."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            probe.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        path.unlink(missing_ok=True)
        listener.bind(str(path))
    else:
        listener.close()
        raise OSError(
            errno.EADDRINUSE, "another instrument runs there; give --state another folder", str(path)
        )


def _part(seat: Seat) -> dict[str, Any]:
    now = seat.values()
    return {
        "name": seat.name,
        "role": seat.role,
        "kind": seat.kind,
        "axes": list(seat.axes),
        "hears" if seat.role == "player" else "plays": list(seat.wires),
        "settings": [_knob(known, now.get(key)) for key, known in seat.settings.items()],
        **({"model": str(model)} if (model := getattr(seat.part, "model", None)) else {}),
        **({"journal": str(journal)} if (journal := _journal(seat)) else {}),
    }


def _journal(seat: Seat) -> Path | None:
    """Where whoever looks at a mapping finds what it was shown."""
    return getattr(getattr(seat.part, "helper", None), "journal", None)


def _knob(known: Known, value: object) -> dict[str, Any]:
    knob: dict[str, Any] = {"key": known.key, "value": known.default if value is None else value}
    if known.choices:
        knob["choices"] = list(known.choices)
    if known.range:
        knob.update(low=known.range.low, high=known.range.high, unit=known.range.unit)
        if isinstance(known.default, int):
            knob["step"] = 1
    return knob


def _shown(event: Event) -> list[Any]:
    return [round(event.time, 5), event.origin, [round(value, 4) for value in event.values]]


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a finite number")
    return float(value)
