"""The lever on an MCP3008, bit by bit."""

import pytest

from foretone_hardware.device import DeviceError
from foretone_hardware.fake import FakeBoard
from foretone_hardware.mcp3008 import MCP3008, Chip
from foretone_hardware.pwmled import PWMLED

STEP = 1 / 1023
STEADY = 4 * 0.0005 + STEP


def exchange(board, *words):
    """What a master sees on MISO while it sends these bytes on SPI0."""
    spi = board.pins.spi(clock_pin=11, mosi_pin=10, miso_pin=9, select_pin=8)
    try:
        return spi.transfer(words)
    finally:
        spi.close()


@pytest.mark.parametrize("channel", range(8))
@pytest.mark.parametrize("code", [0, 1, 341, 777, 1023])
def test_the_answer_is_a_null_bit_and_ten_bits(board, channel, code):
    chip = Chip(board.pins, 8)
    chip.wire({"channel": channel, "low": 0.0, "high": 3.3}, lambda: (code / 1023,))
    assert exchange(board, 1, 0x80 | channel << 4, 0) == [0, code >> 8, code & 0xFF]


def test_the_start_bit_may_come_at_any_clock(board):
    chip = Chip(board.pins, 8)
    chip.wire({"channel": 5, "low": 0.0, "high": 3.3}, lambda: (1.0,))
    sent = (0b11101 << 10).to_bytes(2, "big") + b"\x00"
    answer = int.from_bytes(bytes(exchange(board, *sent)), "big")
    assert answer >> 6 & 0x7FF == 1023


def test_a_chip_that_is_not_selected_is_silent(board):
    chip = Chip(board.pins, 7)
    chip.wire({"channel": 0, "low": 0.0, "high": 3.3}, lambda: (1.0,))
    assert exchange(board, 1, 0x80, 0) == [0, 0, 0]


@pytest.mark.parametrize("position", [0.0, 0.3, 1.0])
def test_position_and_volts(board, position):
    board.fit("lever", MCP3008, {"channel": 6})
    lever = MCP3008(board.pins, channel=6)
    board.hold("lever", [position])
    assert lever.read() == pytest.approx((position,), abs=STEADY)
    assert lever.raw == pytest.approx(3.3 * position, abs=3.3 * STEADY)


def test_low_and_high_are_the_ends_of_the_travel(board):
    board.fit("lever", MCP3008, {})
    lever = MCP3008(board.pins, low=3.3, high=1.65)
    board.hold("lever", [0.75])
    assert lever.read() == pytest.approx((0.5,), abs=2 * STEADY)
    board.hold("lever", [0.25])
    assert lever.read() == (1.0,)


def test_eight_levers_share_one_chip(board):
    for channel in range(8):
        board.fit(f"lever {channel}", MCP3008, {"channel": channel})
    levers = [MCP3008(board.pins, channel=channel) for channel in range(8)]
    for channel in range(8):
        board.hold(f"lever {channel}", [channel / 7])
    seen = [lever.read()[0] for lever in levers]
    assert seen == pytest.approx([channel / 7 for channel in range(8)], abs=STEADY)


def test_two_boards_do_not_hear_each_other(board, clock):
    other = FakeBoard(clock)
    for each, position in ((board, 0.2), (other, 0.9)):
        each.fit("lever", MCP3008, {})
        each.hold("lever", [position])
    ours, theirs = MCP3008(board.pins), MCP3008(other.pins)
    assert ours.read() + theirs.read() == pytest.approx((0.2, 0.9), abs=STEADY)
    other.close()


def test_an_unplugged_chip_reads_nothing_until_it_is_back(board):
    board.fit("lever", MCP3008, {})
    lever = MCP3008(board.pins)
    board.hold("lever", [0.5])
    board.unplug("lever")
    assert lever.read() == (0.0,)
    board.plug("lever")
    assert lever.read() == pytest.approx((0.5,), abs=STEADY)


def test_a_taken_pin_is_a_sentence(board):
    light = PWMLED(board.pins, pin=10)
    with pytest.raises(DeviceError, match=r"SPI on GPIO 11, 10, 9 and 8 .*GPIO10 is already in use"):
        MCP3008(board.pins)
    light.close()
    MCP3008(board.pins).close()


def test_close_gives_the_pins_back(board):
    board.fit("lever", MCP3008, {})
    MCP3008(board.pins).close()
    PWMLED(board.pins, pin=9).close()


def test_a_pin_forgets_its_old_states(board):
    """A box runs for weeks: 24 clocks a reading must not fill its memory."""
    board.fit("lever", MCP3008, {})
    lever = MCP3008(board.pins)
    for _ in range(50):
        lever.read()
    assert len(board.pins.pin(11).states) == 1000
