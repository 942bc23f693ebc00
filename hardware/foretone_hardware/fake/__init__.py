"""A board of dictionaries: real drivers run on it, byte for byte, without a Raspberry Pi.

It knows no chip. The module of a driver has, beside the driver, a class `Chip` that models the chip; one that
is longer than the driver is in this folder, in a file of the same name:

    at = "address"                    the driver's setting that says where on the board the chip sits
    noise = 0.0005                    if its hand does not tremble as that on a potentiometer does
    wire(settings, hand)              for a sensor: from now on `hand()` is where its axes are, each 0..1
    look(settings) -> (0..1, ...)     for an actuator: what a person sees; empty when it lets go. A sensor
                                      with inertia has it too; any other is seen where it is held

`wire` is called again for every part that comes to sit on the chip.
`settings` are all of the driver's, defaults included, so several parts can use one chip. A chip on I2C has

    Chip()                            as it is when power comes on
    write(data), read(count)          bytes from and to the bus

a chip on SPI

    Chip()                            as it is when power comes on; there is one, and it needs no `at`
    write(data, frequency)            the bytes of one transfer, at so many bits a second

and a chip on pins

    Chip(pins, where)                 connects itself to pins of gpiozero's mock factory
    close()                           lets go of them

One whose parts have weight takes `clock` as well, by that name.

and what is spoken to in MIDI

    Chip(say)                         as it is when power comes on; `say(bytes)` sends to the computer
    write(message)                    one whole message from the computer
    scan()                            100 times a second: looks where its hands are, and says what moved
    width(settings)                   how many axes a hand holds, when the driver's `axes` do not say

A hand's `at()` is where it is without the noise that is in `hand()`: a knob that sends numbers has steps of
its own. `moves()` is everywhere it was since the last look, for what must miss nothing.
"""

from __future__ import annotations

import importlib.util
import inspect
import random
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from foretone_hardware.device import Clock, DeviceError
from foretone_hardware.fake.i2c import FakeI2C
from foretone_hardware.fake.midi import FakeMidi
from foretone_hardware.fake.pins import FakePins
from foretone_hardware.fake.spi import FakeSPI

NOISE = 0.0005
"""Standard deviation of every reading, as a part of the travel: a clean potentiometer on short wires."""

MOSI = 10
"""The GPIO number of the SPI bus's data wire."""

MOVES = 1000
"""Places of a hand that are kept for a chip which has not looked yet."""

Performer = Callable[[float], Sequence[float] | None]
"""From seconds of the clock to where a sensor is held, each axis 0..1; None lifts the hand."""


class FakeBoard:
    """Fit parts to it, give its `i2c`, `spi`, `pins` and `midi` to their drivers, and be the hands and eyes.

    Any thread may call every method; the chips themselves are touched by the bus's thread only. Whoever
    names a part that is not fitted gets a KeyError that lists those that are.
    """

    name = "fake"

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self.i2c = FakeI2C()
        self.spi = FakeSPI()
        self.pins = FakePins()
        self.midi = FakeMidi()
        self._clock = clock
        self._seed = seed
        self._parts: dict[str, _Part] = {}
        self._chips: dict[tuple[type, object], Any] = {}

    def fit(self, name: str, driver: type, settings: Mapping[str, Any], role: str = "source") -> None:
        """Put a model of the driver's chip on its bus, or wire the part to the one that is there already.

        What can hear and show is held as a source, or looked at as a sink: `role` says which. Raises
        DeviceError when the driver has no model, or another chip sits there.
        """
        chip = _model(driver)
        if chip is None:
            raise DeviceError(
                f"the fake board cannot fit '{name}': {driver.__module__} has no class Chip;"
                " hardware/README.md says how to write one"
            )
        parameters = list(inspect.signature(driver).parameters.values())
        wire = parameters[0].name
        chosen = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} | dict(settings)
        where: Any = chosen[chip.at] if hasattr(chip, "at") else wire
        there = self.i2c.chips.get(where) if wire == "i2c" else None
        if there is not None and type(there) is not chip:
            raise DeviceError(
                f"'{name}' cannot be at {where:#x}: another chip is; bridge and write another address"
            )
        if wire == "spi" and self.spi.chip is not None:
            raise DeviceError(
                f"'{name}' cannot be on SPI: another chip is, and there is no CS wire to tell them"
            )
        # A display has the axes of the instrument; a generic MIDI device as many as controls.
        axes = chip.width(chosen) if hasattr(chip, "width") else len(getattr(driver, "axes", ()))
        noise = getattr(chip, "noise", NOISE)
        hand = _Hand(axes, self._clock, random.Random(f"{self._seed} {name}"), noise)
        self._parts[name] = _Part(chip, wire, where, chosen, hand, role)
        self.plug(name)
        if self.spi.chip is not None and self.pins.taken(MOSI):
            raise DeviceError(
                f"'{name}' cannot share GPIO {MOSI} with what is there: the strip on SPI needs it for itself"
            )

    def hold(self, name: str, values: Sequence[float]) -> None:
        """A hand holds the sensor there, each axis 0..1, until it is moved on."""
        self._part(name).hand.hold(values)

    def lift(self, name: str) -> None:
        """The hand leaves the sensor; what feels a touch says so."""
        self._part(name).hand.lift()

    def look(self, name: str) -> tuple[float, ...]:
        """What a person sees, each axis 0..1; empty for an actuator that lets go or is unplugged.

        A sensor is where it is held. What has weight is on its way: a servo's horn to where its pulse
        says, an arm to where the hand wants it. A light is as bright as its pin is driven.
        """
        part = self._part(name)
        if part.is_seen_held:
            return part.hand.values
        chip = self._chips.get(part.place)
        return () if chip is None else tuple(chip.look(part.settings))

    def perform(self, name: str, performer: Performer | None) -> None:
        """A performer plays the sensor: asked whenever its chip is read. None in its place stops that."""
        self._part(name).hand.performer = performer

    def unplug(self, name: str) -> None:
        """Pull the part's chip off the board, with every other part on it: it does not answer any more."""
        part = self._part(name)
        for other in self._beside(part):
            chip = self._chips.pop(other.place, None)
            if chip is not None and part.bus == "pins":
                chip.close()
        if part.bus == "i2c":
            self.i2c.chips.pop(part.where, None)
        elif part.bus == "spi":
            self.spi.chip = None
        elif part.bus == "midi":
            self.midi.unplug(part.where)

    def plug(self, name: str) -> None:
        """Put it back. It had no power, so it has forgotten everything it was told."""
        part = self._part(name)
        for other in self._beside(part):
            chip = self._chips.get(other.place)
            if chip is None:
                chip = self._chips[other.place] = self._powered(other)
            if other.is_held:
                chip.wire(other.settings, other.hand)
            if part.bus == "i2c":
                self.i2c.chips[part.where] = chip
            elif part.bus == "spi":
                self.spi.chip = chip
        if part.bus == "midi":
            self.midi.plug(part.where, [self._chips[other.place] for other in self._beside(part)])

    def close(self) -> None:
        """Nothing is left of it."""
        self.i2c.chips.clear()
        self.midi.chips.clear()
        self.spi.chip = None
        self.pins.close()
        self._chips.clear()

    def _beside(self, part: _Part) -> list[_Part]:
        """The parts in one place: on one chip, or spoken to through one MIDI port."""
        return [p for p in self._parts.values() if (p.bus, p.where) == (part.bus, part.where)]

    def _powered(self, part: _Part) -> Any:
        """A new chip for the part, as it is when power comes on."""
        wires = {"pins": (self.pins, part.where), "midi": (partial(self.midi.say, part.where),)}
        timed = {"clock": self._clock} if "clock" in inspect.signature(part.model).parameters else {}
        return part.model(*wires.get(part.bus, ()), **timed)

    def _part(self, name: str) -> _Part:
        try:
            return self._parts[name]
        except KeyError:
            fitted = ", ".join(self._parts) or "nothing yet"
            raise KeyError(f"there is no part called '{name}' on the board; fitted: {fitted}") from None


def _model(driver: type) -> Any:
    """The class `Chip` beside the driver or, in a file of the same name, in this folder."""
    beside = sys.modules[driver.__module__]
    if not hasattr(beside, "Chip"):
        here = f"{__name__}.{driver.__module__.rpartition('.')[2]}"
        if importlib.util.find_spec(here) is None:
            return None
        beside = importlib.import_module(here)
    return getattr(beside, "Chip", None)


@dataclass(frozen=True)
class _Part:
    model: type
    bus: str
    where: Any
    settings: dict[str, Any]
    hand: _Hand
    role: str

    @property
    def is_held(self) -> bool:
        return self.role == "source" and hasattr(self.model, "wire")

    @property
    def is_seen_held(self) -> bool:
        """Whether a person sees the hand, and not what the chip makes of it: a controller has both."""
        return not hasattr(self.model, "look") or (self.is_held and self.bus == "midi")

    @property
    def place(self) -> tuple[type, object]:
        return self.model, self.where


class _Hand:
    """Where a sensor is held; called, it says so as the chip would feel it, with a little noise."""

    def __init__(self, axes: int, clock: Clock, random: random.Random, noise: float) -> None:
        self.values = (0.5,) * axes
        self.performer: Performer | None = None
        self._moves: deque[tuple[float, ...]] = deque(maxlen=MOVES)
        self._clock, self._random, self._noise = clock, random, noise

    def hold(self, values: Sequence[float]) -> None:
        if len(values) != len(self.values):
            raise ValueError(f"hold {len(self.values)} values, one for each axis, not {len(values)}")
        self.values = tuple(min(1.0, max(0.0, value)) for value in values)
        self._moves.append(self.values)

    def lift(self) -> None:
        self._moves.append(())

    def moves(self) -> list[tuple[float, ...]]:
        """Everywhere it was held since the last look, one after another; `()` where it was lifted."""
        performer = self.performer
        if performer is not None and (values := performer(self._clock.now())) is not None:
            self.hold(values)
        return [self._moves.popleft() for _ in range(len(self._moves))]

    def at(self) -> tuple[float, ...]:
        """Where it is now, or was when it was lifted."""
        self.moves()
        return self.values

    def __call__(self) -> tuple[float, ...]:
        return tuple([value + self._random.gauss(0.0, self._noise) for value in self.at()])
