"""Sound in: what a microphone, a pickup or a line hears, as axes of an instrument.

A process of its own (`foretone hear`) takes the sound and tells what it is like, a hundred times a second;
here its units become 0..1.

    level      0 at `gate`, 1 at 0 dBFS, in dB
    pitch      0 at `low`, 1 at `high`, in equal ratios; where there is none, the last one
    centroid   the middle of the spectrum, or how bright it is: 0 at 100 Hz, 1 at 10 kHz, in equal ratios
    flatness   0 for a tone (-60 dB and less), 1 for noise (-5 dB and more), in dB
    onset      1 where something begins, and falls to 0 in 0.1 s

Below `gate` it is silent: the level is 0, and everything else stays where it was.
"""

from __future__ import annotations

import contextlib
import difflib
import logging
import math
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from foretone.clock import Clock
from foretone.event import Event
from foretone.hearing.heard import Heard, unpack
from foretone.parts import LIVE, Emit, Range

log = logging.getLogger("foretone")

FADE = 0.1
"""Seconds in which an onset falls from 1 to 0."""
DARK, BRIGHT = 100.0, 10000.0
"""Hz of the centroid at 0 and 1."""
TONE, NOISE = -60.0, -5.0
"""dB of the flatness at 0 and 1."""
AGAIN, LONGEST = 0.1, 5.0
"""Seconds before a process that died is started again, doubled each time up to the second."""
_QUEUE = 16 * 1024
"""Bytes that wait to be read, about 20 records, so that after a stall nothing old is played."""


class Microphone:
    """Sound in as level, pitch, centroid, flatness and onset, by the names of the axes.

    A thread of its own starts the process that hears, again where it dies, and only parses and emits.

    pcm
        The ALSA device, by name; `arecord -L` lists them.
    features
        What each axis is, in their order, where the axes have other names.
    gate
        dBFS below which it is silent.
    low, high
        Hz of the pitch at 0 and 1; what is beyond is the end.
    deadband
        How far an axis must move to be heard.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        name: str,
        clock: Clock,
        emit: Emit,
        *,
        pcm: str = "default",
        features: list[str] = [],  # noqa: B006 -- only read
        gate: Annotated[float, Range(-90, -10, "dBFS"), LIVE] = -50.0,
        low: Annotated[float, Range(50, 4000, "Hz"), LIVE] = 55.0,
        high: Annotated[float, Range(50, 4000, "Hz"), LIVE] = 1760.0,
        deadband: Annotated[float, Range(0, 0.5), LIVE] = 0.004,
    ) -> None:
        self.axes = axes
        self.gate, self.low, self.high, self.deadband = gate, low, high, deadband
        self.waits = ""
        """Why it hears nothing just now, as a sentence; empty while it does."""
        self.malformed = 0
        """Records that were none."""
        self._lost, self._lost_before = 0, 0
        self._name, self._clock, self._emit, self._pcm = name, clock, emit, pcm
        self._scales = [_SCALES[feature] for feature in features or axes]
        self._values = [0.0] * len(axes)
        self._told: tuple[float, ...] = ()
        self._onset = -math.inf
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._wire: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name=f"hears {name}", daemon=True)
        self._thread.start()

    @staticmethod
    def check(axes: tuple[str, ...], _folder: Path, settings: dict[str, Any]) -> list[str]:
        """What is wrong with the axes and the pitches, in sentences for the instrument file."""
        faults, features = [], settings.get("features") or axes
        if len(features) != len(axes):
            faults.append(f"features names {len(features)}, but here are {len(axes)} axes: {', '.join(axes)}")
        for feature in features:
            if feature not in _SCALES:
                near = difflib.get_close_matches(str(feature), _SCALES, 1)
                hint = f", did you mean {near[0]!r}?" if near else ""
                faults.append(f"a microphone hears {', '.join(_SCALES)}, and no {feature!r}{hint}")
        if settings.get("low", 55.0) >= settings.get("high", 1760.0):
            faults.append("low must be below high")
        return faults

    @property
    def overflowed(self) -> int:
        """How often sound was lost because it came faster than it was heard."""
        return self._lost_before + self._lost

    @property
    def pid(self) -> int | None:
        """The process that hears, while there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def take(self, message: bytes) -> None:
        """What the process tells: a record, or a sentence after `!`. The thread's own."""
        if message.startswith(b"!"):
            self._wait(message[1:].decode(errors="replace"))
            return
        try:
            heard = unpack(message)
        except ValueError:
            self.malformed += 1
            return
        self._lost = max(self._lost, heard.lost)
        self._play(heard)

    def close(self) -> None:
        """Stop listening; thread and process have ended when this returns."""
        self._closing.set()
        if (wire := self._wire) is not None:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        pause = AGAIN
        while not self._closing.is_set():
            begun = self._clock.now()
            try:
                self._hear()
            except OSError as error:
                self._wait(f"cannot start `foretone hear`: {error.strerror or error}")
            if not self._closing.is_set():
                pause = AGAIN if self._clock.now() - begun > LONGEST else min(2.0 * pause, LONGEST)
                if not self.waits:
                    self._wait("`foretone hear` ended unexpectedly and is started again")
            self._closing.wait(pause)

    def _hear(self) -> None:
        """Start the process, and take what it tells until it ends."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _QUEUE)
            command = [sys.executable, "-m", "foretone", "hear", f"--pcm={self._pcm}"]
            with theirs:
                # A terminal's Ctrl-C is for us; it ends when our end of the wire does.
                process = subprocess.Popen(
                    [*command, f"--to={theirs.fileno()}"], pass_fds=[theirs.fileno()], start_new_session=True
                )
            self._process, self._wire = process, ours
            try:
                while not self._closing.is_set() and (message := ours.recv(2048)):
                    self.take(message)
            finally:
                self._wire = None
                process.kill()
                process.wait()
                self._lost_before, self._lost = self._lost_before + self._lost, 0

    def _play(self, heard: Heard) -> None:
        """Emit what a frame was like, where that is something new."""
        if heard.onset and heard.level >= self.gate:
            self._onset = heard.time
        for place, scale in enumerate(self._scales):
            value = scale(self, heard)
            if value is not None:
                self._values[place] = min(max(value, 0.0), 1.0)
        if not self._told:
            self._told = tuple(self._values)
        elif any(abs(a - b) > self.deadband for a, b in zip(self._values, self._told, strict=True)):
            self._told = tuple(self._values)
            self._emit(Event(heard.time, self._name, self._told))

    def _wait(self, sentence: str) -> None:
        if sentence != self.waits:
            log.warning("%s", f"{self._name} {'hears again' if not sentence else f'waits: {sentence}'}")
        self.waits = sentence
        if sentence and self._told:
            # What it heard last is not there any more.
            self._told = ()
            self._emit(Event(self._clock.now(), self._name, ()))

    def _level(self, heard: Heard) -> float:
        return (heard.level - self.gate) / -self.gate

    def _pitch(self, heard: Heard) -> float | None:
        if heard.pitch <= 0.0 or heard.level < self.gate:
            return None
        return math.log(heard.pitch / self.low) / math.log(max(self.high / self.low, 1.001))

    def _centroid(self, heard: Heard) -> float | None:
        if heard.level < self.gate:
            return None
        return math.log(max(heard.centroid, DARK) / DARK) / math.log(BRIGHT / DARK)

    def _flatness(self, heard: Heard) -> float | None:
        return None if heard.level < self.gate else (heard.flatness - TONE) / (NOISE - TONE)

    def _begins(self, heard: Heard) -> float:
        since = heard.time - self._onset
        return 1.0 - since / FADE


_SCALES: dict[str, Callable[[Microphone, Heard], float | None]] = {
    "level": Microphone._level,
    "pitch": Microphone._pitch,
    "centroid": Microphone._centroid,
    "flatness": Microphone._flatness,
    "onset": Microphone._begins,
}
