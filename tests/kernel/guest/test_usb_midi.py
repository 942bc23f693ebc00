"""A controller on a USB cable that is pulled out and put back: by name, whatever its number."""

from __future__ import annotations

import os
import statistics
import threading
import time
from pathlib import Path

import pytest
from conftest import until
from gadget import UsbMidi

from foretone_hardware.sequencer import Sequencer

CYCLES = int(os.environ.get("CYCLES", "10"))
PORT = "X-TOUCH MINI:X-TOUCH MINI MIDI 1"
INSTRUMENT = """
title = "Knobs"
axes = ["knob1", "knob2", "knob3", "knob4", "knob5", "knob6", "knob7", "knob8"]

[source.knobs]
kind = "xtouch"

[sink.rings]
kind = "xtouch"
plays = ["knobs"]
"""
FIRST, SECOND = b"\xba\x01\x7f", b"\xba\x02\x20"
"""What its first two knobs send."""
RINGS = {1: 127, 2: 32, 3: 64, 4: 64, 5: 64, 6: 64, 7: 64, 8: 64}
LAMP, DARK = b"\x9a\x08\x01", b"\x9a\x08\x00"
LIGHTS = {bytes([0xBA, knob, level]) for knob, level in RINGS.items()} | {LAMP}
"""What it is to be told after that: eight rings, and the lamp of whoever plays."""


@pytest.fixture(scope="module")
def gadget():
    return UsbMidi(0x1397, 0x00B3, "X-TOUCH MINI")


@pytest.fixture
def xtouch(gadget):
    """Behringer's USB numbers and name; plugged in."""
    gadget.plug()
    yield gadget
    gadget.unplug()


class Ports:
    """The sequencer as the bus of controllers sees it."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.heard: list[bytes] = []
        self.sequencer = Sequencer()
        self.sequencer.listen(
            lambda port, message: self.heard.append(message) if port == PORT else None, self._plug
        )

    def _plug(self, port: str, there: bool) -> None:
        (self.there.add if there else self.there.discard)(port)


@pytest.fixture
def ports(xtouch):
    ports = Ports()
    yield ports
    ports.sequencer.close()


def messages(data: bytes) -> set[bytes]:
    return {data[at : at + 3] for at in range(0, len(data), 3)}


def test_it_is_known_by_its_name_and_every_message_comes_whole(xtouch, ports):
    until(lambda: PORT in ports.there)
    picture = b"\xf0" + bytes(n % 128 for n in range(1000)) + b"\xf7"
    sent = [b"\xba\x01\x05", b"\xe0\x00\x40", b"\x90\x3c\x64", b"\x90\x3c\x00", b"\xd0\x07", b"\xf8", picture]
    for message in sent:
        xtouch.send(message)
    until(lambda: len(ports.heard) == len(sent))
    assert ports.heard == sent
    xtouch.send(b"\xb0\x01\x02\x03\x04\xf0\x01\x90\x3c\x7f")  # running status, and a SysEx that never ends
    until(lambda: len(ports.heard) == len(sent) + 3)
    assert ports.heard[-3:] == [b"\xb0\x01\x02", b"\xb0\x03\x04", b"\x90\x3c\x7f"]


def test_what_is_sent_arrives_whole(xtouch, ports):
    until(lambda: PORT in ports.there)
    picture = b"\xf0" + bytes(n % 128 for n in range(1000)) + b"\xf7"
    for message in (b"\x9a\x08\x01", b"\xe8\x00\x40", picture):
        ports.sequencer.send(PORT, message)
        arrived = b""
        while len(arrived) < len(message):
            part = xtouch.receive(timeout=10.0)
            assert part, arrived
            arrived += part
        assert arrived == message
    assert ports.sequencer.overflowed == ports.sequencer.malformed == 0


def test_it_comes_and_goes(xtouch, ports):
    until(lambda: PORT in ports.there)
    threads, files = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(CYCLES):
        xtouch.unplug()
        until(lambda: PORT not in ports.there)
        ports.sequencer.send(PORT, FIRST)
        xtouch.plug()
        until(lambda: PORT in ports.there)
        ports.heard.clear()
        xtouch.send(FIRST)
        until(lambda: ports.heard == [FIRST])
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == files


def test_the_daemon_plays_it_and_paints_it_again_within_a_second(xtouch, foretone, instrument):
    process = foretone("run", instrument(INSTRUMENT), "--board", "pi", "--headless", "--no-log")
    process.until(lambda: "plays on" in process.said)
    shown: set[bytes] = set()

    def lit() -> bool:
        shown.update(messages(xtouch.receive()))
        return shown >= LIGHTS

    xtouch.send(FIRST)
    xtouch.send(SECOND)
    process.until(lit)
    took = []
    for _ in range(CYCLES):
        xtouch.unplug()
        shown.clear()
        xtouch.plug()
        there = time.monotonic()
        process.until(lit)
        took.append(time.monotonic() - there)
    assert statistics.median(took) < 1.0, "the slowest may have waited for the machine that emulates this one"
    tasks = len(list(Path(f"/proc/{process.process.pid}/task").iterdir()))
    assert tasks < 10
    assert process.stop() == 0
    until(lambda: shown.update(messages(xtouch.receive())) or DARK in shown)
