"""`foretone box find`: the boxes on this network, asked for by multicast DNS.

One question is asked on every interface from a port of our own, and whoever is there answers to that port
(RFC 6762, 6.7, "legacy unicast"); so nothing has to be installed or running on the desk.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SERVICE = (b"_foretone", b"_tcp", b"local")
GROUP = ("224.0.0.251", 5353)
A, PTR, TXT, SRV = 1, 12, 16, 33
INTERNET = 1
ASKED = 3
"""How often it is asked, evenly over the time: Wi-Fi loses multicast."""
MOST = 9000
"""Bytes of the largest answer (RFC 6762, 17)."""

Name = tuple[bytes, ...]


@dataclass
class Found:
    """A box that answered; what it did not say is empty. `told` has version, instrument, health, trouble."""

    name: str
    host: str = ""
    addresses: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)


def question() -> bytes:
    """Who is a `_foretone._tcp`?"""
    labels = b"".join(bytes([len(label)]) + label for label in SERVICE) + b"\0"
    return struct.pack("!6H", 1, 0, 1, 0, 0, 0) + labels + struct.pack("!2H", PTR, INTERNET)


def find(seconds: float = 2.0) -> list[Found]:
    """Ask, and wait that long for answers; the boxes by name."""
    boxes: dict[str, Found] = {}
    with contextlib.ExitStack() as after:
        ears = []
        for number, _ in socket.if_nameindex():
            ears.append(after.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
            with contextlib.suppress(OSError):  # one that is down, or knows no multicast
                chosen = struct.pack("@8si", bytes(8), number)
                ears[-1].setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, chosen)
        for _ in range(ASKED):
            for ear in ears:
                with contextlib.suppress(OSError):
                    ear.sendto(question(), GROUP)
            until = time.monotonic() + seconds / ASKED
            while (left := until - time.monotonic()) > 0:
                for ear in select.select(ears, [], [], left)[0]:
                    data, sender = ear.recvfrom(MOST)
                    with contextlib.suppress(ValueError):
                        understand(data, sender[0], boxes)
    return [boxes[name] for name in sorted(boxes)]


def understand(packet: bytes, sender: str, boxes: dict[str, Found]) -> None:
    """Put what an answer from the address `sender` says into `boxes`. ValueError when it is no answer."""
    try:
        _understand(packet, sender, boxes)
    except (IndexError, struct.error) as error:
        raise ValueError("an answer that ends too soon") from error


def _understand(packet: bytes, sender: str, boxes: dict[str, Found]) -> None:
    hosts: dict[str, list[str]] = {}
    here: list[Found] = []
    for owner, kind, at, size in list(_records(packet)):
        data = packet[at : at + size]
        if kind == A and size == 4:
            hosts.setdefault(_text(owner), []).append(socket.inet_ntoa(data))
        elif kind == PTR and owner == SERVICE:
            here.append(_box(_name(packet, at)[0], boxes))
        elif owner[1:] == SERVICE and kind == SRV:
            _box(owner, boxes).host = _text(_name(packet, at + 6)[0])
        elif owner[1:] == SERVICE and kind == TXT:
            _box(owner, boxes).told = dict(_pairs(data))
    for box in here:
        for address in hosts.get(box.host) or [sender]:
            if address not in box.addresses:
                box.addresses.append(address)


def table(boxes: Iterable[Found]) -> str:
    """The boxes for a screen: name, version, instrument, address, and how they are."""
    lines = []
    for box in boxes:
        told = box.told
        health = told.get("health", "has not said how it is")
        trouble = f": {told['trouble']}" if told.get("trouble") else ""
        columns = (box.name, told.get("version", ""), told.get("instrument", ""), " ".join(box.addresses))
        lines.append("  ".join(f"{column:16}" for column in columns) + f"  {health}{trouble}\n")
    return "".join(lines)


def _box(instance: Name, boxes: dict[str, Found]) -> Found:
    name = _text(instance[:1])
    return boxes.setdefault(name, Found(name))


def _records(packet: bytes) -> Iterator[tuple[Name, int, int, int]]:
    """Each record of an answer: whose, its kind, and where its data begins and how long it is."""
    _, flags, questions, *counts = struct.unpack_from("!6H", packet)
    if not flags & 0x8000:
        raise ValueError("no answer")
    at = 12
    for _ in range(questions):
        at = _name(packet, at)[1] + 4
    for _ in range(sum(counts)):
        owner, at = _name(packet, at)
        kind, _, _, size = struct.unpack_from("!2HIH", packet, at)
        if at + 10 + size > len(packet):
            raise ValueError("a record that ends too late")
        yield owner, kind, at + 10, size
        at += 10 + size


def _name(packet: bytes, at: int) -> tuple[Name, int]:
    """A name and where it ends; two bits that are set say where the rest of it stands (RFC 1035, 4.1.4)."""
    labels: list[bytes] = []
    end, lowest = 0, at
    while size := packet[at]:
        if size < 0x40:
            labels.append(packet[at + 1 : at + 1 + size])
            at += 1 + size
        else:
            end = end or at + 2
            at = struct.unpack_from("!H", packet, at)[0] - 0xC000
            if not 0 <= at < lowest:
                raise ValueError("a name that goes round in a ring, or nowhere")
            lowest = at
    return tuple(labels), end or at + 1


def _pairs(data: bytes) -> Iterator[tuple[str, str]]:
    """The "key=value" of a TXT record, each after its length (RFC 6763, 6)."""
    while data:
        size, data = data[0], data[1:]
        key, _, value = data[:size].partition(b"=")
        yield _text((key,)), _text((value,))
        data = data[size:]


def _text(labels: Name) -> str:
    """As people read it, without what a terminal would obey."""
    text = b".".join(labels).decode(errors="replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)
