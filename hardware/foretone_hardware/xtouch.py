"""A Behringer X-Touch Mini: eight endless knobs in rings of lights, sixteen buttons and a fader, over MIDI.

Sources: Behringer, "X-TOUCH MINI RX MIDI DATA" sheet (global channel); m-dahlberg/xtouchmini-reaper,
docs/protocol.md at 24a3af36, measured on a unit (Standard mode, channel 11); walfie/xtouchmini, src/model.rs
and src/output.rs, after J. Skeet's DemoCode (MC mode).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal, NamedTuple

from foretone_hardware.device import Range, Send
from foretone_hardware.message import BEND, CONTROL, NOTE_OFF, NOTE_ON, is_whole

Mode = Literal["keep", "standard", "mc"]
Encoders = Literal["absolute", "relative1", "relative2", "relative3"]
Ring = Literal["single", "pan", "fan", "spread", "trim"]
Lights = Literal["own", "global"]

KNOBS, BUTTONS = 8, 16
REPAINT = 1.0
"""Seconds between paintings of everything: a change of layer darkens the unit, and no message tells of it."""
SOON = 0.5
"""Seconds after a plug to the second painting, in case the unit was not awake for the first."""

GLOBAL, OWN = 0, 10
"""Channels 1 and 11, as status bytes count them: the global one, and the one that every control has."""
MODE_SELECT = 127
BEHAVIOURS: tuple[Ring, ...] = ("single", "pan", "fan", "spread", "trim")
MC_BUTTONS = (89, 90, 40, 41, 42, 43, 44, 45, 87, 88, 91, 92, 86, 93, 94, 95)
MC_LAYERS = (84, 85)
MC_RINGS: dict[Ring, tuple[int, int]] = {
    "single": (1, 11), "pan": (17, 11), "trim": (17, 11), "fan": (33, 11), "spread": (49, 6),
}  # fmt: skip
"""The first value of each way to light a ring in MC mode, and how many there are."""
MC_FADER_TOP = 16256


class Control(NamedTuple):
    """What a message comes from."""

    mode: Mode
    kind: Literal["knob", "push", "button", "fader", "layer"]
    number: int
    layer: int = 0


def _controls() -> dict[tuple[int, int], Control]:
    """Status byte and number of every message of the unit but MC mode's fader, with note-off as note-on."""
    found: dict[tuple[int, int], Control] = {}
    for layer in (0, 1):
        for n in range(KNOBS):
            found[CONTROL | OWN, 1 + 10 * layer + n] = Control("standard", "knob", n, layer)
            found[NOTE_ON | OWN, 24 * layer + n] = Control("standard", "push", n, layer)
        for n in range(BUTTONS):
            found[NOTE_ON | OWN, 8 + 24 * layer + n] = Control("standard", "button", n, layer)
        found[CONTROL | OWN, 9 + layer] = Control("standard", "fader", 0, layer)
    for n in range(KNOBS):
        found[CONTROL | GLOBAL, 16 + n] = Control("mc", "knob", n)
        found[NOTE_ON | GLOBAL, 32 + n] = Control("mc", "push", n)
    for n, note in enumerate(MC_BUTTONS):
        found[NOTE_ON | GLOBAL, note] = Control("mc", "button", n)
    for n, note in enumerate(MC_LAYERS):
        found[NOTE_ON | GLOBAL, note] = Control("mc", "layer", n)
    return found


CONTROLS = _controls()
MC_FADER = Control("mc", "fader", 0)

CLICKS: dict[str, Callable[[int], int]] = {
    "relative1": lambda value: value if value < 64 else value - 128,
    "relative2": lambda value: value - 64,
    "relative3": lambda value: value if value < 64 else 64 - value,
}
"""How many clicks a relative value is: two's complement, offset from 64, sign and size. Fast is more."""


class XTouch:
    """Eight knobs to play, and their rings to show on; as a source, as a sink, or as both.

    A push on a knob returns it to the middle. Buttons and fader move no axis; `pressed` has every button
    and push that is down, `fader` where the fader is. As a sink the rings show the last of the parts it
    plays that is playing, and the lamp of button n is lit while the nth of them is.

    mode
        `keep`: whichever mode the unit is in, it is understood. `standard` and `mc` switch the unit when it
        is plugged in; it stays so without power too. MC mode's knobs never end, and its rings have 11 lights
        of the 13.
    encoders
        What the unit's editor made of the knobs in Standard mode; absolute ones, as shipped, stop at both
        ends of their travel. MC mode's are always relative.
    clicks
        Slow clicks from one end to the other of a relative knob; a fast click counts for more, as the unit
        itself says.
    ring
        How a ring shows a position. MC mode knows no `pan` beside `trim`: both grow from the middle.
    lights
        Standard mode's two addresses. `own`, channel 11: every ring takes 127 positions in the way of `ring`,
        in both layers. `global`, channel 1: one light of 13 in the layer that is up, for a unit whose
        controls were put on other channels.

    The bus's thread calls every method.
    """

    axes = tuple(f"knob{n}" for n in range(1, KNOBS + 1))

    def __init__(
        self,
        midi: Send,
        *,
        port: str = "X-TOUCH MINI",
        mode: Mode = "keep",
        encoders: Encoders = "absolute",
        clicks: Annotated[int, Range(8, 1000)] = 96,
        ring: Ring = "fan",
        lights: Lights = "own",
    ) -> None:
        self.port, self.wake = port, math.inf
        self.layer = 0
        """In Standard mode, the layer of what was last moved: 0 for A, 1 for B."""
        self.pressed: set[tuple[str, int]] = set()
        """Kind and number, from 0, of each button that is down: ("push", 3), ("button", 12), ("layer", 0)."""
        self.fader = 0.0
        self.malformed = 0
        """Messages that no X-Touch Mini sends; each was left out."""
        self._send, self._select, self._encoders = midi, mode, encoders
        self._clicks, self._ring, self._lights = clicks, ring, lights
        self._mode: Mode = mode
        self._places = [0.5] * KNOBS
        self._shown: dict[int, tuple[float, ...]] = {}
        self._paints = False
        """Whether it was ever told to show anything: a source paints nothing."""
        self._plugged = False
        self._sent: dict[bytes, int] = {}

    def plug(self, now: float) -> None:
        """Switch the mode, if that was asked for, and paint."""
        self._plugged = True
        self._mode = self._select
        if self._select != "keep":
            self._send(bytes((CONTROL | GLOBAL, MODE_SELECT, int(self._select == "mc"))))
        if self._paints:
            self._paint()
            self.wake = now + SOON

    def unplug(self, _now: float) -> None:
        """Nothing is held but buttons, and those are up when it returns."""
        self._plugged, self.wake = False, math.inf
        self.pressed.clear()

    def receive(self, message: bytes, now: float) -> tuple[float, ...] | None:
        """A message of the unit: where the eight knobs are, when it moved one. Never raises."""
        control = self._control(message)
        if control is None:
            self.malformed += 1
            return None
        if control.mode != self._mode or control.layer != self.layer:
            self._mode, self.layer = control.mode, control.layer
            if self._paints:
                self.wake = now
        value = message[2] if message[0] & 0xF0 != NOTE_OFF else 0
        if control.kind == "knob":
            return self._turned(control, value)
        if control.kind == "fader":
            self.fader = value / 127 if control.mode == "standard" else self._bent(message)
        elif not value:
            self.pressed.discard((control.kind, control.number))
        else:
            self.pressed.add((control.kind, control.number))
            if control.kind == "push":
                return self._moved(control.number, 0.5)
        return None

    def tick(self, now: float) -> None:
        """Paint everything again, once a second."""
        self._paint()
        self.wake = now + REPAINT

    def write(self, values: Sequence[float], place: int = 0) -> None:
        """Show eight positions, 0..1, of the part at `place`."""
        began = place not in self._shown
        self._shown[place] = tuple(values)
        if not self._paints:
            self._paints, self.wake = True, -math.inf if self._plugged else math.inf
            return
        for message in self._rings():
            self._put(message)
        if began:
            self._lamp(place)

    def rest(self, place: int = 0) -> None:
        """The part at `place` plays no more: the rings show another that does, or are dark."""
        if self._shown.pop(place, None) is not None:
            for message in self._rings():
                self._put(message)
            self._lamp(place)

    def close(self) -> None:
        """Every ring and lamp dark, in both modes: it may have been in the other before."""
        if self._paints:
            self._shown.clear()
            self._mode = "keep"
            self._paint()
        self._paints, self.wake = False, math.inf

    def _control(self, message: bytes) -> Control | None:
        if not is_whole(message) or len(message) != 3:
            return None
        if message[0] == BEND | 8:
            return MC_FADER
        status = message[0] + NOTE_ON - NOTE_OFF if message[0] & 0xF0 == NOTE_OFF else message[0]
        return CONTROLS.get((status, message[1]))

    def _bent(self, message: bytes) -> float:
        return min(1.0, (message[1] | message[2] << 7) / MC_FADER_TOP)

    def _turned(self, control: Control, value: int) -> tuple[float, ...] | None:
        before = self._places[control.number]
        if control.mode == "standard" and self._encoders == "absolute":
            after = value / 127
        else:
            encoders = "relative3" if control.mode == "mc" else self._encoders
            after = min(1.0, max(0.0, before + CLICKS[encoders](value) / self._clicks))
        if self._shown:
            # The unit drew the ring of the knob that is turned, over whatever is shown there.
            for message in self._rings([control.number]):
                self._put(message, again=True)
        return self._moved(control.number, after)

    def _moved(self, number: int, position: float) -> tuple[float, ...] | None:
        if position == self._places[number]:
            return None
        self._places[number] = position
        return tuple(self._places)

    def _paint(self) -> None:
        """Everything, whatever was sent before."""
        if self._mode != "mc" and self._lights == "own":
            for n in range(KNOBS):
                self._put(bytes((CONTROL | GLOBAL, 1 + n, BEHAVIOURS.index(self._ring))), again=True)
        for message in self._rings():
            self._put(message, again=True)
        for place in range(BUTTONS):
            self._lamp(place, again=True)

    def _rings(self, numbers: Sequence[int] = range(KNOBS)) -> Iterator[bytes]:
        """What lights the rings. A unit whose mode is not known yet gets both: it ignores the other."""
        shown = self._shown[max(self._shown)] if self._shown else None
        for n in numbers:
            value = None if shown is None else min(1.0, max(0.0, shown[n]))
            if self._mode != "mc" and self._lights == "own":
                level = 0 if value is None else max(1, round(value * 127))
                yield bytes((CONTROL | OWN, 1 + n, level))
                yield bytes((CONTROL | OWN, 11 + n, level))
            elif self._mode != "mc":
                yield bytes((CONTROL | GLOBAL, 9 + n, 0 if value is None else 1 + round(value * 12)))
            if self._mode != "standard":
                first, count = MC_RINGS[self._ring]
                level = 0 if value is None else first + round(value * (count - 1))
                yield bytes((CONTROL | GLOBAL, 48 + n, level))

    def _lamp(self, place: int, again: bool = False) -> None:
        if place >= BUTTONS:
            return
        lit = int(place in self._shown)
        if self._mode != "mc" and self._lights == "own":
            self._put(bytes((NOTE_ON | OWN, 8 + place, lit)), again)
            self._put(bytes((NOTE_ON | OWN, 32 + place, lit)), again)
        elif self._mode != "mc":
            self._put(bytes((NOTE_ON | GLOBAL, place, lit)), again)
        if self._mode != "standard":
            self._put(bytes((NOTE_ON | GLOBAL, MC_BUTTONS[place], 127 * lit)), again)

    def _put(self, message: bytes, again: bool = False) -> None:
        if again or self._sent.get(message[:2]) != message[2]:
            self._sent[message[:2]] = message[2]
            self._send(message)
