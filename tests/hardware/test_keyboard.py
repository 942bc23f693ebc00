"""A keyboard: many keys at once."""

import pytest

from foretone import kinds
from foretone_hardware.keyboard import Chip, Keyboard


@pytest.fixture
def keyboard():
    return Keyboard(lambda _: None, port="Keys")


def heard(keyboard, *messages):
    return [answer for message in messages if (answer := keyboard.receive(message, 0.0)) is not None]


def test_each_stroke_and_each_release_is_told_by_itself(keyboard):
    told = heard(keyboard, b"\x90\x3c\x40", b"\x90\x40\x7f", b"\x80\x3c\x00", b"\x90\x40\x00")
    assert told == [(60 / 127, 64 / 127), (64 / 127, 1.0), (60 / 127, 0.0), (64 / 127, 0.0)]


def test_a_release_of_nothing_and_other_messages_are_not_heard(keyboard):
    assert heard(keyboard, b"\x80\x3c\x00", b"\xb0\x01\x40", b"\xf8", b"\x90\x3c", b"", b"\xe0\x00\x40") == []


def test_all_notes_off_and_an_unplugged_cable_let_go(keyboard):
    assert heard(keyboard, b"\x90\x3c\x40", b"\xb0\x7b\x00", b"\xb0\x7b\x00") == [(60 / 127, 64 / 127), ()]
    assert keyboard.unplug(0.0) is None
    heard(keyboard, b"\x93\x3c\x40")
    assert keyboard.unplug(0.0) == ()


def ticks(keyboard):
    told = []
    while keyboard.wake <= 0.0:
        told.append(keyboard.tick(0.0))
    return told


def test_the_pedal_holds_what_was_released_until_it_goes_up():
    keyboard = Keyboard(lambda _: None, port="Keys")
    told = heard(
        keyboard, b"\x90\x3c\x40", b"\xb0\x40\x7f", b"\x80\x3c\x00", b"\x90\x40\x40", b"\x90\x40\x00",
        b"\x90\x43\x40", b"\x90\x40\x40",
    )  # fmt: skip
    assert [velocity for _, velocity in told] == [64 / 127] * 4, "no release yet"
    assert ticks(keyboard) == []
    heard(keyboard, b"\xb1\x40\x00")
    assert ticks(keyboard) == [], "another channel's pedal"
    heard(keyboard, b"\xb0\x40\x3f")
    assert ticks(keyboard) == [(60 / 127, 0.0)], "the two others are held by fingers"
    assert heard(keyboard, b"\x80\x43\x00", b"\x80\x40\x00") == [(67 / 127, 0.0), (64 / 127, 0.0)]


def test_a_key_that_is_struck_as_the_pedal_goes_up_sounds_on(keyboard):
    heard(keyboard, b"\xb0\x40\x7f", b"\x90\x3c\x40", b"\x80\x3c\x00", b"\x90\x40\x40", b"\x80\x40\x00")
    heard(keyboard, b"\xb0\x40\x00", b"\x90\x3c\x50")
    assert ticks(keyboard) == [(64 / 127, 0.0)]


def test_a_pedal_that_is_reset_or_unplugged_holds_nothing():
    keyboard = Keyboard(lambda _: None, port="Keys")
    pedalled = b"\xb0\x40\x7f", b"\x90\x3c\x40", b"\x80\x3c\x00"
    heard(keyboard, *pedalled, b"\xb0\x79\x00")
    assert ticks(keyboard) == [(60 / 127, 0.0)]
    heard(keyboard, *pedalled)
    assert keyboard.unplug(0.0) == ()
    assert ticks(keyboard) == []
    assert heard(keyboard, b"\x90\x3c\x40", b"\x80\x3c\x00")[-1] == (60 / 127, 0.0), "nor after it"


def test_one_channel_alone():
    keyboard = Keyboard(lambda _: None, port="Keys", channel=3)
    assert heard(keyboard, b"\x90\x3c\x40", b"\x92\x3c\x40") == [(60 / 127, 64 / 127)]


def test_it_can_be_a_source_and_no_sink():
    assert kinds.find("source", "keyboard") is Keyboard
    with pytest.raises(LookupError, match="cannot be a sink"):
        kinds.find("sink", "keyboard")


def test_the_model_of_one_is_played_by_a_hand():
    said = []
    chip, hand = Chip(said.append), [(0.5, 0.0)]
    chip.wire({"channel": 2}, type("Hand", (), {"at": lambda _: hand[0]})())
    for place in ((0.5, 0.0), (60 / 127, 0.5), (60 / 127, 0.9), (62 / 127, 1.0), (62 / 127, 0.0)):
        hand[0] = place
        chip.scan()
    assert said == [b"\x91\x3c\x40", b"\x81\x3c\x00", b"\x91\x3e\x7f", b"\x81\x3e\x00"]
