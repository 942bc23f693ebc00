"""The process that hears: it takes sound from a device, and tells a hundred times a second what it is like.

One thread. It tells a socket of the instrument that started it, or a person at a terminal.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from typing import Protocol

from foretone import punctual
from foretone.errors import SoundError
from foretone.hearing.analysis import Analysis
from foretone.hearing.capture import Capture
from foretone.hearing.heard import RATE, Heard, pack

AGAIN = 1.0
"""Seconds between two looks for a device that is not there."""


class Listener(Protocol):
    """Whom it is told to."""

    def opened(self, device: str) -> None:
        """It hears this device: its name and what it granted."""

    def heard(self, heard: Heard) -> None:
        """A frame was like this."""

    def failed(self, error: SoundError) -> None:
        """There is nothing to hear, for this reason; raise it, or wait for better times."""


def main(pcm: str, to: int | None) -> int:
    """Hear the device until whoever listens is gone; the exit status.

    to
        The file descriptor of a SOCK_SEQPACKET, for records and sentences; None for a terminal.
    """
    if to is None:
        listen(pcm, Terminal())
    with socket.socket(fileno=to) as wire, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        listen(pcm, Wire(wire))
    return 0


def listen(pcm: str, listener: Listener) -> None:
    """Hear the device, and wait for it where it is not there; until the listener raises."""
    while True:
        try:
            with contextlib.closing(Capture(pcm)) as capture:
                analysis = Analysis(capture.rate)
                listener.opened(f"{pcm}: {capture.channels} channels, {capture.rate} Hz")
                punctual.run_first(punctual.HEARING)
                while True:
                    listener.heard(analysis.hear(*capture.read(), capture.lost))
        except SoundError as error:
            listener.failed(error)
            time.sleep(AGAIN)


class Wire:
    """Tells the instrument. Records that it is too slow to take are dropped."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire

    def opened(self, _device: str) -> None:
        """Nothing is missing."""
        self._send(b"!")

    def heard(self, heard: Heard) -> None:
        """As a record."""
        self._send(pack(heard))

    def failed(self, error: SoundError) -> None:
        """As a sentence, again and again, so that it is noticed when nobody listens."""
        self._send(b"!" + str(error).encode()[:1000])

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wire.send(message, socket.MSG_DONTWAIT)


class Terminal:
    """Tells a person, ten times a second, and ends where there is nothing to hear."""

    def __init__(self) -> None:
        self._count, self._onset = 0, False

    def opened(self, device: str) -> None:
        """Which device it is, and the names of the columns."""
        print(f"{device}. Ctrl-C ends it.")
        print("level dBFS  pitch Hz  centroid Hz  flatness dB")

    def heard(self, heard: Heard) -> None:
        """A line; a star where something began."""
        self._count, self._onset = self._count + 1, self._onset or heard.onset
        if self._count % (RATE // 10) == 0:
            star, self._onset = "  *" if self._onset else "", False
            columns = f"{heard.pitch:8.1f}  {heard.centroid:11.0f}  {heard.flatness:11.1f}"
            print(f"{heard.level:10.1f}  {columns}{star}", file=sys.stdout, flush=True)

    def failed(self, error: SoundError) -> None:
        """A person chooses another."""
        raise error
