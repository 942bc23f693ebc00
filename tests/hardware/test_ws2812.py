"""The strip of lights, against its data wire."""

import pytest

from foretone_hardware.device import DeviceError
from foretone_hardware.fake import FakeBoard
from foretone_hardware.mcp3008 import MCP3008
from foretone_hardware.ws2812 import BITS, MOST, WS2812, Chip

WHITE = {"count": 4, "colour": "#ffffff", "brightness": 1.0}


@pytest.fixture
def strip(board):
    """Makes a strip with these settings, on a model of it."""

    def make(**settings):
        board.fit("strip", WS2812, settings)
        return WS2812(board.spi, **settings)

    return make


def wire(*bits, frequency=6_400_000):
    """Bytes of SPI for (microseconds high, microseconds low) of each bit."""
    levels = "".join(
        "1" * round(high * frequency / 1e6) + "0" * round(low * frequency / 1e6) for high, low in bits
    )
    levels += "0" * (-len(levels) % 8)
    return int(levels, 2).to_bytes(len(levels) // 8, "big")


# The model, against the data sheet.

ZERO, ONE, QUIET = (0.4, 0.85), (0.8, 0.45), (0.0, 300.0)


def test_high_for_long_is_a_one_and_for_short_a_nought():
    chip = Chip()
    chip.write(wire(*[ONE] * 8, *[ZERO] * 15, ONE, QUIET), 6_400_000)
    assert chip.colours == [(255, 0, 1)]


def test_each_light_takes_its_own_and_hands_the_rest_on():
    chip = Chip()
    chip.write(wire(*[ZERO, ONE] * 24, QUIET), 6_400_000)
    assert chip.colours == [(0x55, 0x55, 0x55)] * 2


def test_what_is_neither_ends_the_frame():
    chip = Chip()
    chip.write(wire(*[ONE] * 24, (5.0, 1.0), *[ONE] * 24, QUIET), 6_400_000)
    assert chip.colours == [(255, 255, 255)]


def test_a_wrong_clock_says_nothing():
    chip = Chip()
    chip.write(b"".join([BITS[255]] * 3), 1_000_000)
    assert chip.colours == []


# The driver.


def test_a_bar_fills_from_its_first_light(board, strip):
    lights = strip(**WHITE)
    lights.write([0.625])
    told = board.spi.chip.colours
    assert told[:2] == [(255, 255, 255)] * 2
    assert told[2] == (round(0.184 * 255),) * 3, "half as light has 18 % of the light"
    assert told[3] == (0, 0, 0)
    assert board.look("strip") == pytest.approx((0.625,), abs=0.005)


def test_a_glow_is_the_same_in_every_light(board, strip):
    lights = strip(**WHITE, shape="glow")
    lights.write([0.5])
    assert board.spi.chip.colours == [(47, 47, 47)] * 4
    lights.shape = "bar"
    lights.write([0.5])
    assert board.spi.chip.colours[3] == (0, 0, 0)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_what_is_seen_is_the_value_whatever_the_colour_and_the_brightness(board, strip, value):
    lights = strip(count=60, colour="#ff8000", brightness=0.5)
    lights.write([value])
    assert board.look("strip") == pytest.approx((value,), abs=0.01)


def test_the_colours_go_out_in_the_strips_own_order(board, strip):
    strip(count=1, colour="#ff8001", brightness=1.0).write([1.0])
    assert board.spi.chip.colours == [(128, 255, 1)]
    board.unplug("strip")
    strip(count=1, colour="#ff8001", brightness=1.0, order="RGB").write([1.0])
    assert board.spi.chip.colours == [(255, 128, 1)]


def test_at_rest_and_closed_it_is_dark(board, strip):
    lights = strip()
    lights.write([1.0])
    lights.rest()
    assert board.look("strip") == (0.0,)
    lights.write([1.0])
    lights.close()
    assert board.look("strip") == (0.0,)


def test_the_longest_strip_is_sent_without_a_pause(board, strip):
    sent = []
    write = board.spi.write
    board.spi.write = lambda data: sent.append(len(data)) or write(data)
    strip(count=MOST).write([1.0])
    assert max(sent) <= 4096
    assert len(board.spi.chip.colours) == MOST


def test_values_outside_are_clipped(board, strip):
    lights = strip(**WHITE)
    lights.write([7.0])
    assert board.look("strip") == pytest.approx((1.0,))
    lights.write([-7.0])
    assert board.look("strip") == (0.0,)


def test_a_pulled_cable_goes_unnoticed_and_comes_back_dark(board, strip):
    lights = strip(**WHITE)
    lights.write([1.0])
    board.unplug("strip")
    lights.write([0.5])
    assert board.look("strip") == ()
    board.plug("strip")
    assert board.look("strip") == (0.0,)
    lights.write([0.5])
    assert board.look("strip") == pytest.approx((0.5,), abs=0.005)


def test_a_bus_that_fails_is_a_sentence(board, strip):
    lights = strip()

    def fail(data):
        raise OSError(110, "Connection timed out")

    board.spi.write = fail
    with pytest.raises(DeviceError, match=r"cannot be reached over SPI \(Connection timed out\)"):
        lights.write([1.0])
    lights.close()


def test_there_is_one_strip(board, strip):
    strip()
    with pytest.raises(DeviceError, match="'more' cannot be on SPI: another chip is"):
        board.fit("more", WS2812, {})


@pytest.mark.parametrize("colour", ["red", "#12345", "#gggggg", ""])
def test_a_colour_that_is_none_is_a_sentence(board, colour):
    with pytest.raises(ValueError, match="write it as on a web page"):
        WS2812(board.spi, colour=colour)


def test_a_strip_and_a_lever_on_spi_are_refused(clock):
    """The strip's data wire is the lever's too, and it has no CS."""
    board = FakeBoard(clock)
    board.fit("strip", WS2812, {})
    with pytest.raises(DeviceError, match="GPIO 10"):
        board.fit("pot", MCP3008, {})
    other = FakeBoard(clock)
    other.fit("pot", MCP3008, {})
    with pytest.raises(DeviceError, match="GPIO 10"):
        other.fit("strip", WS2812, {})
