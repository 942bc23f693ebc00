"""An X-Touch Mini in memory: what hands do to it makes its bytes, what is sent to it lights its lights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

KNOBS, BUTTONS, RING = 8, 16, 13
STANDARD, MC = 0, 1
SINGLE, PAN, FAN, SPREAD, TRIM = range(5)
NOTES = (89, 90, 40, 41, 42, 43, 44, 45, 87, 88, 91, 92, 86, 93, 94, 95)
"""The buttons' notes in MC mode."""
LAYER_NOTES = (84, 85)
OFF, ON, BLINKING = "off", "on", "blinking"
STANDARD_LAMP = {0: OFF, 1: ON, 2: BLINKING}
MC_LAMP = {0: OFF, 1: BLINKING, 127: ON}


class _Layer:
    """What the unit keeps for each layer of Standard mode."""

    def __init__(self) -> None:
        self.counters = [0] * KNOBS
        self.behaviour = [SINGLE] * KNOBS
        self.rings = [(OFF,) * RING] * KNOBS
        self.lamps = [OFF] * BUTTONS


class Chip:
    """The unit as its messages show it, for the fake board.

        Standard   knobs CC 1-8, layer B 11-18, 0..127 with stops; pushes note 0-7, B 24-31; buttons note
                   8-23, B 32-47; fader CC 9, B 10; all on channel 11, where the same number lights the light
        channel 1  CC 127 mode; program change layer; CC 1-8 way of a ring, CC 9-16 its lights; notes 0-15
                   lamps
        MC         on channel 1: knobs CC 16-23, relative; pushes note 32-39; buttons and layers by note;
                   CC 48-55 rings of 11 lights; the fader is pitch bend on channel 9

    A turned knob draws its own ring in Standard mode. A ring that is written moves no counter. Without power,
    or with its port closed, every light is dark; the mode it remembers.
    """

    at = "port"

    def __init__(self, send: Callable[[bytes], None], mode: int = STANDARD) -> None:
        self.mode = mode
        self.layer = 0
        self._send = send
        self._clicks = 96
        self._hand: Any = None
        self._held = [0] * KNOBS
        self.darken()

    def darken(self) -> None:
        """The port was closed."""
        self._layers = [_Layer(), _Layer()]
        self._mc_rings = [(OFF,) * RING] * KNOBS
        self._mc_lamps = dict.fromkeys((*NOTES, *LAYER_NOTES), OFF)

    # What hands do.

    def turn(self, knob: int, clicks: int) -> None:
        """Turn a knob, 0-7, so many clicks to the right; more of them at once is faster."""
        if self.mode == MC:
            while clicks:
                step = max(-63, min(63, clicks))
                self._send(bytes((0xB0, 16 + knob, step if step > 0 else 64 - step)))
                clicks -= step
            return
        layer = self._layers[self.layer]
        before = layer.counters[knob]
        after = layer.counters[knob] = max(0, min(127, before + clicks))
        if after != before:
            self._draw(layer, knob, after)
            self._send(bytes((0xBA, 1 + 10 * self.layer + knob, after)))

    def push(self, knob: int, down: bool) -> None:
        """Push a knob in, or let it out."""
        if self.mode == MC:
            self._send(bytes((0x90, 32 + knob, 127 * down)))
        else:
            self._send(bytes((0x9A, 24 * self.layer + knob, 127 * down)))

    def press(self, button: int, down: bool) -> None:
        """Press a button, 0-15 from the upper left, or let it go."""
        if self.mode == MC:
            self._send(bytes((0x90, NOTES[button], 127 * down)))
        else:
            self._send(bytes((0x9A, 8 + 24 * self.layer + button, 127 * down)))

    def choose(self, layer: int) -> None:
        """Press layer A, 0, or B, 1: Standard mode sends nothing."""
        if self.mode == MC:
            self._send(bytes((0x90, LAYER_NOTES[layer], 127)))
            self._send(bytes((0x90, LAYER_NOTES[layer], 0)))
        else:
            self.layer = layer

    def slide(self, position: float) -> None:
        """Move the fader to 0..1."""
        if self.mode == MC:
            self._send(bytes((0xE8, 0, round(position * 127))))
        else:
            self._send(bytes((0xBA, 9 + self.layer, round(position * 127))))

    def wire(self, settings: Mapping[str, Any], hand: Any) -> None:
        """From now on this hand turns the knobs, which stand where it is."""
        self._clicks, self._hand = settings["clicks"], hand
        places = hand.at()
        self._held = [round(place * self._clicks) for place in places]
        for layer in self._layers:
            layer.counters = [round(place * 127) for place in places]

    def scan(self) -> None:
        """Turn the knobs to where the hand is by now."""
        for knob, place in enumerate(self._hand.at() if self._hand else ()):
            before, self._held[knob] = self._held[knob], round(place * self._clicks)
            if self.mode == MC:
                self.turn(knob, self._held[knob] - before)
            else:
                self.turn(knob, round(place * 127) - self._layers[self.layer].counters[knob])

    # What a person sees.

    def ring(self, knob: int) -> tuple[str, ...]:
        """The thirteen lights around a knob, from the left: off, on or blinking."""
        return self._mc_rings[knob] if self.mode == MC else self._layers[self.layer].rings[knob]

    def lamp(self, button: int) -> str:
        """The lamp of a button: off, on or blinking."""
        return self._mc_lamps[NOTES[button]] if self.mode == MC else self._layers[self.layer].lamps[button]

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """Where each ring points, 0..1, read as `ring` says it is drawn; empty when all are dark."""
        points = [_point(self.ring(knob), settings["ring"], self.mode) for knob in range(KNOBS)]
        return tuple(point or 0.0 for point in points) if any(p is not None for p in points) else ()

    # What the host sends.

    def write(self, message: bytes) -> None:
        """A message from the host; what the unit does not know it ignores."""
        status, *data = message
        if status == 0xB0 and data[0] == 127:
            if data[1] in (STANDARD, MC):
                self.mode = data[1]
        elif self.mode == MC:
            self._write_mc(status, data)
        elif status == 0xC0:
            if data[0] in (0, 1):
                self.layer = data[0]
        elif len(data) == 2:
            self._write_standard(status, *data)

    def _write_mc(self, status: int, data: list[int]) -> None:
        if status == 0xB0 and 48 <= data[0] < 48 + KNOBS:
            if (lights := _mc_ring(data[1] % 64)) is not None:
                self._mc_rings[data[0] - 48] = lights
        elif status == 0x90 and data[0] in self._mc_lamps:
            self._mc_lamps[data[0]] = MC_LAMP.get(data[1], self._mc_lamps[data[0]])

    def _write_standard(self, status: int, number: int, value: int) -> None:
        here = self._layers[self.layer]
        if status == 0xB0 and 1 <= number <= 8 and value <= TRIM:
            here.behaviour[number - 1] = value
        elif status == 0xB0 and 9 <= number <= 16 and value <= 28:
            here.rings[number - 9] = _remote(value)
        elif status == 0x90 and number < BUTTONS:
            here.lamps[number] = STANDARD_LAMP.get(value, here.lamps[number])
        elif status == 0xBA:
            for layer, first in zip(self._layers, (1, 11), strict=True):
                if first <= number < first + KNOBS:
                    self._draw(layer, number - first, value)
        elif status == 0x9A:
            for layer, first in zip(self._layers, (8, 32), strict=True):
                if first <= number < first + BUTTONS:
                    layer.lamps[number - first] = STANDARD_LAMP.get(value, layer.lamps[number - first])

    def _draw(self, layer: _Layer, knob: int, value: int) -> None:
        """The unit spreads 1..127 over thirteen lights by itself; 0 is dark."""
        lit = 0 if value == 0 else 1 + round((value - 1) / 126 * (RING - 1))
        layer.rings[knob] = _drawn(layer.behaviour[knob], lit, RING)


def _drawn(behaviour: int, lit: int, width: int) -> tuple[str, ...]:
    """A ring of `width` lights that points at light `lit`, from 1; 0 is dark."""
    middle = (width + 1) // 2
    near = range(min(lit, middle), max(lit, middle) + 1)
    half = round((lit - 1) / (width - 1) * (middle - 1))
    on = {
        SINGLE: range(lit, lit + 1),
        PAN: near,
        FAN: range(1, lit + 1),
        SPREAD: range(middle - half, middle + half + 1),
        TRIM: near,
    }[behaviour]
    return tuple(ON if lit and light in on else OFF for light in range(1, width + 1))


def _remote(value: int) -> tuple[str, ...]:
    """CC 9-16 on channel 1."""
    if value in (27, 28):
        return (ON if value == 27 else BLINKING,) * RING
    light, state = (value, ON) if value <= RING else (value - RING, BLINKING)
    return tuple(state if n == light else OFF for n in range(1, RING + 1))


def _mc_ring(value: int) -> tuple[str, ...] | None:
    """CC 48-55 in MC mode: eleven of the lights, the outermost two stay dark. None when it is ignored."""
    if value == 63:
        return (ON,) * RING
    for behaviour, first, count in ((SINGLE, 1, 11), (TRIM, 17, 11), (FAN, 33, 11), (SPREAD, 49, 6)):
        if first <= value < first + count:
            lit = 1 + round((value - first) / (count - 1) * 10)
            return (OFF, *_drawn(behaviour, lit, 11), OFF)
    return (OFF,) * RING if value == 0 else None


def _point(ring: tuple[str, ...], way: str, mode: int) -> float | None:
    """Where a ring points, 0..1; None when it is dark."""
    lights = [n for n, light in enumerate(ring[1:-1] if mode == MC else ring) if light != OFF]
    if not lights:
        return None
    last = (RING if mode == STANDARD else RING - 2) - 1
    if way == "spread":
        return (len(lights) - 1) / last
    if way in ("pan", "trim"):
        return (lights[0] if lights[0] < last // 2 else lights[-1]) / last
    return lights[-1] / last
