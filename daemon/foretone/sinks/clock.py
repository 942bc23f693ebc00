"""The song of the audio process follows a beat: that of a drum machine, for example."""

from __future__ import annotations

from typing import Annotated

from foretone.datagrams import Sender
from foretone.event import Event
from foretone.packet import Form
from foretone.parts import Range

_FOLLOW = Form("/foretone/synth/clock/follow", "dd")
_REST = Form("/foretone/synth/clock/rest", "")

AHEAD = 0.5
"""How much of a bar may lie between two beats; what is further back is a jump, and no next bar."""


class Clock(Sender):
    """The song follows the phase that is played: it starts, stops, and keeps its tempo.

    Conductor thread; it waits for nobody. The audio process smooths what the cable makes uneven.

    beats
        In the bar that goes from 0 to 1, as the source has them. The song's place is known within that bar,
        so make it as long as the longest loop.
    port
        UDP port on 127.0.0.1 that the audio process listens on.
    """

    axes = ("phase",)

    def __init__(
        self,
        *,
        beats: Annotated[int, Range(1, 256)] = 4,
        port: Annotated[int, Range(1024, 65535)] = 7401,
    ) -> None:
        super().__init__("127.0.0.1", port)
        self._beats = beats
        self._bar, self._phase = 0, -1.0

    def play(self, event: Event) -> None:
        """It is here in the bar; or it stopped."""
        if event.lets_go:
            self.rest()
            return
        (phase,) = event.values
        step = phase - self._phase
        if self._phase < 0.0 or (step < 0.0 and step + 1.0 > AHEAD):
            self._bar = 0
        elif step < 0.0:
            self._bar += 1
        self._phase = phase
        self.send(_FOLLOW.fill(event.time, (self._bar + phase) * self._beats))

    def rest(self) -> None:
        """The song stops, where it is."""
        self._phase = -1.0
        self.send(_REST.fill())

    def close(self) -> None:
        """Stop, then close the socket."""
        self.rest()
        super().close()
