"""How a trained network performs: what it expects of held-out playing, and what it plays by itself.

It stands beside a trivial model, the player's own waits and moves in any order, which knows how one plays
but not what comes next. Waits are in seconds, positions in 0..1, scores in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.dataset import Stream
from foretone_training.habits import Habits
from foretone_training.judge import HELD_OUT, WARM_UP
from foretone_training.mdrnn import Trained
from foretone_training.network import Network
from foretone_training.sampling import energy, play, sample
from foretone_training.trivial import Trivial

SAMPLES = 100  # of each event, for the energy score
MOST = 2000  # held-out events that are sampled
PI_TEMPERATURES = (0.8, 1.0, 1.2)
SIGMA_TEMPERATURES = (0.1, 0.3, 0.6, 1.0, 1.4)
ROWS, EVENTS = 8, 400  # performances at each pair of temperatures, and how long each is
ALONE_ROWS, ALONE_EVENTS = 8, 800  # and at the pair that was chosen
MOMENTS, TIMES, GOES_ON = 3, 5, 120  # held-out moments to go on from, how often, and for how many events
SEED = 1

Array = NDArray[Any]


@dataclass(frozen=True)
class Plain:
    """What the plain model of IMPS makes of the same sessions: see `Performance`."""

    nll: float
    energy: float
    model: Habits


@dataclass(frozen=True)
class Performance:
    """What was measured. Performances are rows [count, events, D]: dt and the axes."""

    nll: float
    trivial_nll: float
    energy: float
    trivial_energy: float
    temperatures: tuple[float, float]
    """Pi and sigma at which its waits and steps are nearest to those that it learned from."""
    player: Habits
    model: Habits
    played: Array
    """The held-out events, in order, [n, D]."""
    before: Array
    """The event before each of them."""
    expected: Array
    """Samples of each of the first held-out events, [n, SAMPLES, D]."""
    alone: Array
    """The network by itself, at `temperatures`."""
    sampled: dict[tuple[float, float], Array]
    """The network by itself at each pair of temperatures."""
    moments: list[int]
    """Places among `played` from which the network went on by itself."""
    continued: Array
    """How it went on from each of them, several times: [moments, times, events, D]."""
    plain: Plain | None = None
    """Beside it, where that was asked for."""

    @property
    def judged(self) -> int:
        """How many held-out events there were."""
        return len(self.played)

    @property
    def scores(self) -> dict[str, float]:
        """For the model's card."""
        plain = {}
        if self.plain:
            plain = {
                "plain_nll": self.plain.nll, "plain_energy_score": self.plain.energy,
                "plain_dt_p99": self.plain.model.dt_p99, "plain_mean_step": self.plain.model.step,
            }  # fmt: skip
        apart = {f"{name}_apart": factor for name, factor in self.model.apart(self.player).items()}
        return {
            **plain,
            **apart,
            "trivial_nll": self.trivial_nll,
            "energy_score": self.energy,
            "trivial_energy_score": self.trivial_energy,
            "pi_temperature": self.temperatures[0],
            "sigma_temperature": self.temperatures[1],
            "dt_p99": self.model.dt_p99,
            "player_dt_p99": self.player.dt_p99,
            "mean_step": self.model.step,
            "player_mean_step": self.player.step,
        }


def perform(trained: Trained, streams: Sequence[Stream]) -> Performance:
    """Measure a network on the playing that it was held from, and let it play by itself.

    The same network and streams give the same figures. It takes one to a few seconds, most of it for
    large networks.
    """
    random = np.random.default_rng(SEED)
    network, judge = trained.network, trained.judge
    learned = [rows for rows in (stream.split(HELD_OUT)[0] for stream in streams) if len(rows) > 1]
    before, after = judge.pairs()
    some = np.arange(min(len(after), MOST))
    trivial = Trivial(learned, network.scale.step, random)
    mixtures = judge.mixtures(network)[some].astype(np.float64)
    one = np.ones(len(some))
    expected = sample(mixtures, network.scale, SAMPLES, one, one, random)
    sampled, temperatures = _search(network, learned, random)
    begins = _beginnings(learned, ALONE_ROWS, random)
    pi, sigma = (np.full(ALONE_ROWS, temperature) for temperature in temperatures)
    alone = play(network, begins, pi, sigma, ALONE_EVENTS, random)
    moments = [max(1, len(after) * part // (MOMENTS + 1)) for part in range(1, MOMENTS + 1)]
    return Performance(
        nll=judge.score(network),
        trivial_nll=float(trivial.nll(before, after).mean()),
        energy=energy(expected, after[some]),
        trivial_energy=energy(trivial.sample(before[some], SAMPLES, random), after[some]),
        temperatures=temperatures,
        player=Habits.of(_stretches(before, after)),
        model=Habits.of(alone),
        played=after,
        before=before,
        expected=expected,
        alone=alone,
        sampled=sampled,
        moments=moments,
        continued=_go_on(network, after, moments, temperatures, random),
    )


def _search(
    network: Network, learned: Sequence[Array], random: np.random.Generator
) -> tuple[dict[tuple[float, float], Array], tuple[float, float]]:
    """Performances at each pair of temperatures, and the pair that plays most like what was learned."""
    pairs = [(pi, sigma) for sigma in SIGMA_TEMPERATURES for pi in PI_TEMPERATURES]
    begins = np.tile(_beginnings(learned, ROWS, random), (len(pairs), 1, 1))
    pi, sigma = np.repeat(np.array(pairs), ROWS, axis=0).T
    made = play(network, begins, pi, sigma, EVENTS, random).reshape(len(pairs), ROWS, EVENTS, -1)
    sampled = dict(zip(pairs, made, strict=True))
    wanted = Habits.of(learned)
    return sampled, min(pairs, key=lambda pair: Habits.of(sampled[pair]).far_from(wanted))


def _go_on(
    network: Network, played: Array, moments: list[int], temperatures: tuple[float, float],
    random: np.random.Generator,
) -> Array:  # fmt: skip
    heard = min(WARM_UP, moments[0])
    begins = np.repeat([played[at - heard : at] for at in moments], TIMES, axis=0)
    pi, sigma = (np.full(len(begins), temperature) for temperature in temperatures)
    made = play(network, begins, pi, sigma, GOES_ON, random)
    return made.reshape(len(moments), TIMES, GOES_ON, -1)


def _beginnings(learned: Sequence[Array], count: int, random: np.random.Generator) -> Array:
    """Stretches of what was learned from that a performance goes on from, [count, WARM_UP, D]."""
    longest = max(learned, key=len)
    length = min(WARM_UP, len(longest))
    starts = random.integers(len(longest) - length + 1, size=count)
    return np.asarray(longest[starts[:, None] + np.arange(length)])


def _stretches(before: Array, after: Array) -> list[Array]:
    """Events in order, and the one before each, as performances that were not interrupted."""
    begins = [0, *(1 + np.flatnonzero((before[1:] != after[:-1]).any(axis=1))), len(after)]
    return [np.concatenate([before[first : first + 1], after[first:end]]) for first, end in pairwise(begins)]
