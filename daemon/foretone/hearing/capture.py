"""Sound from any ALSA PCM, in frames of a hundredth of a second."""

from __future__ import annotations

import contextlib
import errno
import os
import time

import numpy as np

from foretone.errors import SoundBusyError, SoundError
from foretone.hearing.analysis import Sound
from foretone.hearing.heard import RATE
from foretone.pcm import library, open_pcm, plugged

BUFFERED = 16
"""Frames that the card keeps for us while we are late; it costs no time otherwise."""

_CHECK = 200
"""Frames between two looks at the pace: a PCM that never waits (a file) would make the loop spin."""


class Capture:
    """An ALSA device that records. `read` waits in the kernel, without the GIL.

    Whatever it grants is taken: 44.1 or 48 kHz, any number of channels (their mean is heard), any period.
    """

    def __init__(self, pcm: str, rate: int = 48000) -> None:
        self._error: type[Exception] = library().ALSAAudioError
        frame = rate // RATE
        self._pcm = open_pcm(pcm, records=True, rate=rate, channels=1, period=frame, periods=BUFFERED)
        granted = self._pcm.info()
        self.name = pcm
        self.rate: int = granted["rate"]
        self.channels: int = granted["channels"]
        self.lost = 0
        """How often the card had no room left for what it recorded."""
        if granted["format_name"] != "S16_LE" or self.rate not in (44100, 48000):
            self._pcm.close()
            raise SoundError(
                f"PCM {pcm!r} records {granted['format_name']} at {self.rate} Hz and not S16_LE at 44100 "
                f"or 48000; use {plugged(pcm)!r}, which converts"
            )
        self._frame = self.rate // RATE
        self._kept = np.zeros((0, self.channels), np.int16)
        self._frames, self._checked = 0, time.monotonic()

    def read(self) -> tuple[Sound, float]:
        """The next frame, float32 [rate / 100], and when its last sample was recorded, in seconds.

        SoundBusyError if the device went away.
        """
        while len(self._kept) < self._frame:
            self._fetch()
        sound, self._kept = self._kept[: self._frame], self._kept[self._frame :]
        self._frames += 1
        if self._frames % _CHECK == 0:
            self._check_pace()
        late = len(self._kept) + self._waiting()
        return sound.mean(axis=1, dtype=np.float32) / 32768.0, time.monotonic() - late / self.rate

    def close(self) -> None:
        """Release the device."""
        with contextlib.suppress(self._error):
            self._pcm.close()

    def _fetch(self) -> None:
        try:
            count, data = self._pcm.read()
        except self._error as error:
            if os.strerror(errno.EINTR) in str(error):
                return
            raise self._gone(str(error)) from error
        if count == -errno.EPIPE:
            # What came before the gap and what came after are not one sound.
            self._kept = self._kept[:0]
            self.lost += 1
        elif count <= 0:
            raise self._gone(os.strerror(-count) if count else "no sound came")
        else:
            fresh = np.frombuffer(data, "<i2").reshape(-1, self.channels)
            self._kept = np.concatenate((self._kept, fresh)) if len(self._kept) else fresh

    def _waiting(self) -> int:
        """Samples that were recorded and not read yet."""
        with contextlib.suppress(self._error):
            return max(int(self._pcm.avail()), 0)
        return 0

    def _check_pace(self) -> None:
        now = time.monotonic()
        if now - self._checked < 0.5 * _CHECK / RATE:
            raise SoundError(f"PCM {self.name!r} gives sound faster than anything could sound")
        self._checked = now

    def _gone(self, reason: str) -> SoundBusyError:
        return SoundBusyError(f"the sound card {self.name!r} went away ({reason}); plug it in again")
