"""The performer that is not there."""

from itertools import pairwise
from random import Random

from foretone.clock import HandClock
from foretone.sources.ghost import Ghost


def moves(seed, seconds=60.0, axes=("x",)):
    ghost = Ghost(axes, HandClock(5.0), Random(seed))
    return [ghost.at(5.0 + step / 100) for step in range(int(100 * seconds))]


def test_the_same_seed_moves_the_same_way_and_another_does_not():
    assert moves(1) == moves(1)
    assert moves(1) != moves(2)


def test_it_stays_on_the_lever_and_moves_as_a_hand_can():
    path = [position[0] for position in moves(3, 300)]
    assert all(0.0 <= place <= 1.0 for place in path)
    assert max(path) - min(path) > 0.7
    assert max(abs(b - a) for a, b in pairwise(path)) < 0.35


def test_it_leaves_silences_for_an_answer():
    path = [position[0] for position in moves(4, 300)]
    still, longest, silences = 0, 0, 0
    for a, b in pairwise(path):
        still = still + 1 if abs(a - b) < 1e-9 else 0
        longest = max(longest, still)
        silences += still == 100
    assert 100 < longest < 1500
    assert silences > 10


def test_each_axis_has_a_hand_of_its_own():
    path = moves(5, 60, ("x", "y"))
    assert any(abs(x - y) > 0.2 for x, y in path)


def test_a_finger_touches_in_phrases_and_is_lifted_in_silences():
    path = moves(6, 300, ("x", "y", "pressure"))
    pressures = [pressure for _, _, pressure in path]
    touches = sum(b > 0 >= a for a, b in pairwise(pressures))
    assert 20 < touches < 150
    assert 0.2 < sum(pressure == 0 for pressure in pressures) / len(pressures) < 0.8
    for (x, _, _), (to, _, pressure) in pairwise(path):
        assert pressure > 0 or abs(to - x) < 0.02, "it glides while it touches"


def test_of_many_knobs_one_or_two_are_turned_at_a_time():
    path = moves(7, 120, tuple(f"knob{n}" for n in range(1, 9)))
    turned = [{n for n in range(8) if a[n] != b[n]} for a, b in pairwise(path)]
    assert max(map(len, turned)) <= 4, "two, and two more in the moment when both hands move on"
    assert sum(len(knobs) > 2 for knobs in turned) < 0.01 * len(turned)
    assert set.union(*turned) == set(range(8))
