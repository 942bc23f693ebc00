"""The commands. Each imports what it needs only when it runs, so that an instrument starts in a breath."""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

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
    options = _parser().parse_args(argv)
    handler = logging.StreamHandler(sys.stderr)
    # python-osc logs every packet that it cannot read; we count them.
    handler.addFilter(lambda record: "pythonosc" not in record.pathname)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    try:
        status: int = options.command(options)
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
            examples=options.examples or (options.state or HOME) / "examples",
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
    from foretone.synth import process

    instrument = _instrument(options)
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


def _sounds(options: argparse.Namespace) -> int:
    from foretone.synth import audition, sounds

    known = sounds.load(sounds.SHIPPED if options.file is None else options.file)
    chosen = sounds.choose(options.sound or list(known), options.file, ())
    if options.picture is not None:
        options.picture.write_text(audition.picture(chosen))
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
    from foretone.box import apply, settings

    if options.action == "apply":
        return apply.apply()
    box = settings.load(options.file)
    print(f"{options.file} is a box: {box.hostname}.local plays {box.instrument}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from foretone import doctor

    return doctor.main(options.state, as_json=options.json)


def _instrument(options: argparse.Namespace, **only: Sequence[str]) -> Instrument:
    changes = [_from_here(change) for change in options.set]
    instrument = load(find(options.instrument), changes, **only)
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


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must be 0 to 65535; 0 takes any that is free")
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="foretone", description="An instrument that learns how its player plays, and plays back."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, help_text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_text, description=help_text)
        made.set_defaults(command=function)
        return made

    made = command("play", _play, "play an instrument here and now: the instrument, its voice and its page")
    _add_instrument(made)
    _add_playing(made, "fake")
    made.add_argument(
        "--wav", type=Path, metavar="FILE", help="write the sound that went to the sound device"
    )
    made.add_argument("--headless", action="store_true", help="no page (as with --wav and --report)")
    _add_open(made)
    made.add_argument("--port", type=_port, default=8700, help="of the page; default: %(default)s")

    made = command("run", _run, "the instrument alone, as the daemon runs it")
    _add_instrument(made)
    _add_playing(made, "pi")
    made.add_argument("--state", type=Path, metavar="DIR", help="where its socket goes, for the page")
    made.add_argument("--headless", action="store_true", help="no socket for a page")

    _add_instrument(command("check", _check, "check an instrument file whole, and tell every fault"))
    command("parts", _parts, "list every kind of part, with its settings")

    made = command("replay", _replay, "play a recorded session into an instrument, without sound")
    _add_replay(made)

    made = command("practise", _practise, "let the ghost practise in virtual time: a session to train from")
    _add_instrument(made)
    made.add_argument("--minutes", type=_seconds, default=15.0)
    made.add_argument("--out", type=Path, required=True, metavar="FILE", help="an older one is replaced")

    _add_training(
        command("train", _train, "learn from what was played here, without disturbing what is playing")
    )
    _add_learning(command("learn", _learn, "learn which MIDI control plays what, by moving it"))
    _add_calibrating(
        command(
            "calibrate",
            _calibrate,
            "learn where a lever's ends are, or how soon it can sound; stop the instrument first",
        )
    )

    made = command("synth", _synth, "the voice alone: the audio process of an instrument")
    _add_instrument(made)
    made.add_argument("--state", type=Path, required=True, metavar="DIR", help="where its ring of sound goes")

    made = command("sounds", _sounds, "hear what a voice can be: each sound plays a phrase")
    made.add_argument("sound", nargs="*", help="only these; default: all that are shipped")
    made.add_argument("--file", type=Path, metavar="FILE", help="a file of sounds of your own")
    made.add_argument("--pcm", default="default", help="the ALSA device; default: %(default)s")
    made.add_argument("--wav", type=Path, metavar="DIR", help="write a WAV file of each instead")
    made.add_argument("--picture", type=Path, metavar="FILE", help="write an SVG picture of them instead")

    made = command("panel", _panel, "the page alone")
    made.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="where the instrument's socket is"
    )
    made.add_argument("--host", help="an address to listen at; default: 127.0.0.1, or with --open all")
    made.add_argument("--port", type=_port, default=8700)
    _add_open(made)
    _add_log(made)
    made.add_argument(
        "--models", type=Path, default=HOME / "models", metavar="DIR", help="default: %(default)s"
    )

    made = command("box", _box, "check a box.toml here, or apply the boot partition's on a box")
    made.add_argument("action", choices=("check", "apply"))
    made.add_argument("file", nargs="?", type=Path, default=Path("box.toml"), help="default: %(default)s")

    made = command("doctor", _doctor, "look this box over: what is wrong, and its cure")
    made.add_argument("--json", action="store_true", help="for other programs: a list `findings`")
    made.add_argument(
        "--state", type=Path, default=Path("/run/foretone"), metavar="DIR", help="default: %(default)s"
    )
    return parser


def _add_replay(made: argparse.ArgumentParser) -> None:
    made.add_argument("session", type=Path)
    made.add_argument("--instrument", required=True, metavar="FILE")
    _add_changes(made)
    made.add_argument("--fast", action="store_true", help="in virtual time: the same result every time")
    made.add_argument(
        "--hands", action="store_true", help="let hands hold the simulated sensors as the session says"
    )
    made.add_argument(
        "--out", type=Path, metavar="FILE", help="the session that comes out; default: to the screen"
    )


def _add_instrument(made: argparse.ArgumentParser) -> None:
    made.add_argument("instrument", help="an instrument file, or the name of a shipped one")
    _add_changes(made)


def _add_changes(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PART.KEY=VALUE",
        help="change a setting of the file",
    )
    made.add_argument("--seed", type=int, metavar="N", help="another one than the file's")


def _add_playing(made: argparse.ArgumentParser, board: str) -> None:
    made.add_argument("--board", choices=("pi", "fake"), default=board, help=f"default: {board}")
    made.add_argument("--ghost", action="store_true", help="a performer that is not there plays")
    made.add_argument("--seconds", type=_seconds, default=math.inf, help="stop by itself after this long")
    made.add_argument("--report", type=Path, metavar="FILE", help="write what happened, as JSON")
    _add_log(made)
    made.add_argument("--no-log", action="store_true", help="do not record the session")
    made.add_argument("--examples", type=Path, metavar="DIR", help="for what mappings are shown and learn")


def _add_training(made: argparse.ArgumentParser) -> None:
    made.add_argument("instrument", nargs="?", help="default: the shipped one that was played last")
    _add_changes(made)
    made.add_argument("--here", action="store_true", required=True, help="on this machine")
    made.add_argument("--player", metavar="NAME", help="which one to train, where there are several")
    made.add_argument("--seconds", type=_seconds, help="about how long to learn; default: the trainer's")
    made.add_argument("--from", dest="begin", type=Path, metavar="MODEL", help="teach this model more")
    made.add_argument("--progress", action="store_true", help="tell it in lines of JSON, not as a bar")
    _add_log(made)
    made.add_argument("--out", type=Path, default=HOME / "models", metavar="DIR", help="default: %(default)s")


def _add_learning(made: argparse.ArgumentParser) -> None:
    made.add_argument("port", nargs="?", default="", help="part of the device's name; default: what is moved")
    made.add_argument(
        "--axes", nargs="+", default=[], metavar="AXIS", help="what is played, one after another"
    )
    made.add_argument("--name", default="knobs", help="of the source; default: %(default)s")
    made.add_argument("--into", metavar="FILE", help="add it to this instrument, by file or by name")
    made.add_argument("--board", choices=("pi", "fake"), default="pi", help="default: pi")


def _add_log(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--log", type=Path, default=HOME / "sessions", metavar="DIR", help="default: %(default)s"
    )


def _add_open(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--open", action="store_true", help="let other machines on the page that have its key; shows a code"
    )


def _add_calibrating(made: argparse.ArgumentParser) -> None:
    _add_instrument(made)
    made.add_argument("part", nargs="?", help="the lever; default: every one, one after the other")
    made.add_argument("--board", choices=("pi", "fake"), default="pi", help="default: pi")
    made.add_argument(
        "--seconds", type=_seconds, default=10.0, help="how long to watch each; default: %(default)s"
    )
    made.add_argument(
        "--sound", action="store_true", help="what the sound costs here, and the shortest period that is safe"
    )
