"""Anything, at any rate: whatever the voices are told, nothing is too loud and nothing stops."""

from __future__ import annotations

import os
import random
import time

import numpy as np
import pytest
from synth_heard import PERIOD, RATE

from foretone.packet import text
from foretone.synth.control import Control
from foretone.synth.engine import Engine
from foretone.synth.limiter import CEILING
from foretone.synth.sounds import SHIPPED, load

SECONDS = float(os.environ.get("FUZZ_SECONDS", "20")) / 5
"""Of the time that is set for fuzzing; the seeds go on for as long."""

NUMBERS = (
    0.0,
    1.0,
    -1.0,
    0.5,
    1e-30,
    1e9,
    -1e9,
    3.4e38,
    float("nan"),
    float("inf"),
    -float("inf"),
    440.0,
    69.0,
)


def number(random_: random.Random) -> float:
    return random_.choice(NUMBERS) if random_.random() < 0.4 else random_.uniform(-2, 130)


def torment(seed: int, period: int, blocks: int) -> None:
    """Some blocks of an engine with some voices, told whatever the seed says."""
    random_ = random.Random(seed)
    known = list(load(SHIPPED).values())
    engine = Engine(
        RATE,
        period,
        random_.sample(known, random_.randint(1, 4)),
        lookahead=random_.random() < 0.5,
        volume=1.0,
    )
    control = Control(engine, 0, period / RATE)
    voices = list(engine.places)
    now, last = 100.0, np.zeros((1, 2), int)
    try:
        for _ in range(blocks):
            for _ in range(random_.choice((0, 0, 1, 3, 12))):
                voice = random_.choice(voices)
                place = engine.places[voice]
                match random_.randrange(7):
                    case 0:
                        values = [number(random_) for _ in range(random_.randint(1, 9))]
                        engine.play(voice, values)
                    case 1 | 2:
                        when = now + random_.uniform(-1, 1)
                        key, velocity = number(random_), number(random_)
                        control.receive(packet(f"{voice}/note", [when, key, velocity]), now)
                    case 3 | 4:
                        name = random_.choice(list(place.parameters))
                        control.receive(packet(f"{voice}/{name}", [number(random_)]), now)
                    case 5:
                        engine.volume = number(random_)
                    case _ if random_.random() < 0.2:
                        engine.rest()
                    case _:
                        engine.let_go(voice)
            control.drain(now)
            block = engine.render()
            now += period / RATE
            samples = np.concatenate((last, block.astype(int)))
            assert np.abs(samples).max() <= CEILING
            assert np.abs(np.diff(samples, axis=0)).max() <= 2 * CEILING, "from one end to the other"
            last = samples[-1:]
        assert engine.faults == 0
        engine.rest()
        for voice in voices:
            engine.turn(voice, "delay_mix", 0.0)
            engine.turn(voice, "reverb", 0.0)
        for _ in range(int(16 * RATE / period)):
            engine.render()
            if engine.silent:
                break
        assert engine.silent, "it comes to rest"
    finally:
        control.close()


def packet(address: str, numbers: list[float]) -> bytes:
    """Of doubles, which hold whatever there is."""
    data = b"".join(np.array(value, ">f8").tobytes() for value in numbers)
    return text(f"/foretone/synth/{address}") + text("," + "d" * len(numbers)) + data


@pytest.mark.parametrize("period", [64, PERIOD, 1024])
def test_nothing_is_too_loud_and_nothing_stops(period: int) -> None:
    end, seed = time.monotonic() + SECONDS / 3, period
    while time.monotonic() < end:
        seed += 1
        try:
            torment(seed, period, 40_000 // period)
        except BaseException:
            print(f"torment({seed}, {period}, {40_000 // period})")
            raise
