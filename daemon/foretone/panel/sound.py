"""The synth's own samples, read from the ring that it leaves them in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foretone.errors import SoundError
from foretone.ring import Ring

BLOCK = 0.04
"""Seconds between two looks at the ring, and so of sound in one block: with 30 states, 55 frames a second."""

GONE = 1.0
"""Seconds without a heartbeat after which the synth counts as killed."""


WINDOW = 4096
"""Samples that a spectrum is made of: 85 ms at 48 kHz, so that a semitone above 200 Hz is one band."""

BANDS = 48
LOWEST, HIGHEST = 50.0, 16_000.0
"""Hertz at the middle of the first and the last band; between them each is a sixth of an octave."""

_BOTH = np.ones(2, np.float32)

FLOOR = -90
"""Decibels below full scale that count as silence."""


class Heard(NamedTuple):
    """What a page shows of the synth."""

    alive: bool
    card: bool = False
    """Whether there is a sound card; without one a clock takes its place, and only pages sound."""
    device: str = ""
    rate: int = 48000
    xruns: int = 0


class _Edges(NamedTuple):
    """The first bin of each band, for sound of this rate."""

    rate: int
    bins: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rate: int) -> _Edges:
        lower = LOWEST * (HIGHEST / LOWEST) ** ((np.arange(BANDS) - 0.5) / (BANDS - 1))
        return cls(rate, np.minimum(np.rint(lower * WINDOW / rate), WINDOW // 2).astype(np.int64))


class Sound:
    """The ring of a synth that may be absent, restarted or killed. Not for the audio thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: Ring | None = None
        self._next = 0
        self._window = (np.hanning(WINDOW) / (0.5 * WINDOW * 32768)).astype(np.float32)
        self._edges = _Edges.of(48000)

    def look(self, now: float) -> Heard:
        """How the synth is at `now` seconds of CLOCK_MONOTONIC. Finds a new ring; call it once a second."""
        if self._ring is not None and self._ring.stale():
            self.close()
        if self._ring is None:
            try:
                self._ring = Ring.open(self._path)
            except SoundError:
                return Heard(alive=False)
            self.skip()
        status = self._ring.status()
        return Heard(
            alive=status.running and now - status.heartbeat < GONE,
            card=not status.paced,
            device=status.device,
            rate=status.rate,
            xruns=status.xruns,
        )

    def skip(self) -> None:
        """Go to the newest sample: someone begins to listen."""
        if self._ring is not None:
            self._next = self._ring.status().written

    def block(self) -> bytes:
        """The samples since the last call, int16 stereo interleaved, little-endian; b"" for none."""
        if self._ring is None:
            return b""
        frames, self._next, _missed = self._ring.read(self._next)
        return frames.tobytes()

    def spectrum(self, now: float) -> list[int] | None:
        """How loud each band is just now, in dB of a full-scale sine, `FLOOR` for silence; 60 us.

        None without a synth that plays.
        """
        if self._ring is None:
            return None
        status = self._ring.status()
        if not status.running or now - status.heartbeat >= GONE:
            return None
        frames, _, _ = self._ring.read(max(0, status.written - WINDOW))
        if len(frames) < WINDOW:
            return [FLOOR] * BANDS
        if self._edges.rate != status.rate:
            self._edges = _Edges.of(status.rate)
        loud = np.abs(np.fft.rfft((frames[-WINDOW:] @ _BOTH) * self._window))
        peaks = np.maximum.reduceat(loud, self._edges.bins)
        decibels = 20.0 * np.log10(np.maximum(peaks, 10 ** (FLOOR / 20)))
        levels: list[int] = np.rint(decibels).astype(int).tolist()
        return levels

    def close(self) -> None:
        """Let the ring go."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None
