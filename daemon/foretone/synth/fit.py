"""The smallest period that this machine keeps, with everything that an instrument can sound at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foretone.errors import SoundBusyError, SoundError
from foretone.synth.alsa import open_output
from foretone.synth.costs import costs
from foretone.synth.engine import Engine
from foretone.synth.output import Lead
from foretone.synth.process import become_punctual, make

SHAPES = ((64, 2), (64, 3), (128, 2), (128, 3), (256, 2), (256, 3), (512, 3), (1024, 4))
"""Frames in a period and periods in the buffer, the soonest heard first."""

_HALF = 0.5
"""Of a period that drawing a block may take, but for one in a hundred: what is left is the margin."""

_NOTES = range(36, 52)


class Fit(NamedTuple):
    """How one shape of the buffer was kept."""

    period: int
    periods: int
    missed: int
    """Underruns."""
    p50: float
    """Share of a period that it took to draw a block, median."""
    p99: float

    @property
    def safe(self) -> bool:
        """Whether it can be played with."""
        return self.missed == 0 and self.p99 <= _HALF


def fit(settings: Mapping[str, Any], folder: Path, seconds: float, say: Callable[[str], None]) -> Fit:
    """Try one shape after the other, so many seconds each, without a sound; the first that is safe.

    `settings` are an instrument's `synth` table. `say` is told what is measured. SoundError where nothing is
    safe, or the PCM cannot be had.
    """
    rate = settings.get("rate", 48000)
    quiet = {**settings, "volume": 0.0}
    say("What a block of 128 frames costs, in us:")
    for cost in costs(rate, 128):
        say(f"  {cost.name:36} {cost.p50:6.0f}")
    become_punctual()
    say("Every voice with all it has, on the sound device:")
    for period, periods in SHAPES:
        found = _try(quiet, folder, period, periods, seconds)
        if found is None:
            say(f"  {period:4} x {periods}   the device does not do that")
            continue
        share = f"{100 * found.p50:3.0f} % of a period, {100 * found.p99:3.0f} % at the 99th percentile"
        say(f"  {period:4} x {periods}   {found.missed} underruns, {share}")
        if found.safe:
            return found
    raise SoundError("no period is safe here: take fewer voices, or stop what else runs, and try again")


def _try(settings: Mapping[str, Any], folder: Path, period: int, periods: int, seconds: float) -> Fit | None:
    """One shape; None where the device plays in another."""
    try:
        output = open_output(settings.get("pcm", "default"), settings.get("rate", 48000), period, periods)
    except SoundBusyError:
        raise
    except SoundError:
        if (period, periods) == SHAPES[-1]:
            raise
        return None
    try:
        if output.period != period:
            return None
        rate = output.rate
        engine = make(settings, folder, rate, period)
        spent: list[float] = []
        missed, lead = 0, Lead(period / rate)
        output.prime()
        for block in range(round(seconds * rate / period)):
            output.wait(lead.seconds)
            begin = time.monotonic()
            if block % max(1, rate // (8 * period)) == 0:
                _strike(engine, block)
            frames = engine.render()
            cost = time.monotonic() - begin
            spent.append(cost * rate / period)
            if not output.write(frames):
                missed += 1
                output.prime()
            lead.drawn(cost, time.monotonic())
    finally:
        output.close()
    spent.sort()
    return Fit(period, periods, missed, spent[len(spent) // 2], spent[-1 - len(spent) // 100])


def _strike(engine: Engine, seed: int) -> None:
    """Eight times a second: notes for every voice, and a movement."""
    for voice in engine.places:
        for key in _NOTES:
            engine.note(voice, key + seed % 12, 0.5)
        engine.play(voice, (seed % 7 / 7, 0.5, 1.0))
