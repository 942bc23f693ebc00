"""The pictures of a report: who played what, what was expected, how it was learned.

Colours have one meaning on the whole page: `player` is what the person played, `model` what the network
plays or expects, `trivial` the model it is compared with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.dataset import PAUSE, STILLNESS
from foretone_training.mdrnn import Trained
from foretone_training.performance import PI_TEMPERATURES, SIGMA_TEMPERATURES, Performance
from foretone_training.picture import Axis, Picture, around, number
from foretone_training.sampling import SHORTEST

SHOWN = 20.0  # seconds of playing in the first picture
SMALL = (1.0, 10.0)  # seconds at least and at most of each sampled performance
LOOKED_AT = 120  # held-out events shown beside what was expected of them
HEARD = 60  # held-out events before a moment, and after it
LONGEST = 4.0  # seconds shown before it, and after it
DRAWN_AXES = 3  # more lines than this nobody can follow
HIDDEN = np.nan

Array = NDArray[Any]


def side_by_side(performance: Performance, axes: tuple[str, ...]) -> str:
    """The player's held-out playing above the network by itself, as long as both last."""
    alone = performance.alone[0]
    lasts = min(SHOWN, float(performance.played[:, 0].sum()), float(alone[:, 0].sum()))
    pictures = []
    for rows, name, title in ((performance.played, "player", "You"), (alone, "model", "The model by itself")):
        picture = Picture(
            title, Axis(0.0, max(lasts, 0.1), "seconds"), Axis(0.0, 1.0, _names(axes)), 1000, 200
        )
        _gestures(picture, rows, name)
        pictures.append(f"<figcaption><b class='{name}'>{title}</b></figcaption>{picture.svg()}")
    return "".join(pictures)


def temperatures(performance: Performance) -> str:
    """A grid of performances: pi-temperature from left to right, sigma-temperature downwards."""
    flat = performance.played.shape[1] > 2
    lasts = float(np.quantile([rows[0, :, 0].sum() for rows in performance.sampled.values()], 0.6))
    across = Axis(0.0, float(np.clip(lasts, *SMALL)))
    head = "".join(f"<th>π {number(pi)}</th>" for pi in PI_TEMPERATURES)
    rows = []
    for sigma in SIGMA_TEMPERATURES:
        cells = [_small(performance, (pi, sigma), None if flat else across) for pi in PI_TEMPERATURES]
        rows.append(f"<tr><th>σ {number(sigma)}</th>{''.join(cells)}</tr>")
    kind = "flat" if flat else "wide"
    table = f"<table class='samples {kind}'><tr><th></th>{head}</tr>{''.join(rows)}</table>"
    if not flat:
        return table
    own = Picture("You, in as many events", Axis(0.0, 1.0), Axis(0.0, 1.0), 220, 220, bare=True)
    _path(own, performance.played[: len(performance.sampled[performance.temperatures][0])], "player")
    beside = f"<p><b class='player'>You, in as many events</b></p>{own.svg()}"
    return f"<div class='beside'>{table}<div>{beside}</div></div>"


def expectations(performance: Performance, axes: tuple[str, ...]) -> str:
    """Held-out events as played, and the range in which the network expected eight of ten of them."""
    count = min(LOOKED_AT, len(performance.expected))
    start = _busiest(performance.played[: len(performance.expected)], count)
    seen = slice(start, start + count)
    low, middle, high = np.quantile(performance.expected[seen], (0.1, 0.5, 0.9), axis=1)
    played, events = performance.played[seen], np.arange(count)
    across = Axis(0.0, max(count - 1.0, 1.0), "held-out events, one after another")
    made = []
    for column in range(1, min(played.shape[1], DRAWN_AXES + 1)):
        span = around(low[:, column], high[:, column], played[:, column])
        picture = Picture(f"{axes[column - 1]}, expected and played", across, Axis(*span, axes[column - 1]))
        picture.band(events, low[:, column], high[:, column], "model")
        picture.line(events, middle[:, column], "model thin")
        picture.line(events, played[:, column], "player")
        made.append(picture.svg())
    waits = Axis(SHORTEST, PAUSE, "wait, seconds", log=True)
    picture = Picture("Waits, expected and played", across, waits)
    picture.band(events, low[:, 0], high[:, 0], "model")
    picture.line(events, middle[:, 0], "model thin")
    picture.dots(events, played[:, 0], "player")
    return "".join([*made, picture.svg()])


def continuations(performance: Performance, axes: tuple[str, ...]) -> str:
    """Moments of the held-out playing: how the player went on, and how the network would have."""
    made = []
    for at, answers in zip(performance.moments, performance.continued, strict=True):
        heard, went_on = performance.played[max(at - HEARD, 0) : at], performance.played[at : at + HEARD]
        before, after = (min(float(rows[:, 0].sum()), LONGEST) for rows in (heard, went_on))
        picture = Picture(
            "How it would have gone on", Axis(-before, after, "seconds"), Axis(0.0, 1.0, axes[0]), 330, 190
        )
        picture.line([0.0, 0.0], [0.0, 1.0], "trivial dashed")
        for rows in answers:
            moments = np.concatenate([[0.0], np.cumsum(rows[:, 0])])
            positions = np.concatenate([heard[-1:, 1], rows[:, 1]])
            shown = moments <= after
            picture.line(moments[shown], positions[shown], "model thin")
        rows = np.concatenate([heard, went_on])
        moments = np.cumsum(rows[:, 0]) - heard[:, 0].sum()
        shown = (moments >= -before) & (moments <= after)
        picture.line(moments[shown], rows[shown, 1], "player")
        made.append(picture.svg())
    return "".join(made)


def waits(performance: Performance) -> tuple[str, str]:
    """Histograms of all waits, and of the pauses among them."""
    player, model = performance.played[:, 0], performance.alone[:, :, 0].ravel()
    edges = np.geomspace(SHORTEST, PAUSE, 38)
    shares = [100.0 * _histogram(waits, edges) / len(waits) for waits in (player, model)]
    every = Picture(
        "How long the waits are",
        Axis(SHORTEST, PAUSE, "wait, seconds", log=True),
        Axis(0.0, 1.08 * max(share.max() for share in shares), "% of events"),
        height=210,
    )
    long_edges = np.linspace(STILLNESS, PAUSE, 19)
    minutes = [max(float(waits.sum()) / 60.0, 1e-6) for waits in (player, model)]
    rates = [
        _histogram(waits[waits >= STILLNESS], long_edges) / lasted
        for waits, lasted in zip((player, model), minutes, strict=True)
    ]
    pauses = Picture(
        "How often it rests, and how long",
        Axis(STILLNESS, PAUSE, f"pause of {number(STILLNESS)} s or more, seconds"),
        Axis(0.0, max(1.08 * max(rate.max() for rate in rates), 0.1), "a minute"),
        height=210,
    )
    for name, share, rate in zip(("player", "model"), shares, rates, strict=True):
        every.bars(edges, share, name)
        pauses.bars(long_edges, rate, name)
    return every.svg(), pauses.svg()


def learning(trained: Trained, performance: Performance) -> str:
    """The loss while it learned, on what it learned from and on what it was held from."""
    told = [one for one in trained.history if np.isfinite(one.loss + one.held_out)]
    done = [one.done for one in told]
    learned, held_out = [one.loss for one in told], [one.held_out for one in told]
    # The first losses are far above the rest, and would flatten it.
    highest = float(np.quantile([*learned, *held_out], 0.9))
    low, high = around([min(*learned, *held_out), max(highest, performance.trivial_nll)])
    picture = Picture(
        "Loss while learning",
        Axis(0.0, float(done[-1]), "updates"),
        Axis(low, high, "nats an event"),
        height=210,
    )
    picture.line([0.0, done[-1]], [performance.trivial_nll] * 2, "trivial dashed")
    picture.line(done, learned, "learned")
    picture.line(done, held_out, "model")
    best = trained.scores["best_update"]
    picture.dots([best], [trained.scores["held_out_nll"]], "model", radius=4.5)
    late = best > 0.6 * done[-1]
    picture.note(best, trained.scores["held_out_nll"], "best, kept", anchor="end" if late else "start")
    return picture.svg()


def _gestures(picture: Picture, rows: Array, name: str) -> None:
    """Positions over time; a rest breaks the line."""
    moments = np.cumsum(rows[:, 0]) - rows[0, 0]
    shown = moments <= picture.x.high
    moments, rows = moments[shown], rows[shown]
    rests = np.flatnonzero(rows[:, 0] > STILLNESS)
    for column in range(1, min(rows.shape[1], DRAWN_AXES + 1)):
        across = np.insert(moments, rests, HIDDEN)
        picture.line(across, np.insert(rows[:, column], rests, HIDDEN), f"{name} axis{column}")


def _path(picture: Picture, rows: Array, name: str) -> None:
    """The first two axes against each other; a rest breaks the line."""
    rests = np.flatnonzero(rows[:, 0] > STILLNESS)
    first, second = (np.insert(rows[:, column], rests, HIDDEN) for column in (1, 2))
    picture.line(first, second, name)


def _small(performance: Performance, pair: tuple[float, float], across: Axis | None) -> str:
    """One performance of the grid; two axes are drawn against each other, as on a touch pad."""
    rows = performance.sampled[pair][0]
    title = f"Played at π-temperature {number(pair[0])}, σ-temperature {number(pair[1])}"
    chosen = " class='chosen'" if pair == performance.temperatures else ""
    unit = Axis(0.0, 1.0)
    if across is None:
        picture = Picture(title, unit, unit, 220, 220, bare=True)
        _path(picture, rows, "model")
    else:
        picture = Picture(title, across, unit, 300, 90, bare=True)
        _gestures(picture, rows, "model")
    return f"<td{chosen}>{picture.svg()}</td>"


def _busiest(rows: Array, count: int) -> int:
    """Where the stretch of `count` rows begins in which the positions move most."""
    moved = np.abs(np.diff(rows[:, 1:], axis=0, prepend=rows[:1, 1:])).sum(axis=1)
    return int(np.convolve(moved, np.ones(count), "valid").argmax())


def _histogram(values: Array, edges: Array) -> Array:
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].astype(float)


def _names(axes: tuple[str, ...]) -> str:
    more = f" + {len(axes) - DRAWN_AXES} more" if len(axes) > DRAWN_AXES else ""
    return ", ".join(axes[:DRAWN_AXES]) + more
