"""OSC packets from outside, taken apart.

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
