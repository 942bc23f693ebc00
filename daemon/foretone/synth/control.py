"""What reaches the audio process: OSC over loopback, read between two blocks.

    /foretone/synth/<voice>       d time, f values...   a gesture; no values: the voice lets go
    /foretone/synth/<voice>/rest                        the voice lets go, now
    /foretone/synth/rest                                every voice lets go, now
    /foretone/synth/volume        f 0..1

`time` is the CLOCK_MONOTONIC second at which the gesture is due. One that is due after the next block waits
here; one that is late sounds at once.
"""

from __future__ import annotations

import errno
import heapq
import math
import socket

from foretone.errors import PacketError, SoundError
from foretone.packet import messages
from foretone.synth.engine import Engine
from foretone.synth.output import SoundBusyError
from foretone.synth.voices import VOICES

ROOT = "/foretone/synth"

PACKETS_A_SECOND = 4000
"""Most packets read, spread over the blocks: four times the fastest source. At 30 us each that is an eighth
of the time, well within half a period; what is more waits for the next block.
"""

LARGEST = 256
"""Bytes of the largest packet; a gesture of sixteen axes has half of that. Larger ones are refused."""

SMALLEST = 12
"""Bytes of the smallest message in a bundle, its size included; a wrong packet costs as if full of them."""

AHEAD = 10.0
"""Seconds ahead of now that a gesture may be due; more is somebody else's clock."""

HELD = 64
"""Most gestures that wait to be due."""

_BACKLOG = 16 * 1024
"""Bytes of the socket's buffer. Small, so that after a flood the sound is not long behind the player."""


class Control:
    """The audio process's ear. Audio thread only; `drain` never waits, and nothing it reads can stop it."""

    def __init__(self, engine: Engine, port: int, span: float) -> None:
        """Listen on 127.0.0.1:`port`, 0 for any; `span` is the length of a block in seconds."""
        self._engine = engine
        self._span = span
        self.most = max(8, round(PACKETS_A_SECOND * span))
        """Messages read before a block, at most; the last packet may hold some more."""
        self._held: list[tuple[float, int, str, tuple[float, ...]]] = []
        self._count = 0
        self._buffer = bytearray(LARGEST + 1)
        self._view = memoryview(self._buffer)
        self._voices = {f"{ROOT}/{voice}": voice for voice in VOICES}
        self._rests: dict[str, tuple[str, ...]] = {f"{ROOT}/{voice}/rest": (voice,) for voice in VOICES}
        self._rests[f"{ROOT}/rest"] = VOICES
        self.refused = 0
        """Packets that were not understood, or came too early to hold."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BACKLOG)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError as error:
            self._socket.close()
            if error.errno == errno.EADDRINUSE:
                raise SoundBusyError(
                    f"port {port} is taken; stop the other synth, or set another port"
                ) from error
            raise SoundError(f"port {port} cannot be opened ({error.strerror}); set another port") from error
        self.port: int = self._socket.getsockname()[1]

    def drain(self, now: float) -> None:
        """Give the engine everything that is due before the end of the block that begins at `now` seconds."""
        read = 0
        while read < self.most:
            try:
                size = self._socket.recv_into(self._buffer)
            except BlockingIOError:
                break
            except OSError:
                self.refused += 1
                read += 1
                continue
            if size > LARGEST:
                self.refused += 1
                read += 1
            else:
                read += self.receive(bytes(self._view[:size]), now)
        while self._held and self._held[0][0] <= now + self._span:
            _, _, voice, values = heapq.heappop(self._held)
            self._play(voice, values)

    def receive(self, packet: bytes, now: float) -> int:
        """One packet, at `now` seconds; how many messages it cost to read.

        What is wrong with it is counted, and the rest of it is not heard.
        """
        try:
            found = messages(packet)
            for message in found:
                self._obey(message.address, message.params, now)
        except ValueError:
            self.refused += 1
            return 1 + len(packet) // SMALLEST
        return len(found)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _obey(self, address: str, arguments: list[object], now: float) -> None:
        numbers = tuple(_number(argument) for argument in arguments)
        if address in self._voices:
            time, *values = numbers
            self._hold(time, self._voices[address], tuple(values), now)
        elif address in self._rests:
            voices = self._rests[address]
            self._held = [item for item in self._held if item[2] not in voices]
            heapq.heapify(self._held)
            for voice in voices:
                self._engine.let_go(voice)
        elif address == f"{ROOT}/volume":
            (self._engine.volume,) = numbers
        else:
            raise PacketError(f"nothing here is called {address}")

    def _hold(self, time: float, voice: str, values: tuple[float, ...], now: float) -> None:
        if time <= now + self._span:
            self._play(voice, values)
        elif time > now + AHEAD or len(self._held) >= HELD:
            raise PacketError("too early")
        else:
            self._count += 1
            heapq.heappush(self._held, (time, self._count, voice, values))

    def _play(self, voice: str, values: tuple[float, ...]) -> None:
        if values:
            self._engine.play(voice, values)
        else:
            self._engine.let_go(voice)


def _number(argument: object) -> float:
    if isinstance(argument, bool) or not isinstance(argument, int | float) or not math.isfinite(argument):
        raise PacketError(f"not a finite number: {argument!r}")
    return float(argument)
