"""`foretone sounds`: every sound plays a phrase, through the sound card, into WAV files, or as a picture."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator, Sequence
from operator import methodcaller
from pathlib import Path

import numpy as np

from foretone.ring import Frames
from foretone.synth.alsa import open_output
from foretone.synth.engine import Engine
from foretone.synth.picture import sheet
from foretone.synth.voice import Sound

RATE, PERIOD = 48000, 128

SECONDS = 5.0
"""Of a phrase, with the room that sounds after it."""

Step = tuple[float, Callable[[Engine], None]]
"""A moment in seconds, and what is done then."""

_MELODY = ((0.0, 57, 0.5), (0.4, 60, 0.35), (0.8, 64, 0.35), (1.2, 69, 0.5), (1.8, 45, 0.9), (1.8, 57, 0.9),
           (1.8, 60, 0.9), (1.8, 64, 0.9))  # fmt: skip
"""Begin in seconds, MIDI key, length in seconds: a broken chord, then all of it."""

_BEAT = ["kick", "hat", "snare", "hat", "kick", "hat", "clap", "open", "tom", "rim", "bell", "kick", "snare"]


def blocks(sound: Sound, rate: int = RATE, period: int = PERIOD) -> Iterator[Frames]:
    """The phrase of a sound, block by block, int16 [period, 2]; each is valid until the next."""
    engine = Engine(rate, period, [sound])
    steps = sorted(_phrase(sound), key=lambda step: step[0])
    for block in range(round(SECONDS * rate / period)):
        while steps and steps[0][0] * rate < (block + 1) * period:
            steps.pop(0)[1](engine)
        yield engine.render()


def play(sounds: Sequence[Sound], pcm: str, tell: Callable[[str], None]) -> None:
    """Through a PCM, one after the other. SoundError where it cannot be had."""
    output = open_output(pcm, RATE, PERIOD, 8)
    output.prime()
    try:
        for sound in sounds:
            tell(sound.name)
            for block in blocks(sound, output.rate, output.period):
                if not output.write(block):
                    output.prime()
    finally:
        output.close()


def write(sounds: Sequence[Sound], folder: Path, tell: Callable[[str], None]) -> None:
    """Into a WAV file each, as fast as the machine can."""
    folder.mkdir(parents=True, exist_ok=True)
    for sound in sounds:
        path = folder / f"{sound.name}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, RATE, 0, "NONE", ""))
            file.writeframes(heard(sound).astype("<i2").tobytes())
        tell(str(path))


def picture(sounds: Sequence[Sound]) -> str:
    """As an SVG picture."""
    return sheet({sound.name: heard(sound) for sound in sounds}, RATE)


def heard(sound: Sound) -> Frames:
    """The whole phrase, int16 [frames, 2]."""
    return np.concatenate([block.copy() for block in blocks(sound)])


def _phrase(sound: Sound) -> Iterator[Step]:
    name = sound.name
    if sound.kind == "fm":
        for step in range(250):
            place = 0.5 + 0.4 * float(np.sin(step / 20) * np.cos(step / 47))
            yield step / 100, methodcaller("play", name, (place,))
        yield 2.5, methodcaller("let_go", name)
    elif sound.kind == "sampler":
        slots = [slot["name"] for slot in sound.settings["slots"]]
        beat = [slot for slot in _BEAT if slot in slots] or slots
        for number, slot in enumerate(beat * (26 // len(beat))):
            for level in (0.0, 0.9):
                values = tuple(level if each == slot else 0.0 for each in slots)
                yield number / 7, methodcaller("play", name, values)
    else:
        for begin, key, length in _MELODY:
            yield begin, methodcaller("note", name, key, 0.8)
            yield begin + length, methodcaller("note", name, key, 0.0)
