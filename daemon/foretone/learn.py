"""`foretone learn`: which control of which MIDI device is moved, as a table for an instrument file."""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Any

from foretone import instrument
from foretone.clock import Clock
from foretone.errors import ForetoneError, InstrumentError
from foretone.midibus import matches
from foretone.parts import Board, Midi
from foretone.sources.ghost import Ghost
from foretone_hardware.message import BEND, CONTROL, NOTE_ON, POLY, PRESSURE
from foretone_hardware.midi import MIDI

STILL = 1.0
"""Seconds without a message after which a movement is over."""
PATIENCE = 60.0
"""Seconds to wait for a movement."""
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
        print(f"[source.{name}] is in {into}")


@dataclass
class Learner:
    """What was moved, told from the messages of one movement. It owns no port and no clock."""

    port: str = ""
    """The device that is learnt: the first that sends, or the one that is wanted."""
    _values: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)
    """What came by kind, channel and number; a bend's 14 bits, a note's velocity."""

    def hear(self, message: bytes) -> bool:
        """Take one whole message; whether it belongs to a control."""
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind == NOTE_ON and message[2] == 0:
            return False
        if kind in (NOTE_ON, CONTROL, POLY):
            self._values.setdefault((kind, channel, message[1]), []).append(message[2])
        elif kind == BEND:
            self._values.setdefault((kind, channel, -1), []).append(message[1] | message[2] << 7)
        elif kind == PRESSURE:
            self._values.setdefault((kind, channel, -1), []).append(message[1])
        return kind in (NOTE_ON, CONTROL, POLY, BEND, PRESSURE)

    def guess(self) -> str:
        """The control that was moved furthest, as an instrument file writes it; empty when none was."""
        if not self._values:
            return ""
        kind, channel, number = max(self._values, key=self._travel)
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
        values = self._values[key]
        if kind == NOTE_ON:
            return float(sum(len(v) for other, v in self._values.items() if other[:2] == (kind, channel)))
        if _relative(values):
            return len(values) / 8
        whole = 16383.0 if kind == BEND else 127.0
        way = sum(abs(after - before) for before, after in pairwise(values)) / whole
        return way * (0.4 if kind in (PRESSURE, POLY) else 1.0) + len(values) / 1000


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
    """Ask for a movement for each axis; the port that they came from, and its control for each axis.

    Messages are told apart by their port: the first that is moved is the one that is learnt.
    ForetoneError, with the ports that there are, when nothing is moved for a minute.
    """
    queue: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
    there: list[str] = []
    ports.listen(
        lambda port, message: queue.put((port, message)),
        lambda port, here: there.append(port) if here else there.remove(port),
    )
    print("\n".join(["MIDI ports:", *(f"  {port}" for port in there)]) if there else _nothing())
    port, controls = "", list[str]()
    for axis in axes:
        print(f"Move what should play '{axis}', all the way there and back, then leave it.", flush=True)
        learner, last, begin = Learner(), math.inf, clock.now()
        while clock.now() < min(last + STILL, begin + PATIENCE):
            ports.tick(clock.now()) if ports.wake <= clock.now() else None
            heard = clock.wait(queue, min(last + STILL, begin + PATIENCE, ports.wake))
            if heard is None or not matches(port or wanted, heard[0]):
                continue
            if learner.hear(heard[1]):
                port, last = heard[0], clock.now()
        control = learner.guess()
        if not control:
            raise ForetoneError(f"nothing was moved for {PATIENCE:g} s. {_nothing() if not there else ''}")
        if control in controls:
            raise ForetoneError(f"'{control}' plays '{axes[controls.index(control)]}' already; begin again")
        print(f"  {control}")
        controls.append(control)
    return port, controls


def table(name: str, port: str, controls: Sequence[str], axes: Sequence[str] = ()) -> str:
    """The `[source.NAME]` table in TOML; with `axes` when it plays only some of the instrument's."""
    listed = ", ".join(map(_text, controls))
    lines = [f"[source.{name}]", 'kind = "midi"', f"port = {_text(port)}", f"controls = [{listed}]"]
    if axes:
        lines.append(f"axes = [{', '.join(map(_text, axes))}]")
    return "\n".join(lines) + "\n"


def put_into(path: Path, name: str, added: str) -> None:
    """Add a table to an instrument file; the file is as it was when that would not be an instrument.

    Raises InstrumentError with the faults.
    """
    text = path.read_text(encoding="utf-8")
    if name in tomllib.loads(text).get("source", {}):
        raise InstrumentError(path, [f"there is already a source called '{name}': choose another --name"])
    descriptor, draft = tempfile.mkstemp(suffix=".toml", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text.rstrip()}\n\n{added}")
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(path.stat().st_mode)
        instrument.load(Path(draft))
        Path(draft).replace(path)
    except InstrumentError as error:
        raise InstrumentError(path, error.faults) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()


def _pretend(board: Any, clock: Clock) -> None:
    """A simulated board has no devices of its own: a knob, and somebody who turns it."""
    board.fit("knob", MIDI, {"port": "Simulated knob", "controls": ["cc 1 ch 1"]})
    board.perform("knob", Ghost(("knob",), clock, Random(1)).at)


def _nothing() -> str:
    return "No MIDI device is plugged in yet: plug one in, or pair it with bluetoothctl."


def _text(value: str) -> str:
    """A TOML text: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)
