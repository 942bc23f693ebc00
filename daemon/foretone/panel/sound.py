"""The synth's own samples, read from the ring that it leaves them in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from foretone.errors import SoundError
from foretone.ring import Ring

BLOCK = 0.02
"""Seconds between two looks at the ring, and so of sound in one block."""

GONE = 1.0
"""Seconds without a heartbeat after which the synth counts as killed."""


class Heard(NamedTuple):
    """What a page shows of the synth."""

    alive: bool
    card: bool = False
    """Whether there is a sound card; without one a clock takes its place, and only pages sound."""
    device: str = ""
    rate: int = 48000
    xruns: int = 0


class Sound:
    """The ring of a synth that may be absent, restarted or killed. Not for the audio thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: Ring | None = None
        self._next = 0

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

    def close(self) -> None:
        """Let the ring go."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None
