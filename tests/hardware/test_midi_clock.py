"""The beat, followed and given."""

import math
from itertools import pairwise

import pytest

from foretone_hardware.midi_clock import MIDIClock

CLOCK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"


@pytest.fixture
def rig(clock):
    """Makes a driver, and the list of what it sends."""

    def make(**settings):
        sent = []
        return MIDIClock(
            lambda message: sent.append((clock.now(), message)), clock, port="Drums", **settings
        ), sent

    return make


def phases(driver, messages):
    return [answer for message in messages if (answer := driver.receive(message, 0.0)) is not None]


def test_a_beat_is_heard_every_24_ticks(rig):
    driver, _ = rig()
    assert phases(driver, [START] + [CLOCK] * 97) == [(0.0,), (0.25,), (0.5,), (0.75,), (0.0,)]


def test_every_tick_in_a_bar_of_three(rig):
    driver, _ = rig(every="tick", beats=3)
    heard = phases(driver, [START] + [CLOCK] * 73)
    assert len(heard) == 73
    assert heard[1] == pytest.approx((1 / 72,))
    assert heard[72] == (0.0,)


def test_stop_lets_go_and_continue_goes_on_where_it_was(rig):
    driver, _ = rig(every="tick")
    assert phases(driver, [START, CLOCK, CLOCK, STOP]) == [(0.0,), pytest.approx((1 / 96,)), ()]
    assert phases(driver, [CLOCK, STOP]) == []
    assert phases(driver, [CONTINUE, CLOCK]) == [pytest.approx((2 / 96,))]
    assert phases(driver, [START, CLOCK]) == [(0.0,)]


def test_a_clock_that_ran_before_us_is_heard(rig):
    driver, _ = rig()
    assert phases(driver, [CLOCK]) == [(0.0,)]


def test_song_position(rig):
    driver, _ = rig()
    assert phases(driver, [STOP, b"\xf2\x04\x00", CONTINUE, CLOCK]) == [(0.25,)]


def test_wrong_bytes(rig):
    driver, _ = rig()
    assert phases(driver, [b"", b"\xf2", b"\xf2\x80\x00", b"\xf2\x00", b"\x00", b"\xb0\x01\x40"]) == []
    assert phases(driver, [CLOCK]) == [(0.0,)]


def test_a_pulled_cable_lets_go(rig):
    driver, _ = rig()
    assert driver.unplug(0.0) is None
    phases(driver, [START, CLOCK])
    assert driver.unplug(0.0) == ()


def run(driver, clock, seconds):
    end = clock.now() + seconds
    while driver.wake < end:
        clock.move_to(driver.wake)
        driver.tick(clock.now())
    clock.move_to(end)


def test_it_gives_the_tempo_while_something_plays(rig, clock):
    driver, sent = rig(tempo=100.0)
    assert driver.wake == math.inf
    driver.write([0.5])
    run(driver, clock, 60.0)
    assert [message for _, message in sent[:2]] == [START, CLOCK]
    assert sum(message == CLOCK for _, message in sent) == 2400
    gaps = {round(after - before, 9) for (before, _), (after, _) in pairwise(sent[1:])}
    assert gaps == {0.025}
    driver.rest()
    assert sent[-1][1] == STOP
    assert driver.wake == math.inf
    driver.rest()
    driver.close()
    assert sum(message == STOP for _, message in sent) == 1


def test_what_is_played_is_the_tempo(rig, clock):
    driver, sent = rig(follow=True, slow=60.0, fast=180.0)
    driver.write([0.0])
    run(driver, clock, 10.0)
    slow = len(sent)
    driver.write([1.0])
    run(driver, clock, 10.0)
    assert slow == pytest.approx(241, abs=1)
    assert len(sent) - slow == pytest.approx(720, abs=2)


def test_a_clock_that_was_kept_waiting_goes_on_and_does_not_hurry_after(rig, clock):
    driver, sent = rig(tempo=120.0)
    driver.write([0.0])
    run(driver, clock, 1.0)
    clock.move_to(clock.now() + 5.0)
    before = len(sent)
    run(driver, clock, 1.0)
    assert len(sent) - before == pytest.approx(49, abs=1)


def test_whoever_is_plugged_in_again_starts_again(rig, clock):
    driver, sent = rig()
    driver.write([0.0])
    run(driver, clock, 1.0)
    driver.unplug(clock.now())
    sent.clear()
    driver.plug(clock.now())
    run(driver, clock, 0.01)
    assert [message for _, message in sent] == [START, CLOCK]
