"""What the sound costs on this machine: microseconds a block for each thing that can sound."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from foretone.synth.engine import Engine
from foretone.synth.sounds import SHIPPED, load
from foretone.synth.voice import Sound

BLOCKS = 400
"""Drawn for each figure."""

_MOVING = {"wave": "saw", "sustain": 1, "cutoff": 2500, "lfo_rate": 4, "lfo_filter": 400, "lfo_pitch": 3}


class Cost(NamedTuple):
    """What one thing costs, in microseconds a block."""

    name: str
    p50: float
    p99: float


def costs(rate: int, period: int) -> Iterator[Cost]:
    """One after the other, each alone but for the mixer and the limiter; about a second in all."""
    wet = {"delay_mix": 0.3, "reverb": 0.3}
    yield _cost("silence", rate, period, [Sound("a", "additive")], 0)
    shipped = load(SHIPPED)
    yield _cost("the two voices of the EMPI", rate, period, [shipped["player"], shipped["model"]], 1)
    for notes in (1, 12):
        yield _cost(
            f"additive, {notes} of 16 partials", rate, period, [Sound("a", "additive", _MOVING)], notes
        )
    yield _cost("additive, 12 of 16, echo, room", rate, period, [Sound("a", "additive", _MOVING | wet)], 12)
    four = [Sound(name, "additive", _MOVING) for name in "abcd"]
    yield _cost("additive, 4 x 12 of 16", rate, period, four, 12)
    yield _cost("additive, 4 x 12 of 64", rate, period, _with(four, {"partials": 64}), 12)
    yield _cost("additive, 4 x 12 of 16, echo, room", rate, period, _with(four, wet), 12)
    slots = [{"name": "a", "file": "samples/open.flac", "key": [0, 127], "loop": "on"}]
    sampler = Sound("a", "sampler", {"slots": slots}, SHIPPED.parent)
    yield _cost("sampler, 16 recordings", rate, period, [sampler], 16)


def _with(sounds: Sequence[Sound], more: Mapping[str, object]) -> list[Sound]:
    return [replace(sound, settings={**sound.settings, **more}) for sound in sounds]


def _cost(name: str, rate: int, period: int, sounds: Sequence[Sound], notes: int) -> Cost:
    engine = Engine(rate, period, sounds)
    for sound in sounds:
        for note in range(notes):
            engine.note(sound.name, 40 + 2 * note, 0.3)
    spent = []
    for _ in range(BLOCKS):
        begin = time.perf_counter()
        engine.render()
        spent.append(1e6 * (time.perf_counter() - begin))
        if sounds[0].kind == "fm":
            for sound in sounds:
                engine.play(sound.name, (len(spent) % 100 / 100,))
    spent.sort()
    return Cost(name, spent[BLOCKS // 2], spent[-1 - BLOCKS // 100])
