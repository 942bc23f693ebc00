"""The servo on a PCA9685, against the chip's registers."""

import pytest

from foretone_hardware.ads1115 import ADS1115
from foretone_hardware.device import DeviceError
from foretone_hardware.pca9685 import PCA9685
from foretone_hardware.pulses import COUNT, Chip, Pulses

FAST = {"speed": 50.0}


@pytest.fixture
def arm(board, clock):
    """A slow one: a whole travel in a second, so 0.02 of it in a frame."""
    board.fit("arm", PCA9685, {})
    return PCA9685(board.i2c, clock, speed=1.0)


def pulse(board, channel=0, address=0x40):
    return board.i2c.chips[address].pulse(channel)


def sent(board, channel=0, low=600.0, high=2400.0):
    """Where its pulse sends the servo, 0..1; empty without one."""
    width = pulse(board, channel)
    return () if width == 0.0 else ((width - low) / (high - low),)


def move(board, clock, arm, values, seconds):
    """Write the same values again every frame, as the bus thread does; where it was sent after each."""
    path = []
    for _ in range(round(seconds / 0.02)):
        arm.write(values)
        path += sent(board)
        clock.move_to(clock.now() + 0.02)
    return path


# The model, against the data sheet.


def test_power_on_registers(clock):
    chip = Chip(clock)
    chip.write(b"\x00")
    assert chip.read(1) == b"\x11"
    chip.write(b"\xfe")
    assert chip.read(1) == b"\x1e"
    assert [chip.pulse(channel) for channel in range(16)] == [0.0] * 16


def test_prescale_is_written_in_sleep_only(clock):
    chip = Chip(clock)
    chip.write(b"\x00\x00")
    chip.write(b"\xfe\x79")
    assert chip.read(1) == b"\x1e"
    chip.write(b"\x00\x10")
    chip.write(b"\xfe\x79")
    assert chip.read(1) == b"\x79"


def test_auto_increment_is_a_choice(clock):
    chip = Chip(clock)
    chip.write(b"\x00\x01")
    chip.write(b"\x06\x01\x02")
    assert chip.read(2) == b"\x02\x02"
    chip.write(b"\x00\x21")
    chip.write(b"\x06\x01\x02\x03\x04")
    chip.write(b"\x06")
    assert chip.read(4) == b"\x01\x02\x03\x04"


@pytest.mark.parametrize(
    ("registers", "counts"),
    [
        (b"\x00\x00\x33\x01", 0x133),  # on at 0, off at 0x133
        (b"\x00\x0f\x00\x01", 0x200),  # the pulse runs over the end of the period
        (b"\x00\x10\x00\x00", 4096),  # always on
        (b"\x00\x10\x00\x10", 0),  # always off wins
    ],
)
def test_pulse_width(clock, registers, counts):
    chip = Chip(clock)
    chip.write(b"\x00\x20")
    chip.write(b"\x0a" + registers)
    assert chip.pulse(1) == pytest.approx(counts * 0x1F / 25.0)


def test_sleep_stops_the_pulses_until_restart(clock):
    chip = Chip(clock)
    chip.write(b"\x00\x20")
    chip.write(b"\x06\x00\x00\x00\x01")
    running = chip.pulse(0)
    chip.write(b"\x00\x30")
    chip.write(b"\x00\x20")
    assert chip.pulse(0) == 0.0
    chip.write(b"\x00")
    assert chip.read(1) == b"\xa0"
    chip.write(b"\x00\xa0")
    assert chip.pulse(0) == running
    chip.write(b"\x00")
    assert chip.read(1) == b"\x20"


# The driver.


def test_it_opens_at_fifty_hertz_with_no_pulse(board, arm):
    registers = board.i2c.chips[0x40]
    registers.write(b"\xfe")
    assert registers.read(1) == bytes([121])
    assert pulse(board) == 0.0
    assert sent(board) == ()


def test_a_position_is_one_write_of_four_registers(board, clock):
    """1500 us is count 307, 0x133, of 4.88 us: ON 0, OFF 0x133 on channel 3."""
    board.fit("arm", PCA9685, {"channel": 3})
    arm = PCA9685(board.i2c, clock, channel=3)
    board.i2c.written.clear()
    arm.write([0.5])
    assert board.i2c.written == [(0x40, b"\x12\x00\x00\x33\x01")]


@pytest.mark.parametrize("position", [0.0, 0.1, 0.25, 0.5, 0.777, 1.0])
@pytest.mark.parametrize(("low", "high"), [(600.0, 2400.0), (1000.0, 2000.0), (2400.0, 600.0)])
def test_pulse_is_within_half_a_count_and_never_past_the_limits(board, clock, low, high, position):
    board.fit("arm", PCA9685, {"low_pulse": low, "high_pulse": high})
    arm = PCA9685(board.i2c, clock, low_pulse=low, high_pulse=high)
    arm.write([position])
    assert pulse(board) == pytest.approx(low + position * (high - low), abs=COUNT)
    assert min(low, high) <= pulse(board) <= max(low, high)
    assert sent(board, 0, low, high) == pytest.approx((position,), abs=0.006)


def test_every_count_is_reached_and_the_motion_is_even(board, clock):
    """The library rounds down; without care for that, some counts are left out."""
    board.fit("arm", PCA9685, {})
    arm = PCA9685(board.i2c, clock, **FAST)
    pulses = []
    for step in range(4001):
        clock.move_to(clock.now() + 1.0)
        arm.write([step / 4000])
        pulses.append(pulse(board))
    counts = sorted({round(width / COUNT) for width in pulses})
    assert pulses == sorted(pulses)
    assert counts == list(range(123, 492))
    assert arm.writes == 1 + len(counts)


def test_values_outside_are_clipped(board, arm):
    arm.write([7.0])
    assert sent(board) == pytest.approx((1.0,), abs=0.003)


def test_the_first_move_goes_straight_there(board, arm):
    arm.write([1.0])
    assert arm.settled
    assert sent(board) == pytest.approx((1.0,), abs=0.003)


def test_later_moves_take_their_time(board, clock, arm):
    """At one travel a second, 0.5 of the travel is 25 frames of 20 ms, in equal steps."""
    arm.write([0.0])
    clock.move_to(clock.now() + 3.0)
    path = move(board, clock, arm, [0.5], 0.6)
    assert path[0] == pytest.approx(0.02, abs=0.003)
    assert path[24] == pytest.approx(0.5, abs=0.003)
    assert path[23] < path[24] == path[-1]
    assert max(b - a for a, b in zip([0.0, *path], path, strict=False)) <= 0.02 + 0.003
    assert arm.settled


def test_settled_is_false_on_the_way(board, clock, arm):
    arm.write([0.0])
    clock.move_to(clock.now() + 0.02)
    arm.write([0.03])
    assert not arm.settled
    clock.move_to(clock.now() + 0.02)
    arm.write([0.03])
    assert arm.settled


def test_a_stream_of_small_targets_is_not_faster_than_the_limit(board, clock, arm):
    """Settling often must not win time: 1000 targets a second, 0.01 apart, still move one travel a second."""
    arm.write([0.0])
    for step in range(1, 101):
        clock.move_to(clock.now() + 0.001)
        arm.write([step / 100])
    assert sent(board)[0] == pytest.approx(0.1, abs=0.005)


def test_speed_is_live(board, clock, arm):
    arm.write([0.0])
    arm.speed = 50.0
    clock.move_to(clock.now() + 0.03)
    arm.write([1.0])
    assert arm.settled


def test_after_a_rest_it_starts_where_it_was(board, clock, arm):
    arm.write([0.2])
    arm.rest()
    clock.move_to(clock.now() + 10.0)
    arm.write([0.8])
    assert sent(board) == pytest.approx((0.22,), abs=0.003)


def test_the_same_pulse_is_not_written_twice(board, clock, arm):
    arm.write([0.5])
    written, writes = len(board.i2c.written), arm.writes
    for _ in range(5):
        clock.move_to(clock.now() + 0.02)
        arm.write([0.4995])
    assert (len(board.i2c.written), arm.writes) == (written, writes)


def test_it_asks_once_a_second_whether_the_chip_lost_its_power(board, clock, arm):
    reads = board.i2c.reads
    for _ in range(150):  # 3 s of frames
        clock.move_to(clock.now() + 0.02)
        arm.write([0.5])
    assert board.i2c.reads - reads in (2, 3)


@pytest.mark.parametrize("leave", ["rest", "close"])
def test_rest_and_close_leave_no_pulse(board, arm, leave):
    arm.write([0.5])
    getattr(arm, leave)()
    assert pulse(board) == 0.0
    assert sent(board) == ()
    assert arm.settled


def test_two_servos_share_a_chip_undisturbed(board, clock, arm):
    arm.write([0.5])
    before = pulse(board)
    board.i2c.written.clear()
    board.fit("head", PCA9685, {"channel": 15})
    head = PCA9685(board.i2c, clock, channel=15)
    head.write([0.25])
    assert pulse(board) == before
    assert not [data for _, data in board.i2c.written if data[0] == 0 and len(data) > 1], "MODE1 was written"
    head.close()
    assert pulse(board) == before
    assert pulse(board, 15) == 0.0


def test_one_channel_has_one_servo(board, clock, arm):
    with pytest.raises(DeviceError, match="channel 0 of the PCA9685 at 0x40 already moves another servo"):
        PCA9685(board.i2c, clock)
    arm.close()
    successor = PCA9685(board.i2c, clock)
    successor.write([0.5])
    arm.close()
    assert sent(board) == pytest.approx((0.5,), abs=0.003), "a second close() let go of another's servo"


def test_no_chip_is_a_sentence_with_its_address(board, clock):
    with pytest.raises(DeviceError, match=r"no PCA9685 answers at 0x41 .*VCC"):
        PCA9685(board.i2c, clock, address=0x41)
    board.fit("arm", PCA9685, {"address": 0x41})
    PCA9685(board.i2c, clock, address=0x41).close()


def test_a_pulled_cable_and_back(board, clock, arm):
    """Both servos on the chip move again, though only one is made anew."""
    board.fit("head", PCA9685, {"channel": 1})
    head = PCA9685(board.i2c, clock, channel=1, **FAST)
    head.write([0.5])
    arm.write([0.5])
    board.unplug("arm")
    assert board.look("head") == ()
    clock.move_to(clock.now() + 0.02)
    with pytest.raises(DeviceError, match="no PCA9685 answers"):
        arm.write([0.9])
    arm.close()
    board.plug("arm")
    arm = PCA9685(board.i2c, clock)
    arm.write([0.9])
    head.write([0.5])
    assert sent(board) + sent(board, 1) == pytest.approx((0.9, 0.5), abs=0.003)


@pytest.mark.parametrize("rested", [False, True])
def test_a_cable_that_nobody_missed(board, clock, arm, rested):
    """No write failed, but the chip had no power and sleeps: the next write wakes it."""
    arm.write([0.5])
    if rested:
        arm.rest()
    board.unplug("arm")
    board.plug("arm")
    clock.move_to(clock.now() + 60.0)
    arm.write([0.5])
    assert sent(board) == pytest.approx((0.5,), abs=0.003)


def test_limits_that_meet_are_refused(board, clock):
    board.fit("arm", PCA9685, {})
    with pytest.raises(ValueError, match="no way between"):
        PCA9685(board.i2c, clock, low_pulse=1500.0, high_pulse=1500.0)


def test_lever_and_servo_live_on_one_bus(board, clock, arm):
    board.fit("lever", ADS1115, {})
    lever = ADS1115(board.i2c)
    board.hold("lever", [0.7])
    arm.write(lever.read())
    assert sent(board) == pytest.approx((0.7,), abs=0.006)


def test_one_bad_moment_at_closing_leaves_no_servo_driven(board, arm):
    arm.write([0.8])
    chip, failures = board.i2c.chips[0x40], [OSError(5, "noise")]
    write = chip.write
    chip.write = lambda data: _raise(failures) or write(data)
    arm.close()
    assert not failures
    assert pulse(board) == 0.0


def _raise(failures):
    if failures:
        raise failures.pop()


def test_a_servo_that_somebody_left_driven_is_let_go(board, arm, clock):
    """As after a kill: another process drove channel 3, and nobody closed it."""
    board.fit("other", PCA9685, {"channel": 3})
    other = PCA9685(board.i2c, clock, channel=3)
    other.write([0.5])
    assert pulse(board, 3) > 0
    Pulses(board.i2c, 0x40)._open()
    assert pulse(board, 3) == 0.0


def test_the_address_at_which_all_answer_is_refused(board, clock):
    with pytest.raises(ValueError, match="every PCA9685 answers at 0x70"):
        PCA9685(board.i2c, clock, address=0x70)


def test_an_order_within_the_dead_band_is_none(board, clock):
    board.fit("arm", PCA9685, {})
    arm = PCA9685(board.i2c, clock, deadband=0.02, **FAST)
    arm.write([0.5])
    for place, stands in ((0.515, 0.5), (0.53, 0.53), (0.515, 0.53), (0.5, 0.5)):
        clock.move_to(clock.now() + 1.0)
        arm.write([place])
        assert sent(board) == pytest.approx((stands,), abs=0.003)


def test_within_the_dead_band_a_servo_that_rested_is_held_where_it_stood(board, clock):
    board.fit("arm", PCA9685, {})
    arm = PCA9685(board.i2c, clock, deadband=0.02)
    arm.write([0.5])
    arm.rest()
    arm.write([0.51])
    assert sent(board) == pytest.approx((0.5,), abs=0.003)


def test_parking_goes_there_and_gives_the_horn_time(board, clock):
    board.fit("arm", PCA9685, {})
    arm = PCA9685(board.i2c, clock, speed=4.0, park=0.0)
    arm.write([0.8])
    clock.move_to(clock.now() + 1.0)
    arm.rest()
    began = clock.now()
    arm.park()
    while not arm.settled:
        clock.move_to(clock.now() + 0.02)
        arm.park()
    assert 0.2 + 0.25 <= clock.now() - began < 0.6
    assert board.look("arm") == pytest.approx((0.0,), abs=0.01)
    arm.close()
    assert sent(board) == ()


def test_what_was_never_moved_or_has_no_place_is_not_parked(board, clock, arm):
    arm.park()
    assert sent(board) == ()
    arm.write([0.5])
    arm.rest()
    arm.park()
    assert sent(board) == ()
    board.fit("head", PCA9685, {"channel": 1})
    PCA9685(board.i2c, clock, channel=1, park=0.5).park()
    assert sent(board, 1) == ()


# The horn.


def test_the_horn_is_slower_than_its_pulse(board, clock, arm):
    """60 degrees of 180 take 0.1 s, and inertia its share; from 0.5 to 1 it is 81 degrees."""
    board.look("arm")
    arm.write([1.0])
    path = []
    for _ in range(50):
        clock.move_to(clock.now() + 0.01)
        path += board.look("arm")
    assert path == sorted(path)
    assert path[0] < 0.55
    assert path[11] < 0.97 < path[24]
    assert path[-1] == pytest.approx(1.0, abs=0.003)


def test_a_limp_horn_stays_where_it_is(board, clock, arm):
    arm.write([1.0])
    clock.move_to(clock.now() + 0.06)
    on_its_way = board.look("arm")[0]
    assert 0.55 < on_its_way < 0.95
    arm.rest()
    assert board.look("arm") == ()
    clock.move_to(clock.now() + 5.0)
    arm.write([1.0])
    assert board.look("arm")[0] == pytest.approx(on_its_way, abs=0.01)
