"""The three generations of R-IoT, over a real socket: the tables of their firmware."""

import math
import random
import socket
import struct
from queue import Empty, SimpleQueue

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from foretone.clock import HandClock
from foretone.instrument import find, load
from foretone.sources.riot import RIoT
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard

TILTED = (math.cos(math.pi / 8), math.sin(math.pi / 8), 0.0, 0.0)
"""45 degrees about x, w first: roll 0.625."""

# One bundle of a third-generation unit that lies upside down, as its makers' own tests have it.
REAL = {
    "/riot/v3/0/accelerometer": (0.9457096457481384, 0.17717093229293823, -9.801861763000488, 367050),
    "/riot/v3/0/gyroscope": (0.004261057823896408, 0.006391586735844612, -0.001065264455974102, 367050),
    "/riot/v3/0/magnetometer": (5.853090286254883, 29.031557083129883, 40.957332611083984, 367050),
    "/riot/v3/0/barometer": (1013.2235107421875, 0.22183935344219208, 367050),
    "/riot/v3/0/temperature": (47.40234375, 50.2486457824707, 56.70000076293945, 367050),
    "/riot/v3/0/absoluteorientation/quaternion":
        (-0.9837159514427185, 0.17317603528499603, -0.017230689525604248, 0.047567401081323624, 367050),
    "/riot/v3/0/absoluteorientation/euler": (18.193050384521484, 178.9970703125, -5.7134599685668945, 367050),
    "/riot/v3/0/gravity": (0.9762864708900452, 0.17088225483894348, -9.758878707885742, 367050),
    "/riot/v3/0/heading": (198.3231964111328, -1, -1, 367050),
    "/riot/v3/0/bno055/quaternion":
        (-0.92510986328125, 0.3765869140625, -0.03936767578125, 0.0284423828125, 367050),
    "/riot/v3/0/battery": (1, 0, 367047),
    "/riot/v3/0/analog": (3.877619743347168, 0.4326394200325012, 0.045116957277059555, 367047),
    "/riot/v3/0/control/key": (0, 0, 367047),
}  # fmt: skip


def message(address, *values):
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


def bundle(messages):
    builder = OscBundleBuilder(IMMEDIATELY)
    for address, values in messages.items():
        builder.add_content(message(address, *values))
    return builder.build().dgram


def bitalino(unit, quaternion=TILTED, rates=(0.0, 0.0, 0.0)):
    """Force, rates, field, temperature, switches, analogue inputs, quaternion, angles, heading."""
    values = (
        0.0,
        0.0,
        1.0,
        *rates,
        0.1,
        0.2,
        0.3,
        25.0,
        1.0,
        0.0,
        2048.0,
        4095.0,
        *quaternion,
        0.0,
        0.0,
        45.0,
        9.0,
    )
    assert len(values) == 22
    return message(f"/{unit}/raw", *map(float, values)).dgram


def ircam(unit, quaternion=TILTED, rates=(0.0, 0.0, 0.0)):
    """Battery, switch, force, rates, field, temperature, quaternion, angles, heading."""
    values = (3.7, 0.0, 0.0, 0.0, 1.0, *rates, 0.1, 0.2, 0.3, 25.0, *quaternion, 0.0, 0.0, 45.0, 9.0)
    assert len(values) == 20
    return message(f"/{unit}/raw", *map(float, values)).dgram


def first(unit, rates=(0, 0, 0)):
    """Battery, switch, force, rates, field, temperature, in counts."""
    return message(f"/{unit}/raw", 3247, 0, 0, 0, 4096, *rates, 100, 200, 300, 32).dgram


def free():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def air():
    """Makes sources on one port, and gives what they emit; `send` sends there."""
    made, port = [], free()

    class Air:
        queue = SimpleQueue()

        def source(self, name="ring", **settings):
            made.append(RIoT(name, HandClock(5.0), self.queue.put, port=port, **settings))
            return made[-1]

        def send(self, *packets):
            for packet in packets:
                sender.sendto(packet, ("127.0.0.1", port))

        def take(self):
            return self.queue.get(timeout=5)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield Air()
        for source in made:
            source.close()
        with pytest.raises(Empty):
            Air.queue.get_nowait()


def test_the_second_generation_of_bitalino(air):
    air.source()
    air.send(bitalino("3", rates=(0.1, -0.2, 0.05)))
    event = air.take()
    assert (event.time, event.origin) == (5.0, "ring")
    assert event.values == pytest.approx((0.625, 0.5, 0.5, 0.55, 0.4, 0.525), abs=1e-6)


def test_the_second_generation_of_ircam(air):
    air.source(dps=500)
    air.send(ircam("3", rates=(0.1, -0.2, 0.05)))
    assert air.take().values == pytest.approx((0.625, 0.5, 0.5, 0.6, 0.3, 0.55), abs=1e-6)


def test_the_first_generation_tells_its_pose_in_another_packet(air):
    air.source()
    air.send(first("1", rates=(1000, 0, -2000)), message("/1/quat", *TILTED).dgram)
    assert air.take().values == pytest.approx((0.625, 0.5, 0.5, 0.535, 0.5, 0.43), abs=1e-6)


def test_the_third_generation_as_it_really_sends(air):
    """W is last: with w first this unit, which lies on its face, would stand."""
    source = air.source()
    air.send(bundle(REAL))
    roll, pitch, _, *rates = air.take().values
    assert abs(360 * roll - 180) == pytest.approx(180, abs=10)
    assert pitch == pytest.approx(0.5, abs=0.04)
    assert rates == pytest.approx(
        [0.5 + math.degrees(0.00426) / 2000, 0.5 + math.degrees(0.00639) / 2000, 0.5], abs=1e-4
    )
    assert source.malformed == 0


def test_units_on_one_port_go_each_to_its_own_source(air):
    air.source("left", id="1")
    air.source("right", id="2")
    air.send(bitalino("2"), bitalino("9"), ircam("1"))
    assert [air.take().origin, air.take().origin] == ["right", "left"]


def test_the_port_is_free_again_when_the_last_source_has_closed(air):
    left, right = air.source("left", id="1"), air.source("right", id="2")
    left.close()
    air.send(bitalino("2"))
    assert air.take().origin == "right"
    right.close()
    again = air.source("again")
    air.send(bitalino("2"))
    assert air.take().origin == "again"
    again.close()


def test_at_rest_it_says_nothing(air):
    air.source(deadband=0.01)
    slightly = (math.cos(0.4), math.sin(0.4), 0.0, 0.0)
    air.send(bitalino("1"), bitalino("1", slightly), bitalino("1"), bitalino("1", (1.0, 0.0, 0.0, 0.0)))
    assert [air.take().values[0] for _ in range(2)] == pytest.approx([0.625, 0.5])


def test_what_is_not_the_pose_is_understood_and_left(air):
    source = air.source()
    air.send(
        message("/1/euler", 0.0, 0.0, 45.0, 9.0).dgram,
        message("/1/analog", 2048, 4095).dgram,
        message("/1/bitalino", *range(11)).dgram,
        bitalino("1"),
    )
    air.take()
    assert source.malformed == 0


BAD = {
    "another count": message("/1/raw", *map(float, range(21))).dgram,
    "another address": message("/interface", 0.5).dgram,
    "strings": message("/1/quat", "w", "x", "y", "z").dgram,
    "not a number": bitalino("1", rates=(math.nan, 0.0, 0.0)),
    "no pose": bitalino("1", (0.0, 0.0, 0.0, 0.0)),
    "no unit": ircam("1", (10.0, 0.0, 0.0, 0.0)),
    "short v3": message("/riot/v3/1/absoluteorientation/quaternion", 1.0, 0.0).dgram,
    "half a bundle": bundle(REAL)[:-8],
    "a bad end": bundle({**REAL, "/what": (1,)}),
    "rubbish": b"abc" + struct.pack(">i", 7),
}


@pytest.mark.parametrize("packet", BAD.values(), ids=BAD)
def test_a_bad_packet_is_counted_and_dropped_whole_and_the_next_is_heard(air, packet):
    source = air.source()
    air.send(packet, bitalino("1"))
    assert air.take().values[0] == pytest.approx(0.625)
    assert source.malformed == 1


def test_random_damage_never_stops_it(air):
    source = air.source()
    chance = random.Random(3)
    for turn in range(300):
        broken = bytearray(chance.choice([bitalino("1"), ircam("1"), first("1"), bundle(REAL)]))
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        mark = message("/mark/quat", math.cos(turn), 0.0, math.sin(turn), 0.0).dgram
        air.send(bytes(broken[: chance.randint(1, len(broken))]), mark)
        expected = 0.5 + math.asin(math.sin(2 * turn)) / math.pi
        while (values := air.take().values)[1] != pytest.approx(expected, abs=1e-4):
            assert all(0.0 <= value <= 1.0 for value in values)
    assert source.malformed > 100


def test_two_units_take_the_places_of_the_arms_sensors(tmp_path):
    """The same player, light and patch: nothing else in the file changes."""
    text, port = find("arms").read_text(), free()
    for unit in ("A", "B"):
        text = text.replace(
            f'kind = "lsm6dsox"\naddress = 0x6{unit}', f'kind = "riot"\nid = "{unit}"\nport = {port}'
        )
    path = tmp_path / "arms.toml"
    path.write_text(text)
    instrument = load(path, [f"remote.port={free()}", f"patch.port={free()}"])
    assert [part.kind for part in instrument.of("source")] == ["riot", "riot", "osc"]
    clock, heard = HandClock(), SimpleQueue()
    stage = Stage(instrument, FakeBoard(clock), clock)
    stage.conductor.emit = heard.put
    stage.open(threads=False)
    played = []
    stage.conductor.listeners.append(played.append)
    level, turned = (1.0, 0.0, 0.0, 0.0), (math.cos(math.pi / 8), math.sin(math.pi / 8), 0.0, 0.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for packet in (bitalino("A", level), bitalino("B", level), bitalino("B", turned)):
            sender.sendto(packet, ("127.0.0.1", port))
            stage.conductor.step(heard.get(timeout=5))
    stage.close()
    rewards = [event.values[0] for event in played if event.origin == "arms" and event.values]
    assert rewards == pytest.approx([0.5, 0.5, 0.625])


def test_a_taken_port_is_a_sentence():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=r"cannot listen for OSC on 127\.0\.0\.1:.*choose another port"):
            RIoT("ring", HandClock(), print, port=other.getsockname()[1])
