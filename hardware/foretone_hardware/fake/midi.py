"""MIDI ports whose devices are models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from foretone_hardware.device import Heard, Plugged
from foretone_hardware.message import Joiner

PERIOD = 0.01
"""Seconds between looks at where the hands are: a controller scans its knobs about as often."""


class FakeMidi:
    """Ports with models at the other end, each called as its driver asks for it.

    Whoever listens owns it, and calls `tick`, in which the models say what their hands do.
    """

    def __init__(self) -> None:
        self.chips: dict[str, list[Any]] = {}
        self.wake = math.inf
        self._heard: Heard = lambda _port, _message: None
        self._plugged: Plugged = lambda _port, _there: None
        self._joiners: dict[str, Joiner] = {}

    @property
    def malformed(self) -> int:
        """Bytes that belonged to no message."""
        return sum(joiner.malformed for joiner in list(self._joiners.values()))

    @property
    def overflowed(self) -> int:
        """Nothing is lost here."""
        return 0

    def listen(self, heard: Heard, plugged: Plugged) -> None:
        """Tell what is there, and from then on what arrives and what comes and goes."""
        self._heard, self._plugged = heard, plugged
        self.wake = -math.inf
        for port in list(self.chips):
            plugged(port, True)

    def send(self, port: str, message: bytes) -> None:
        """Bytes to the device at `port`."""
        for chip in self.chips.get(port, ()):
            chip.write(message)

    def tick(self, now: float) -> None:
        """Every device looks where its hands are."""
        self.wake = now + PERIOD
        for chips in list(self.chips.values()):
            for chip in chips:
                chip.scan()

    def say(self, port: str, data: bytes) -> None:
        """Bytes from the device at `port`, chopped up and wrong as they may be. Any thread."""
        for message in self._joiners.setdefault(port, Joiner()).take(data):
            self._heard(port, message)

    def plug(self, port: str, chips: Sequence[Any]) -> None:
        """These devices share a port, which is there from now on."""
        new = port not in self.chips
        self.chips[port] = list(dict.fromkeys(chips))
        if new:
            self._plugged(port, True)

    def unplug(self, port: str) -> None:
        """Pull its cable."""
        if self.chips.pop(port, None) is not None:
            self._plugged(port, False)
