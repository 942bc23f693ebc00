"""Poses and rates as six numbers in 0..1, and the fusion that keeps a pose."""

import math

import pytest

from foretone_hardware.imu import Fusion, scaled

STILL = (0.0, 0.0, 0.0)


def about(axis, degrees):
    """The unit quaternion (w, x, y, z) of a turn about x, y or z."""
    half = math.radians(degrees) / 2
    return (math.cos(half), *(math.sin(half) * (place == "xyz".index(axis)) for place in range(3)))


@pytest.mark.parametrize(
    ("axis", "degrees", "place", "value"),
    [
        ("x", 0, 0, 0.5), ("x", 90, 0, 0.75), ("x", -90, 0, 0.25), ("x", 179.9, 0, 0.99972),
        ("y", 45, 1, 0.75), ("y", 90, 1, 1.0), ("y", -90, 1, 0.0),
        ("z", 90, 2, 0.75), ("z", -179.9, 2, 0.00028),
    ],
)  # fmt: skip
def test_angles(axis, degrees, place, value):
    axes = scaled(about(axis, degrees), STILL, 1000)
    assert axes[place] == pytest.approx(value, abs=1e-4)
    assert axes[3:] == (0.5, 0.5, 0.5)


def test_the_same_pose_with_the_other_sign():
    assert scaled([-part for part in about("x", 30)], STILL, 1000) == pytest.approx(
        scaled(about("x", 30), STILL, 1000)
    )


def test_rates_are_held_at_both_ends():
    assert scaled(about("x", 0), (500, -1000, 3000), 1000)[3:] == (0.75, 0.0, 1.0)


def run(fusion, seconds, force, rates, start=0.0):
    for step in range(round(100 * seconds)):
        axes = fusion.update(start + (step + 1) / 100, force, rates)
    return axes


def test_gravity_says_which_way_is_down():
    half = math.sqrt(0.5)
    assert run(Fusion(1000), 5, (0.0, half, half), STILL)[:2] == pytest.approx((0.625, 0.5), abs=0.002)
    assert run(Fusion(1000), 5, (-half, 0.0, half), STILL)[:2] == pytest.approx((0.5, 0.75), abs=0.002)


@pytest.mark.parametrize(("roll", "pitch"), [(0, 0), (60, 0), (-120, 0), (0, 50), (170, -40), (30, 80)])
def test_the_first_reading_has_the_pose_already(roll, pitch):
    """Whoever takes it for neutral need not wait."""
    up = (
        -math.sin(math.radians(pitch)),
        math.sin(math.radians(roll)) * math.cos(math.radians(pitch)),
        math.cos(math.radians(roll)) * math.cos(math.radians(pitch)),
    )
    axes = Fusion(1000).update(0.0, up, STILL)
    assert axes[:3] == pytest.approx((0.5 + roll / 360, 0.5 + pitch / 180, 0.5), abs=0.001)


def test_turning_is_added_up_over_the_time_it_took():
    fusion = Fusion(1000)
    run(fusion, 5, (0.0, 0.0, 1.0), STILL)
    axes = run(fusion, 0.5, (0.0, 0.0, 1.0), (0.0, 0.0, 90.0), start=5.0)
    assert axes[2] == pytest.approx(0.5 + 45 / 360, abs=0.005)
    assert axes[5] == pytest.approx(0.545)


def test_a_bias_is_learned_at_rest_and_yaw_stays_where_it_is():
    fusion = Fusion(1000)
    run(fusion, 15, (0.0, 0.0, 1.0), (0.8, -0.5, 0.6))
    before = run(fusion, 0.01, (0.0, 0.0, 1.0), (0.8, -0.5, 0.6), start=15.0)
    after = run(fusion, 30, (0.0, 0.0, 1.0), (0.8, -0.5, 0.6), start=15.01)
    assert after[3:] == pytest.approx((0.5, 0.5, 0.5), abs=1e-4)
    assert abs(after[2] - before[2]) * 360 < 2.0, "with its bias it would be 18"


def test_a_shake_does_not_tilt_it():
    fusion = Fusion(1000)
    run(fusion, 5, (0.0, 0.0, 1.0), STILL)
    axes = run(fusion, 0.3, (2.0, 1.0, 1.0), STILL, start=5.0)
    assert axes[:2] == pytest.approx((0.5, 0.5), abs=0.01)
