"""`foretone learn`: which control of which MIDI device is moved, as a table for an instrument file."""

from __future__ import annotations

import json
import math
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Any

from foretone import instrument, shelf
from foretone.clock import Clock
from foretone.errors import ForetoneError, InstrumentError
from foretone.midibus import matches
from foretone.parts import Board, Midi
from foretone.sources.ghost import Ghost
from foretone_hardware.message import BEND, CONTROL, NOTE_ON, POLY, PRESSURE
from foretone_hardware.midi import MIDI

LEAST = 0.05
"""The shortest movement, in whole ways."""
STILL = 1.0
"""Seconds without a message after which a movement is over."""
PATIENCE = 60.0
"""Seconds to wait for a movement."""
NOBODY = "No MIDI device is plugged in yet: plug one in, or pair it with bluetoothctl."

RELATIVE = {
    "twos": (range(1, 17), range(112, 128)),
    "offset": (range(65, 81), range(48, 64)),
    "sign": (range(1, 17), range(65, 81)),
}
"""What an encoder sends one way and the other, up to 16 clicks at once."""


def learn(board: Board, clock: Clock, port: str, axes: Sequence[str], name: str, into: Path | None) -> None:
    """Ask, listen, and print the table, or put it into an instrument file; `axes` are all of that file's
    when none are given. Raises InstrumentError, DeviceError, and ForetoneError when nothing is moved.
    """
    of_file = instrument.load(into).axes if into is not None else ()
    wanted = tuple(axes) or of_file or ("knob",)
    if of_file and not set(wanted) <= set(of_file):
        raise ForetoneError(f"{into} has the axes {', '.join(of_file)}; learn some of these")
    if board.name == "fake":
        _pretend(board, clock)
    found, controls = listen(board.midi, clock, wanted, port)
    added = table(name, found, controls, wanted if of_file and wanted != of_file else ())
    if into is None:
        print(f"\n{added}", end="")
    else:
        put_into(into, name, added)
        print(f"[source.{name}] is in {shelf.own(into)}")


@dataclass
class Learner:
    """What was moved, told from the messages of one movement. It owns no port and no clock."""

    last: float = math.inf
    """When its last message came, in seconds of the clock."""
    _values: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)
    """What came by kind, channel and number; a bend's 14 bits, a note's velocity."""

    def hear(self, message: bytes, now: float) -> None:
        """Take one whole message. Those that belong to no control, such as a clock, do not count."""
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind not in (NOTE_ON, CONTROL, POLY, BEND, PRESSURE):
            return
        self.last = now
        if kind == NOTE_ON and message[2] == 0:
            return
        if kind in (NOTE_ON, CONTROL, POLY):
            self._values.setdefault((kind, channel, message[1]), []).append(message[2])
        elif kind == BEND:
            self._values.setdefault((kind, channel, -1), []).append(message[1] | message[2] << 7)
        else:
            self._values.setdefault((kind, channel, -1), []).append(message[1])

    def guess(self) -> str:
        """The control that was moved furthest, as an instrument file writes it; empty when none was moved:
        a device that is plugged in may tell where it stands.
        """
        kind, channel, number = furthest = max(self._values, key=self._travel, default=(0, 0, 0))
        if self._travel(furthest) < LEAST:
            return ""
        values = self._values[kind, channel, number]
        if kind == NOTE_ON:
            notes = [key for key in self._values if key[:2] == (kind, channel)]
            return f"note {number} ch {channel + 1}" if len(notes) == 1 else f"note ch {channel + 1}"
        if kind in (BEND, PRESSURE):
            return f"{'bend' if kind == BEND else 'pressure'} ch {channel + 1}"
        if kind == POLY:
            return f"poly {number} ch {channel + 1}"
        coarse = number % 32
        pair = [self._values.get((kind, channel, half), []) for half in (coarse, coarse + 32)]
        if number < 64 and all(pair) and len(pair[1]) * 2 >= len(pair[0]) and len(set(pair[1])) > 1:
            return f"cc14 {coarse} ch {channel + 1}"
        return f"cc {number} ch {channel + 1}{_relative(values)}"

    def _travel(self, key: tuple[int, int, int]) -> float:
        """How far it was moved, in whole ways; a note that is struck is one, a pressure comes along."""
        kind, channel, _ = key
        values = self._values.get(key, [])
        if kind == NOTE_ON:
            return float(sum(len(v) for other, v in self._values.items() if other[:2] == (kind, channel)))
        if _relative(values):
            return len(values) / 8
        whole = 16383.0 if kind == BEND else 127.0
        way = sum(abs(after - before) for before, after in pairwise(values)) / whole
        return way * (0.4 if kind in (PRESSURE, POLY) else 1.0)


def _relative(values: Sequence[int]) -> str:
    """` twos`, ` offset` or ` sign` for an encoder that says how far it was turned: it repeats itself,
    which no control does that says where it is.
    """
    repeats = sum(before == after for before, after in pairwise(values))
    if len(values) < 4 or repeats * 4 < len(values):
        return ""
    counts = Counter(values)
    for mode, (up, down) in RELATIVE.items():
        if all(value in up or value in down for value in counts):
            return f" {mode}"
    return ""


def listen(ports: Midi, clock: Clock, axes: Sequence[str], wanted: str = "") -> tuple[str, list[str]]:
    """Ask for a movement for each axis: the port that they came from, and its control for each axis.

    The first device that is moved is the one that is learnt. Raises ForetoneError when nothing is.
    """
    queue: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
    there: list[str] = []
    ports.listen(
        lambda port, message: queue.put((port, message)),
        lambda port, here: there.append(port) if here else there.remove(port),
    )
    print("\n".join(["MIDI ports:", *(f"  {port}" for port in there)]) if there else NOBODY)
    port, controls = "", list[str]()
    for axis in axes:
        print(f"Move what should play '{axis}', all the way there and back, then leave it.", flush=True)
        port, control = _movement(ports, clock, queue, port or wanted)
        if control in controls:
            raise ForetoneError(f"'{control}' plays '{axes[controls.index(control)]}' already; begin again")
        print(f"  {control}")
        controls.append(control)
    return port, controls


def _movement(
    ports: Midi, clock: Clock, queue: SimpleQueue[tuple[str, bytes]], wanted: str
) -> tuple[str, str]:
    """The port and the control of the next movement that is over."""
    learners: dict[str, Learner] = {}
    end = clock.now() + PATIENCE
    while (now := clock.now()) < end:
        if ports.wake <= now:
            ports.tick(now)
        over = min((learner.last + STILL for learner in learners.values()), default=math.inf)
        heard = clock.wait(queue, min(over, end, ports.wake))
        if heard is not None and matches(wanted, heard[0]):
            learners.setdefault(heard[0], Learner()).hear(heard[1], clock.now())
        for port, learner in list(learners.items()):
            if clock.now() >= learner.last + STILL and (control := learners.pop(port).guess()):
                return port, control
    raise ForetoneError(f"nothing was moved for {PATIENCE:g} s")


def table(name: str, port: str, controls: Sequence[str], axes: Sequence[str] = ()) -> str:
    """The `[source.NAME]` table in TOML; with `axes` when it plays only some of the instrument's."""
    listed = ", ".join(map(_text, controls))
    lines = [f"[source.{name}]", 'kind = "midi"', f"port = {_text(port)}", f"controls = [{listed}]"]
    if axes:
        lines.append(f"axes = [{', '.join(map(_text, axes))}]")
    return "\n".join(lines) + "\n"


def put_into(path: Path, name: str, added: str) -> None:
    """Add a table to an instrument file, or to this machine's own copy of a shipped one.

    Raises InstrumentError with the faults that it would have then; it stays as it was.
    """
    text = path.read_text(encoding="utf-8")
    if name in tomllib.loads(text).get("source", {}):
        raise InstrumentError(path, [f"there is already a source called '{name}': choose another --name"])
    if found := shelf.save(path, f"{text.rstrip()}\n\n{added}", _faults):
        raise InstrumentError(path, found)


def _faults(draft: Path) -> list[str]:
    try:
        instrument.load(draft)
    except InstrumentError as error:
        return error.faults
    return []


def _pretend(board: Any, clock: Clock) -> None:
    """A simulated board has no devices of its own: a knob, and somebody who turns it."""
    board.fit("knob", MIDI, {"port": "Simulated knob", "controls": ["cc 1 ch 1"]})
    board.perform("knob", Ghost(("knob",), clock, Random(1)).at)


def _text(value: str) -> str:
    """A TOML text: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)
