"""What a voice of the audio process promises, and what a parameter of it is.

A **voice** has a name, makes sound, and plays what is sent to its address. Its **kind** is a module of
`foretone.synth.voices`, whose class draws every voice of that kind at once: numpy costs by the call, so four
synths in one array cost little more than one. A builder who does not care makes a `Voice`, of which the house
makes one for each name; the README beside this file has an example.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

FULL = 32767.0
"""Voices and mix are counted in steps of the int16 that leaves."""


class Parameter(NamedTuple):
    """A number of a voice that may change while it sounds."""

    name: str
    low: float
    high: float
    default: float
    unit: str = ""
    curve: str = "linear"
    """Of an axis: "linear", "square" (fine near `low`) or "exponential" (equal steps are equal ratios)."""
    choices: tuple[str, ...] = ()
    """What each whole number stands for, where it is a choice; it may be told by number or by name."""
    smooth: float = 0.01
    """Time constant in seconds with which it is followed: below hearing as a step, and as a delay."""

    def hold(self, value: float) -> float:
        """The value kept in the range; a choice is a whole number."""
        held = min(max(value, self.low), self.high)
        return float(round(held)) if self.choices else held

    def at(self, axis: float) -> float:
        """The value that an axis of 0..1 stands for."""
        place = min(max(axis, 0.0), 1.0)
        if self.curve == "exponential":
            return self.low * math.exp(place * math.log(self.high / self.low))
        return self.low + (self.high - self.low) * (place**2 if self.curve == "square" else place)

    def read(self, value: object) -> float:
        """A finite number, or the name of a choice; held in the range. ValueError for anything else."""
        if isinstance(value, str) and value in self.choices:
            return float(self.choices.index(value))
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            allowed = (
                ", ".join(self.choices) or f"a number, {self.low:g} to {self.high:g} {self.unit}".strip()
            )
            raise ValueError(f"{self.name} must be {allowed}, not {value!r}")
        return self.hold(float(value))


@dataclass(frozen=True)
class Sound:
    """A voice as a file of sounds describes it: its settings are what its kind takes, by name."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    """Where the file lies, and with it what it names."""
    controls: tuple[str, ...] = ()
    """What the axes of a gesture turn, in order: a parameter, or "cutoff from 200 to 4000" for a part of its
    range, either way round; none for what is usual for the kind.
    """


class Section(Protocol):
    """All voices of one kind. Audio thread only; nothing of it may raise, wait or, if possible, allocate.

    A voice is called by its place among the sounds that the section was made of.
    """

    PARAMETERS: Sequence[Parameter]
    """What `foretone parts` tells of the kind."""

    def __init__(self, rate: int, period: int, sounds: Sequence[Sound]) -> None:
        """Make everything, and read every file: the loop has not begun. ValueError with a sentence."""

    @property
    def awake(self) -> bool:
        """Whether any voice sounds. While it does not, `render` is not called."""

    complaints: Sequence[str]
    """What could not be had, a sentence each; it is silent, and the rest plays on."""

    def parameters(self, voice: int) -> Sequence[Parameter]:
        """What may be turned."""

    def controls(self, voice: int) -> Sequence[str]:
        """What the axes of a gesture are where nobody chose: parameters, or names that only `play` knows."""

    def play(self, voice: int, values: Sequence[float]) -> None:
        """A gesture: one or more finite numbers, 0..1 where it was played well."""

    def note(self, voice: int, key: float, velocity: float, at: int) -> None:
        """Strike a MIDI key, or release it with velocity 0, `at` frames into the next block."""

    def let_go(self, voice: int) -> None:
        """Release whatever sounds."""

    def turn(self, voice: int, name: str, value: float) -> None:
        """Give a parameter a value within its range."""

    def clear(self) -> None:
        """Silence at once, with everything in order: what was drawn was no sound."""

    def render(self, buses: Samples) -> None:
        """Draw the next block, float32 [voices, 2, period] in steps of int16."""


class Voice:
    """A voice that stands alone: what a builder writes. Override `render`, and whatever it should hear."""

    PARAMETERS: ClassVar[Sequence[Parameter]] = ()
    CONTROLS: ClassVar[Sequence[str]] = ()
    awake = False

    def __init__(self, rate: int, period: int) -> None:
        self.rate, self.period = rate, period
        self.values = {parameter.name: parameter.default for parameter in self.PARAMETERS}

    def play(self, values: Sequence[float]) -> None:
        """A gesture."""

    def note(self, key: float, velocity: float, at: int) -> None:
        """A key is struck, or released with velocity 0."""

    def let_go(self) -> None:
        """Release whatever sounds."""

    def render(self, out: Samples) -> None:
        """Draw the next block into float32 [2, period]; `values` are as told, not smoothed."""
        raise NotImplementedError


class Each:
    """A section made of voices that stand alone."""

    complaints: Sequence[str] = ()

    def __init__(self, maker: type[Voice], rate: int, period: int, sounds: Sequence[Sound]) -> None:
        self._voices = [maker(rate, period) for _ in sounds]
        self._maker, self.PARAMETERS = maker, maker.PARAMETERS
        for voice, sound in zip(self._voices, sounds, strict=True):
            voice.values.update(given(maker.PARAMETERS, sound))

    @property
    def awake(self) -> bool:
        """Whether any of them sounds."""
        return any(voice.awake for voice in self._voices)

    def parameters(self, voice: int) -> Sequence[Parameter]:  # noqa: ARG002 -- they are of one kind
        """What may be turned."""
        return self._maker.PARAMETERS

    def controls(self, voice: int) -> Sequence[str]:  # noqa: ARG002
        """What the axes of a gesture are."""
        return self._maker.CONTROLS

    def play(self, voice: int, values: Sequence[float]) -> None:
        """A gesture."""
        self._voices[voice].play(values)

    def note(self, voice: int, key: float, velocity: float, at: int) -> None:
        """A key."""
        self._voices[voice].note(key, velocity, at)

    def let_go(self, voice: int) -> None:
        """Release whatever sounds."""
        self._voices[voice].let_go()

    def turn(self, voice: int, name: str, value: float) -> None:
        """Give a parameter a value within its range."""
        self._voices[voice].values[name] = value

    def clear(self) -> None:
        """Make the voices anew, with the values that they had."""
        kept = [voice.values for voice in self._voices]
        self._voices = [self._maker(voice.rate, voice.period) for voice in self._voices]
        for voice, values in zip(self._voices, kept, strict=True):
            voice.values = values

    def render(self, buses: Samples) -> None:
        """Draw the next block."""
        for voice, bus in zip(self._voices, buses, strict=True):
            if voice.awake:
                voice.render(bus)
            else:
                bus.fill(0.0)


def given(parameters: Sequence[Parameter], sound: Sound, *, also: Sequence[str] = ()) -> dict[str, float]:
    """The parameters that a sound sets. ValueError for one that its kind does not have, `also` apart."""
    known = {parameter.name: parameter for parameter in parameters}
    values = {}
    for key, value in sound.settings.items():
        if key in known:
            values[key] = known[key].read(value)
        elif key not in also:
            raise ValueError(f"'{key}' is no parameter of {sound.kind}; it has {', '.join(known)}")
    return values


def whole(sound: Sound, key: str, default: int) -> int:
    """A setting of a sound that is a whole number, 1 to 64. ValueError for anything else."""
    value = sound.settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 64:
        raise ValueError(f"{key} must be a whole number, 1 to 64, not {value!r}")
    return value
