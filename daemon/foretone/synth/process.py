"""The audio process, from its start to its end. It has one thread, ever."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from foretone import punctual
from foretone.errors import SoundError
from foretone.ring import Ring
from foretone.synth.alsa import open_output
from foretone.synth.control import Control
from foretone.synth.engine import Engine
from foretone.synth.output import Output, SoundBusyError
from foretone.synth.voices import VOICES
from foretone.watch import Systemd

TRY_LATER, WRONG_SETTINGS = 75, 78
"""Exit statuses of sysexits.h: EX_TEMPFAIL and EX_CONFIG."""

WARM_UP = 100
"""Blocks drawn before the first one that is heard, so that its code and memory are already there."""

_LOCK_NOW_AND_LATER = 1 | 2  # MCL_CURRENT | MCL_FUTURE of <sys/mman.h>


def main(settings: Mapping[str, Any], ring_path: Path) -> int:
    """Run until SIGTERM or SIGINT, then fade out; the exit status.

    settings
        The keys of an instrument's `synth` table: port, pcm, rate, period, periods, lookahead, volume,
        voices. What is left out has the default of foretone.sinks.synth.
    ring_path
        Where to leave each block for other processes; best on a tmpfs.

    0 after a signal, 78 when the settings cannot work on this machine, 75 when they may later (the card is in
    use, or was unplugged). A sentence on stderr says which.
    """
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    # python-osc logs type tags that it does not know, which would let a packet write to a file from the loop.
    logging.disable()
    try:
        run(settings, ring_path, lambda: bool(asked))
    except SoundError as error:
        _say(str(error))
        return TRY_LATER if isinstance(error, SoundBusyError) else WRONG_SETTINGS
    return 0


def run(settings: Mapping[str, Any], ring_path: Path, stop: Callable[[], bool]) -> None:
    """Open the sound, play until `stop()`, fade out and close. SoundError says what to change."""
    unknown = [voice for voice in settings.get("voices", VOICES) if voice not in VOICES]
    if unknown:
        raise SoundError(f"there is no voice {unknown[0]!r}; there are: {', '.join(VOICES)}")
    with contextlib.ExitStack() as opened:
        output = _open(settings)
        opened.callback(output.close)
        lookahead = settings.get("lookahead", True)
        engine = Engine(output.rate, output.period, lookahead=lookahead, volume=settings.get("volume", 0.8))
        control = Control(engine, settings.get("port", 7401), output.period / output.rate)
        opened.callback(control.close)
        ring = Ring.create(ring_path, output.rate, output.name, paced=output.paced)
        opened.callback(ring.finish)
        _warm_up(Engine(output.rate, output.period, lookahead=lookahead))
        _become_punctual()
        _play(engine, control, output, ring, stop)


def _open(settings: Mapping[str, Any]) -> Output:
    rate, period = settings.get("rate", 48000), settings.get("period", 128)
    output = open_output(settings.get("pcm", "default"), rate, period, settings.get("periods", 3))
    if output.period != period:
        _say(
            f"PCM {output.name!r} plays {output.period} frames at a time and not {period}; going on with that"
        )
    buffer, asked = getattr(output, "buffer", 0), period * settings.get("periods", 3)
    if buffer > max(asked, 2 * output.period):
        late = 1000 * buffer / output.rate
        _say(
            f"PCM {output.name!r} holds {buffer} frames and not {asked}: everything sounds {late:.0f} ms late"
        )
    return output


def _play(engine: Engine, control: Control, output: Output, ring: Ring, stop: Callable[[], bool]) -> None:
    """The loop. No lock, log or file; while it waits, it waits in `output.write`."""
    costs = _Costs(ring)
    xruns = 0
    systemd = Systemd()
    output.prime()
    systemd.ready(f"sounds on {output.name}")
    leaving = False
    while not (leaving and engine.silent):
        began = time.monotonic()
        if not leaving:
            control.drain(began)
            if stop():
                leaving = True
                engine.rest()
        block = engine.render()
        costs.add(time.monotonic() - began)
        if not output.write(block):
            xruns += 1
            output.prime()
            engine.fade_in(block)
            xruns += not output.write(block)
        ring.write(block)
        ring.beat(began, engine.peak, xruns, control.refused)
        systemd.step(began)


class _Costs:
    """What the last 512 blocks took to make, told to the ring about once a second."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._last = np.zeros(512)
        self._sorted = np.zeros(512)
        self._count = 0

    def add(self, seconds: float) -> None:
        count = self._count = self._count + 1
        self._last[count % 512] = seconds * 1e6
        if count % 256 == 0:
            size = min(count, 512)
            np.copyto(self._sorted, self._last)
            self._sorted.sort()
            # While the first 512 are not there yet, the rest is zeros, at the front.
            self._ring.cost(float(self._sorted[-size // 2]), float(self._sorted[-1 - size // 100]))


def _warm_up(engine: Engine) -> None:
    for _ in range(WARM_UP):
        for voice in VOICES:
            engine.play(voice, (0.5, 0.5, 1.0))
        engine.render()


def _become_punctual() -> None:
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
