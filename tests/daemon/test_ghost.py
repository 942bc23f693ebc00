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
