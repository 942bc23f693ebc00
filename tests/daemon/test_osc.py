"""OSC in and out, over real sockets."""

import math
import random
import socket
import struct
import threading
import time
from queue import Empty, SimpleQueue

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from foretone.clock import HandClock
from foretone.event import Event, Setting
from foretone.sinks.osc import OSC as OSCSink
from foretone.sources.osc import OSC as OSCSource


def message(address, *values):
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


@pytest.fixture
def source():
    """An OSC source of two axes at 5 s, a function that sends to it, and one that takes what it emits."""
    queue = SimpleQueue()
    made = OSCSource(("x", "y"), "patch", HandClock(5.0), queue.put, port=free())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield made, lambda data: sender.sendto(data, ("127.0.0.1", made.port)), lambda: queue.get(timeout=5)
    made.close()
    with pytest.raises(Empty):
        queue.get_nowait()


def free():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_gesture_as_imps_sends_it(source):
    _, send, take = source
    send(message("/interface", 0.25, 1.0).dgram)
    assert take() == Event(5.0, "patch", (0.25, 1.0))


def test_numbers_beyond_the_range_are_its_ends_and_whole_ones_are_numbers(source):
    _, send, take = source
    send(message("/interface", -3, 7.5).dgram)
    assert take().values == (0.0, 1.0)


def test_what_the_kernel_drops_in_a_flood_is_counted():
    reading, taken = threading.Event(), SimpleQueue()
    made = OSCSource(("x",), "patch", HandClock(5.0), lambda e: (reading.wait(20), taken.put(e)), port=free())
    gesture = message("/interface", 0.5).dgram
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(5000):
            sender.sendto(gesture, ("127.0.0.1", made.port))
        reading.set()
        # The kernel tells with the next packet that it takes how many it has dropped.
        until = time.monotonic() + 20
        while not made.overflowed and time.monotonic() < until:
            sender.sendto(gesture, ("127.0.0.1", made.port))
    made.close()
    assert made.overflowed > 0


def test_settings(source):
    _, send, take = source
    send(message("/foretone/duet/mode", "filter").dgram)
    assert take() == Setting("duet", "mode", "filter")
    send(message("/foretone/duet/pi_temperature", 0.5).dgram)
    assert take() == Setting("duet", "pi_temperature", 0.5)


def test_a_bundle_is_all_its_messages(source):
    _, send, take = source
    bundle = OscBundleBuilder(IMMEDIATELY)
    bundle.add_content(message("/interface", 0.1, 0.2))
    bundle.add_content(message("/interface", 0.3, 0.4))
    send(bundle.build().dgram)
    assert sorted([take().values, take().values]) == [pytest.approx((0.1, 0.2)), pytest.approx((0.3, 0.4))]


BAD = {
    "too few": message("/interface", 0.1).dgram,
    "too many": message("/interface", 0.1, 0.2, 0.3).dgram,
    "strings": message("/interface", "a", "b").dgram,
    "nan": message("/interface", math.nan, 0.5).dgram,
    "infinite": message("/interface", 0.5, math.inf).dgram,
    "truth": message("/interface", True, False).dgram,
    "unknown": message("/somewhere/else", 1.0).dgram,
    "setting without value": message("/foretone/duet/mode").dgram,
    "truncated": message("/interface", 0.1, 0.2).dgram[:-3],
    "no type tags": b"/interface\0\0",
    "not osc": b"hello",
    "unterminated": b"/interface",
    "huge blob": b"/interface\0\0,b\0\0" + struct.pack(">i", 2**31 - 1),
    "bundle of rubbish": b"#bundle\0" + bytes(8) + struct.pack(">i", -4) + b"abcd",
}


@pytest.mark.parametrize("packet", BAD.values(), ids=BAD)
def test_a_bad_packet_is_counted_and_the_next_is_heard(source, packet):
    made, send, take = source
    send(packet)
    send(message("/interface", 0.5, 0.5).dgram)
    event = take()
    assert event.values == (0.5, 0.5)
    assert made.malformed == 1


def test_random_bytes_never_stop_it(source):
    made, send, take = source
    chance = random.Random(5)
    good = message("/interface", 0.5, 0.5).dgram
    for _ in range(300):
        broken = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        send(bytes(broken[: chance.randint(1, len(broken))]))
        send(message("/foretone/end/of", 1).dgram)
        while not isinstance(got := take(), Setting):
            assert all(0.0 <= value <= 1.0 for value in got.values)
    assert made.malformed > 100


def test_a_taken_port_is_a_sentence(source):
    made, *_ = source
    with pytest.raises(OSError, match=f"cannot listen for OSC on 127.0.0.1:{made.port}.*choose another"):
        OSCSource(("x",), "again", HandClock(), print, port=made.port)


def test_out_speaks_imps_and_ours_and_lets_go_without_values():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        sink = OSCSink(("x", "y"), port=listener.getsockname()[1])
        sink.play(Event(1.0, "duet", (0.25, 0.5)))
        sink.play(Event(2.0, "duet", ()))
        heard = [OscPacket(listener.recv(500)).messages[0].message for _ in range(3)]
        sink.rest()
        sink.close()
    assert [(one.address, one.params) for one in heard] == [
        ("/prediction", [0.25, 0.5]),
        ("/foretone/duet", [0.25, 0.5]),
        ("/foretone/duet", []),
    ]


def test_out_counts_what_the_system_refuses():
    sink = OSCSink(("x",), host="255.255.255.255", port=9)
    sink.play(Event(1.0, "duet", (0.25,)))
    assert sink.lost == 2
    sink.close()
