"""The SysEx of Blocks, and the dialogue that lights a Lightpad, against the model of one."""

import math
from random import Random

import pytest

from foretone_hardware import blocks
from foretone_hardware.bitmap import INITIALISE_ID, PICTURE, PROGRAM, REPAINT_ID, Bitmap
from foretone_hardware.blocks import Ack, Bits, Reader, Topology, Touch
from foretone_hardware.fake.lightpad import SERIAL, Chip
from foretone_hardware.fake.littlefoot import Machine, function_id


def payload(text):
    return bytes.fromhex(text)


# Packets.


@pytest.mark.parametrize(
    ("number", "hexes"),
    [  # payloads as LUMI-lights' SYSEX.txt has them from ROLI's Dashboard; checksums worked out by hand
        (blocks.BEGIN_API, "f0 00 21 10 77 00 01 00 00 5a f7"),
        (blocks.REQUEST_TOPOLOGY, "f0 00 21 10 77 00 01 01 00 5d f7"),
        (blocks.END_API, "f0 00 21 10 77 00 01 02 00 60 f7"),
        (blocks.PING, "f0 00 21 10 77 00 01 03 00 63 f7"),
    ],
)
def test_commands(number, hexes):
    assert blocks.command(0, number) == payload(hexes)


def test_the_checksum_begins_with_the_length_and_stays_in_seven_bits():
    assert blocks.checksum(b"") == 0
    assert blocks.checksum(b"\x01\x01\x00") == ((((3 * 3 + 1) * 3 + 1) * 3 + 0) & 0xFF) & 0x7F
    assert blocks.checksum(payload("10 20 64 3f 00 00 7e 03")) < 128


def test_integers_are_packed_from_their_least_significant_bit_seven_to_a_byte():
    assert Bits().put(0x01, 7).put(0x01, 8).packed() == payload("01 01 00")
    assert Bits().put(0xABC, 12).packed() == payload("3c 15")
    random = Random(1)
    fields = [(random.getrandbits(width), width) for width in random.choices(range(1, 33), k=50)]
    bits = Bits()
    for value, width in fields:
        bits.put(value, width)
    reader = Reader(bits.packed())
    assert [reader.take(width) for _, width in fields] == [value for value, _ in fields]
    with pytest.raises(EOFError):
        reader.take(7)


def told(*fields, device=0x40):
    bits = Bits().put(123456, 32)
    for value, width in fields:
        bits.put(value, width)
    return blocks.packet(device, bits.packed())


def heard(message):
    return list(blocks.said(*blocks.opened(message)))


def test_a_topology_names_every_block_and_its_place():
    one, two = "LKB0000000000001", "LPM0000000000002"
    letters = [[(ord(letter), 7) for letter in name] for name in (one, two)]
    message = told(
        (0x01, 7), (1, 8), (2, 7), (1, 8),
        *letters[0], (0, 7), (31, 5), (1, 1), *letters[1], (5, 7), (10, 5), (0, 1),
        (0, 7), (2, 5), (5, 7), (7, 5), (0x02, 7), (77, 10),
    )  # fmt: skip
    assert heard(message) == [Topology(((one, 0), (two, 5))), Ack(0, 77)]


def test_a_topology_of_a_newer_protocol_is_left_out():
    assert heard(told((0x01, 7), (2, 8), (0, 7), (0, 8))) == []


@pytest.mark.parametrize(
    ("kind", "phase", "velocities"),
    [
        (0x10, "start", 0), (0x11, "move", 0), (0x12, "end", 0),
        (0x13, "start", 3), (0x14, "move", 3), (0x15, "end", 3),
    ],
)  # fmt: skip
def test_touches(kind, phase, velocities):
    place = [(3, 5), (2, 5), (4095, 12), (0, 12), (255, 8), *[(9, 8)] * velocities]
    assert heard(told((kind, 7), *place, (0x02, 7), (1, 10), device=0x45)) == [
        Touch(5, phase, 2, 1.0, 0.0, 1.0),
        Ack(5, 1),
    ]


@pytest.mark.parametrize("kind", [0x03, 0x06, 0x18, 0x20, 0x21, 0x28, 0x30, 0x7F])
def test_what_is_not_understood_ends_a_packet(kind):
    assert heard(told((0x02, 7), (1, 10), (kind, 7), (0, 32), (0x02, 7), (2, 10))) == [Ack(0, 1)]


def test_damaged_packets_are_not_opened():
    good = told((0x02, 7), (1, 10))
    assert blocks.opened(good) is not None
    for n in range(6, len(good) - 1):
        wrong = bytearray(good)
        wrong[n] ^= 1
        assert blocks.opened(bytes(wrong)) is None, n
    for wrong in (
        good[:-1],
        good[:7] + good[-1:],
        good[:5],
        b"",
        b"\xf0\xf7",
        blocks.command(0, blocks.PING),
    ):
        assert blocks.opened(wrong) is None
    for cut in range(5, len(good) - 8):  # a right checksum on a payload that ends too soon
        assert heard(blocks.packet(0x40, good[6 : 6 + cut])) == []


def test_a_packet_that_is_longer_than_any_block_sends_is_not_opened():
    """The largest of a block's has every block and connection that it may name."""
    block, connection = [(0, 7)] * 17 + [(0, 6)], [(0, 24)]
    topology = told((0x01, 7), (1, 8), (6, 7), (24, 8), *block * 6, *connection * 24)
    assert len(topology) == 207
    assert len(heard(topology)[0].blocks) == 6
    acks = [(0x02, 7), (1, 10)]
    assert len(heard(told(*acks * 800))) == 800
    assert blocks.opened(told(*acks * 26_000)) is None


def test_the_serial_number_stands_behind_the_mac_address():
    answer = payload("f0 00 21 10 78 3e") + b"48:B6:20:01:02:03" + b"LPB0123456789ABC" + b"\xf7"
    assert blocks.serial(answer) == "LPB0123456789ABC"
    for wrong in (answer[:30], b"\xf0\x7e\xf7", blocks.SERIAL_REQUEST, answer.replace(b"48:", b"49:")):
        assert blocks.serial(wrong) is None


# Changes of the memory.


def applied(packet, memory):
    """What the model of a block makes of a payload."""
    chip = Chip(lambda _: None)
    chip.write(blocks.command(0, blocks.BEGIN_API))
    chip._memory[: len(memory)] = bytes(byte or 0 for byte in memory)
    chip.write(blocks.packet(0, packet))
    return bytes(chip._memory[: len(memory)]), chip._counter


@pytest.mark.parametrize(
    ("there", "wanted", "bits"),
    [
        ([1, 2, 3], [1, 9, 3], [(2, 3), (1, 4), (4, 3), (9, 8), (0, 1), (1, 3)]),
        ([0] * 20, [*[0] * 18, 1, 2], [(3, 3), (18, 8), (4, 3), (1, 8), (1, 1), (2, 8), (0, 1), (1, 3)]),
        ([None] * 5, [7] * 5, [(5, 3), (5, 4), (7, 8), (1, 3)]),
        ([None] * 5, [0] * 5, [(6, 3), (5, 4), (1, 3)]),
        ([None] * 20, [7] * 20, [(7, 3), (20, 8), (7, 8), (1, 3)]),
    ],
)
def test_each_kind_of_change(there, wanted, bits):
    packed = Bits().put(0x02, 7).put(33, 16)
    for value, width in bits:
        packed.put(value, width)
    made, after = blocks.changes(33, there, bytes(wanted))
    assert made == packed.packed()
    assert after == wanted
    assert applied(made, there) == (bytes(wanted), 33)


@pytest.mark.parametrize("seed", range(20))
def test_any_memory_becomes_what_is_wanted_in_packets_that_fit(seed):
    random = Random(seed)
    size = random.choice((30, 550, 1500))
    there = [random.choice((None, 0, 1, random.randrange(256))) for _ in range(size)]
    wanted = bytearray(random.randrange(256) for _ in range(size))
    for _ in range(12):
        at, length = random.randrange(size), random.randrange(300)
        wanted[at : at + length] = bytes([random.randrange(3)]) * len(wanted[at : at + length])
        wanted[at : at + 9] = bytes(byte or 0 for byte in there[at : at + 9])
    for index in range(1, 60):
        before = list(there)
        made, there = blocks.changes(index, there, bytes(wanted))
        assert 7 * len(made) <= blocks.LONGEST + 7
        at_block, _ = applied(made, before)
        assert all(a == b for a, b in zip(at_block, there, strict=True) if b is not None)
        if there == list(wanted):
            return
        assert there != before
    pytest.fail("it never ended")


# The program.


def test_function_names_are_short_as_the_blocks_have_them():
    assert function_id("makeARGB/iiiii") == 0x3F83  # these three were seen to work on a block (blocksd)
    assert function_id("fillPixel/viii") == 0xC20B
    assert function_id("repaint/v") == REPAINT_ID == 0x6F8D
    assert function_id("initialise/v") == INITIALISE_ID
    assert PROGRAM.count(function_id("setStatusOverlayActive/vb").to_bytes(2, "little")) == 1


def test_the_program_paints_every_light_of_the_picture():
    random = Random(4)
    words = [random.getrandbits(16) for _ in range(225)]
    picture = b"".join(word.to_bytes(2, "little") for word in words)
    painted = {}
    memory = bytearray(PROGRAM + picture)
    machine = Machine(
        memory,
        {
            "setStatusOverlayActive/vb": (1, lambda on: painted.update(overlay=on)),
            "makeARGB/iiiii": (4, lambda *parts: parts),
            "fillPixel/viii": (3, lambda colour, x, y: painted.update({(x, y): colour})),
        },
    )
    assert machine.valid
    assert machine.run("initialise/v") == ""
    assert machine.run("repaint/v") == ""
    assert painted.pop("overlay") == 0
    assert len(painted) == 225
    for n, word in enumerate(words):
        red, green, blue = word & 31, word >> 5 & 63, word >> 11
        assert painted[n % 15, n // 15] == (255, red << 3, green << 2, blue << 3)
    memory[20] ^= 1
    assert not machine.valid


def test_the_machine_tells_what_it_cannot_run():
    memory = bytearray(PROGRAM)
    memory[18] = 0x21
    machine = Machine(memory, {})
    assert not machine.valid
    assert machine.run("initialise/v") == "Illegal instruction 0x21"
    assert machine.run("nothing/v") == ""


# The dialogue.


class Talk:
    """A Bitmap and a block with a cable between them, and a clock moved by hand."""

    def __init__(self):
        self.now, self.sent = 0.0, []
        self.chip = Chip(self.hear)
        self.bitmap = Bitmap(self.send)

    def send(self, message):
        self.sent.append(message)
        self.chip.write(message)

    def hear(self, message):
        self.bitmap.receive(message, self.now)

    def run(self, seconds):
        """The block looks at its hands and its clock a hundred times a second; the driver when it wants."""
        for _ in range(round(seconds * 100)):
            self.now += 0.01
            self.chip.scan()
            for _ in range(20):
                if self.bitmap.wake > self.now:
                    break
                self.bitmap.tick(self.now)
            else:
                pytest.fail("it never sleeps")


def picture(word):
    return word.to_bytes(2, "little") * 225


def test_a_block_is_asked_entered_pinged_and_painted():
    talk = Talk()
    talk.bitmap.plug(0.0)
    talk.run(0.05)
    assert talk.sent[:5] == [
        blocks.SERIAL_REQUEST,
        blocks.command(0, blocks.REQUEST_TOPOLOGY),
        blocks.command(0, blocks.END_API),
        blocks.command(0, blocks.BEGIN_API),
        blocks.command(0, blocks.PING),
    ]
    talk.bitmap.show(picture(0xFFFF))
    talk.run(0.5)
    talk.chip.repaint()
    assert set(talk.chip.pixels) == {(0xF8, 0xFC, 0xF8)}
    assert talk.bitmap.shown
    talk.sent.clear()
    talk.run(4.0)
    pings = talk.sent.count(blocks.command(0, blocks.PING))
    assert pings == len(talk.sent), "it is quiet when nothing changes"
    assert pings == pytest.approx(4.0 / 0.4, abs=1)


def test_a_change_is_a_packet_or_few_and_is_acknowledged():
    talk = Talk()
    talk.bitmap.plug(0.0)
    talk.run(0.2)
    talk.sent.clear()
    frame = bytearray(PICTURE)
    frame[100:108] = b"\xff" * 8
    talk.bitmap.show(bytes(frame))
    assert talk.bitmap.wake == -math.inf
    talk.run(0.02)
    assert len(talk.sent) == 1
    assert len(talk.sent[0]) < 20
    assert talk.bitmap.shown
    talk.chip.repaint()
    assert [n for n, light in enumerate(talk.chip.pixels) if any(light)] == [50, 51, 52, 53]


def test_a_block_that_does_not_answer_is_asked_less_and_less():
    talk = Talk()
    talk.chip.silent = True
    talk.bitmap.plug(0.0)
    talk.run(2.0)
    assert talk.sent == [blocks.SERIAL_REQUEST] * 7
    talk.run(30.0)
    assert len(talk.sent) < 20
    talk.chip.silent = False
    talk.run(5.5)
    assert talk.bitmap.shown


def test_a_lost_packet_is_sent_again():
    talk = Talk()
    talk.bitmap.plug(0.0)
    talk.run(0.2)
    deaf, talk.chip.write = talk.chip.write, lambda _: None
    talk.bitmap.show(picture(0x001F))
    talk.run(0.1)
    talk.chip.write = deaf
    talk.run(0.3)
    talk.chip.repaint()
    assert set(talk.chip.pixels) == {(0xF8, 0, 0)}


def test_a_block_that_forgot_everything_is_painted_again():
    talk = Talk()
    talk.bitmap.plug(0.0)
    talk.bitmap.show(picture(0x001F))
    talk.run(0.5)
    talk.chip = Chip(talk.hear)  # somebody pressed its button for long
    talk.chip.repaint()
    assert set(talk.chip.pixels) == {(0, 0, 0)}
    talk.run(6.0)
    talk.chip.repaint()
    assert set(talk.chip.pixels) == {(0xF8, 0, 0)}


def test_without_pings_api_mode_ends_after_five_seconds():
    talk = Talk()
    talk.bitmap.plug(0.0)
    talk.bitmap.show(picture(0x001F))
    talk.run(0.5)
    for scans, runs in ((450, True), (51, False)):
        for _ in range(scans):
            talk.chip.scan()
        talk.chip.repaint()
        assert any(any(light) for light in talk.chip.pixels) == runs


def test_closing_gives_the_block_back_to_its_own_program():
    talk = Talk()
    talk.bitmap.plug(0.0)
    talk.run(0.5)
    talk.bitmap.close()
    assert talk.sent[-1] == blocks.command(0, blocks.END_API)
    assert talk.bitmap.wake == math.inf
    assert not talk.chip._ours


def test_a_lightpad_behind_another_block_is_found_and_both_are_pinged():
    sent = []
    bitmap = Bitmap(sent.append)
    bitmap.plug(0.0)
    letters = [[(ord(letter), 7) for letter in name] for name in ("LKB0000000000001", SERIAL.decode())]
    bitmap.receive(
        told(
            (0x01, 7), (1, 8), (2, 7), (0, 8), *letters[0], (0, 7), (31, 5), (1, 1),
            *letters[1], (3, 7), (10, 5), (0, 1),
        ),
        0.1,
    )  # fmt: skip
    assert sent[1::2] == [blocks.command(0, blocks.BEGIN_API), blocks.command(3, blocks.BEGIN_API)]
    sent.clear()
    for step in range(500):
        if bitmap.wake <= step / 100:
            bitmap.tick(step / 100)
    assert sent.count(blocks.command(0, blocks.PING)) == 13
    assert sent.count(blocks.command(3, blocks.PING)) == 3
    bitmap.receive(told((0x02, 7), (9, 10), device=0x43), 5.0)
    assert (
        blocks.opened(bytes((*sent[-1][:5], 0x43, *sent[-1][6:])))[1][:2]
        == Bits().put(2, 7).put(10, 7).packed()
    )


def test_counters_go_round():
    talk = Talk()
    talk.bitmap.plug(0.0)
    talk.run(0.2)
    talk.chip._counter = 1020  # what another program left there; everything is written anew
    talk.run(0.5)
    for n in range(20):
        talk.bitmap.show(picture(n))
        talk.run(0.01)
    talk.run(0.1)
    assert talk.bitmap.shown
    assert 0 < talk.chip._counter < 200
    talk.chip.repaint()
    assert set(talk.chip.pixels) == {(19 << 3, 0, 0)}
