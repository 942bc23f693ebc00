"""The page about a model: what it says, what it shows, and that nothing gets into it from outside."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from foretone_training import report
from foretone_training.cli import main
from foretone_training.dataset import PAUSE, Stream
from foretone_training.export import make_card
from foretone_training.habits import Habits
from foretone_training.mdrnn import Settings, Trained, train
from foretone_training.network import Scale
from foretone_training.performance import SAMPLES, Performance, perform
from foretone_training.picture import Axis, Picture, number
from foretone_training.sampling import energy, sample
from foretone_training.trivial import Trivial

LINEAR = Scale(np.zeros(2), np.ones(2), np.full(2, 0.01))

Learned = tuple[list[Stream], Settings, Trained]


@pytest.fixture(scope="module")
def performed(learned: Learned) -> Performance:
    """Of a network that had five times as long to learn."""
    streams, settings, _ = learned
    return perform(train(streams, replace(settings, updates=2000)), streams)


def make_page(learned: Learned, performed: Performance, name: str = "mine.tflite") -> str:
    streams, settings, trained = learned
    return report.page(name, make_card(trained, streams, settings), trained, performed, streams)


class Reader(HTMLParser):
    """Collects what a browser would fetch, run or never see closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {key}" for key, _ in attrs if key in ("src", "href", "onload", "onclick")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {key}" for key, _ in attrs if key in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_well_formed(learned: Learned, performed: Performance) -> None:
    """No script, no address, every element closed; it obeys light and dark."""
    page = make_page(learned, performed)
    reader = Reader()
    reader.feed(page)
    assert (reader.open, reader.fetched) == ([], [])
    assert "<script" not in page
    assert "url(" not in page
    assert "prefers-color-scheme: dark" in page
    assert page.index("<svg") < page.index("<table class='figures'")
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert "nan" not in picture
        ElementTree.fromstring(picture)


def test_names_from_outside_are_escaped(
    learned: Learned, performed: Performance, strokes: Callable[..., np.ndarray]
) -> None:
    streams, settings, trained = learned
    evil = "<script>alert('x')</script>"
    named = [replace(stream, name=evil, axes=(evil,)) for stream in streams]
    card = make_card(trained, named, settings)
    page = report.page(evil, card, trained, performed, named)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 4


def test_two_axes_are_drawn_against_each_other(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    streams, settings = [stream_of(strokes(400, axes=2))], Settings(units=8, updates=60)
    trained = train(streams, settings)
    page = report.page(
        "two", make_card(trained, streams, settings), trained, perform(trained, streams), streams
    )
    assert "axis1 runs to the right, axis2 upwards" in page


def test_a_network_that_learned_foresees_better_than_shuffled_playing(performed: Performance) -> None:
    """By both scores, on strokes that it did not learn from; with samples of every event."""
    assert performed.nll < performed.trivial_nll - 0.25
    assert performed.energy < performed.trivial_energy
    assert performed.expected.shape == (len(performed.played), SAMPLES, 2)
    assert performed.played[:, 1].min() >= -0.01
    assert report.verdict(performed)[0] in ("stage", "rehearsal")


def test_a_network_that_learned_nothing_is_left_at_home(
    strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    streams = [stream_of(strokes(400))]
    performance = perform(train(streams, Settings(units=4, updates=1)), streams)
    word, sentence = report.verdict(performance)
    assert word == "home"
    assert "Leave it at home" in sentence
    assert "only 40 held-out events" in sentence


@pytest.mark.parametrize("lengths", [[12] + [4] * 40, [200], [160, 2, 1]])
def test_the_least_playing_that_can_be_learned_can_be_reported(
    lengths: list[int], strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    """Even one held-out event; and an axis that never moves."""
    rows = [strokes(length, seed=number, axes=2) for number, length in enumerate(lengths)]
    rows[0][:, 2] = 0.5
    streams, settings = [stream_of(one) for one in rows], Settings(units=4, updates=3)
    trained = train(streams, settings)
    performance = perform(trained, streams)
    page = report.page("least", make_card(trained, streams, settings), trained, performance, streams)
    assert f"only {performance.judged} held-out events" in page
    assert "nan" not in page


@pytest.mark.parametrize(
    ("model", "word", "reason"),
    [
        (Habits(0.5, 0.05, 30.0), "stage", "Worth taking on stage"),
        (Habits(0.9, 0.06, 30.0), "stage", "much as you do"),
        (Habits(0.1, 0.05, 30.0), "rehearsal", "rests too little"),
        (Habits(1.2, 0.05, 30.0), "rehearsal", "rests too long"),
        (Habits(0.5, 0.03, 30.0), "rehearsal", "moves too little"),
        (Habits(0.1, 0.09, 30.0), "rehearsal", "rests too little .* and moves too much"),
    ],
)
def test_the_verdict_follows_from_the_figures(
    model: Habits, word: str, reason: str, performed: Performance
) -> None:
    judged = replace(performed, player=Habits(0.5, 0.05, 30.0), model=model)
    said = report.verdict(judged)
    assert said[0] == word
    assert re.search(reason, said[1])


def test_the_energy_score_is_lowest_for_the_density_that_happened() -> None:
    """Of three densities with the same middle, neither too narrow nor too wide."""
    random = np.random.default_rng(2)
    happened = random.normal(size=(2000, 2))
    scores = [energy(width * random.normal(size=(2000, 60, 2)), happened) for width in (0.5, 1.0, 2.0)]
    assert scores[1] == min(scores)
    # E|X - Y| - E|X - X'| / 2 of two standard normals in the plane is sqrt(pi) / 2.
    assert scores[1] == pytest.approx(np.sqrt(np.pi) / 2, rel=0.03)


def test_the_trivial_density_is_a_density(strokes: Callable[..., np.ndarray]) -> None:
    """Summed over all waits and positions, it is 1."""
    trivial = Trivial([strokes(120)], np.array([0.005, 0.02]), np.random.default_rng(0))
    waits, positions = np.meshgrid(np.arange(-0.05, 1.0, 0.001), np.arange(-0.8, 1.8, 0.01))
    after = np.column_stack([waits.ravel(), positions.ravel()])
    total = np.exp(-trivial.nll(np.full_like(after, 0.5), after)).sum() * 0.001 * 0.01
    # The fiftieth part that is spread evenly over all waits lies mostly outside of the sum.
    assert total == pytest.approx(0.98, abs=0.015)


def test_temperatures_do_what_the_player_does_with_them() -> None:
    """A pi-temperature near 0 takes the likeliest, a sigma-temperature of 0 its mean, 1 what is expected."""
    mixtures = np.tile([0.1, 0.2, 0.8, 0.9, 0.05, 0.05, 0.05, 0.05, 0.4, 0.6], (3, 1))
    random = np.random.default_rng(1)
    drawn = sample(mixtures, LINEAR, 4000, np.array([0.01, 1.0, 1.0]), np.array([0.0, 0.0, 4.0]), random)
    assert np.allclose(drawn[0], [0.8, 0.9])
    assert (drawn[1, :, 0] == 0.8).mean() == pytest.approx(0.6, abs=0.03)
    first = drawn[2][drawn[2, :, 0] < 0.45]
    assert first[:, 1].std() == pytest.approx(0.1, rel=0.1)
    assert drawn.min() >= 0.0
    assert drawn[:, :, 1].max() <= 1.0


def test_waits_are_drawn_from_their_logarithm() -> None:
    """Half of them are below exp(mean) - log_dt, 84 % below one deviation more; and none overflows."""
    mixtures = np.array([[math.log(0.05 + 0.001), 0.5, 0.7, 0.1, 1.0], [900.0, 0.5, 0.7, 0.1, 1.0]])
    ones, scale = np.ones(2), replace(LINEAR, log_dt=0.001)
    drawn = sample(mixtures, scale, 20000, ones, ones, np.random.default_rng(1))
    low, high = np.quantile(drawn[0, :, 0], (0.5, 0.8413))
    assert low == pytest.approx(0.05, rel=0.03)
    assert high == pytest.approx(0.051 * math.exp(0.7) - 0.001, rel=0.03)
    assert drawn[1, :, 0].min() == drawn[1, :, 0].max() == PAUSE


def test_habits_are_told_from_what_was_played() -> None:
    """Strokes of ten events, 20 ms and 0.1 apart, and a rest of a second between them; then half as fast."""
    stroke = np.column_stack([[1.0, *[0.02] * 9], 0.1 * np.arange(10)])
    rows = np.tile(stroke, (8, 1))
    own = Habits.of([rows])
    assert own.each["rests"] == pytest.approx([1.0] * 7)
    assert own.each["gestures"] == pytest.approx([0.18] * 6)
    assert own.dt_p99 == pytest.approx(1.0)
    assert own.step == pytest.approx((72 * 0.1 + 7 * 0.9) / 79)
    assert own.far_from(own) == 0.0
    slow = rows * (2.0, 1.0)
    apart = Habits.of([slow]).apart(own)
    assert apart == pytest.approx({"waits": 2.0, "steps": 1.0, "gestures": 2.0, "rests": 2.0})
    assert "rests" not in Habits.of([rows[:20]]).apart(own), "one is no distribution"


def test_pictures_stay_inside_their_frame() -> None:
    picture = Picture("a title", Axis(0.0, 1.0), Axis(0.001, 5.0, log=True))
    picture.line([0.0, 0.5, np.nan, 2.0], [0.0, -1.0, 1.0, 99.0], "player")
    places = [float(x) for x in re.findall(r"[ML]([\d.]+) ", picture.svg()) if "v" not in x]
    assert 52 <= min(places) <= max(places) <= 500


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.00923, "0.00923"), (-6.2394, "−6.24"), (1234.5, "1234"), (0.5, "0.5")]
)
def test_figures_are_written_for_people(value: float, text: str) -> None:
    assert number(value) == text


def test_the_command_writes_it_beside_the_model(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "me.tflite"
    assert main(["mdrnn", str(sessions), "--out", str(out), "--units", "8", "--updates", "30"]) == 0
    beside = tmp_path / "me.report.html"
    assert str(beside) in capsys.readouterr().out
    assert "me.tflite" in beside.read_text()
