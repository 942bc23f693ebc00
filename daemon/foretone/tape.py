"""Writes what went to the sound device to a WAV file, from the ring that the synth leaves it in."""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
import wave
from collections.abc import Callable
from pathlib import Path

from foretone.errors import SoundError
from foretone.ring import Ring

LONGEST = (2**32 - 2**16) // 4
"""Frames of 16-bit stereo that the 32-bit sizes in a WAV header can count."""

EVERY = 0.25
"""Seconds between looks at the ring, which holds more than five."""


class Tape:
    """Records in a thread of its own, until `close`. A synth that starts again is followed.

    lost
        Frames that were overwritten before they could be read.
    fault
        Why the file could not be written to its end; empty when it could.
    """

    def __init__(self, ring: Path, wav: Path) -> None:
        self.lost = 0
        self.fault = ""
        self._path, self._wav_path = ring, wav
        self._ring: Ring | None = None
        self._wav: wave.Wave_write | None = None
        self._next = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tape", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left, and the file's final length."""
        self._closing.set()
        self._thread.join(timeout=5.0)
        self._try(self._copy)
        if self._wav is not None:
            self._try(self._wav.close)

    def _run(self) -> None:
        while not self.fault and not self._closing.wait(EVERY):
            self._try(self._copy)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            if not self.fault:
                self.fault = f"{self._wav_path} is not whole: {error.strerror}"
                print(self.fault, file=sys.stderr, flush=True)

    def _copy(self) -> None:
        if self._ring is not None and self._ring.stale():
            self._read()
            self._ring = None
        if self._ring is None:
            with contextlib.suppress(SoundError):
                self._ring, self._next = Ring.open(self._path), 0
        if self._ring is not None:
            self._read()

    def _read(self) -> None:
        if self._ring is None:
            return
        if self._wav is None:
            self._wav = wave.open(str(self._wav_path), "wb")  # noqa: SIM115 -- open for as long as the tape runs
            self._wav.setparams((2, 2, self._ring.status().rate, 0, "NONE", ""))
        frames, self._next, lost = self._ring.read(self._next)
        self.lost += lost
        if self._wav.tell() + len(frames) > LONGEST:
            raise OSError(errno.EFBIG, "a WAV file holds six hours and no more")
        # With every piece the header is brought up to date, so that a killed recording is a whole file.
        self._wav.writeframes(frames.astype("<i2").tobytes())
