"""The lever on an ADS1115, against the chip's registers."""

import subprocess
import sys

import pytest

from foretone_hardware.ads1115 import ADS1115, LOOK, Chip
from foretone_hardware.device import DeviceError
from foretone_hardware.fake.i2c import FakeI2C

FITTED = {"channel": 0, "low": 0.0, "high": 3.3}
STEADY = 4 * 0.0005


@pytest.fixture
def chip():
    return Chip()


def hold(chip, volts, channel=0):
    chip.wire({"channel": channel, "low": 0.0, "high": 1.0}, lambda: (volts,))


def convert(chip, config):
    chip.write(bytes([1, config >> 8, config & 0xFF]))
    chip.write(b"\x00")
    return int.from_bytes(chip.read(2), "big", signed=True)


# The model, against the data sheet's tables.


def test_power_on_registers(chip):
    values = []
    for register in range(4):
        chip.write(bytes([register]))
        values.append(chip.read(2).hex())
    assert values == ["0000", "8583", "8000", "7fff"]


@pytest.mark.parametrize(
    ("gain", "scale"), list(enumerate([6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256]))
)
def test_one_count_is_the_full_scale_over_32768(chip, gain, scale):
    hold(chip, 1000 * scale / 32768)
    assert convert(chip, 0xC183 & ~0x0E00 | gain << 9) == 1000


@pytest.mark.parametrize(
    ("volts", "code"), [(0.0, 0), (4.0959, 32767), (5.0, 32767), (-0.1, -800), (-5.0, -32768)]
)
def test_codes_are_signed_and_saturate(chip, volts, code):
    hold(chip, volts)
    assert convert(chip, 0xC383) == code


@pytest.mark.parametrize(
    ("mux", "volts"), [(0, -0.1), (1, -0.3), (2, -0.2), (3, -0.1), (4, 0.1), (5, 0.2), (6, 0.3), (7, 0.4)]
)
def test_mux_selects_one_input_or_a_difference(chip, mux, volts):
    for channel in range(4):
        hold(chip, (channel + 1) / 10, channel)
    assert convert(chip, 0x8383 | mux << 12) == pytest.approx(volts * 8000, abs=1)


def test_single_shot_measures_once_and_continuous_always(chip):
    hold(chip, 1.0)
    assert convert(chip, 0xC383) == 8000
    hold(chip, 2.0)
    assert int.from_bytes(chip.read(2), "big") == 8000
    chip.write(b"\x01\x42\x83\x00")
    chip.write(b"\x00")
    assert int.from_bytes(chip.read(2), "big") == 16000


def test_without_the_start_bit_nothing_is_converted(chip):
    hold(chip, 1.0)
    assert convert(chip, 0x4383) == 0


# The driver.


def test_it_measures_its_own_input_continuously_at_860_a_second(board):
    """MUX 101 is A1 against ground, PGA 001 is 4.096 V, MODE 0, DR 111, comparator off."""
    board.fit("lever", ADS1115, {"channel": 1})
    ADS1115(board.i2c, channel=1)
    configs = [data for address, data in board.i2c.written if address == 0x48 and data[:1] == b"\x01"]
    assert configs[-1] == b"\x01\x52\xe3"


def test_a_read_is_one_register_and_nothing_written(board):
    board.fit("lever", ADS1115, FITTED)
    lever = ADS1115(board.i2c)
    written, reads = len(board.i2c.written), board.i2c.reads
    for _ in range(10):
        lever.read()
    assert (len(board.i2c.written) - written, board.i2c.reads - reads) == (0, 10)


@pytest.mark.parametrize("position", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("channel", range(4))
def test_position_and_volts(board, channel, position):
    board.fit("lever", ADS1115, {"channel": channel})
    lever = ADS1115(board.i2c, channel=channel)
    board.hold("lever", [position])
    assert lever.read() == pytest.approx((position,), abs=STEADY)
    assert lever.raw == pytest.approx(3.3 * position, abs=3.3 * STEADY)


def test_sixteen_bits_of_resolution():
    """One count is 125 uV, 1/26400 of 3.3 V."""
    bus, chip = FakeI2C(), Chip()
    bus.chips[0x48] = chip
    hold(chip, 1.000125)
    lever = ADS1115(bus)
    assert lever.raw == pytest.approx(1.000125, abs=1e-9)


def test_travel_is_between_low_and_high_and_no_further(board):
    board.fit("lever", ADS1115, FITTED)
    lever = ADS1115(board.i2c, low=1.0, high=2.0)
    seen = []
    for volts in (0.5, 1.5, 2.5):
        board.hold("lever", [volts / 3.3])
        seen += lever.read()
    assert seen == pytest.approx([0.0, 0.5, 1.0], abs=4 * STEADY)
    assert (seen[0], seen[2]) == (0.0, 1.0)


def test_low_above_high_turns_it_round(board):
    board.fit("lever", ADS1115, FITTED)
    lever = ADS1115(board.i2c, low=3.3, high=0.0)
    board.hold("lever", [0.25])
    assert lever.read() == pytest.approx((0.75,), abs=STEADY)


def test_a_travel_of_nothing_is_refused(board):
    board.fit("lever", ADS1115, FITTED)
    with pytest.raises(ValueError, match="both ends"):
        ADS1115(board.i2c, low=1.0, high=1.0)


def test_two_levers_on_one_chip_each_get_their_own_input(board):
    board.fit("left", ADS1115, {"channel": 0})
    board.fit("right", ADS1115, {"channel": 3})
    left, right = ADS1115(board.i2c, channel=0), ADS1115(board.i2c, channel=3)
    board.hold("left", [0.2])
    board.hold("right", [0.9])
    for _ in range(3):
        assert left.read() == pytest.approx((0.2,), abs=STEADY)
        assert right.read() == pytest.approx((0.9,), abs=STEADY)


def test_the_lever_that_stays_is_continuous_again(board):
    board.fit("left", ADS1115, {"channel": 0})
    board.fit("right", ADS1115, {"channel": 3})
    left, right = ADS1115(board.i2c, channel=0), ADS1115(board.i2c, channel=3)
    left.read()
    right.close()
    board.hold("left", [0.4])
    assert left.read() == pytest.approx((0.4,), abs=STEADY)
    written = len(board.i2c.written)
    left.read()
    assert len(board.i2c.written) == written


def test_two_chips_at_two_addresses(board):
    board.fit("left", ADS1115, {"address": 0x48})
    board.fit("right", ADS1115, {"address": 0x4B})
    left, right = ADS1115(board.i2c), ADS1115(board.i2c, address=0x4B)
    board.hold("left", [0.1])
    board.hold("right", [0.8])
    assert left.read() + right.read() == pytest.approx((0.1, 0.8), abs=STEADY)


def test_no_chip_is_a_sentence_with_its_address(board):
    with pytest.raises(DeviceError, match=r"no ADS1115 answers at 0x49 .* check its cable.* ADDR"):
        ADS1115(board.i2c, address=0x49)


def test_a_pulled_cable_and_back(board):
    board.fit("lever", ADS1115, FITTED)
    lever = ADS1115(board.i2c)
    board.unplug("lever")
    with pytest.raises(DeviceError, match="no ADS1115 answers at 0x48"):
        lever.read()
    lever.close()
    with pytest.raises(DeviceError):
        ADS1115(board.i2c)
    board.plug("lever")
    board.hold("lever", [0.6])
    assert ADS1115(board.i2c).read() == pytest.approx((0.6,), abs=STEADY)


def test_a_lever_that_was_not_closed_finds_the_chip_again(board):
    """The chip lost its power, so it is set up from the beginning."""
    board.fit("lever", ADS1115, {"channel": 2})
    lever = ADS1115(board.i2c, channel=2)
    board.unplug("lever")
    with pytest.raises(DeviceError):
        lever.read()
    board.plug("lever")
    board.hold("lever", [0.3])
    assert lever.read() == pytest.approx((0.3,), abs=STEADY)


def test_closing_twice_or_without_a_chip_is_quiet(board):
    board.fit("lever", ADS1115, FITTED)
    lever = ADS1115(board.i2c)
    board.unplug("lever")
    lever.close()
    lever.close()


def test_the_driver_imports_no_board():
    """`board` looks for hardware; a lever must import on any machine."""
    code = "import sys, foretone_hardware.ads1115; sys.exit('board' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], check=False).returncode == 0


def test_a_conversion_that_never_ends_is_a_fault_and_not_a_hang(board):
    board.fit("lever", ADS1115, {})
    board.i2c.chips[0x48].stuck = True
    with pytest.raises(DeviceError, match="no ADS1115 answers"):
        ADS1115(board.i2c)


def test_a_chip_that_was_without_power_unnoticed_is_told_again(board):
    board.fit("lever", ADS1115, {})
    lever = ADS1115(board.i2c)
    board.hold("lever", [0.7])
    board.unplug("lever")
    board.plug("lever")
    board.i2c.chips[0x48].__dict__.update(_pointer=0, _registers=[0x0000, 0x8583, 0x8000, 0x7FFF])
    assert any(abs(lever.read()[0] - 0.7) < 0.01 for _ in range(LOOK + 1))
