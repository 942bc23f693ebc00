"""What the trainer learns, from how little, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from foretone.errors import ModelError, SessionError
from foretone_training.dataset import Stream
from foretone_training.judge import blur
from foretone_training.mdrnn import Progress, Settings, Trained, affordable, train
from foretone_training.network import Scale, Shape, create

Learned = tuple[list[Stream], Settings, Trained]


def gaussian_nll(stream: Stream, scale: Scale) -> float:
    """The score of one Gaussian that knows the mean and spread of the whole recording, blurred alike."""
    rows = blur(stream.rows, scale, np.random.default_rng(0))[-len(stream.rows) // 10 :]
    nll = 0.5 * (rows**2).sum(1) + 0.5 * rows.shape[1] * math.log(2 * math.pi)
    return float((nll + scale.nats(rows)).mean())


def test_it_predicts_strokes_far_better_than_a_gaussian(learned: Learned) -> None:
    """By more than two nats an event, on strokes that it did not learn from."""
    streams, _, trained = learned
    trivial = np.mean([gaussian_nll(stream, trained.network.scale) for stream in streams])
    assert trained.scores["held_out_nll"] < trivial - 2.0


def test_it_learns_when_the_pauses_come(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    """After the look up it expects a far longer dt than in the middle of a stroke."""
    settings = Settings(units=48, mixtures=3, updates=700, learning_rate=1e-2)
    network = train([stream_of(strokes(900))], settings).network
    rows = strokes(240, seed=9)
    x = network.scale.to_network(rows)[:, None].astype(np.float32)
    output, _ = network.forward(x, network.start(1), np.ones((len(x), 1, 1), np.float32))
    mixtures = network.mixtures(output)
    count, width = network.shape.mixtures, network.shape.dimension
    expected = (mixtures[:, -count:] * np.exp(mixtures[:, : count * width : width])).sum(axis=1)
    looks_up = np.arange(len(rows)) % 40 == 39
    assert expected[looks_up].mean() > 4 * np.median(expected)


def test_the_same_seed_learns_the_same(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    """Weight by weight; another seed does not."""
    streams = [stream_of(strokes(300, axes=2))]
    same = [train(streams, Settings(units=8, updates=20, seed=4)).network.values for _ in range(2)]
    other = train(streams, Settings(units=8, updates=20, seed=5)).network.values
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], other)


def test_the_best_weights_are_kept(learned: Learned) -> None:
    """Not the last ones: the score is the best that was reported on the way."""
    streams, _, _ = learned
    reports: list[Progress] = []
    trained = train(streams, Settings(units=8, updates=120, learning_rate=0.05), reports.append)
    assert trained.scores["held_out_nll"] == min(report.held_out for report in reports)
    assert reports[-1].done <= reports[-1].planned == 120


def test_ctrl_c_keeps_the_best_so_far(learned: Learned) -> None:
    """And says so."""

    def interrupt(progress: Progress) -> None:
        if progress.done >= 30:
            raise KeyboardInterrupt

    trained = train(learned[0], Settings(units=8, updates=300), interrupt)
    assert "stopped by hand" in trained.ended
    assert not trained.repeatable
    assert math.isfinite(trained.scores["held_out_nll"])


def test_a_loss_that_is_no_number_ends_in_a_sentence(learned: Learned) -> None:
    with np.errstate(all="ignore"), pytest.raises(ModelError, match="nothing was learned"):
        train(learned[0], Settings(units=8, updates=300, learning_rate=1e30))


@pytest.mark.parametrize("count", [1, 2, 30, 105])
def test_too_little_playing_is_said(
    count: int, strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    with pytest.raises(SessionError, match="too few to learn from"):
        train([stream_of(strokes(count))], Settings(updates=1))


def test_many_sessions_of_a_moment_each_are_too_short(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    with pytest.raises(SessionError, match="play longer"):
        train([stream_of(strokes(4))] * 60, Settings(updates=1))


def test_a_little_playing_is_read_in_fewer_rows(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    """130 events are fewer than one chunk of eight rows."""
    trained = train([stream_of(strokes(130))], Settings(units=4, updates=10))
    assert math.isfinite(trained.scores["held_out_nll"])


def test_an_axis_that_never_moves_is_learned_as_resting(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    rows = strokes(300, axes=2)
    rows[:, 2] = 0.25
    network = train([stream_of(rows)], Settings(units=8, updates=60)).network
    output, _ = network.forward(
        np.zeros((1, 1, 3), np.float32), network.start(1), np.ones((1, 1, 1), np.float32)
    )
    assert network.mixtures(output)[0, 2:15:3] == pytest.approx(0.25, abs=0.03)


def test_a_steady_clock_is_learned_by_the_logarithm_too(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    """Where every wait is the same, its blur alone has a width: half a step to either side."""
    rows = strokes(400)
    rows[:, 0] = 0.02
    network = train([stream_of(rows)], Settings(units=16, mixtures=3, updates=200)).network
    x = network.scale.to_network(rows)[:, None].astype(np.float32)
    output, _ = network.forward(x, network.start(1), np.ones((len(x), 1, 1), np.float32))
    waits = np.exp(network.mixtures(output)[50:, 0]) - network.scale.log_dt
    assert waits == pytest.approx(0.02, abs=0.003)


def test_no_standard_deviation_is_below_half_a_step(learned: Learned) -> None:
    """A density that narrowed on the levels of the recording would score without end."""
    network = learned[2].network
    output = np.full((1, network.shape.outputs), -50.0, np.float32)
    count = network.shape.mixtures * network.shape.dimension
    sigma = network.mixtures(output)[0, count : 2 * count].reshape(-1, network.shape.dimension)
    half = 0.5 * network.scale.step / (np.exp(network.scale.mean[0]), 1.0)  # dt's is that of its logarithm
    assert sigma == pytest.approx(np.tile(half, (network.shape.mixtures, 1)), rel=1e-4)


def test_a_larger_network_gets_fewer_updates_for_the_same_seconds() -> None:
    scale = Scale(*(np.full(2, value, np.float32) for value in (0.3, 0.5, 0.01)))
    rows = np.full((9, 2), 0.5, np.float32)
    counts = [
        affordable(
            create(Shape(2, units=units), scale, rows, np.random.default_rng(0)), Settings(units=units)
        )
        for units in (16, 256)
    ]
    assert counts[0] > 4 * counts[1] > 0
