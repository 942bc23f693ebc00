"""The SysEx in which ROLI Blocks are spoken to: packets, and the writing of their memory.

    packet      F0 00 21 10 77  device  payload  checksum  F7
    device      bits 0-5 the block's place in the topology, bit 6 set when it comes from the block
    payload     integers of odd widths, least significant bit first, seven bits to a byte; from a block
                it begins with 32 bits of milliseconds
    checksum    c = the payload's length; for each byte c = 3 c + byte, modulo 256; then its lower 7 bits

Source: WeAreROLI/roli_blocks_basics, protocol/roli_BlocksProtocolDefinitions.h, roli_BitPackingUtilities.h
and roli_HostPacketDecoder.h.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEADER = bytes.fromhex("f0 00 21 10 77")
SERIAL_HEADER = bytes.fromhex("f0 00 21 10 78")
SERIAL_REQUEST = SERIAL_HEADER + b"\x3f\xf7"
SERIAL_LENGTH = 16
FROM_BLOCK = 0x40
PROTOCOL = 1

BEGIN_API, REQUEST_TOPOLOGY, END_API, PING = range(4)
COMMAND, DATA_CHANGE = 0x01, 0x02
"""What the host sends."""
TOPOLOGY, ACK = 0x01, 0x02
TOUCHES = {0x10: "start", 0x11: "move", 0x12: "end", 0x13: "start", 0x14: "move", 0x15: "end"}
"""What a block sends; from 0x13 on with velocities."""
COUNTERS = 1024
"""Packets are counted in ten bits."""

END_OF_PACKET, END_OF_CHANGES, SKIP_FEW, SKIP_MANY, SEQUENCE, SET_FEW, SET_FEW_LAST, SET_MANY = range(8)
FEW, MANY = 15, 255
REPEATED, MIXED = 4, 32
"""So many equal bytes are written as one value; so many different ones at most as a sequence."""
LONGEST = 1344
"""Bits of a payload: 200 bytes is the longest packet that ROLI's own software sends."""
LARGEST = 2048
"""Bytes of a message that is looked into. A block's largest, a topology of the 6 blocks and 24 connections
that one packet holds at most, has 1388 bits, and so 207 bytes.
"""


class Topology(NamedTuple):
    """The blocks that hang together: serial number and place of each."""

    blocks: tuple[tuple[str, int], ...]


class Ack(NamedTuple):
    """A block has everything up to this packet."""

    device: int
    counter: int


class Touch(NamedTuple):
    """A finger on a block: x to the right, y downwards and z into it, each 0..1."""

    device: int
    phase: str
    """start, move or end."""
    finger: int
    x: float
    y: float
    z: float


class Bits:
    """A payload in the making."""

    def __init__(self) -> None:
        self._value = 0
        self.length = 0

    def put(self, value: int, width: int) -> Bits:
        """Append an integer; returns itself."""
        self._value |= value << self.length
        self.length += width
        return self

    def packed(self) -> bytes:
        """Seven bits to a byte, the last one filled up with zeros."""
        count = -(-self.length // 7)
        return bytes(self._value >> 7 * n & 0x7F for n in range(count))


class Reader:
    """The integers of a payload, in their order."""

    def __init__(self, payload: bytes) -> None:
        self._value = sum(byte << 7 * n for n, byte in enumerate(payload))
        self.left = 7 * len(payload)

    def take(self, width: int) -> int:
        """The next integer. EOFError when there are not so many bits."""
        if width > self.left:
            raise EOFError
        value = self._value & (1 << width) - 1
        self._value >>= width
        self.left -= width
        return value


def checksum(payload: bytes) -> int:
    """Of a payload, 0..127."""
    sum_ = len(payload)
    for byte in payload:
        sum_ = (3 * sum_ + byte) & 0xFF
    return sum_ & 0x7F


def packet(device: int, payload: bytes) -> bytes:
    """A whole message to a block, or with FROM_BLOCK in `device` from one."""
    return HEADER + bytes((device,)) + payload + bytes((checksum(payload), 0xF7))


def command(device: int, number: int) -> bytes:
    """One of the commands: BEGIN_API, REQUEST_TOPOLOGY, END_API or PING."""
    return packet(device, Bits().put(COMMAND, 7).put(number, 9).packed())


def opened(message: bytes) -> tuple[int, bytes] | None:
    """Device and payload of a block's message; None when it is none, too long or against its checksum."""
    if not len(HEADER) + 4 <= len(message) <= LARGEST:
        return None
    if not message.startswith(HEADER) or message[-1] != 0xF7:
        return None
    device, payload, check = message[5], message[6:-2], message[-2]
    right = checksum(payload) == check and max(payload) < 0x80 and device & FROM_BLOCK
    return (device, payload) if right else None


def serial(message: bytes) -> str | None:
    """The serial number in a block's answer to SERIAL_REQUEST, behind its MAC address; None in others."""
    if not message.startswith(SERIAL_HEADER):
        return None
    begin = message.find(b"48:B6:20:") + len("48:B6:20:xx:xx:xx")
    number = message[begin : begin + SERIAL_LENGTH]
    return (
        number.decode("ascii", "replace")
        if b"48:B6:20:" in message and len(number) == SERIAL_LENGTH
        else None
    )


def said(device: int, payload: bytes) -> Iterator[Topology | Ack | Touch]:
    """What a block tells in one packet, as far as it is understood: all up to the first unknown message."""
    reader = Reader(payload)
    try:
        reader.take(32)
        while reader.left >= 7:
            kind = reader.take(7)
            if kind == TOPOLOGY:
                yield _topology(reader)
            elif kind == ACK:
                yield Ack(device & 0x3F, reader.take(10))
            elif kind in TOUCHES:
                yield _touch(device & 0x3F, kind, reader)
            else:
                return
    except EOFError:
        return


def _topology(reader: Reader) -> Topology:
    if reader.take(8) > PROTOCOL:
        raise EOFError
    count, connections = reader.take(7), reader.take(8)
    blocks = []
    for _ in range(count):
        name = "".join(chr(reader.take(7)) for _ in range(SERIAL_LENGTH))
        blocks.append((name, reader.take(7)))
        reader.take(6)  # its battery
    for _ in range(connections):
        reader.take(24)
    return Topology(tuple(blocks))


def _touch(device: int, kind: int, reader: Reader) -> Touch:
    reader.take(5)  # milliseconds after the packet's
    finger = reader.take(5)
    x, y, z = reader.take(12) / 4095, reader.take(12) / 4095, reader.take(8) / 255
    if kind >= 0x13:
        reader.take(24)
    return Touch(device, TOUCHES[kind], finger, x, y, z)


def changes(index: int, there: Sequence[int | None], wanted: bytes) -> tuple[bytes, list[int | None]]:
    """A packet's payload that brings a block's memory nearer to `wanted`, and what is there after it.

    `there` has None where nobody knows. What does not fit is left for the next packet.
    """
    bits = Bits().put(DATA_CHANGE, 7).put(index, 16)
    after, at, last, whole = list(there), 0, 0, True
    for run, same in _runs(there, wanted):
        room = LONGEST - bits.length - 2 * 3
        if same:
            if at + run == len(wanted):
                break
            parts = [min(MANY, run - n) for n in range(0, run, MANY)]
            if room < 11 * len(parts):
                whole = False
                break
            for part in parts:
                bits.put(SKIP_FEW, 3).put(part, 4) if part <= FEW else bits.put(SKIP_MANY, 3).put(part, 8)
        else:
            data = wanted[at : at + run]
            whole = room >= (19 if len(set(data)) == 1 else 3 + 9 * run)
            if not whole:
                break
            _set(bits, data, last)
            after[at : at + run] = data
            last = data[-1]
        at += run
    bits.put(END_OF_CHANGES if whole else END_OF_PACKET, 3)
    return bits.packed(), after


def _runs(there: Sequence[int | None], wanted: bytes) -> Iterator[tuple[int, bool]]:
    """Pieces of the memory: how long, and whether it is right already. The wrong ones are one value
    repeated, or a few different ones.
    """
    at, end = 0, len(wanted)
    while at < end:
        begin, right = at, there[at] == wanted[at]
        if right:
            while at < end and there[at] == wanted[at]:
                at += 1
        elif (count := _alike(there, wanted, at)) >= REPEATED:
            at += count
        else:
            while at < end and at - begin < MIXED and 0 < _alike(there, wanted, at) < REPEATED:
                at += 1
        yield at - begin, right


def _alike(there: Sequence[int | None], wanted: bytes, at: int) -> int:
    """How many bytes from `at` on are wrong and want the same value; 0 where it is right already."""
    for n in range(min(MANY, len(wanted) - at)):
        if there[at + n] == wanted[at + n] or wanted[at + n] != wanted[at]:
            return n
    return min(MANY, len(wanted) - at)


def _set(bits: Bits, data: bytes, last: int) -> None:
    """Write these bytes, in the shortest way there is."""
    if len(set(data)) > 1 or len(data) == 1:
        bits.put(SEQUENCE, 3)
        for n, byte in enumerate(data, start=1):
            bits.put(byte, 8).put(int(n < len(data)), 1)
    elif len(data) > FEW:
        bits.put(SET_MANY, 3).put(len(data), 8).put(data[0], 8)
    elif data[0] == last:
        bits.put(SET_FEW_LAST, 3).put(len(data), 4)
    else:
        bits.put(SET_FEW, 3).put(len(data), 4).put(data[0], 8)
