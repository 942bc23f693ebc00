"""The status display, against the chip's memory of dots."""

from pathlib import Path

import pytest

from foretone_hardware.device import DeviceError, Status
from foretone_hardware.glyphs import COLUMNS, drawn
from foretone_hardware.ssd1306 import SSD1306, Chip

GOLDEN = Path(__file__).parents[1] / "golden" / "display.txt"
AXES = ("lever", "y", "pressure")


class Instrument:
    """Tells how it is, and counts how often it was asked."""

    def __init__(self):
        self.status = Status("EMPI", "call-response", 3.2, "")
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return self.status


@pytest.fixture
def instrument():
    return Instrument()


@pytest.fixture
def display(board, clock, instrument):
    board.fit("display", SSD1306, {})
    return SSD1306(board.i2c, clock, AXES, instrument)


def show(display, clock, values, seconds=0.3):
    """Write the same values every frame, as the bus thread does."""
    for _ in range(round(seconds / 0.02)):
        display.write(values)
        clock.move_to(clock.now() + 0.02)


def rows(board):
    return list(board.i2c.chips[0x3C].rows())


def line(board, number):
    """The eight rows of a line of text, as columns."""
    return board.i2c.chips[0x3C].memory[128 * number : 128 * (number + 1)]


# The model, against the data sheet.


def test_dots_go_into_the_window_column_by_column_and_page_by_page():
    chip = Chip()
    for command in (0x21, 126, 127, 0x22, 6, 7):
        chip.write(bytes([0x80, command]))
    chip.write(b"\x40\x01\x02\x03\x04\x05")
    assert (chip.memory[6 * 128 + 126], chip.memory[6 * 128 + 127]) == (5, 2), "it begins again at the first"
    assert (chip.memory[7 * 128 + 126], chip.memory[7 * 128 + 127]) == (3, 4)
    assert list(chip.rows())[48].endswith("#.")


def test_commands_may_come_in_one_write_and_dots_after_them():
    chip = Chip()
    chip.write(b"\x80\xaf\x80\x21\x80\x05\x80\x06\x40\xff")
    assert chip.on
    assert chip.memory[5] == 0xFF
    assert chip.read(1) == b"\x00"


def test_what_it_does_not_know_does_not_confuse_it():
    chip = Chip()
    chip.write(b"\x80\x81\x80\xae")  # contrast 0xae, not display off
    chip.write(b"\x80\xaf")
    chip.write(b"\x13\x37")
    chip.write(b"")
    assert chip.on


# The letters.


def test_every_printable_character_is_drawn_and_no_two_are_alike():
    letters = [COLUMNS[place : place + 5] for place in range(0, len(COLUMNS), 5)]
    assert len(letters) == 95
    assert len(set(letters)) == 95
    assert drawn("\u00e6\t") == drawn("??")
    assert not any(column & 0x80 for column in COLUMNS), "the eighth dot parts the lines"


# The driver.


def test_the_picture(board, clock, display):
    show(display, clock, (0.25, 0.5, 0.9))
    assert rows(board) == GOLDEN.read_text(encoding="ascii").splitlines()


def test_letting_go_empties_the_bars_and_leaves_the_rest(board, clock, display):
    show(display, clock, (1.0, 1.0, 1.0))
    assert line(board, 1)[40:] == b"\x7e" * 88
    for _ in range(10):
        display.rest()
        clock.move_to(clock.now() + 0.02)
    assert 0x7E not in line(board, 1)[40:]
    assert line(board, 0) != bytes(128)


def test_it_says_what_is_out_of_order_instead_of_how_it_plays(board, clock, display, instrument):
    show(display, clock, (0.0, 0.0, 0.0))
    instrument.status = Status("EMPI", "call-response", 0.1, "lever: no ADS1115 answers at 0x48")
    show(display, clock, (0.0, 0.0, 0.0), 0.6)
    assert line(board, 7) == drawn("lever: no ADS1115 ans")[:128].ljust(128, b"\0")
    assert line(board, 0) == drawn("EMPI").ljust(128, b"\0"), "less than half a millisecond is not late"


def test_a_long_title_leaves_room_for_the_lateness(board, clock, display, instrument):
    instrument.status = Status("The instrument of the whole village", "", 12.3, "")
    show(display, clock, (0.0, 0.0, 0.0), 0.6)
    assert line(board, 0) == drawn("The instrument  12 ms").ljust(128, b"\0")


def test_it_is_asked_four_times_and_drawn_twenty_times_a_second_at_most(board, clock, display, instrument):
    show(display, clock, (0.5, 0.5, 0.5))
    asked, board.i2c.written[:] = instrument.asked, []
    for step in range(100):
        display.write(((step % 50) / 50, 0.5, 0.5))
        clock.move_to(clock.now() + 0.01)
    assert instrument.asked - asked <= 4
    dots = [data for _, data in board.i2c.written if data[0] == 0x40]
    assert 15 <= len(dots) <= 20


def test_only_what_changed_is_sent_and_a_line_at_a_time(board, clock, display):
    show(display, clock, (0.5, 0.5, 0.5))
    board.i2c.written.clear()
    show(display, clock, (0.5, 0.5, 0.5), 1.0)
    assert board.i2c.written == [], "nothing changed"
    clock.move_to(clock.now() + 0.05)
    display.write((0.6, 0.5, 0.4))
    clock.move_to(clock.now() + 0.02)
    sent = [data for _, data in board.i2c.written]
    assert [data[1] for data in sent[:-1]] == [0x21, 84, 92, 0x22, 1, 1]
    assert len(sent[-1]) == 1 + 9
    assert sum(map(len, sent)) < 25
    display.write((0.6, 0.5, 0.4))
    assert len([data for _, data in board.i2c.written if data[0] == 0x40]) == 2, "the other bar came next"


def test_a_small_display_has_two_bars(board, clock, instrument):
    board.fit("display", SSD1306, {"height": 32})
    small = SSD1306(board.i2c, clock, AXES, instrument, height=32)
    show(small, clock, (0.5, 1.0, 1.0))
    assert line(board, 2)[:38] == drawn("y").ljust(38, b"\0")
    assert line(board, 3) == drawn("call-response").ljust(128, b"\0")
    assert not any(board.i2c.chips[0x3C].memory[4 * 128 :])


def test_values_outside_are_clipped(board, clock, display):
    show(display, clock, (7.0, -7.0, 0.5))
    assert line(board, 1)[40:] == b"\x7e" * 88
    assert 0x7E not in line(board, 2)[40:]


def test_closed_it_is_dark(board, clock, display):
    show(display, clock, (0.0, 0.5, 1.0))
    assert board.look("display") == (0.0, 0.5, 1.0)
    display.close()
    assert board.look("display") == ()


def test_a_display_that_is_gone_is_closed_too(board, clock, display):
    show(display, clock, (0.0, 0.5, 1.0))
    board.unplug("display")
    display.close()


def test_no_chip_is_a_sentence_with_its_address(board, clock, instrument):
    with pytest.raises(DeviceError, match=r"no SSD1306 answers at 0x3d .*check its cable.*i2cdetect"):
        SSD1306(board.i2c, clock, AXES, instrument, address=0x3D)


def test_a_pulled_cable_and_back(board, clock, display, instrument):
    show(display, clock, (0.5, 0.5, 0.5))
    board.unplug("display")
    with pytest.raises(DeviceError, match="no SSD1306 answers"):
        show(display, clock, (0.1, 0.1, 0.1))
    board.plug("display")
    again = SSD1306(board.i2c, clock, AXES, instrument)
    show(again, clock, (1.0, 0.1, 0.1))
    assert line(board, 1)[40:] == b"\x7e" * 88
