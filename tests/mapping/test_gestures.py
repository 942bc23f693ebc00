"""Gestures over time: learned from a few takes, and found in a stream while the hand goes on."""

import hashlib
import json
import math
import random
import time

import numpy as np
import pytest
from tests.mapping.recordings import grt_series, needed

from foretone import gestures, spotter
from foretone.errors import MissingModelError, ModelError, SessionError, SettingError
from foretone_training import warping


def circle(seconds=1.0, way=1.0):
    """A round of a hand in the air."""
    return [(0.5 + 0.3 * math.sin(way * 6.283 * t), 0.5 + 0.3 * math.cos(6.283 * t)) for t in ramp(seconds)]


def stroke(seconds=1.0):
    """To the right and back."""
    return [(0.2 + 0.6 * math.sin(3.1416 * t), 0.2) for t in ramp(seconds)]


def ramp(seconds):
    return np.linspace(0.0, 1.0, max(int(50 * seconds), 2)).tolist()


def make_gesture(teach, path, slip=0.0, chance=None):
    chance = chance or random.Random(1)
    for x, y in path:
        teach.hear(x + chance.gauss(0, slip), y + chance.gauss(0, slip))


def taught(make, **more):
    """Two gestures, three takes of each, of different speeds."""
    teach = make(
        outputs=["round", "stroke"], output={name: {"learn": "dtw"} for name in ("round", "stroke")}, **more
    )
    for seconds in (0.8, 1.0, 1.3):
        for number, path in ((1, circle(seconds)), (2, stroke(seconds))):
            teach.move_on(1.0)
            teach.do("gesture", number)
            make_gesture(teach, path, 0.005)
            teach.do("stop")
    teach.do("train")
    teach.do("run")
    return teach


def test_gestures_are_found_in_a_stream_whatever_their_speed(make):
    teach, found = taught(make), []
    teach.player.watchers.append(found.append)
    chance = random.Random(4)
    for number, seconds in ((1, 1.0), (2, 0.9), (2, 1.5), (1, 0.7), (1, 1.4), (2, 0.7)):
        make_gesture(teach, circle(seconds) if number == 1 else stroke(seconds), 0.008, chance)
        x, y = teach.player.x
        for _ in range(60):
            x, y = (min(max(value + chance.gauss(0, 0.01), 0.0), 1.0) for value in (x, y))
            teach.hear(x, y)
    assert [news["gesture"] for news in found] == ["round", "stroke", "stroke", "round", "round", "stroke"]


def test_what_is_no_gesture_is_not_found(make):
    teach, found = taught(make), []
    teach.player.watchers.append(found.append)
    steps = np.random.default_rng(2).normal(size=(1500, 2)).cumsum(axis=0) * 0.02
    for x, y in (0.5 + 0.4 * np.sin(steps)).tolist():
        teach.hear(x, y)
    assert len(found) <= 1


def test_the_outputs_play_how_far_each_gesture_is(make):
    teach = taught(make)
    teach.move_on(2.0)
    make_gesture(teach, circle())
    nearest = [min(values) for values in zip(*teach.played[-5:], strict=True)]
    assert nearest[0] < 0.5 < nearest[1]


def test_one_output_plays_the_number_of_the_gesture_for_a_moment(make):
    teach = make(outputs=["kind"], output={"kind": {"learn": "class-dtw", "classes": 2}})
    for number, path in ((1, circle()), (2, stroke()), (1, circle(1.2)), (2, stroke(1.2))):
        teach.move_on(1.0)
        teach.do("gesture", number)
        make_gesture(teach, path)
        teach.do("stop")
    teach.do("train")
    teach.do("run")
    teach.move_on(2.0)
    begin = len(teach.events)
    make_gesture(teach, stroke())
    teach.move_on(1.0)
    shown = [round(values[0], 3) for values in teach.played[begin:]]
    assert set(shown) == {0.0, 1.0}
    assert shown[0] == shown[-1] == 0.0


def test_a_gesture_without_a_take_is_missed(make):
    teach = make(outputs=["kind"], output={"kind": {"learn": "class-dtw", "classes": 2}})
    teach.do("gesture", 1)
    make_gesture(teach, circle())
    teach.do("stop")
    with pytest.raises(SessionError, match="gesture 2 was never made"):
        teach.do("train")
    with pytest.raises(SettingError, match="there is no gesture 3; there are 2"):
        teach.do("gesture", 3)


def test_a_file_of_gestures_that_is_damaged_is_refused(make, tmp_path):
    teach = taught(make)
    path = tmp_path / f"{teach.project.outputs[0].model}.json"
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    with pytest.raises(ModelError, match="cut short or damaged"):
        gestures.read(path)
    for content in (b"{", b"[]", b'{"foretone gestures": 1}', b"[" * 100_000):
        damaged = tmp_path / f"{hashlib.sha256(content).hexdigest()}.json"
        damaged.write_bytes(content)
        with pytest.raises(ModelError, match="holds no gestures"):
            gestures.read(damaged)
    with pytest.raises(MissingModelError):
        gestures.read(tmp_path / "none.json")
    assert json.loads(data)["foretone gestures"] == 1


@needed
@pytest.mark.parametrize(
    ("name", "least"), [("grt_mouse_letters_GRT.grt", 1.0), ("grt_hmm_2d_gestures.grt", 0.95)]
)
def test_real_gestures(name, least):
    """Every second drawing of a mouse is learned, the others are found, each once and as what it is."""
    takes = grt_series(name)
    kinds = max(kind for kind, _ in takes)
    learned, _ = warping.fit(("x", "y"), takes[::2], kinds)
    heard, right = spotter.Spotter(learned), 0
    for kind, frames in takes[1::2]:
        heard.forget()
        path = warping.sampled(frames, learned.step)
        found = [made for row in (*path, *[path[-1]] * 30) if (made := heard.hear(row))]
        right += found == [kind]
    assert right >= least * len(takes[1::2])


def test_a_step_is_quick():
    """Fifty templates of forty points."""
    random_ = np.random.default_rng(1)
    templates = tuple(random_.normal(size=(40, 3)) for _ in range(50))
    heard = spotter.Spotter(
        gestures.Gestures(("x", "y", "z"), 0.02, np.ones(3), (1,) * 50, templates, (0.3,))
    )
    times = []
    for row in random_.normal(size=(300, 3)):
        begin = time.perf_counter()
        heard.hear(row)
        times.append(time.perf_counter() - begin)
    assert np.median(times) < 0.001
