"""The light on a pin."""

from itertools import pairwise

import pytest

from foretone_hardware.device import DeviceError
from foretone_hardware.pwmled import PWMLED


@pytest.fixture
def glow(board):
    board.fit("glow", PWMLED, {})
    light = PWMLED(board.pins)
    yield light
    light.close()


def test_it_opens_dark(board, glow):
    assert board.pins.pin(17).state == 0.0
    assert board.look("glow") == (0.0,)


@pytest.mark.parametrize(
    ("lightness", "duty"), [(0.0, 0.0), (0.05, 0.00554), (0.08, 0.00886), (0.5, 0.18419), (1.0, 1.0)]
)
def test_lightness_is_what_the_eye_sees(board, glow, lightness, duty):
    """CIE 1976: half as bright is 18 % of the light."""
    glow.write([lightness])
    assert board.pins.pin(17).state == pytest.approx(duty, abs=1e-5)
    assert board.look("glow") == pytest.approx((lightness,), abs=1e-4)


def test_the_curve_has_no_step(board, glow):
    seen = []
    for step in range(1001):
        glow.write([step / 1000])
        seen.append(board.pins.pin(17).state)
    steps = [b - a for a, b in pairwise(seen)]
    assert min(steps) > 0
    assert max(steps) < 0.003


def test_values_outside_are_clipped(board, glow):
    glow.write([3.0])
    assert board.pins.pin(17).state == 1.0
    glow.write([-1.0])
    assert board.pins.pin(17).state == 0.0


@pytest.mark.parametrize("leave", ["rest", "close"])
def test_rest_and_close_leave_no_light(board, glow, leave):
    glow.write([1.0])
    getattr(glow, leave)()
    assert board.look("glow") == (0.0,)


def test_a_light_to_the_supply_is_driven_low(board):
    board.fit("lamp", PWMLED, {"pin": 27, "active_high": False})
    lamp = PWMLED(board.pins, pin=27, active_high=False)
    lamp.write([1.0])
    assert board.pins.pin(27).state == 0.0
    assert board.look("lamp") == pytest.approx((1.0,))
    lamp.rest()
    assert board.pins.pin(27).state == 1.0
    lamp.close()
    lamp.close()


def test_a_taken_pin_is_a_sentence(board, glow):
    with pytest.raises(
        DeviceError, match=r"GPIO 17 cannot drive a light .*already in use.* choose a free pin"
    ):
        PWMLED(board.pins)


def test_pulled_off_it_is_not_seen(board, glow):
    glow.write([1.0])
    board.unplug("glow")
    assert board.look("glow") == ()
    board.plug("glow")
    assert board.look("glow") == pytest.approx((1.0,))
