"""The generic MIDI driver: bytes in, positions out; positions in, bytes out."""

import pytest

from foretone_hardware.midi import MIDI


class Rig:
    """A driver, what it sent, and a clock in milliseconds."""

    def __init__(self, *controls, **settings):
        self.sent = []
        axes = tuple(f"axis{n}" for n in range(len(controls)))
        self.driver = MIDI(self._send, axes, port="Toy", controls=list(controls), **settings)
        self.driver.plug(0.0)
        self.now = 0.0

    def _send(self, message):
        self.sent.append(message.hex(" "))
        self.driver.sent(message, self.now)

    def hear(self, *messages, after=0.001):
        """The last answer to these messages."""
        answer = None
        for message in messages:
            self.now += after
            answer = self.driver.receive(bytes.fromhex(message), self.now)
        return answer

    def play(self, *values, place=0):
        """What is sent for these values."""
        self.sent.clear()
        self.driver.write(values, place)
        return list(self.sent)

    def rest(self, place=0):
        self.sent.clear()
        self.driver.rest(place)
        return list(self.sent)


def near(value):
    return pytest.approx((value,), abs=1e-4)


BOTH_WAYS = [
    ("cc 1 ch 11", 0.0, "ba 01 00"),
    ("cc 1 ch 11", 1.0, "ba 01 7f"),
    ("cc 1 ch 11", 64 / 127, "ba 01 40"),
    ("cc 9 ch 1 from 1 to 13", 1.0, "b0 09 0d"),
    ("cc 9 ch 1 from 1 to 13", 0.0, "b0 09 01"),
    ("cc 7 ch 16 from 127 to 0", 1.0, "bf 07 00"),
    ("pressure ch 2", 1.0, "d1 7f"),
    ("poly 60 ch 3", 1.0, "a2 3c 7f"),
    ("bend ch 9", 0.0, "e8 00 00"),
    ("bend ch 9", 8192 / 16383, "e8 00 40"),
    ("bend ch 9", 1.0, "e8 7f 7f"),
    ("bend ch 1 from 0 to 16256", 1.0, "e0 00 7f"),
    ("note 60 ch 1", 1.0, "90 3c 7f"),
    ("note 8 ch 1 from 0 to 1", 1.0, "90 08 01"),
    ("note ch 1", 60 / 127, "90 3c 7f"),
    ("note ch 4 from 36 to 84 velocity 100", 0.5, "93 3c 64"),
]


@pytest.mark.parametrize(("control", "value", "message"), BOTH_WAYS)
def test_a_control_both_ways(control, value, message):
    assert Rig(control).play(value) == [message]
    assert Rig(control).hear(message) == near(value)


def test_a_value_out_of_range_is_clipped():
    assert Rig("cc 1 ch 1").play(1.7) == ["b0 01 7f"]
    assert Rig("cc 1 ch 1").play(-1.0) == ["b0 01 00"]
    assert Rig("cc 1 ch 1 from 20 to 100").hear("B0 01 7F") == near(1.0)


@pytest.mark.parametrize("control", ["cc 1 ch 1", "bend ch 1", "pressure ch 1", "cc14 1 ch 1"])
def test_a_control_is_sent_when_it_changes_only(control):
    rig = Rig(control)
    assert rig.play(0.7)
    assert not rig.play(0.7)
    assert not rig.play(0.700001)
    assert rig.play(0.2)
    rig.driver.plug(1.0)
    assert rig.play(0.2), "a device that was plugged in again knows nothing"


def test_14_bits_out_coarse_half_first_and_alone_when_only_the_fine_half_changes():
    rig = Rig("cc14 1 ch 1")
    assert rig.play(0.5) == ["b0 01 40", "b0 21 00"]
    assert rig.play(8193 / 16383) == ["b0 21 01"]
    assert rig.play(1.0) == ["b0 01 7f", "b0 21 7f"]


def test_14_bits_in_wait_for_the_fine_half_of_a_device_that_sends_one():
    rig = Rig("cc14 1 ch 1")
    assert rig.hear("B0 01 40") == near(0x2000 / 16383)
    assert rig.hear("B0 21 7F") == near(0x207F / 16383)
    assert rig.hear("B0 01 41") is None
    assert rig.hear("B0 21 00") == near(0x2080 / 16383)
    assert rig.hear("B0 21 01") == near(0x2081 / 16383)


def test_a_device_of_7_bits_is_heard_through_14():
    rig = Rig("cc14 1 ch 1")
    assert [rig.hear(f"B0 01 {n:02x}")[0] for n in (0, 64, 127)] == pytest.approx([0, 0.5, 0.992], abs=1e-3)
    assert Rig("cc14 1 ch 1").hear("B0 21 40") is None, "a fine half alone says nothing"


@pytest.mark.parametrize(
    ("mode", "up", "two_up", "down"),
    [("twos", 1, 2, 0x7F), ("offset", 0x41, 0x42, 0x3F), ("sign", 1, 2, 0x41)],
)
def test_relative_encoders(mode, up, two_up, down):
    rig = Rig(f"cc 16 ch 1 {mode}", step=0.01)
    assert rig.hear(f"B0 10 {up:02x}") == near(0.51)
    assert rig.hear(f"B0 10 {two_up:02x}") == near(0.53)
    assert rig.hear(f"B0 10 {down:02x}") == near(0.52)
    for _ in range(100):
        rig.hear(f"B0 10 {down:02x}")
    assert rig.driver.receive(bytes([0xB0, 0x10, down]), 9.0) is None, "at its end it moves no further"
    assert rig.hear(f"B0 10 {up:02x}") == near(0.01), "and comes back at once"


def test_a_sparse_device_gives_its_whole_vector():
    rig = Rig("cc 1 ch 11", "cc 2 ch 11", "cc 3 ch 11")
    rig.hear("BA 01 7F")
    assert rig.hear("BA 03 00") == (1.0, 0.5, 0.0)


def test_other_channels_numbers_and_messages_are_not_heard():
    rig = Rig("cc 1 ch 1", "note 60 ch 1", "bend ch 1")
    for message in ("B1 01 40", "B0 02 40", "91 3C 40", "90 3D 40", "E1 00 40", "C0 01", "F8", "F0 01 F7"):
        assert rig.hear(message) is None


@pytest.mark.parametrize(
    "wrong", ["", "40", "B0", "B0 01", "B0 01 80", "B0 01 40 40", "90 3C", "E0 00", "F0", "FF FF"]
)
def test_wrong_bytes_change_nothing(wrong):
    rig = Rig("cc 1 ch 1", "note ch 1", "bend ch 1")
    assert rig.hear(wrong) is None
    assert rig.hear("B0 01 7F") == (1.0, 0.5, 0.5)


def test_a_pad_is_as_high_as_it_is_struck_and_falls_when_it_is_let_go():
    rig = Rig("note 36 ch 10", "note 38 ch 10")
    assert rig.hear("99 24 7F") == (1.0, 0.0)
    assert rig.hear("99 26 40") == (1.0, 64 / 127)
    assert rig.hear("89 24 00") == (0.0, 64 / 127)
    assert rig.hear("99 26 00") == (0.0, 0.0), "velocity 0 lets go as well"


def test_keys_the_last_one_struck_sounds_and_the_last_one_released_lets_go():
    rig = Rig("note ch 1", "velocity ch 1")
    assert rig.hear("90 3C 64") == (60 / 127, 100 / 127)
    assert rig.hear("90 40 32") == (64 / 127, 50 / 127)
    assert rig.hear("80 3C 00") is None, "it did not sound"
    assert rig.hear("90 43 7F") == (67 / 127, 1.0)
    assert rig.hear("80 43 40") == (64 / 127, 50 / 127), "the one below is still held"
    assert rig.hear("90 40 00") == ()
    assert rig.hear("80 40 00") is None


def test_a_part_of_the_keys():
    rig = Rig("note ch 1 from 60 to 72")
    assert rig.hear("90 30 64") is None
    assert rig.hear("80 30 64") is None
    assert rig.hear("90 42 64") == near(0.5)


@pytest.mark.parametrize("panic", ["B0 7B 00", "B0 78 00"])
def test_all_notes_off_lets_go(panic):
    rig = Rig("note ch 1", "note 36 ch 10")
    rig.hear("90 3C 64", "90 40 64")
    assert rig.hear(panic.replace("B0", "B1")) is None
    assert rig.hear(panic) == ()
    assert rig.hear(panic) is None


def test_what_is_unplugged_while_it_is_held_is_let_go():
    rig = Rig("note ch 1", "cc 1 ch 1")
    assert rig.driver.unplug(0.0) is None
    rig.hear("B0 01 20", "90 3C 64")
    assert rig.driver.unplug(0.0) == ()
    assert rig.driver.unplug(0.0) is None
    assert rig.hear("80 3C 00") is None


def test_what_it_plays_it_releases():
    rig = Rig("note ch 1 velocity 90")
    assert rig.play(60 / 127) == ["90 3c 5a"]
    assert rig.play(60 / 127) == [], "held, not struck again"
    assert rig.play(62 / 127) == ["80 3c 00", "90 3e 5a"]
    assert rig.rest() == ["80 3e 00"]
    assert rig.rest() == []
    assert rig.play(62 / 127) == ["90 3e 5a"]
    rig.sent.clear()
    rig.driver.close()
    assert rig.sent == ["80 3e 00"]


def test_velocity_beside_a_note_says_how_hard():
    rig = Rig("note ch 1", "velocity ch 1")
    assert rig.play(60 / 127, 0.5) == ["90 3c 40"]
    assert rig.play(60 / 127, 0.0) == ["80 3c 00", "90 3c 01"], "velocity 0 would be no note"


def test_a_note_that_two_play_sounds_until_both_let_go():
    rig = Rig("note ch 1")
    rig.play(60 / 127, place=0)
    rig.play(60 / 127, place=1)
    assert rig.rest(0) == []
    assert rig.rest(1) == ["80 3c 00"]


def test_a_pad_is_let_go_at_0():
    rig = Rig("note 36 ch 10")
    assert rig.play(0.5) == ["99 24 40"]
    assert rig.play(0.0) == ["89 24 00"]
    assert rig.play(0.0) == []


def test_a_note_that_sounded_when_the_cable_was_pulled_is_released_when_it_is_back():
    rig = Rig("note ch 1")
    rig.play(60 / 127)
    rig.driver.unplug(0.0)
    rig.sent.clear()
    rig.driver.plug(1.0)
    assert rig.sent == ["80 3c 00"]


def test_pickup_hears_a_fader_from_where_it_passes_through_its_value():
    rig = Rig("cc 1 ch 1", pickup=True)
    assert rig.hear("B0 01 40") == near(64 / 127), "nothing was held before"
    rig.driver.unplug(0.0)
    rig.driver.plug(1.0)
    assert rig.hear("B0 01 00") is None
    assert rig.hear("B0 01 30") is None
    assert rig.hear("B0 01 50") == near(80 / 127), "it went past 64"
    assert rig.hear("B0 01 4F") == near(79 / 127)


def test_pickup_takes_what_is_near_at_once():
    rig = Rig("cc 1 ch 1", pickup=True)
    rig.hear("B0 01 40")
    rig.driver.plug(1.0)
    assert rig.hear("B0 01 41") == near(65 / 127)


def test_pickup_notices_a_fader_that_jumped_while_nobody_moved_it():
    """As after another layer was on it."""
    rig = Rig("cc 9 ch 11", pickup=True)
    rig.hear("BA 09 40")
    assert rig.hear("BA 09 10") == near(16 / 127), "a fast hand is heard"
    assert rig.hear("BA 09 60", after=2.0) is None
    assert rig.hear("BA 09 50") is None
    assert rig.hear("BA 09 0F") == near(15 / 127)


def test_without_pickup_a_fader_jumps():
    rig = Rig("cc 1 ch 1")
    rig.hear("B0 01 40")
    rig.driver.plug(1.0)
    assert rig.hear("B0 01 00") == near(0.0)


def test_what_comes_back_is_not_heard():
    rig = Rig("cc 1 ch 1", "note ch 1", echo=20.0)
    rig.play(0.5, 60 / 127)
    assert rig.hear("B0 01 40", "90 3C 7F") is None
    assert rig.hear("B0 01 41")[0] == pytest.approx(65 / 127), "a hand that moves on is"
    assert rig.hear("B0 01 40", after=0.05)[0] == pytest.approx(64 / 127), "and anything after a while"


def test_the_end_of_a_note_is_no_echo_of_its_beginning():
    rig = Rig("note ch 1", echo=20.0)
    rig.hear("90 3C 40")
    rig.play(60 / 127)
    assert rig.hear("80 3C 00") == ()


def test_without_echo_time_everything_is_heard():
    rig = Rig("cc 1 ch 1", echo=0.0)
    rig.play(0.5)
    assert rig.hear("B0 01 40") is not None


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        ("knob 1", "is no control"),
        ("cc ch 1", "needs a number"),
        ("cc 128 ch 1", "cc has 0 to 127"),
        ("cc14 32 ch 1", "cc14 has 0 to 31"),
        ("bend 3 ch 1", "bend has no number"),
        ("cc 1 ch 0", "channels are 1 to 16"),
        ("cc 1 ch 17", "channels are 1 to 16"),
        ("cc 1 ch 1 from 5 to 5", "must differ"),
        ("cc 1 ch 1 from 0 to 128", "0 to 127"),
        ("note 60 ch 1 velocity 100", "only \"note ch 1\" has a velocity"),
        ("note ch 1 velocity 0", "1 to 127"),
        ("bend ch 1 twos", "only a cc can be relative"),
    ],
)  # fmt: skip
def test_what_is_no_control_is_told(control, sentence):
    with pytest.raises(ValueError, match=sentence):
        Rig(control)


def test_controls_must_fit_the_axes_and_each_other():
    def told(axes, *controls, port="Toy"):
        return " ".join(MIDI.check(axes, None, {"port": port, "controls": list(controls)}))

    assert "controls has 1, but there are 2 axes: x, y" in told(("x", "y"), "cc 1 ch 1")
    assert "one twice" in told(("x", "y"), "cc 1 ch 1", "cc 1  ch 1 from 0 to 5")
    assert "part of the device's name" in told(("x",), "cc 1 ch 1", port="")
    assert told(("x",), "cc 1 ch 1") == ""
