"""Packets of a Block whose checksums are right, and nothing else about them."""

from hypothesis import strategies as st

from foretone_hardware import blocks
from foretone_hardware.blocks import Bits
from foretone_hardware.lightpad import LightPad

FIELD = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([1, 5, 7, 7, 8, 10, 12, 16, 32]))
KIND = st.sampled_from([0x01, 0x02, 0x02, 0x10, 0x11, 0x12, 0x13, 0x15, 0x7F])
MESSAGE = st.tuples(KIND, st.lists(FIELD, max_size=12))
SERIAL = blocks.SERIAL_HEADER + b"\x3e48:B6:20:01:02:03LPB0123456789ABC\xf7"
TOPOLOGY = [(1, 8), (1, 7), (0, 8), *[(ord(letter), 7) for letter in "LPB0123456789ABC"], (0, 7), (0, 6)]


def packet(messages):
    bits = Bits().put(0, 32)
    for kind, fields in messages:
        bits.put(kind, 7)
        for value, width in fields:
            bits.put(value & (1 << width) - 1, width)
    return blocks.packet(blocks.FROM_BLOCK, bits.packed())


def live(conversations):
    pad = LightPad(lambda message: None, lights="bitmap")
    pad.plug(0.0)
    pad.receive(SERIAL, 0.0)
    pad.receive(packet([(0x01, TOPOLOGY)]), 0.0)
    for now, messages in enumerate(conversations):
        answer = pad.receive(packet(messages), now)
        assert answer is None or len(answer) in (0, 3)
        pad.write((0.1 * (now % 10), 0.5, 1.0))
        for _ in range(100):
            if pad.wake > now:
                break
            pad.tick(now)
        else:
            raise AssertionError("it wants to be called without end")
    assert pad.malformed == 0
    pad.close()


def test_whatever_a_block_says_the_lightpad_lives(fuzz):
    fuzz(live, st.lists(st.lists(MESSAGE, max_size=4), max_size=10))
