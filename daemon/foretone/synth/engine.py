"""Gestures and notes in, blocks of int16 out: voices, mixer, limiter. It knows no clock, file or device."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from foretone import kinds
from foretone.errors import SoundError
from foretone.ring import Frames
from foretone.synth.limiter import Limiter
from foretone.synth.mixer import STRIP, Mixer
from foretone.synth.score import Song
from foretone.synth.sequencer import NAME, Sequencer
from foretone.synth.sounds import USUAL, choose
from foretone.synth.voice import Each, Parameter, Section, Sound, Voice, given

T = TypeVar("T")


class Place(NamedTuple):
    """Where a voice is: its section, its number there, and its number in the mix."""

    section: Section
    voice: int
    strip: int
    parameters: dict[str, Parameter]
    controls: tuple[Parameter, ...]
    """What the axes of a gesture turn."""


class Engine:
    """The instrument's sound, block by block. Audio thread only.

    Budget: 0.5 periods at p99, on the box, with a full mix; that is 1.33 ms at 128 frames and 48 kHz. While
    nothing sounds a block costs nothing: it is the same silence each time.

    rate
        Frames per second.
    period
        Frames in a block.
    sounds
        The voices; by default the two of the EMPI, player and model.
    song
        What plays by itself, if anything; its clock has an address as a voice has.
    lookahead
        Hold the sound back by one period, so that the limiter turns down before a peak comes. Without it a
        peak is cut where it is too high: less clean, and one period sooner.

    SoundError with a sentence when a sound is not as its kind takes it.
    """

    def __init__(
        self,
        rate: int,
        period: int,
        sounds: Sequence[Sound] = (),
        *,
        song: Song | None = None,
        lookahead: bool = True,
        volume: float = 0.8,
    ) -> None:
        sounds = sounds or choose(USUAL, None, ())
        self.places: dict[str, Place] = {}
        self._sections: list[tuple[Section, slice]] = []
        strips: list[dict[str, float]] = []
        names = [parameter.name for parameter in STRIP]
        for kind in dict.fromkeys(sound.kind for sound in sounds):
            first = len(strips)
            members = [sound for sound in sounds if sound.kind == kind]
            for sound in members:
                mine = replace(sound, settings={k: v for k, v in sound.settings.items() if k in names})
                strips.append(_of(sound, given, STRIP, mine))
            own = [
                replace(sound, settings={k: v for k, v in sound.settings.items() if k not in names})
                for sound in members
            ]
            section = _section(kind, rate, period, own)
            self._sections.append((section, slice(first, len(strips))))
            for voice, sound in enumerate(own):
                self.places[sound.name] = _place(section, voice, first + voice, sound)
        self._sequencer = self._clock(song, period / rate) if song is not None else None
        self._mixer = Mixer(rate, period, strips, volume)
        self._limiter = Limiter(rate, period, lookahead=lookahead)
        self._buses = np.zeros((len(strips), 2, period), np.float32)
        self._own = [self._buses[strips] for _, strips in self._sections]
        self._sounding = [False] * len(strips)
        self._mix = np.zeros((2, period), np.float32)
        self._quiet, self.period = True, period
        self._ramp = np.arange(1, period + 1, dtype=np.float32)[:, None] / period
        self._silence = np.zeros((period, 2), np.int16)
        self.complaints = [line for section, _ in self._sections for line in section.complaints]
        """What could not be had, and is silent: a sentence each."""
        self.faults = 0
        """Blocks that were no sound, and calls that a voice failed at; silence took their place."""

    @property
    def volume(self) -> float:
        """What the volume is going to, 0..1."""
        return self._mixer.volume

    @volume.setter
    def volume(self, value: float) -> None:
        if math.isfinite(value):
            self._mixer.volume = min(max(value, 0.0), 1.0)

    @property
    def peak(self) -> float:
        """The loudest sample lately, 0..1; falls by 20 dB a second."""
        return self._limiter.peak

    @property
    def silent(self) -> bool:
        """Whether nothing sounds, and what is held back is silence."""
        return self._quiet and not self._mixer.rings and not any(s.awake for s, _ in self._sections)

    def play(self, voice: str, values: Sequence[float]) -> None:
        """A gesture: floats 0..1, which turn what its axes are, and sound.

        What lies outside is held at the edge; what is no number moves nothing.
        """
        place = self.places[voice]
        for parameter, value in zip(place.controls, values, strict=False):
            if math.isfinite(value):
                self.turn(voice, parameter.name, parameter.at(value))
        if values and math.isfinite(values[0]):
            self._try(place.section, place.section.play, place.voice, values)

    def note(self, voice: str, key: float, velocity: float, at: float = 0.0) -> None:
        """Strike a MIDI key, or release it with velocity 0, at a place 0..1 within the next block.

        Numbers are held in 0..127 and 0..1.
        """
        place = self.places[voice]
        key, velocity = min(max(key, 0.0), 127.0), min(max(velocity, 0.0), 1.0)
        frame = min(int(at * self.period), self.period - 1)
        if self._sequencer is not None:
            self._sequencer.struck(voice, key, velocity, at)
        self._try(place.section, place.section.note, place.voice, key, velocity, frame)

    def turn(self, voice: str, name: str, value: float) -> None:
        """Send a parameter to a value, held in its range. LookupError where the voice has none such."""
        place = self.places[voice]
        held = place.parameters[name].hold(value)
        if name in _STRIP:
            self._mixer.turn(place.strip, name, held)
        else:
            self._try(place.section, place.section.turn, place.voice, name, held)

    def let_go(self, voice: str) -> None:
        """Release whatever one voice sounds."""
        place = self.places[voice]
        if self._sequencer is not None:
            self._sequencer.lifted(voice)
        self._try(place.section, place.section.let_go, place.voice)

    def start(self) -> None:
        """Let the song play that plays by itself."""
        if self._sequencer is not None:
            self._sequencer.start()

    def follow(self, position: float, later: float) -> None:
        """A clock outside says where the song is, in beats, `later` seconds after the next block begins."""
        if self._sequencer is not None:
            self._sequencer.follow(position, later)

    def rest(self) -> None:
        """Release every voice."""
        for voice in self.places:
            self.let_go(voice)

    @np.errstate(over="ignore", invalid="ignore")  # a voice may have drawn anything, and is found out here
    def render(self) -> Frames:
        """The next block, int16 [period, 2]. It is valid until the next call."""
        if self._sequencer is not None:
            self._try(self._sequencer, self._sequencer.advance, self.note)
        awake = self._mixer.rings or any(section.awake for section, _ in self._sections)
        if not awake and self._quiet:
            self._mixer.settle()
            return self._limiter.pause(self._silence)
        for (section, strips), buses in zip(self._sections, self._own, strict=True):
            awake = section.awake
            self._sounding[strips] = [awake] * (strips.stop - strips.start)
            if awake:
                self._try(section, section.render, buses)
            else:
                buses.fill(0.0)
        power = self._mixer.mix(self._buses, self._sounding, self._mix)
        if not math.isfinite(power):
            self._recover()
            power = 0.0
        silent = power < 1.0
        self._quiet = silent and not awake
        return self._limiter.render(self._mix, silent=silent)

    def _clock(self, song: Song, span: float) -> Sequencer:
        """The song's clock, among the places. SoundError for what nobody here can play."""
        for track in song.tracks:
            if track.voice not in self.places:
                there_are = ", ".join(self.places)
                raise SoundError(f"the track {track.name!r} plays {track.voice!r}; there are: {there_are}")
        try:
            clock = Sequencer(song, span)
        except ValueError as error:
            raise SoundError(f"the song: {error}") from error
        parameters = {parameter.name: parameter for parameter in clock.parameters(0)}
        self.places[NAME] = Place(clock, 0, 0, parameters, (parameters["tempo"],))
        return clock

    def fade_in(self, block: Frames) -> None:
        """Let a block rise from silence, in place: the sound comes back without a click."""
        np.multiply(block, self._ramp, out=block, casting="unsafe")

    def _recover(self) -> None:
        """What was drawn was no sound: silence, and everything that could hold it is emptied."""
        self.faults += 1
        self._mix.fill(0.0)
        self._mixer.clear()
        for section, strips in self._sections:
            flat = self._buses[strips].reshape(-1)
            if not math.isfinite(float(np.dot(flat, flat))):
                section.clear()
                self._buses[strips].fill(0.0)

    def _try(self, section: Section, action: Callable[..., None], *arguments: object) -> None:
        """Whatever a builder's voice does, the others play on."""
        try:
            action(*arguments)
        except Exception:  # noqa: BLE001 -- it may be any
            self.faults += 1
            section.clear()
            for (one, _), buses in zip(self._sections, self._own, strict=True):
                if one is section:
                    buses.fill(0.0)


_STRIP = {parameter.name for parameter in STRIP}


def _of(sound: Sound, make: Callable[..., T], *arguments: object) -> T:
    """What is made of a sound; SoundError with its name for what is wrong with it."""
    try:
        return make(*arguments)
    except ValueError as error:
        raise SoundError(f"the sound {sound.name!r}: {error}") from error


def _section(kind: str, rate: int, period: int, sounds: Sequence[Sound]) -> Section:
    try:
        maker = kinds.find("voice", kind)
    except LookupError as error:
        raise SoundError(f"the sound {sounds[0].name!r}: {error.args[0]}") from error
    if issubclass(maker, Voice):
        return _of(sounds[0], Each, maker, rate, period, sounds)
    make: Callable[..., Section] = cast(Any, maker)
    return _of(sounds[0], make, rate, period, sounds)


def _place(section: Section, voice: int, strip: int, sound: Sound) -> Place:
    parameters = {p.name: p for p in (*section.parameters(voice), *STRIP)}
    own = section.controls(voice)
    names = sound.controls or own
    turned = [_turned(sound, name, parameters) for name in names if name not in own or name in parameters]
    return Place(section, voice, strip, parameters, tuple(turned))


def _turned(sound: Sound, control: str, parameters: Mapping[str, Parameter]) -> Parameter:
    """The parameter that an axis turns, with the range that it goes over."""
    name, ends, rest = control.partition(" from ")
    if name not in parameters:
        near, known = kinds.nearest(name, parameters), ", ".join(parameters)
        raise SoundError(f"{sound.name} has no control {name!r}{near}; it has {known}")
    parameter = parameters[name]
    if not ends:
        return parameter
    try:
        low, high = (parameter.read(float(end)) for end in rest.split(" to "))
    except ValueError as error:
        raise SoundError(
            f'{control!r}: write "{name} from {parameter.low:g} to {parameter.high:g}"'
        ) from error
    return parameter._replace(low=low, high=high)
