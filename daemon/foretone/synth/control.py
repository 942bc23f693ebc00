"""What reaches the audio process: OSC over loopback, read between two blocks.

    /foretone/synth/<voice>               d time, f values...      a gesture; no values: the voice lets go
    /foretone/synth/<voice>/note          d time, f key, f velocity   a MIDI key is struck; released with 0
    /foretone/synth/<voice>/rest                                   the voice lets go, now
    /foretone/synth/<voice>/<parameter>   f or s value             held in its range; s where it is a choice
    /foretone/synth/<voice>/set           (s parameter, f or s value)...   many at once, or none of them
    /foretone/synth/rest                                           every voice lets go, now
    /foretone/synth/volume                f 0..1
    /foretone/synth/?                                              the sender is told all this, with ranges

`time` is the CLOCK_MONOTONIC second at which it is due. What is due after the next block waits here, and a
note begins at its frame within the block; what is late sounds at once.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import math
import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from foretone.errors import PacketError, SoundBusyError, SoundError
from foretone.packet import messages, text
from foretone.synth.directory import ASK, ROOT, answers
from foretone.synth.engine import Engine
from foretone.synth.sequencer import NAME as CLOCK

PACKETS_A_SECOND = 4000
"""Most packets read, spread over the blocks: four times the fastest source. At 30 us each that is an eighth
of the time, well within half a period; what is more waits for the next block.
"""

LARGEST = 512
"""Bytes of the largest packet; twenty parameters fit in one. Larger ones are refused."""

SMALLEST = 12
"""Bytes of the smallest message in a bundle, its size included; a wrong packet costs as if full of them."""

AHEAD = 10.0
"""Seconds ahead of now that something may be due; more is somebody else's clock."""

HELD = 512
"""Most gestures and notes that wait to be due."""

ASKERS, ANSWERS = 4, 4
"""Most that are being told what there is, and packets that they are told in a block: 15 us each."""

HEADS = 256
"""Kinds of packets with gestures, notes or lists of parameters that are read without looking at each byte."""

_FOLLOW, _START = f"{ROOT}/{CLOCK}/follow", f"{ROOT}/{CLOCK}/start"

_BACKLOG = 128 * 1024
"""Bytes of the socket's buffer: about 300 packets, more than there are keys, so no burst loses a release. No
more, so that after a flood the sound is not long behind the player.
"""


class Control:
    """The audio process's ear. Audio thread only; `drain` never waits, and nothing it reads can stop it."""

    def __init__(self, engine: Engine, port: int, span: float) -> None:
        """Listen on 127.0.0.1:`port`, 0 for any; `span` is the length of a block in seconds."""
        self._engine = engine
        self._span = span
        self.most = max(8, round(PACKETS_A_SECOND * span))
        """Messages read before a block, at most; the last packet may hold some more."""
        self._held: list[tuple[float, int, str, bool, tuple[float, ...]]] = []
        self._count = 0
        self._buffer = bytearray(LARGEST + 1)
        self._view = memoryview(self._buffer)
        voices = tuple(engine.places)
        self._voices = {f"{ROOT}/{voice}": (voice, False) for voice in voices}
        self._voices |= {f"{ROOT}/{voice}/note": (voice, True) for voice in voices}
        self._known: dict[bytes, tuple[struct.Struct, Callable[[tuple[Any, ...], float], bool]]] = {}
        self._rests: dict[str, tuple[str, ...]] = {f"{ROOT}/{voice}/rest": (voice,) for voice in voices}
        self._rests[f"{ROOT}/rest"] = voices
        self._sets = {f"{ROOT}/{voice}/set": voice for voice in voices}
        self._parameters = {
            f"{ROOT}/{voice}/{name}": (voice, name)
            for voice, place in engine.places.items()
            for name in place.parameters
        }
        self._answers = answers(engine.places)
        self._asking: list[tuple[tuple[str, int], int]] = []
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
                size, sender = self._socket.recvfrom_into(self._buffer)
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
                read += self.receive(bytes(self._view[:size]), now, sender)
        while self._held and self._held[0][0] <= now + self._span:
            time, _, voice, is_note, numbers = heapq.heappop(self._held)
            self._play(voice, is_note, numbers, time - now)
        if self._asking:
            self._answer()

    def receive(self, packet: bytes, now: float, sender: tuple[str, int] | None = None) -> int:
        """One packet, at `now` seconds; how many messages it cost to read, a long one counting as several.

        What is wrong with it is counted, and the rest of it is not heard.
        """
        head = packet[: (packet.find(b"\0", packet.find(b",")) | 3) + 1]
        try:
            if (known := self._known.get(head)) and len(packet) == len(head) + known[0].size:
                form, obey = known
                values = form.unpack_from(packet, len(head))
                if obey(values, now):
                    return 1 + len(values) // 4
            found = messages(packet)
            for message in found:
                self._obey(message.address, message.params, now, sender)
        except (ValueError, TypeError):  # a number too many, or an OSC array where none belongs
            self.refused += 1
            return 1 + len(packet) // SMALLEST
        if len(found) == 1 and (found[0].address in self._voices or found[0].address in self._sets):
            self._learn(head, found[0].address, found[0].params)
        return sum(1 + len(message.params) // 4 for message in found)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _learn(self, head: bytes, address: str, arguments: list[object]) -> None:
        """The next packet with this address and these types is read at once: a gesture, a note, or a list of
        parameters, the same ones in the same order, and a number for each.
        """
        types = head[head.find(b",") + 1 :].rstrip(b"\0").decode("ascii", "replace")
        full = len(self._known) >= HEADS and head not in self._known
        if full or not head.startswith(text(address)):
            return
        if address in self._voices and set(types) <= {"d", "f"}:
            self._known[head] = struct.Struct(f">{types}"), partial(self._gesture, *self._voices[address])
        elif address in self._sets and types and types == "sf" * (len(types) // 2):
            names = tuple(map(str, arguments[::2]))
            written = tuple(map(text, names))
            form = struct.Struct(">" + "".join(f"{len(name)}sf" for name in written))
            self._known[head] = form, partial(self._turn, self._sets[address], names, written)

    def _gesture(self, voice: str, is_note: bool, numbers: tuple[float, ...], now: float) -> bool:
        _check(numbers)
        self._hold(numbers[0], voice, is_note, numbers[1:], now)
        return True

    def _turn(
        self, voice: str, names: tuple[str, ...], written: tuple[bytes, ...], pairs: tuple[Any, ...], _: float
    ) -> bool:
        """Whether the names in the packet are those, as it must be read otherwise."""
        if pairs[::2] != written:
            return False
        values = pairs[1::2]
        _check(values)
        for name, value in zip(names, values, strict=True):
            self._engine.turn(voice, name, value)
        return True

    def _obey(
        self, address: str, arguments: list[object], now: float, sender: tuple[str, int] | None
    ) -> None:
        if address in self._voices:
            time, *numbers = map(_number, arguments)
            voice, is_note = self._voices[address]
            if is_note:
                _key, _velocity = numbers  # neither more nor fewer
            self._hold(time, voice, is_note, tuple(numbers), now)
        elif address in self._parameters:
            voice, name = self._parameters[address]
            (value,) = arguments
            self._engine.turn(voice, name, self._engine.places[voice].parameters[name].read(value))
        elif address in self._sets:
            self._set(self._sets[address], arguments)
        elif address in self._rests:
            voices = self._rests[address]
            self._held = [item for item in self._held if item[2] not in voices]
            heapq.heapify(self._held)
            for voice in voices:
                self._engine.let_go(voice)
        elif address == _FOLLOW and CLOCK in self._engine.places:
            time, position = map(_number, arguments)
            if not abs(time - now) < AHEAD:
                raise PacketError("somebody else's clock")
            self._engine.follow(position, time - now)
        elif address == _START:
            self._engine.start()
        elif address == f"{ROOT}/volume":
            (self._engine.volume,) = map(_number, arguments)
        elif address == ASK and sender is not None and len(self._asking) < ASKERS:
            self._asking.append((sender, 0))
        else:
            raise PacketError(f"nothing here is called {address}")

    def _set(self, voice: str, arguments: list[object]) -> None:
        known = self._engine.places[voice].parameters
        names, values = arguments[::2], arguments[1::2]
        if len(names) != len(values) or not all(isinstance(name, str) and name in known for name in names):
            raise PacketError("not pairs of a parameter and its value")
        pairs = [(str(name), known[str(name)].read(value)) for name, value in zip(names, values, strict=True)]
        for name, value in pairs:
            self._engine.turn(voice, name, value)

    def _hold(self, time: float, voice: str, is_note: bool, numbers: tuple[float, ...], now: float) -> None:
        if time <= now + self._span:
            self._play(voice, is_note, numbers, time - now)
        elif time > now + AHEAD or len(self._held) >= HELD:
            raise PacketError("too early")
        else:
            self._count += 1
            heapq.heappush(self._held, (time, self._count, voice, is_note, numbers))

    def _play(self, voice: str, is_note: bool, numbers: tuple[float, ...], later: float) -> None:
        """Now, or for a note `later` by so many seconds of the block."""
        if is_note:
            key, velocity = numbers
            self._engine.note(voice, key, velocity, min(max(later / self._span, 0.0), 1.0))
        elif numbers:
            self._engine.play(voice, numbers)
        else:
            self._engine.let_go(voice)

    def _answer(self) -> None:
        """Tell whoever asked longest ago some more of what there is."""
        sender, told = self._asking.pop(0)
        upto = min(told + ANSWERS, len(self._answers))
        for packet in self._answers[told:upto]:
            with contextlib.suppress(OSError):
                self._socket.sendto(packet, sender)
        if upto < len(self._answers):
            self._asking.append((sender, upto))


def _check(numbers: tuple[float, ...]) -> None:
    if not all(map(math.isfinite, numbers)):
        raise PacketError("not a finite number")


def _number(argument: object) -> float:
    if isinstance(argument, bool) or not isinstance(argument, int | float) or not math.isfinite(argument):
        raise PacketError(f"not a finite number: {argument!r}")
    return float(argument)
