"""The commands. Each imports what it needs only when it runs, so that an instrument starts in a breath."""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from foretone.arguments import parser
from foretone.clock import WallClock
from foretone.errors import (
    INTERRUPTED,
    WRONG_FILE,
    ForetoneError,
    InstrumentError,
    ModelError,
    WrongFileError,
)
from foretone.instrument import Instrument, Part, find, load
from foretone.parent import die_with_parent
from foretone.shelf import HOME


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    die_with_parent()
    options = parser().parse_args(argv)
    handler = logging.StreamHandler(sys.stderr)
    # python-osc logs every packet that it cannot read; we count them.
    handler.addFilter(lambda record: "pythonosc" not in record.pathname)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    try:
        status = COMMANDS[options.command](options)
    except (WrongFileError, ModelError) as error:
        print(error, file=sys.stderr)
        return WRONG_FILE
    except ForetoneError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; do not complain again when Python flushes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"{place}{error.strerror or error}", file=sys.stderr)
        return 1
    return status


def _play(options: argparse.Namespace) -> int:
    from foretone import play

    instrument = _instrument(options)
    _look_at_outputs(options)
    asked = [f"--board={options.board}", f"--seconds={options.seconds}", *_log_arguments(options)]
    asked.append(f"--examples={options.examples or HOME / 'examples'}")
    if options.ghost:
        asked.append("--ghost")
    if options.wav is not None and not any(part.kind == "synth" for part in instrument.of("sink")):
        raise InstrumentError(
            instrument.path, ["has no [sink] of kind 'synth', so there is no sound for --wav"]
        )
    chosen = play.Options(
        run=tuple(asked),
        changes=tuple(options.set),
        sessions=options.log,
        open=options.open,
        page=not options.headless and options.wav is None and options.report is None,
        port=options.port,
        wav=options.wav,
        report=options.report,
    )
    return play.play(lambda: _instrument(options), chosen)


def _run(options: argparse.Namespace) -> int:
    from foretone import run

    instrument = _instrument(options)
    _look_at_outputs(options)
    if options.state is not None:
        options.state.mkdir(parents=True, exist_ok=True)
    return run.run(
        instrument,
        run.Options(
            board=options.board,
            ghost=options.ghost,
            seconds=options.seconds,
            folder=None if options.headless else options.state,
            sessions=None if options.no_log else options.log,
            examples=options.examples or HOME / "examples",
            report=options.report,
        ),
    )


def _check(options: argparse.Namespace) -> int:
    from foretone import run
    from foretone.synth import process

    instrument = _instrument(options)
    run.rehearse(instrument)
    sinks = [part for part in instrument.of("sink") if part.kind == "synth"]
    faults = [fault for part in sinks for fault in process.rehearse(part.settings, instrument.path.parent)]
    if faults:
        raise InstrumentError(instrument.path, faults)
    print(f"{instrument.path} is an instrument: {instrument.title}")
    for part in instrument.parts.values():
        wires = f" <- {', '.join(part.wires)}" if part.wires else ""
        print(f"  {part.role:6} {part.name} ({part.kind}){wires}")
    return 0


def _parts(_: argparse.Namespace) -> int:
    from foretone import catalogue

    print(catalogue.text(), end="")
    return 0


def _replay(options: argparse.Namespace) -> int:
    from foretone import replay

    return replay.replay(
        options.session, _instrument(options), fast=options.fast, out=options.out, hands=options.hands
    )


def _practise(options: argparse.Namespace) -> int:
    from foretone import replay

    return replay.practise(_instrument(options, roles=["source"]), minutes=options.minutes, out=options.out)


def _train(options: argparse.Namespace) -> int:
    from foretone import train

    options.instrument = options.instrument or str(train.played_last(options.log))
    asked = [] if options.seconds is None else [f"--seconds={options.seconds:g}"]
    asked += [] if options.begin is None else [f"--from={options.begin}"]
    asked += ["--progress"] if options.progress else []
    return train.train(_instrument(options), options.player, options.log, options.out, asked)


def _calibrate(options: argparse.Namespace) -> int:
    from foretone import calibrate, run

    if options.sound:
        instrument = _instrument(options)
        path = _calibrate_sound(instrument, options.seconds)
    else:
        clock = WallClock()
        instrument = _instrument(options, roles=["source"])
        with contextlib.closing(run.make_board(options.board, clock, instrument.seed)) as board:
            path = calibrate.calibrate(instrument, options.part, board, clock, options.seconds, print)
    print(f"Wrote {path}.")
    if path != instrument.path:
        print(f"The shipped file is as it was; `foretone run {path.stem}` finds yours first.")
    return 0


def _calibrate_sound(instrument: Instrument, seconds: float) -> Path:
    from foretone import calibrate
    from foretone.synth import fit

    voice = _voice(instrument)
    found = fit.fit(voice.settings, instrument.path.parent, seconds, functools.partial(print, flush=True))
    print(f"{found.period} frames and {found.periods} periods are safe here, and the soonest heard.")
    shape = {"period": found.period, "periods": found.periods}
    return calibrate.write(instrument.path, "sink", {voice.name: shape})


def _learn(options: argparse.Namespace) -> int:
    from foretone import learn, run

    clock = WallClock()
    into = None if options.into is None else find(options.into)
    with contextlib.closing(run.make_board(options.board, clock, 0)) as board:
        learn.learn(board, clock, options.port, options.axes, options.name, into)
    return 0


def _synth(options: argparse.Namespace) -> int:
    instrument = _instrument(options)
    if not any(part.kind == "synth" for part in instrument.of("sink")):
        from foretone import watch

        # On a box this is a service, whoever plays.
        print(f"{instrument.title} has no voice of its own: it sounds elsewhere.", file=sys.stderr)
        return watch.rest(f"{instrument.title} has no voice")
    from foretone.synth import process

    voice = _voice(instrument)
    options.state.mkdir(parents=True, exist_ok=True)
    return process.main(voice.settings, options.state / "sound.ring", instrument.path.parent)


def _voice(instrument: Instrument) -> Part:
    """The sink that the audio process belongs to. InstrumentError when there is none, or two."""
    voices = [part for part in instrument.of("sink") if part.kind == "synth"]
    if not voices:
        raise InstrumentError(
            instrument.path, ["has no [sink] of kind 'synth', so there is nothing to sound"]
        )
    if len(voices) > 1:
        raise InstrumentError(instrument.path, ["has two voices; one sink of kind 'synth' plays all origins"])
    return voices[0]


def _hear(options: argparse.Namespace) -> int:
    from foretone import punctual

    # Whoever started us may run first; our start, which takes long, must not.
    punctual.run_ordinarily()
    from foretone.hearing import process

    return process.main(options.pcm, options.to)


def _sounds(options: argparse.Namespace) -> int:
    from foretone.synth import audition, sounds

    known = sounds.load(sounds.SHIPPED if options.file is None else options.file)
    chosen = sounds.choose(options.sound or list(known), options.file, ())
    if options.picture is not None:
        options.picture.write_text(audition.picture(chosen), encoding="utf-8")
    if options.wav is not None:
        audition.write(chosen, options.wav, print)
    if options.picture is None and options.wav is None:
        audition.play(chosen, options.pcm, lambda name: print(name, flush=True))
    return 0


def _panel(options: argparse.Namespace) -> int:
    from foretone.panel import door, server
    from foretone.panel.library import Library

    key = door.key(HOME / "panel.key") if options.open else None
    host = options.host or ("0.0.0.0" if options.open else "127.0.0.1")
    panel = server.Panel(
        options.state, door.Door(host, key), options.port, Library(options.log, options.models)
    )

    def ready(address: str, port: int) -> None:
        print(f"The instrument is at {address}", flush=True)
        if key is not None:
            print(door.invitation(port, key), flush=True)

    return server.main(panel, ready)


def _box(options: argparse.Namespace) -> int:
    from foretone.box import command

    return command.run(options.action, options.file, only_new=options.new)


def _doctor(options: argparse.Namespace) -> int:
    from foretone import doctor

    return doctor.main(options.state, as_json=options.json)


def _instrument(options: argparse.Namespace, **only: Sequence[str]) -> Instrument:
    changes = [_from_here(change) for change in options.set]
    instrument = load(find(options.instrument), [*changes, *options.free], **only)
    instrument = replace(instrument, changes=tuple(changes))
    return instrument if options.seed is None else replace(instrument, seed=options.seed)


def _look_at_outputs(options: argparse.Namespace) -> None:
    """Say before the first note, not after the last, that a file cannot be written. Raises OSError."""
    if options.ghost and options.board == "pi":
        raise ForetoneError("the ghost can hold the levers of a simulated board only: --board fake")
    for path in (options.report, getattr(options, "wav", None)):
        if path is not None:
            path.open("ab").close()


def _from_here(change: str) -> str:
    """A file named on the command line is looked for where the person stands."""
    place, _, value = change.partition("=")
    file = Path(value)
    is_file = place.endswith((".model", ".session")) and file.is_file()
    return f"{place}={file.resolve()}" if is_file else change


def _log_arguments(options: argparse.Namespace) -> list[str]:
    return ["--no-log"] if options.no_log else [f"--log={options.log}"]


COMMANDS = {
    "play": _play,
    "run": _run,
    "check": _check,
    "parts": _parts,
    "replay": _replay,
    "practise": _practise,
    "train": _train,
    "learn": _learn,
    "calibrate": _calibrate,
    "synth": _synth,
    "hear": _hear,
    "sounds": _sounds,
    "panel": _panel,
    "box": _box,
    "doctor": _doctor,
}
