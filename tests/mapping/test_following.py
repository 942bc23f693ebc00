"""Gestures followed while they are made: which one, how far, how fast; and what is none of them."""

import random
import time

import numpy as np
import pytest
from tests.mapping.recordings import grt_series, needed
from tests.mapping.test_gestures import circle, make_gesture, stroke

from foretone import gestures
from foretone.errors import SessionError
from foretone.follower import Follower
from foretone_training import warping

OUTPUTS = {
    "which": {"learn": "class-follow", "classes": 2},
    "far": {"learn": "phase"},
    "fast": {"learn": "speed"},
}

GESTURES = ((1, circle()), (2, stroke()))
CHANCE = random.Random(3)


def taught(make, output, **more):
    """Two gestures, two takes of each."""
    teach = make(outputs=list(output), output=output, **more)
    for number, path in (*GESTURES, *GESTURES):
        show(teach, number, path)
    teach.do("train")
    teach.player.fade = 0.0
    teach.do("run")
    teach.move_on(2.0)
    return teach


def show(teach, number, path):
    """One take of a gesture."""
    teach.move_on(1.0)
    teach.do("gesture", number)
    make_gesture(teach, path, 0.006, CHANCE)
    teach.do("stop")


def made(teach, path):
    """The outputs while a gesture is made, [frames, outputs]."""
    begin = len(teach.events)
    make_gesture(teach, path, 0.004, CHANCE)
    return np.array(teach.played[begin:])


@pytest.mark.parametrize("seconds", [0.6, 1.0, 1.8])
def test_which_how_far_and_how_fast(make, seconds):
    teach = taught(make, OUTPUTS)
    for number, path in ((1, circle(seconds)), (2, stroke(seconds))):
        played = made(teach, path)
        late = len(played) // 3
        assert played[late:-2, 0] == pytest.approx(number / 2)
        assert played[late:, 1] == pytest.approx(np.linspace(0, 1, len(played))[late:], abs=0.12)
        assert np.median(played[late:, 2]) == pytest.approx(min(0.5 / seconds, 1.0), rel=0.2)
        teach.move_on(2.0)


def test_a_hand_that_waits_stays_where_it_is(make):
    teach = taught(make, OUTPUTS)
    far = made(teach, circle()[:25])[-1][1]
    begin = len(teach.events)
    teach.move_on(0.9)
    waited = np.array(teach.played[begin:])
    assert waited[:, 1] == pytest.approx(far, abs=0.06)
    assert waited[-1][2] < 0.1
    assert made(teach, circle()[25:])[-1][1] > 0.9


def test_each_gesture_may_have_an_output_of_its_own(make):
    teach = taught(make, {"round": {"learn": "follow"}, "stroke": {"learn": "follow"}})
    half = made(teach, circle())[20:45]
    assert half[:, 0].min() > 0.7
    assert half[:, 1].max() < 0.2


def test_what_was_never_shown_is_none_of_them(make):
    teach = taught(make, OUTPUTS)
    across = [(0.9 - 0.8 * t, 0.1 + 0.8 * t) for t in np.linspace(0, 1, 60)]
    square = [(0.1, 0.9 - 0.8 * t) for t in np.linspace(0, 1, 60)]
    played = made(teach, [*across, *square, *across, *square])
    assert (played[:, 0] == 0.0).mean() > 0.95
    assert played[:, 1:].min() >= 0.0
    assert played[:, 1:].max() <= 1.0


def test_spotted_and_followed_side_by_side_and_beside_a_number(make):
    output = {"near": {"learn": "dtw"}, "far": {"learn": "phase"}, "plain": {"learn": "linear"}}
    teach = make(outputs=list(output), output=output, fade=0.0)
    teach.show((0.1, 0.1), (0, 0, 0.3))
    teach.show((0.9, 0.9), (0, 0, 0.8))
    for seconds in (0.9, 1.0, 1.1):
        show(teach, 1, circle(seconds))
    teach.do("train")
    teach.do("run")
    assert len({output.model for output in teach.project.outputs}) == 3
    played = made(teach, circle())
    assert played[-3:, 0].min() < 0.5
    assert played[-1, 1] > 0.9
    assert np.ptp(played[:, 2]) > 0.1
    with pytest.raises(SessionError, match="gesture 2 was never made"):
        teach.do("output", 2, "classes", 2)
        teach.do("train")


def test_the_same_movement_is_followed_with_the_same_bits(make, tmp_path):
    teach = taught(make, OUTPUTS)
    path = tmp_path / f"{teach.project.outputs[1].model}.json"
    first, again = Follower(gestures.read(path)), Follower(gestures.read(path))
    for x in circle(1.3):
        first.hear(x)
        again.hear(x)
        assert (first.chances, first.phase, first.speed) == (again.chances, again.phase, again.speed)


def test_far_away_and_back_again(make):
    """However far the hand goes, it is followed again when it comes back."""
    teach = taught(make, OUTPUTS)
    follower = teach.player.voice.open[teach.project.outputs[0].model]
    for x in ((1e6, -1e6), (1e300, 0.0), (0.0, 0.0)):
        follower.hear(x)
        assert max(follower.chances) < 0.1
    for x in circle():
        follower.hear(x)
    assert follower.chances[0] > 0.3
    assert follower.phase > 0.9


@needed
@pytest.mark.parametrize("name", ["grt_mouse_letters_GRT.grt", "grt_hmm_2d_gestures.grt"])
def test_real_gestures_are_known_halfway_and_followed(name):
    """Every second drawing of a mouse is learned, the others are followed, at three speeds."""
    takes = grt_series(name)
    learned, _ = warping.fit(("x", "y"), takes[::2], max(kind for kind, _ in takes))
    follower, halfway, missed = Follower(warping.few(learned)), [], []
    for kind, frames in takes[1::2]:
        for speed in (0.6, 1.0, 1.7):
            follower.forget()
            path = warping.sampled(frames / [speed, 1.0, 1.0], learned.step)
            for number, x in enumerate(path):
                follower.hear(x)
                missed.append(abs(follower.phase - number / (len(path) - 1)))
                if number == len(path) // 2:
                    halfway.append(int(np.argmax(follower.chances)) + 1 == kind)
    assert np.mean(halfway) >= 0.98
    assert np.median(missed) < 0.06


def test_a_step_is_quick():
    """As many templates as are ever followed, of forty points."""
    noise = np.random.default_rng(1)
    templates = tuple(noise.normal(size=(40, 6)) for _ in range(warping.FOLLOWED))
    follower = Follower(
        gestures.Gestures(tuple("abcdef"), 0.02, np.ones(6), (1,) * len(templates), templates, (0.3,), 0.2)
    )
    times = []
    for row in noise.normal(size=(300, 6)):
        begin = time.perf_counter()
        follower.hear(row)
        times.append(time.perf_counter() - begin)
    assert np.median(times) < 0.002
