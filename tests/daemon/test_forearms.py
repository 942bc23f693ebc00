"""Two forearms, one reward."""

import itertools

import pytest

from foretone.clock import HandClock
from foretone.event import Event, Setting
from foretone.instrument import find, load
from foretone.players.forearms import Forearms
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard

STILL = (0.5, 0.5, 0.5)


@pytest.fixture
def arms():
    made = Forearms("arms")
    made.origins = ("left", "right")
    return made


def turned(arms, origin, degrees, rates=STILL):
    """The reward after that arm is heard there; up to half a turn either way."""
    [answer] = arms.hear(Event(1.0, origin, ((0.5 + degrees / 360) % 1.0, 0.5, 0.5, *rates)))
    assert (answer.time, answer.origin, len(answer.values)) == (1.0, "arms", 7)
    return answer.values


def test_both_palms_up_is_the_most_and_both_down_the_worst(arms):
    turned(arms, "left", 0)
    assert turned(arms, "right", 0)[0] == 0.5
    turned(arms, "left", -90)
    assert turned(arms, "right", 90)[0] == pytest.approx(1.0)
    turned(arms, "left", 90)
    assert turned(arms, "right", -90)[0] == pytest.approx(0.0)


def test_one_arm_is_half_of_it_and_no_sum_is_more_than_the_most(arms):
    turned(arms, "left", 0)
    turned(arms, "right", 0)
    assert turned(arms, "right", 45)[0] == pytest.approx(0.625)
    assert turned(arms, "right", 170)[0] == pytest.approx(0.5 + 170 / 360)
    turned(arms, "left", -170)
    assert turned(arms, "right", 170)[0] == 1.0


def test_without_mirror_both_turn_the_same_way(arms):
    arms.mirror = False
    turned(arms, "left", 0)
    turned(arms, "right", 0)
    turned(arms, "left", 45)
    assert turned(arms, "right", 45)[0] == pytest.approx(0.75)


def test_a_span_that_is_turned_while_playing(arms):
    turned(arms, "right", 0)
    arms.span = 45.0
    assert turned(arms, "right", 45)[0] == pytest.approx(0.75)


def test_a_ring_may_sit_any_way_round_and_be_moved(arms):
    """Neutral is where each was first heard, across the end of the scale too."""
    assert turned(arms, "right", 170)[0] == 0.5
    assert turned(arms, "right", 190)[0] == pytest.approx(0.5 + 20 / 360)
    arms.neutral = True
    assert turned(arms, "right", 190)[0] == 0.5
    assert arms.neutral is False


def test_neutral_before_anything_was_heard_is_the_first_that_is(arms):
    arms.neutral = True
    assert turned(arms, "left", 60)[0] == 0.5


def test_the_rates_go_straight_through_to_their_own_arm(arms):
    turned(arms, "left", 0, (0.1, 0.2, 0.3))
    assert turned(arms, "right", 0, (0.7, 0.8, 0.9))[1:] == (0.1, 0.2, 0.3, 0.7, 0.8, 0.9)


def test_it_lets_go_once_and_only_of_what_it_held(arms):
    assert arms.rest(1.0) == ()
    turned(arms, "left", 0)
    assert arms.rest(2.0) == (Event(2.0, "arms", ()),)
    assert arms.rest(3.0) == ()
    assert arms.hear(Event(4.0, "left", ())) == ()


def test_a_third_arm_is_a_sentence(arms):
    arms.origins = ("left", "right", "tail")
    with pytest.raises(ValueError, match="two arms, left and right; take tail out"):
        turned(arms, "tail", 0)


@pytest.fixture
def stage(free_port):
    changes = [f"remote.port={free_port()}", f"patch.port={free_port()}"]
    clock = HandClock()
    made = Stage(load(find("arms"), changes), FakeBoard(clock, seed=1), clock)
    played = []
    made.conductor.listeners.append(played.append)
    made.open(threads=False)
    yield made, played
    made.close()


def hold(stage, name, roll):
    stage.board.hold(name, [roll, 0.5, 0.5, *STILL])


def test_two_arms_that_turn_outwards_light_the_lamp(stage):
    stage, played = stage
    stage.run_until(5.0)
    hold(stage, "left", 0.25)
    hold(stage, "right", 0.75)
    stage.run_until(8.0)
    rewards = [event.values[0] for event in played if event.origin == "arms"]
    assert rewards[-1] == pytest.approx(1.0, abs=0.02)
    assert all(b >= a - 0.01 for a, b in itertools.pairwise(rewards[-50:]))
    assert stage.board.look("light")[0] == pytest.approx(rewards[-1], abs=0.02)
    stage.conductor.step(Setting("arms", "neutral", 1.0))
    hold(stage, "right", 0.76)
    stage.run_until(10.0)
    assert [event.values[0] for event in played if event.origin == "arms"][-1] < 0.6


def test_one_arm_unplugged_leaves_the_other_playing(stage):
    stage, played = stage
    stage.run_until(1.0)
    stage.board.unplug("left")
    hold(stage, "right", 0.75)
    stage.run_until(3.0)
    assert any("0x6a" in fault for fault in stage.faults())
    assert [event.values[0] for event in played if event.origin == "arms"][-1] == pytest.approx(
        0.75, abs=0.02
    )
    stage.board.plug("left")
    stage.run_until(6.0)
    assert stage.faults() == []
