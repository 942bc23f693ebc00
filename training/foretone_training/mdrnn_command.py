"""What `foretone-train mdrnn` does: learn, judge, write the model and its report."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from foretone.errors import ModelError
from foretone_training import dataset, mdrnn, report, resume
from foretone_training.dataset import Stream
from foretone_training.export import export
from foretone_training.mdrnn import AGAIN, SIZES, Progress, Settings, learning_rate
from foretone_training.network import Network
from foretone_training.performance import Plain, perform
from foretone_training.readback import read_network

Bar = Callable[[], AbstractContextManager[Callable[[Progress], None]]]


def run(arguments: argparse.Namespace, bar: Bar) -> None:
    """Do it; SessionError, ModelError or OSError says what went wrong, and then there is no new model."""
    left_out: list[Path] = []
    streams = dataset.load(arguments.sessions, arguments.axes, left_out)
    print(dataset.describe(streams), flush=True)
    if left_out:
        print(
            f"Left out {len(left_out)} in which nobody played: {', '.join(path.name for path in left_out)}."
        )
    beside = resume.beside(arguments.out)
    begin: Network | None = None
    state, about = resume.load(beside, streams) if arguments.resume else (None, {})
    if state:
        try:
            settings = Settings(**about["settings"])
            done, planned = state.told["done"], state.told["planned"]
        except (KeyError, TypeError) as error:
            raise ModelError(resume.UNFIT) from error
        print(f"Going on after {done} of {planned} updates.", flush=True)
    else:
        settings = _chosen(arguments)
        if arguments.begin:
            begin, settings, about = _again(arguments.begin, settings, streams)
        about["settings"] = asdict(settings)
    with bar() as progress:
        trained = mdrnn.train(
            streams, settings, progress, begin=begin, state=state,
            keep=lambda state: resume.save(state, beside, about, streams),
        )  # fmt: skip
    performance = perform(trained, streams)
    if arguments.compare:
        with bar() as progress:
            plain = perform(mdrnn.train(streams, replace(settings, plain=True), progress), streams)
        performance = replace(performance, plain=Plain(plain.nll, plain.energy, plain.model))
    trained = replace(trained, scores=trained.scores | performance.scores)
    before = about.get("trained_on", ())
    card = export(trained, streams, settings, arguments.out, arguments.weights, before)
    page = arguments.report or arguments.out.with_suffix(".report.html")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(report.page(arguments.out.name, card, trained, performance, streams), "utf-8")

    scores = card.scores
    again = f"--updates {scores['updates']:.0f} --seed {card.seed} does the same again."
    print(f"{trained.ended} {again if trained.repeatable else '--resume goes on.'}")
    print(f"Held-out events: {scores['held_out_nll']:.2f} nats each, lower is better.")
    print(f"Wrote {arguments.out}, which differs from what was trained by {scores['parity']:.0e} at most.")
    if arguments.weights != "float32":
        print(f"With {arguments.weights} weights it predicts them {scores['nll_lost']:.1g} nats worse.")
    print(report.verdict(performance)[1])
    print(f"What it learned, in pictures: {page}")
    if trained.repeatable:
        beside.unlink(missing_ok=True)


def _chosen(arguments: argparse.Namespace) -> Settings:
    return Settings(
        layers=arguments.layers,
        units=arguments.units or SIZES[arguments.size],
        mixtures=arguments.mixtures,
        seed=arguments.seed,
        seconds=arguments.seconds,
        updates=arguments.updates,
        plain=arguments.plain,
    )


def _again(
    path: Path, settings: Settings, streams: Sequence[Stream]
) -> tuple[Network, Settings, dict[str, Any]]:
    """A model to go on from, settings of its shape, and what it learned from before."""
    network, card = read_network(path)
    if card.plays != streams[0].axes:
        raise ModelError(
            f"{path} plays {', '.join(card.plays)}, these sessions have {', '.join(streams[0].axes)}; choose "
            "the same with --axes"
        )
    shape = network.shape
    print(f"Going on from {path}: {shape.layers} x {shape.units} units.", flush=True)
    settings = replace(
        settings, layers=shape.layers, units=shape.units, mixtures=shape.mixtures,
        learning_rate=AGAIN * learning_rate(shape.units), plain=not shape.skip,
    )  # fmt: skip
    return network, settings, {"trained_on": list(card.trained_on)}
