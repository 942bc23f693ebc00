"""A mapping that has learned: what it plays, how a new one takes over, and its outputs on their way."""

import math
import random

import numpy as np
import pytest
from tests.mapping.recordings import grt_frames, lightpad, needed

from foretone import lite
from foretone.errors import SettingError
from foretone.event import Event

CORNERS = [((0, 0), (0.1, 0.9)), ((0, 1), (0.5, 0.5)), ((1, 0), (0.3, 0.2)), ((1, 1), (0.9, 0.1))]


@pytest.fixture
def taught(teach):
    """Four corners, trained and running."""
    return trained(teach)


def trained(teach):
    for x, y in CORNERS:
        teach.show(x, y)
    teach.do("train")
    teach.do("run")
    teach.hear(0.5, 0.5)
    teach.move_on(1.0)
    return teach


@pytest.mark.parametrize("learn", ["mlp", "linear", "polynomial", "knn", "surface"])
def test_every_way_of_learning_plays_what_was_shown(make, learn):
    teach = trained(make(output={name: {"learn": learn} for name in ("out-1", "out-2")}))
    near = {"mlp": 0.12, "linear": 0.2, "polynomial": 0.12}.get(learn, 0.001)
    for x, y in CORNERS:
        assert teach.hear(*x) == pytest.approx(y, abs=near)
    middle = teach.hear(0.5, 0.5)
    assert all(0.1 < value < 0.9 for value in middle)


@pytest.mark.parametrize("learn", ["mlp", "linear", "polynomial", "knn", "surface"])
def test_one_example_and_two_are_enough(make, learn):
    teach = make(output={name: {"learn": learn} for name in ("out-1", "out-2")})
    teach.show((0.2, 0.2), (0.3, 0.7))
    teach.do("train")
    teach.do("run")
    assert teach.hear(0.9, 0.9) == pytest.approx((0.3, 0.7), abs=0.3)
    teach.move_on(1.0)
    assert teach.hear(0.8, 0.8) == pytest.approx((0.3, 0.7), abs=1e-6)
    teach.show((0.8, 0.8), (0.5, 0.1))
    teach.do("train")
    teach.move_on(1.0)
    assert teach.hear(0.8, 0.8) == pytest.approx((0.5, 0.1), abs=1e-3)
    assert teach.hear(0.5, 0.5) == pytest.approx((0.4, 0.4), abs=1e-3)


@pytest.mark.parametrize("learn", ["class-knn", "class-svm", "class-mlp"])
def test_classes_and_none_of_them(make, learn):
    random_ = random.Random(3)
    teach = make(outputs=["kind"], output={"kind": {"learn": learn, "classes": 3}}, sure=0.0)
    middles = [(0.2, 0.2), (0.8, 0.2), (0.5, 0.8)]
    for number, middle in enumerate(middles, 1):
        for _ in range(8):
            teach.show([value + random_.gauss(0, 0.04) for value in middle], [number])
    teach.do("train")
    teach.do("run")
    assert teach.player.training["scores"]["kind"] == 0.0
    for number, middle in enumerate(middles, 1):
        assert teach.hear(*middle) == (pytest.approx(number / 3),)
        (chances,) = teach.player.glance()["chances"].values()
        assert len(chances) == 3
        assert chances.index(max(chances)) == number - 1
        assert sum(chances) == pytest.approx(1.0, abs=1e-5)
    teach.player.sure = 0.7
    assert teach.hear(0.5, 0.2) == (0.0,)
    for number, middle in enumerate(middles, 1):
        assert teach.hear(*middle) == (pytest.approx(number / 3),)
    with pytest.raises(SettingError):
        teach.do("output", 1, "classes", 1)
    assert "a class of 1 to 3, not 4" in teach.do("set", 4)


def test_what_is_not_selected_changes_nothing(teach):
    teach.do("select", 1, 1)
    trained(teach)
    assert teach.hear(0.3, 0.0)[0] == teach.hear(0.3, 0.9)[0]
    assert teach.hear(0.3, 0.0)[1] != teach.hear(0.3, 0.9)[1]


def test_an_output_without_examples_keeps_what_is_set(teach):
    teach.do("mask", "record", 0, 2)
    trained(teach)
    teach.do("set", 0.0, 0.77)
    first, second = teach.hear(0.0, 0.0)
    assert first == pytest.approx(0.1, abs=0.1)
    assert second == 0.77


def test_an_output_that_does_not_run_keeps_what_is_set(taught):
    taught.do("mask", "run", 0, 1)
    taught.do("set", 0.66, 0.0)
    taught.move_on(1.0)
    assert taught.hear(0.0, 0.0)[0] == 0.66
    taught.do("mask", "run", 1, 1)
    taught.move_on(1.0)
    assert taught.hear(0.0, 0.0)[0] == pytest.approx(0.1, abs=0.1)


def test_undo_gives_the_mapping_back_that_was_there(taught):
    before = taught.hear(0.3, 0.7)
    taught.show((0.5, 0.5), (1.0, 1.0))
    taught.do("train")
    taught.move_on(1.0)
    assert taught.hear(0.3, 0.7) != before
    taught.do("undo")
    taught.move_on(1.0)
    assert taught.hear(0.3, 0.7) == before


def test_it_plays_while_it_is_being_recorded_and_while_a_new_mapping_takes_over(taught):
    before, examples = len(taught.events), taught.project.examples
    taught.player.fade = 0.0
    taught.do("record")
    for step in range(100):
        if step == 50:
            taught.helper.train(taught.project, {"seed": 2})
            taught.do(*taught.helper.waiting.pop())
        taught.hear(step / 100, 0.5)
    assert len(taught.events) == before + 101
    taught.do("stop")
    assert taught.project.examples == examples + 100


def test_no_jump_in_a_hundred_retrainings_under_a_real_hand(make):
    """Every gesture has its frame; a new mapping begins where the old one was, and glides to its own."""
    teach, chance, fade, hands = make(("x", "y", "z")), random.Random(7), 0.05, lightpad()
    teach.player.units = 8
    for _ in range(3):
        teach.show([chance.random() for _ in range(3)], [chance.random(), chance.random()])
    teach.do("train")
    teach.do("run")
    for _ in range(100):
        wait, *hand = next(hands)
        teach.hear(*hand, after=wait)
        teach.do("set", chance.random(), chance.random())
        teach.do("example")
        before, begin, swapped = teach.played[-1], len(teach.events), teach.now
        teach.do("train")
        new = teach.player.voice.open[teach.project.outputs[0].model]
        away = [shown - limited(goal) for shown, goal in zip(before, new.play(hand), strict=True)]
        assert teach.played[begin] == pytest.approx(before, abs=1e-6)
        for _ in range(5):
            wait, *hand = next(hands)
            begin = len(teach.events)
            teach.hear(*hand, after=wait)
            assert teach.events[-1].time == teach.now
            assert len(teach.events) > begin
            left = max(1.0 - (teach.now - swapped) / fade, 0.0)
            for shown, goal, offset in zip(teach.played[-1], new.play(hand), away, strict=True):
                assert shown == pytest.approx(limited(limited(goal) + left * offset), abs=1e-6)


def limited(value):
    return min(max(value, 0.0), 1.0)


def test_the_fade_is_straight_and_ends(taught):
    taught.player.fade = 100.0
    taught.show((0.5, 0.5), (1.0, 0.0))
    taught.hear(0.5, 0.5)
    start = taught.played[-1]
    taught.do("train")
    path = []
    for _ in range(30):
        taught.move_on(0.01)
        path.append(taught.played[-1][0])
    assert path == sorted(path)
    steps = np.diff([start[0], *path])
    assert steps.max() < 0.11 * (path[-1] - start[0]) + 1e-6
    assert taught.player.wake == math.inf
    assert taught.played[-1] == taught.hear(0.5, 0.5)


def test_a_gesture_that_comes_after_a_later_tick_is_played_after_it(taught):
    """It was read before the tick, and waited in the queue; what was there before must not sound again."""
    taught.player.fade = 100.0
    taught.do("train")
    (tick,) = taught.player.tick(taught.now + 0.010)
    (late,) = taught.player.hear(Event(taught.now + 0.009, "pad", (0.9, 0.1)))
    assert late.time >= tick.time


def test_smoothing_glide_steps_limits_and_curve(taught):
    def play(key, value, **more):
        taught.do("output", 1, {"smooth": 0.0, "glide": 0.0, "steps": 0, "low": 0.0, "high": 1.0,
                                "curve": 1.0, "limit": "hard", **more, key: value})  # fmt: skip
        taught.hear(0.0, 0.0)
        taught.move_on(60.0)
        return taught.hear(1.0, 1.0, after=0.01)[0]

    top = play("smooth", 0.0)
    assert top > 0.8
    assert play("smooth", 1.0) < 0.15
    taught.move_on(1.0)
    assert taught.played[-1][0] == pytest.approx(0.1 + 0.63 * (top - 0.1), abs=0.05)
    assert play("glide", 2.0) < 0.15
    taught.move_on(0.5)
    assert taught.played[-1][0] == pytest.approx(0.1 + 0.25, abs=0.05)
    assert play("steps", 2) == 1.0
    assert play("high", 0.5) == 0.5
    assert play("low", 0.95) == 0.95
    assert play("curve", 2.0) == pytest.approx(top**2)
    bent = play("high", 0.85, limit="soft")
    assert 0.75 < bent < 0.85


def test_outside_of_the_examples_there_is_a_distance_and_a_guard(make):
    teach = trained(make(distance=True))
    assert teach.player.axes == ("out-1", "out-2", "distance")
    inner = make(distance=True)
    for x in (0.4, 0.6):
        for y in (0.4, 0.6):
            inner.show((x, y), (x, y))
    inner.do("train")
    inner.do("run")
    inner.move_on(1.0)
    far = [inner.hear(0.5 + d, 0.5)[2] for d in (0.0, 0.05, 0.09, 0.15, 0.3, 0.5)]
    assert far[:3] == [0.0] * 3
    assert far == sorted(far)
    assert 0.7 < far[-1] < 1.0
    edge, beyond = inner.hear(0.6, 0.5)[0], inner.hear(1.0, 0.5)[0]
    assert beyond > edge + 0.05
    inner.player.guard = 1.0
    assert inner.hear(1.0, 0.5)[0] == pytest.approx(edge, abs=0.02)
    assert inner.hear(0.5, 0.5)[2] == 0.0


def test_morphing_between_two_mappings(taught):
    first = taught.hear(0.0, 0.0)
    taught.do("other", "here")
    taught.do("delete", "all")
    for x, y in CORNERS:
        taught.show(x, [1 - value for value in y])
    taught.do("train")
    taught.move_on(1.0)
    second = taught.hear(0.0, 0.0)
    assert abs(second[0] - first[0]) > 0.5
    taught.player.morph = 1.0
    assert taught.hear(0.0, 0.0) == pytest.approx(first)
    taught.player.morph = 0.5
    taught.move_on(0.01)
    assert taught.played[-1] == pytest.approx([(a + b) / 2 for a, b in zip(first, second, strict=True)])
    taught.do("other", "none")
    taught.move_on(1.0)
    assert taught.hear(0.0, 0.0) == pytest.approx(second)
    taught.do("undo")
    taught.move_on(1.0)
    assert taught.hear(0.0, 0.0) != pytest.approx(second)


def test_features_are_the_same_in_a_take_and_while_playing(make):
    """It learns from the velocity alone, so a fast hand plays something else than a slow one."""
    teach = make(("x",), outputs=["out-1"], features=["velocity"], window=0.2)
    for speed, label in ((0.1, 0.2), (1.0, 0.8)):
        teach.do("set", label)
        teach.hear(0.0, after=1.0)
        teach.do("record")
        for step in range(20):
            teach.hear(speed * step * 0.02)
        teach.do("stop")
    teach.do("train")
    teach.do("run")
    for speed, label in ((0.1, 0.2), (1.0, 0.8)):
        teach.hear(0.0, after=1.0)
        for step in range(20):
            played = teach.hear(0.3 + speed * step * 0.02)
        assert played[0] == pytest.approx(label, abs=0.1)


def test_bit_equal_from_the_file(taught, tmp_path):
    name = taught.project.outputs[0].model
    model, again = taught.player.voice.open[name], lite.Mapping(tmp_path / f"{name}.tflite")
    for _ in range(50):
        x = [random.random(), random.random()]
        assert model.play(x) == again.play(x)


@needed
@pytest.mark.parametrize(("learn", "least"), [("class-knn", 0.99), ("class-svm", 0.99), ("class-mlp", 0.99)])
def test_real_tilts(make, learn, least):
    """Every tenth frame is shown; of the others as many are known as scikit-learn knows."""
    kinds, frames = grt_frames("grt_wiimote_tilt5.grt")
    teach = make(("x", "y", "z"), outputs=["tilt"], output={"tilt": {"learn": learn, "classes": 5}})
    for kind, frame in zip(kinds[::10], frames[::10].tolist(), strict=True):
        teach.show(frame, [int(kind)])
    teach.do("train")
    teach.do("run")
    teach.player.sure = 0.0
    played = [round(5 * teach.hear(*frame)[0]) for frame in frames.tolist()]
    assert np.mean(np.array(played) == kinds) >= least
