"""Sound to any ALSA PCM, through pyalsaaudio 0.11.

Four of its ways shape this file. It takes whatever the device grants, so the grant is read back. A card that
ran dry is a return value, -EPIPE: the block was not taken and the stream is prepared again. A signal ends a
write that waits, with a part of the block taken or with none (EINTR), so the rest is written again. And the
card starts at the first write, so the first write is the whole buffer.
https://larsimmisch.github.io/pyalsaaudio/libalsaaudio.html
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

import numpy as np

from foretone.errors import SoundBusyError, SoundError
from foretone.pcm import ClosedError, library, open_pcm, plugged
from foretone.ring import LONGEST, Frames
from foretone.synth.output import ClockedNull, Output

_PARTS = 4
"""A block is handed over in so many parts, each as soon as there is room for it."""

_CHECK = 512
"""Blocks between two looks at the pace: a PCM that never waits (a file) would make the loop spin."""


class Card:
    """An ALSA playback device. Audio thread only; it waits without the GIL."""

    paced = False

    def __init__(self, pcm: str, rate: int, period: int, periods: int) -> None:
        self._error: type[Exception] = library().ALSAAudioError
        self._pcm = open_pcm(pcm, records=False, rate=rate, channels=2, period=period, periods=periods)
        granted = self._pcm.info()
        self.name = pcm
        self.rate, self.period = granted["rate"], granted["period_size"]
        self.buffer: int = granted["buffer_size"]
        """Frames between the newest sample written and the one that sounds, when full."""
        if (granted["format_name"], granted["channels"]) != ("S16_LE", 2):
            self._pcm.close()
            raise SoundError(
                f"PCM {pcm!r} plays {granted['channels']} channels of {granted['format_name']} "
                f"and not 2 of S16_LE; use {plugged(pcm)!r}, which converts"
            )
        if self.period > LONGEST:
            self._pcm.close()
            raise SoundError(f"PCM {pcm!r} plays {self.period} frames at a time, too late to play with")
        self._part, self._early = max(self.period // _PARTS, 1), False
        self._silence = np.zeros((self.buffer, 2), np.int16)
        self._blocks, self._checked = 0, time.monotonic()

    def prime(self) -> None:
        """Fill the whole buffer with silence, in one write."""
        self._send(self._silence)

    def wait(self, lead: float) -> None:
        """Wait until `lead` seconds before there is room for a block.

        Whatever is wrong is told by the next write, which waits for the rest.
        """
        self._early = lead * self.rate >= self.period / 2
        room = self._room()
        if room >= 0:
            self._rest(self.period - lead * self.rate - room)

    def write(self, block: Frames) -> bool:
        """Play a block; False if the card had run dry. SoundBusyError if the card went away.

        One that was begun early is given in parts, so that the buffer is never short by more than a part; a
        writer of whole blocks lets it sink by a block each time. One that was begun late finds room for most
        of it, and waits for the rest in the kernel.
        """
        self._blocks += 1
        if self._blocks % _CHECK == 0:
            self._check_pace()
        given = self._feed(block) if self._early else 0
        return given == len(block) or (given >= 0 and self._send(block[given:]) >= 0)

    def close(self) -> None:
        """Play a buffer of silence, so that nothing is cut off, then release the device.

        Once the silence is in the buffer, all that sounded has been heard. It is dropped, because closing
        would wait for its end, and for ever where the card ran dry.
        """
        with contextlib.suppress(SoundBusyError):
            self.prime()
        with contextlib.suppress(self._error):
            self._pcm.drop()
            self._pcm.close()

    def _feed(self, block: Frames) -> int:
        """Give parts of a block, each as soon as there is room for it; how many frames, negative as `_send`.

        Cards count in steps, of a frame or of a millisecond. Of one that counts in longer ones, periods as a
        rule, the kernel knows best when there is room for a block.
        """
        given, rests, before = 0, 0, -1
        while given < len(block):
            part = min(self._part, len(block) - given)
            room = self._room()
            if room >= part:
                if (taken := self._send(block[given : given + room])) < 0:
                    return taken
                given, rests, before = given + room, 0, -1
            elif room < 0 or rests == (_PARTS if given else 2):
                break
            else:
                self._rest(part - room if room != before else part)
                rests, before = rests + 1, room
        return min(given, len(block))

    def _room(self) -> int:
        """The frames that could be given; negative where something is wrong, which the next write tells."""
        with contextlib.suppress(self._error):
            room: int = self._pcm.avail()
            return room
        return -1

    def _rest(self, frames: float) -> None:
        if frames > 0.0:
            time.sleep(frames / self.rate)

    def _check_pace(self) -> None:
        now = time.monotonic()
        if now - self._checked < 0.5 * _CHECK * self.period / self.rate:
            raise SoundError(
                f'PCM {self.name!r} takes sound faster than it could be heard; use "null" for none'
            )
        self._checked = now

    def _send(self, frames: Frames) -> int:
        """Write them all; negative when the card had run dry, or did so on the way."""
        while True:
            try:
                taken: int = self._pcm.write(frames)
            except self._error as error:
                if os.strerror(errno.EINTR) in str(error):
                    continue
                raise SoundBusyError(
                    f"the sound card {self.name!r} went away ({error}); plug it in again"
                ) from error
            if taken < 0 and taken != -errno.EPIPE:
                raise SoundBusyError(f"the sound card {self.name!r} stopped ({os.strerror(-taken)})")
            if taken < 0 or taken == len(frames):
                return taken
            frames = frames[taken:]


def open_output(pcm: str, rate: int, period: int, periods: int) -> Output:
    """The PCM of that name. A clock in its place for "null", and for "default" on a machine without a card.

    SoundError says which PCMs there are when there is none of that name, and SoundBusyError that it is taken.
    """
    if pcm == "null":
        return ClockedNull(rate, period, periods, name="null, paced by the clock")
    try:
        return Card(pcm, rate, period, periods)
    except ClosedError:
        if pcm == "default" and not _any_card():
            return ClockedNull(rate, period, periods, card=_any_card)
        raise


def _any_card() -> bool:
    return any(Path("/proc/asound").glob("card[0-9]*"))
