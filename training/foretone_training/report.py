"""A page about a model: one sentence, then pictures, then figures.

It is one file without scripts that loads nothing, in light or dark as the reader has it. Names that come
from outside, of axes, sessions and files, are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from foretone.card import Card
from foretone_training import gallery
from foretone_training.dataset import Stream
from foretone_training.habits import PAUSES_WITHIN, STEPS_WITHIN
from foretone_training.mdrnn import Trained
from foretone_training.performance import PI_TEMPERATURES, SAMPLES, SIGMA_TEMPERATURES, Performance
from foretone_training.picture import number

STYLE = (Path(__file__).with_name("report.css")).read_text(encoding="utf-8")

POLICY = "default-src 'none'; style-src 'unsafe-inline'"

FEW = 200  # held-out events: fewer, and the figures are mostly chance
BETTER_NATS = 0.25  # than the trivial model, to be called better


def verdict(performance: Performance) -> tuple[str, str]:
    """A word, `stage`, `rehearsal` or `home`, and the sentence that says whether to play with it, and why."""
    nats = performance.trivial_nll - performance.nll
    nearer = 1.0 - performance.energy / performance.trivial_energy
    few = (
        f" There were only {performance.judged} held-out events to judge by."
        if performance.judged < FEW
        else ""
    )
    foresees = (
        f"foresees held-out gestures better than your own moves shuffled would ({number(nats)} nats an "
        f"event, {100 * nearer:.0f} % nearer)"
    )
    if nats < BETTER_NATS or nearer <= 0.0:
        return "home", (
            "Leave it at home: it foresees held-out gestures no better than your own moves shuffled would "
            f"({number(performance.nll)} against {number(performance.trivial_nll)} nats, energy score "
            f"{number(performance.energy)} against {number(performance.trivial_energy)}). Play for longer, "
            f"or let it learn for longer.{few}"
        )
    faults = _faults(performance)
    if faults:
        return "rehearsal", (
            f"Rehearse with it first: it {foresees}, but by itself it {' and '.join(faults)}.{few}"
        )
    return "stage", (
        f"Worth taking on stage: it {foresees}, and by itself it pauses and moves much as you do.{few}"
    )


def page(name: str, card: Card, trained: Trained, performance: Performance, streams: Sequence[Stream]) -> str:
    """The report as HTML. `name` is what the model is called."""
    word, sentence = verdict(performance)
    axes = card.plays
    minutes = sum(float(stream.rows[1:, 0].sum()) for stream in streams) / 60
    every, pauses = gallery.waits(performance)
    pi, sigma = performance.temperatures
    two = len(axes) > 1
    first = f" Only {escape(axes[0])} is drawn." if two else ""
    against = f" {escape(axes[0])} runs to the right, {escape(axes[1])} upwards." if two else ""
    sections = [
        (
            "You, then the model",
            f"The last of your playing, which it did not learn from, and the model by itself at "
            f"π {number(pi)} and σ {number(sigma)}. A rest breaks the line.",
            gallery.side_by_side(performance, axes),
        ),
        (
            "How it would have gone on",
            "Three moments of the held-out playing: what came before the dashed line and what you did then; "
            f"and five ways in which the model goes on, having heard the same.{first}",
            f"<div class='three'>{gallery.continuations(performance, axes)}</div>",
        ),
        (
            "At other temperatures",
            "A low π-temperature keeps to the likeliest gesture, a low σ-temperature smooths it. "
            f"The framed one comes nearest to your waits and steps, judged on what it learned from.{against}",
            gallery.temperatures(performance),
        ),
        (
            "Expected and played",
            "Held-out playing, one event ahead: the line and the dots are yours; in the shaded range the "
            "model expected eight of ten events, knowing what came before.",
            f"<div class='two'>{gallery.expectations(performance, axes)}</div>",
        ),
        (
            "Waits and pauses",
            "All waits between events, and the rests among them: yours that were held out, and the model's "
            "by itself.",
            f"<div class='two'>{every}{pauses}</div>",
        ),
        (
            "How it learned",
            "<b class='learned'>On what it learned from</b>, <b class='model'>on held-out playing</b>; "
            "<b class='trivial'>dashed</b>, your own moves shuffled. Lower is better.",
            f"<div class='two'>{gallery.learning(trained, performance)}{_figures(performance)}</div>",
        ),
    ]
    body = "".join(
        f"<section><h2>{title}</h2><p>{words}</p><figure>{picture}</figure></section>"
        for title, words, picture in sections
    )
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width'><meta name='color-scheme' content='light dark'>"
        f"<title>{escape(name)}</title><style>{STYLE}</style></head><body><main>"
        f"<header><h1>{escape(name)}</h1><p class='what'>{_what(card, minutes)}</p>"
        f"<p class='verdict {word}'>{sentence}</p>"
        "<p class='key'><b class='player'>you</b><b class='model'>the model</b></p></header>"
        f"{body}{_sessions(card)}</main></body></html>\n"
    )


def _faults(performance: Performance) -> list[str]:
    player, model = performance.player, performance.model
    faults = []
    ratio = model.dt_p99 / max(player.dt_p99, 1e-6)
    if not 1 / PAUSES_WITHIN <= ratio <= PAUSES_WITHIN:
        faults.append(
            f"{'rests too little' if ratio < 1 else 'rests too long'} (one wait in a hundred is above "
            f"{number(model.dt_p99)} s, of yours above {number(player.dt_p99)} s)"
        )
    ratio = model.step / max(player.step, 1e-6)
    if abs(ratio - 1.0) > STEPS_WITHIN:
        faults.append(
            f"moves too {'little' if ratio < 1 else 'much'} (a step is {number(model.step)} on average, "
            f"yours {number(player.step)})"
        )
    return faults


def _what(card: Card, minutes: float) -> str:
    layers = "one layer" if card.layers == 1 else f"{card.layers} layers"
    return (
        f"It hears and plays {escape(', '.join(card.plays))}. "
        f"Learned from {number(minutes)} minutes of playing: {layers} of {card.units} units."
    )


def _figures(performance: Performance) -> str:
    player, model = performance.player, performance.model
    plain = performance.plain
    apart = model.apart(player)
    plain_apart = plain.model.apart(player) if plain else {}
    # What is measured, of whom (the last of them the plain model), and what is good.
    rows: list[tuple[str, list[float | str], str]] = [
        ("", ["the model", "shuffled", "plain IMPS"], ""),
        (
            "held-out events, nats each",
            [performance.nll, performance.trivial_nll, plain.nll if plain else ""],
            "lower is better",
        ),
        (
            f"energy score, {SAMPLES} samples",
            [performance.energy, performance.trivial_energy, plain.energy if plain else ""],
            "lower is better",
        ),
        ("", ["the model alone", "you", "plain IMPS"], ""),
        (
            "longest wait of a hundred, s",
            [model.dt_p99, player.dt_p99, plain.model.dt_p99 if plain else ""],
            f"within {number(PAUSES_WITHIN)} times",
        ),
        (
            "mean step, 0 to 1",
            [model.step, player.step, plain.model.step if plain else ""],
            f"within {number(100 * STEPS_WITHIN)} %",
        ),
        ("events a second", [model.rate, player.rate, plain.model.rate if plain else ""], ""),
    ]
    rows += [
        (f"its {name} and yours", [factor, "", plain_apart.get(name, "")], "times apart; 1 is alike")
        for name, factor in apart.items()
    ]
    lines = []
    for what, figures, note in rows:
        tag = "td" if what else "th"
        cells = [each if isinstance(each, str) else number(each) for each in figures[: 3 if plain else 2]]
        line = "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)
        lines.append(f"<tr><th>{what}</th>{line}<td>{note}</td></tr>")
    return f"<table class='figures'>{''.join(lines)}</table>"


def _sessions(card: Card) -> str:
    rows = "".join(
        f"<tr><th>{escape(str(one['name']))}</th><td>{one['events']}</td>"
        f"<td><code>{escape(str(one['sha256'])[:12])}</code></td></tr>"
        for one in card.trained_on
    )
    scores = "".join(
        f"<tr><th>{escape(key.replace('_', ' '))}</th><td>{value:.6g}</td></tr>"
        for key, value in sorted(card.scores.items())
    )
    return (
        "<details><summary>How this was measured</summary>"
        "<p>The last tenth of each session was held out: no weight was changed by it, but it chose when to "
        "stop. All playing is blurred by uniform noise one step of its recording wide, and no standard "
        "deviation is below half a step (of a wait's logarithm, half a step at a middling wait), so that no "
        "score can be won by narrowing on the levels of a converter. “Your moves shuffled” is a model "
        "without memory: a Gaussian kernel around 2000 of your own waits and moves. The energy score is in "
        "seconds and positions taken together. “Times apart” is how far ten quantiles of two distributions "
        "lie from each other on average, as a factor; a wait of more than half a second is a rest, and a "
        "gesture is what lies between two. Temperatures were chosen on what it learned from, out of "
        f"{len(PI_TEMPERATURES)} by {len(SIGMA_TEMPERATURES)}.</p></details>"
        f"<details><summary>Sessions</summary><table class='figures'><tr><th></th><th>events</th>"
        f"<th>SHA-256</th></tr>{rows}</table></details>"
        f"<details><summary>Everything on its card</summary><table class='figures'>{scores}</table>"
        f"<p>{escape(card.made_by)}, seed {card.seed}, {card.mixtures} mixtures</p></details>"
    )
