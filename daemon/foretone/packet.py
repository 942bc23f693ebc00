"""OSC packets: those from outside taken apart, and ours put together.

python-osc reads the messages; bundles are split here, because a bundle element with a negative size makes
its parser go round for ever. OSC 1.0, https://opensoundcontrol.stanford.edu/spec-1_0.html
"""

from __future__ import annotations

import struct

from pythonosc.osc_message import OscMessage

from foretone.errors import PacketError

BUNDLE = b"#bundle\0"
DEPTH = 4
"""Bundles within bundles; more of them only mean harm."""


def messages(packet: bytes, depth: int = 0) -> list[OscMessage]:
    """The messages of a packet, in order. PacketError if any part of it cannot be read. Any thread."""
    if len(packet) % 4:
        # python-osc would fill a truncated number up with zeros.
        raise PacketError("an OSC packet is a multiple of four bytes long")
    if not packet.startswith(BUNDLE):
        return [_message(packet)]
    if depth == DEPTH or len(packet) <= 16:
        raise PacketError("a bundle in too many bundles, or an empty one")
    found, start = [], 16
    while start < len(packet):
        (size,) = struct.unpack_from(">i", packet, start)
        start += 4
        if not 0 < size <= len(packet) - start:
            raise PacketError("a bundle element that is not as long as it says")
        found += messages(packet[start : start + size], depth + 1)
        start += size
    return found


def _message(packet: bytes) -> OscMessage:
    try:
        return OscMessage(packet)
    except Exception as error:  # python-osc's parser raises many kinds
        raise PacketError(f"not an OSC message: {error}") from error


def text(string: str) -> bytes:
    """A string as OSC stores it: ended by a zero, padded to four bytes."""
    data = string.encode() + b"\0"
    return data + bytes(-len(data) % 4)


class Form:
    """An address and the types of its numbers, `f` or `d`, made once and then filled. Any thread."""

    def __init__(self, address: str, types: str) -> None:
        self._head = text(address) + text(f",{types}")
        self._numbers = struct.Struct(f">{types}")

    def fill(self, *numbers: float) -> bytes:
        """The packet. OverflowError or struct.error for what is no number, or too large for its type."""
        return self._head + self._numbers.pack(*numbers)


def words(address: str, *said: str) -> bytes:
    """A packet of texts."""
    return text(address) + text("," + "s" * len(said)) + b"".join(map(text, said))
