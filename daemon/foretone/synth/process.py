"""The audio process, from its start to its end. It has one thread, ever."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import math
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from foretone import punctual
from foretone.awake import Awake
from foretone.errors import SoundBusyError, SoundError
from foretone.ring import Ring
from foretone.synth.alsa import open_output
from foretone.synth.control import Control
from foretone.synth.engine import Engine
from foretone.synth.output import Lead, Output
from foretone.synth.score import load
from foretone.synth.sounds import USUAL, choose
from foretone.watch import Systemd

TRY_LATER, WRONG_SETTINGS = 75, 78
"""Exit statuses of sysexits.h: EX_TEMPFAIL and EX_CONFIG."""

WARM_UP = 100
"""Blocks drawn before the first one that is heard, so that its code and memory are already there."""

_LEAVE = 0.3
"""Seconds in which an echo fades that still sounds when we are told to stop."""

_EARLY, _LATE, _LOST = 0.1, 0.002, 0.05
"""What the pace believes of a block that comes early, and late; seconds after which it counts anew."""

_LOCK_NOW_AND_LATER = 1 | 2  # MCL_CURRENT | MCL_FUTURE of <sys/mman.h>


def main(settings: Mapping[str, Any], ring_path: Path, folder: Path = Path()) -> int:
    """Run until SIGTERM or SIGINT, then fade out; the exit status.

    settings
        The keys of an instrument's `synth` table: port, pcm, rate, period, periods, lookahead, volume,
        voices, controls, sounds, song. What is left out has the default of foretone.sinks.synth.
    ring_path
        Where to leave each block for other processes; best on a tmpfs.
    folder
        Where the instrument file lies, and with it its file of sounds.

    0 after a signal, 78 when the settings cannot work on this machine, 75 when they may later (the card is in
    use, or was unplugged). A sentence on stderr says which.
    """
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    # python-osc logs type tags that it does not know, which would let a packet write to a file from the loop.
    logging.disable()
    # So would a warning about a number that is too large; the engine looks for those itself.
    np.seterr(all="ignore")
    try:
        run(settings, ring_path, folder, lambda: bool(asked))
    except SoundError as error:
        _say(str(error))
        return TRY_LATER if isinstance(error, SoundBusyError) else WRONG_SETTINGS
    return 0


def make(settings: Mapping[str, Any], folder: Path, rate: int, period: int) -> Engine:
    """An engine with the voices and the song that the settings name. SoundError for what there is not."""
    song = load(folder / settings["song"]) if settings.get("song") else None
    file = settings.get("sounds", "")
    names = [*(settings.get("voices", USUAL) or USUAL[:1])]
    names += [track.voice for track in song.tracks] if song else []
    sounds = choose(names, folder / file if file else None, settings.get("controls", ()))
    lookahead, volume = settings.get("lookahead", True), settings.get("volume", 0.8)
    return Engine(rate, period, sounds, song=song, lookahead=lookahead, volume=volume)


def rehearse(settings: Mapping[str, Any], folder: Path) -> list[str]:
    """Make the voices that the settings name, and forget them; what is wrong with them, a sentence each."""
    try:
        return make(settings, folder, 48000, 128).complaints
    except SoundError as error:
        return [str(error)]


def run(settings: Mapping[str, Any], ring_path: Path, folder: Path, stop: Callable[[], bool]) -> None:
    """Open the sound, play until `stop()`, fade out and close. SoundError says what to change."""
    with contextlib.ExitStack() as opened:
        output = _open(settings)
        opened.callback(output.close)
        engine = make(settings, folder, output.rate, output.period)
        for complaint in engine.complaints:
            _say(complaint)
        control = Control(engine, settings.get("port", 7401), output.period / output.rate)
        opened.callback(control.close)
        ring = Ring.create(ring_path, output.rate, output.name, paced=output.paced)
        opened.callback(ring.finish)
        _warm_up(make(settings, folder, output.rate, output.period))
        become_punctual()
        with contextlib.closing(Awake()) as processors:
            _play(engine, control, output, ring, processors, stop)


def _open(settings: Mapping[str, Any]) -> Output:
    rate, period = settings.get("rate", 48000), settings.get("period", 128)
    output = open_output(settings.get("pcm", "default"), rate, period, settings.get("periods", 3))
    if output.period != period:
        _say(
            f"PCM {output.name!r} plays {output.period} frames at a time and not {period}; going on with that"
        )
    if output.rate != rate:
        _say(f"PCM {output.name!r} plays at {output.rate} Hz and not at {rate}; going on with that")
    buffer, asked = getattr(output, "buffer", 0), period * settings.get("periods", 3)
    if buffer > max(asked, 2 * output.period):
        late = 1000 * buffer / output.rate
        _say(
            f"PCM {output.name!r} holds {buffer} frames and not {asked}: everything sounds {late:.0f} ms late"
        )
    elif 0 < buffer < asked:
        _say(f"PCM {output.name!r} holds {buffer} frames and not {asked}: it runs dry the sooner")
    return output


def _play(
    engine: Engine,
    control: Control,
    output: Output,
    ring: Ring,
    processors: Awake,
    stop: Callable[[], bool],
) -> None:
    """The loop. No lock or log, no file but the request that no processor sleeps; it waits in `output`."""
    span = engine.period / output.rate
    costs, pace, lead = _Costs(ring, span), Pace(span), Lead(span)
    xruns = 0
    systemd = Systemd()
    output.prime()
    systemd.ready(f"sounds on {output.name}")
    leaving, last = 0, math.ceil(_LEAVE / span)
    while not leaving or (leaving < last and not engine.silent):
        output.wait(lead.seconds)
        began = time.monotonic()
        if not leaving:
            control.drain(pace.begin(began + lead.seconds))
            if stop():
                leaving = 1
                engine.rest()
                engine.volume = 0.0
        else:
            leaving += 1
        block = engine.render()
        cost = time.monotonic() - began
        costs.add(cost)
        if not output.write(block):
            xruns += 1
            pace.restart()
            output.prime()
            engine.fade_in(block)
            xruns += not output.write(block)
        lead.drawn(cost, time.monotonic())
        # Where a clock stands in for a card nobody hears that it is late.
        processors.hold(not (output.paced or engine.silent))
        ring.write(block)
        ring.beat(began, engine.peak, xruns, control.refused, engine.faults)
        systemd.step(began)


class Pace:
    """When there is room for blocks, without the lateness with which the kernel wakes us.

    The frame at which a note begins depends on it. A wake-up is late, never early, so an early one is
    believed sooner. Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005.
    """

    def __init__(self, span: float) -> None:
        """With the length of a block in seconds."""
        self._span = span
        self._begin = math.nan

    def restart(self) -> None:
        """The blocks do not follow each other."""
        self._begin = math.nan

    def begin(self, now: float) -> float:
        """There is room for a block at `now`; when there would be, were nobody ever late."""
        expected = self._begin + self._span
        error = now - expected
        if not abs(error) < _LOST:
            self._begin = now
        else:
            self._begin = expected + error * (_EARLY if error < 0.0 else _LATE)
        return self._begin


class _Costs:
    """What the last 512 blocks took to make, told to the ring about once a second."""

    def __init__(self, ring: Ring, span: float) -> None:
        self._ring, self._span = ring, span
        self._worst, self._long = 0.0, 0
        self._last = np.zeros(512)
        self._sorted = np.zeros(512)
        self._count = 0

    def add(self, seconds: float) -> None:
        count = self._count = self._count + 1
        self._worst = max(self._worst, seconds)
        self._long += seconds > self._span
        self._last[count % 512] = seconds * 1e6
        if count % 256 == 0:
            size = min(count, 512)
            np.copyto(self._sorted, self._last)
            self._sorted.sort()
            # While the first 512 are not there yet, the rest is zeros, at the front.
            p50, p99 = float(self._sorted[-size // 2]), float(self._sorted[-1 - size // 100])
            self._ring.cost(p50, p99, self._worst * 1e6, self._long)


def _warm_up(engine: Engine) -> None:
    # The algebra library takes 32 MB for itself at the first product that is not small, which is 13 ms late.
    square = np.ones((256, 256), np.float32)
    np.matmul(square, square)
    np.matmul(square[:1], square)
    for _ in range(WARM_UP):
        for voice in engine.places:
            engine.play(voice, (0.5, 0.5, 1.0))
            engine.note(voice, 60.0, 0.5)
        engine.render()


def become_punctual() -> None:
    """Ask the kernel not to make us wait. Last: a start under SCHED_FIFO can stall the first blocks."""
    gc.collect()
    gc.freeze()
    gc.disable()
    refused = []
    if ctypes.CDLL(None).mlockall(_LOCK_NOW_AND_LATER) != 0:
        refused.append("lock its memory (LimitMEMLOCK=infinity)")
    if not punctual.run_first(punctual.SOUND):
        refused.append(f"run first ({punctual.ADVICE})")
    if refused:
        _say(f"sound may crackle under load: the system did not let it {' or '.join(refused)}")


def _say(sentence: str) -> None:
    print(f"foretone synth: {sentence}", file=sys.stderr, flush=True)
