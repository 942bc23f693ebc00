"""The MDRNN player: the four modes of IMPS, and the hand-over, on a clock moved by hand."""

import math
from itertools import pairwise
from random import Random

import pytest

from foretone.event import Event
from foretone.lite import Model
from foretone.players.mdrnn import AHEAD, LONGEST, MDRNN, REMEMBERED, SHORTEST


def player(models, seed=1, model="one.tflite", axes=("lever",), **settings):
    made = MDRNN(axes, "duet", Random(seed), models, model=model, **settings)
    assert made.tick(0.0) in ([], ()) or settings.get("mode") == "battle"
    return made


class Told:
    """Stands between a player and its network, and remembers what the network was told."""

    def __init__(self, made):
        self.rows, step = [], made._model.step

        def told(x, state):
            self.rows.append(tuple(x))
            return step(x, state)

        made._model.step = told


def play_on(made, until):
    """Tick whenever the player asks to be, and take back what it withdraws, as the conductor does.

    Returns what it has played up to `until`, in order.
    """
    heap = []
    while made.wake <= until:
        now = made.wake
        heap += [(made.epoch, event) for event in made.tick(now)]
        heap = [(epoch, event) for epoch, event in heap if event.time <= now or epoch == made.epoch]
    return [event for _, event in heap if event.time <= until]


def test_observe_conditions_and_plays_nothing(models):
    made = player(models, mode="observe")
    told = Told(made)
    assert made.hear(Event(1.0, "lever", (0.4,))) == ()
    assert made.hear(Event(1.5, "lever", (0.6,))) == ()
    assert made.wake == math.inf
    assert told.rows[1] == (0.5, 0.6)


def test_filter_plays_each_prediction_at_once_and_ignores_its_dt(models):
    made = player(models, mode="filter")
    for time in (1.0, 1.01, 1.02):
        (event,) = made.hear(Event(time, "lever", (0.4,)))
        assert (event.time, event.origin) == (time, "duet")
        assert 0.0 <= event.values[0] <= 1.0


def test_filter_stops_with_its_input_and_lets_go(models):
    made = player(models, mode="filter", silence=0.5)
    made.hear(Event(1.0, "lever", (0.4,)))
    assert play_on(made, 60.0) == [Event(1.5, "duet", ())]
    assert made.wake == math.inf


def test_call_response_answers_after_the_silence_and_plays_on_by_itself(models):
    made = player(models, silence=0.8)
    assert made.hear(Event(1.0, "lever", (0.4,))) == ()
    assert made.wake == pytest.approx(1.8)
    played = play_on(made, 10.0)
    assert len(played) > 20
    assert played[0].time > 1.8
    assert all(a.time < b.time for a, b in pairwise(played))


def test_another_model_takes_over_without_a_gap_and_knows_what_was_heard(models):
    made = player(models, silence=0.8)
    for number in range(40):
        made.hear(Event(1.0 + 0.1 * number, "lever", (number / 40,)))
    before = play_on(made, 8.0)
    other = Model(models / "one.tflite")
    rows, step = [], other.step
    other.step = lambda x, state: (rows.append(tuple(x)), step(x, state))[1]
    epoch = made.epoch
    made.take(other, 8.0)
    assert made.epoch > epoch, "what the old model had planned is taken back"
    assert len(rows) == REMEMBERED
    assert rows[-1][1] == pytest.approx(before[-1].values[0]), "the last thing it is told was played last"
    after = play_on(made, 12.0)
    assert len(after) > 20
    assert 0 < after[0].time - before[-1].time < 0.5
    assert made.wake < math.inf


def test_a_model_that_takes_over_in_a_silence_waits_as_the_old_one_did(models):
    made = player(models, silence=0.8)
    made.hear(Event(1.0, "lever", (0.4,)))
    made.take(Model(models / "one.tflite"), 1.5)
    assert made.wake == pytest.approx(1.8)
    assert play_on(made, 5.0)


def test_the_silence_is_told_to_the_model_and_the_last_event_is_not_fed_twice(models):
    made = player(models, silence=0.8)
    told = Told(made)
    made.hear(Event(1.0, "lever", (0.4,)))
    made.hear(Event(1.25, "lever", (0.7,)))
    answers = made.tick(made.wake)
    assert told.rows[1:3] == [(0.25, 0.7), (pytest.approx(0.8), 0.7)]
    assert told.rows[3] == (pytest.approx(answers[0].time - 2.05), *answers[0].values)
    assert told.rows[4] == (pytest.approx(answers[1].time - answers[0].time), *answers[1].values)


def test_when_the_player_returns_the_pending_prediction_is_cancelled_and_the_voice_released(models):
    made = player(models)
    made.hear(Event(1.0, "lever", (0.4,)))
    play_on(made, 4.0)
    epoch = made.epoch
    told = Told(made)
    assert made.hear(Event(4.01, "lever", (0.2,))) == (Event(4.01, "duet", ()),)
    assert made.epoch > epoch
    assert 0 < told.rows[0][0] < 0.5, "its wait is counted from what the model played last"
    assert made.hear(Event(4.02, "lever", (0.2,))) == ()


def test_while_it_goes_on_a_second_of_what_comes_is_known(models):
    made = player(models)
    made.hear(Event(1.0, "lever", (0.4,)))
    heap = []
    while made.wake < 3.0:
        now = made.wake
        heap = [event for event in heap if event.time > now] + list(made.tick(now))
        assert len(heap) < 200
    assert heap[-1].time >= now + AHEAD


def test_what_was_taken_back_was_never_played_to_the_model(models):
    """Interrupted and not interrupted, two players who heard and played the same know the same."""
    made, other = (player(models, sigma_temperature=0.0, pi_temperature=0.01) for _ in range(2))
    for one in (made, other):
        one.hear(Event(1.0, "lever", (0.4,)))
    played = play_on(made, 4.0)
    made.hear(Event(4.0, "lever", (0.2,)))
    moment = 1.8
    other._memory = other._told(1.8, (0.4,), 0.8, other._memory)
    for event in played:
        other._memory = other._told(event.time, event.values, event.time - moment, other._memory)
        moment = event.time
    other._memory = other._told(4.0, (0.2,), 4.0 - moment, other._memory)
    assert made._memory.mixture == pytest.approx(other._memory.mixture, abs=1e-5)


def test_a_knob_that_is_turned_is_heard_at_once(models):
    made = player(models, mode="battle", time_scale=1.0)
    play_on(made, 2.0)
    epoch = made.epoch
    made.time_scale = 4.0
    turned = made.wake
    events = made.tick(turned)
    assert turned < 2.0 + 0.06
    assert made.epoch > epoch, "what was planned with the old setting is taken back"
    assert min(b.time - a.time for a, b in pairwise(events)) > 0.2


def test_battle_begins_by_itself_and_hears_only_itself(models):
    made = player(models, mode="battle")
    told = Told(made)
    first = play_on(made, 2.0)
    assert len(first) > 5
    fed = len(told.rows)
    assert made.hear(Event(2.0, "lever", (0.4,))) == ()
    assert len(told.rows) == fed
    assert play_on(made, 4.0)


@pytest.mark.parametrize("mode", ["observe", "filter", "call-response", "battle"])
def test_changing_the_mode_releases_what_sounds_and_takes_back_what_was_to_come(models, mode):
    made = player(models, mode="battle")
    play_on(made, 2.0)
    epoch = made.epoch
    made.mode = mode
    assert made.tick(2.0) == (Event(2.0, "duet", ()),)
    assert made.epoch > epoch
    assert bool(play_on(made, 2.7)) == (mode == "battle")
    assert bool(play_on(made, 4.0)) == (mode in ("battle", "call-response")), "nobody plays: it may answer"


def test_rest_releases_once(models):
    made = player(models, mode="battle")
    play_on(made, 2.0)
    assert made.rest(2.0) == (Event(2.0, "duet", ()),)
    assert made.rest(2.1) == ()
    assert made.wake == math.inf


def test_the_same_seed_plays_the_same(models):
    assert play_on(player(models, 7, mode="battle"), 5) == play_on(player(models, 7, mode="battle"), 5)
    assert play_on(player(models, 7, mode="battle"), 5) != play_on(player(models, 8, mode="battle"), 5)


def test_time_scale_stretches_the_waits_but_not_what_the_model_hears(models):
    plain, slow = (player(models, 7, mode="battle", time_scale=scale) for scale in (1.0, 4.0))
    told = Told(slow)
    slow_played, plain_played = play_on(slow, 20.0), play_on(plain, 5.0)
    assert slow_played[5].time - slow_played[4].time == pytest.approx(
        4 * (plain_played[5].time - plain_played[4].time)
    )
    assert [row[0] for row in told.rows[2:6]] == pytest.approx(
        [(b.time - a.time) / 4 for a, b in pairwise(slow_played[:5])]
    )


def test_cold_sigma_plays_the_mean_and_hot_sigma_spreads(models):
    def spread(sigma):
        made = player(models, 1, mode="filter", sigma_temperature=sigma, pi_temperature=0.01)
        made.hear(Event(1.0, "lever", (0.4,)))
        values = [made._draw(made._memory.mixture)[1][0] for _ in range(200)]
        return max(values) - min(values)

    assert spread(0.0) == 0.0
    assert 0.0 < spread(0.01) < spread(1.0)


def test_waits_are_drawn_in_seconds_whatever_the_network_takes_them_by(models):
    """A component at the logarithm of 0.2 s plays 0.2 s; one beyond every pause plays the longest."""
    made = player(models, 1, model="log.tflite", mode="filter", sigma_temperature=0.0)
    for wait, played in ((0.2, 0.2), (0.0, SHORTEST), (60.0, LONGEST)):
        mixture = [math.log(wait + 0.001), 0.4] * 2 + [0.5, 0.1] * 2 + [0.0, 0.0]
        assert made._draw(mixture)[0] == pytest.approx(played)
    made.sigma_temperature = 1.0
    mixture = [math.log(0.2), 0.4] * 2 + [0.7, 0.1] * 2 + [0.0, 0.0]
    waits = sorted(made._draw(mixture)[0] for _ in range(2000))
    assert waits[1000] == pytest.approx(0.199, rel=0.1)
    assert waits[1682] == pytest.approx(0.199 * math.exp(0.7), rel=0.1)
    assert made._draw([900.0, 0.4] * 2 + [0.5, 0.1] * 2 + [0.0, 0.0])[0] == LONGEST


def test_by_itself_it_waits_as_its_network_says(models):
    """Every 0.1 s or so, by the logarithm as in seconds."""
    for model in ("one.tflite", "log.tflite"):
        made = player(models, 2, model=model, mode="battle")
        waits = [b.time - a.time for a, b in pairwise(play_on(made, 60.0))]
        assert 0.05 < sorted(waits)[len(waits) // 2] < 0.2


def test_pi_temperature_chooses_between_components(models):
    made = player(models, 1, mode="filter", sigma_temperature=0.0)
    mixture = [0.1, 0.2, 0.1, 0.8, 1, 1, 1, 1, 2.0, 0.0]

    def share():
        return sum(made._draw(mixture)[1][0] == 0.8 for _ in range(2000)) / 2000

    made.pi_temperature = 0.01
    assert share() == 0.0
    made.pi_temperature = 1.0
    assert share() == pytest.approx(1 / (1 + math.e**2), abs=0.03)
    made.pi_temperature = 10.0
    assert share() == pytest.approx(0.45, abs=0.04)


def test_output_that_is_not_finite_is_contained_and_counted(models):
    made = player(models, mode="filter")
    step = made._model.step
    made._model.step = lambda x, state: ([math.nan] * 10, state)
    assert made.hear(Event(1.0, "lever", (0.4,))) == ()
    assert made.stumbles == 1
    made._model.step = step
    assert len(made.hear(Event(1.1, "lever", (0.4,)))) == 1


def test_waits_are_never_nothing_and_never_for_ever(models):
    made = player(models, mode="battle")
    made._model.step = lambda x, state: ([-9.0, 0.5] * 2 + [1e-9] * 4 + [0.0, 0.0], state)
    first, second = made.tick(0.0)[:2]
    assert second.time - first.time == pytest.approx(SHORTEST)


def test_after_a_stall_the_rhythm_goes_on_from_now(models):
    made = player(models, mode="battle")
    play_on(made, 2.0)
    events = made.tick(9.0)
    assert events[0].time > 9.0
    assert events[0].time < 9.5


def test_a_letting_go_of_the_player_is_not_an_event_for_the_model(models):
    made = player(models, mode="filter")
    assert made.hear(Event(1.0, "lever", ())) == ()


def test_any_number_of_axes(models):
    made = player(models, model="three.tflite", axes=("x", "y", "z"), mode="filter")
    (event,) = made.hear(Event(1.0, "pad", (0.1, 0.5, 0.9)))
    assert len(event.values) == 3


def test_the_card_is_compared_with_the_wires(models):
    assert MDRNN.check(("lever",), models, {"model": "one.tflite"}) == []
    assert MDRNN.check(("lever",), models, {"model": "three.tflite"}) == [
        "the model hears 3 axes (x, y, z), but is given 1: lever"
    ]
    (gone,) = MDRNN.check(("lever",), models, {"model": "gone.tflite"})
    assert "there is no model at" in gone


def test_a_network_that_stumbles_while_going_on_goes_on(models):
    made = player(models, mode="battle")
    play_on(made, 2.0)
    step = made._model.step
    outputs = iter([[math.nan] * 10])
    made._model.step = lambda x, state: (next(outputs, None) or step(x, state)[0], step(x, state)[1])
    assert len(play_on(made, 6.0)) > 20
    assert made.stumbles == 1


def test_a_network_that_never_recovers_lets_go_and_waits_for_the_player(models):
    made = player(models, mode="call-response")
    made.hear(Event(1.0, "lever", (0.4,)))
    play_on(made, 2.5)
    step = made._model.step
    made._model.step = lambda x, state: ([math.nan] * 10, state)
    assert Event(pytest.approx(made.wake, abs=2.0), "duet", ()) in play_on(made, 60.0)
    assert made.wake == math.inf
    made._model.step = step
    made.hear(Event(61.0, "lever", (0.4,)))
    assert play_on(made, 65.0)


def test_a_gesture_before_the_first_tick_is_answered(models):
    made = MDRNN(("lever",), "duet", Random(1), models, model="one.tflite")
    made.hear(Event(1.0, "lever", (0.4,)))
    assert made.tick(1.0) == ()
    assert made.wake == pytest.approx(1.8)


def test_a_silence_that_is_shortened_counts_for_the_one_that_is_going_on(models):
    made = player(models, silence=30.0)
    made.hear(Event(1.0, "lever", (0.4,)))
    made.silence = 0.5
    assert made.wake == pytest.approx(1.5)


def test_the_first_gesture_of_an_answer_is_not_waited_for_longer_than_the_silence_was(models):
    made = player(models, silence=0.5)
    made._model.step = lambda x, state: ([4.0, 0.5] * 2 + [1e-9] * 4 + [0.0, 0.0], state)
    made.hear(Event(1.0, "lever", (0.4,)))
    (first, *rest) = made.tick(made.wake)
    assert first.time == pytest.approx(2.0)
    assert not rest or rest[0].time == pytest.approx(6.0)
