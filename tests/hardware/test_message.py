"""Bytes of a cable, cut into whole messages."""

import pytest

from foretone_hardware.message import LARGEST, Joiner, is_whole


def joined(*chunks):
    joiner = Joiner()
    whole = [message.hex(" ") for chunk in chunks for message in joiner.take(bytes.fromhex(chunk))]
    return whole, joiner.malformed


@pytest.mark.parametrize(
    ("chunks", "whole", "malformed"),
    [
        (["B0 01 40"], ["b0 01 40"], 0),
        (["90 3C", "64 80 3C 00"], ["90 3c 64", "80 3c 00"], 0),
        (["90 3C 64 3E 64 40 00"], ["90 3c 64", "90 3e 64", "90 40 00"], 0),  # running status
        (["D0 10 11"], ["d0 10", "d0 11"], 0),
        (["F8", "B0 F8 01 FE 40"], ["f8", "f8", "fe", "b0 01 40"], 0),  # clock inside of a message
        (["F0 00 21 10", "77 40", "01 F7"], ["f0 00 21 10 77 40 01 f7"], 0),
        (["F0 01 F8 02 F7"], ["f8", "f0 01 02 f7"], 0),
        (["F2 10 01 F6"], ["f2 10 01", "f6"], 0),
        (["01 02 03"], [], 3),  # data of nothing
        (["F0 01 02 B0 01 40"], ["b0 01 40"], 3),  # SysEx cut short
        (["90 3C B0 01 40"], ["b0 01 40"], 2),  # a note cut short
        (["F7 B0 01 40"], ["b0 01 40"], 1),
        (["B0 01 40 F1 05 02 41"], ["b0 01 40", "f1 05"], 2),  # common messages end running status
        (["F4 01 F5 90 01 02"], ["90 01 02"], 3),  # undefined
        (["F9 FD"], [], 2),
    ],
)
def test_what_is_whole_is_given_and_the_rest_is_counted(chunks, whole, malformed):
    assert joined(*chunks) == (whole, malformed)


def test_a_sysex_without_end_is_not_kept_for_ever():
    joiner = Joiner()
    assert joiner.take(b"\xf0" + bytes(3 * LARGEST)) == []
    assert joiner.malformed > 2 * LARGEST
    assert joiner.take(b"\xb0\x01\x40") == [b"\xb0\x01\x40"]


@pytest.mark.parametrize("message", ["B0 01 40", "C0 01", "F8", "F0 F7", "F0 01 F7", "F2 01 02"])
def test_whole(message):
    assert is_whole(bytes.fromhex(message))


@pytest.mark.parametrize(
    "message", ["", "01", "B0", "B0 01", "B0 01 40 02", "B0 80 01", "F0 01", "F0 80 F7", "F4", "F7", "F9"]
)
def test_not_whole(message):
    assert not is_whole(bytes.fromhex(message))
