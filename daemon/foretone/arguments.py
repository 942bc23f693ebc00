"""What may be said to each command."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from foretone.shelf import HOME


def parser() -> argparse.ArgumentParser:
    """All of them; `command` is the one that was chosen."""
    whole = argparse.ArgumentParser(
        prog="foretone", description="An instrument that learns how its player plays, and plays back."
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def command(name: str, help_text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help_text, description=help_text)

    made = command("play", "play an instrument here and now: the instrument, its voice and its page")
    _add_instrument(made)
    _add_playing(made, "fake")
    made.add_argument(
        "--wav", type=Path, metavar="FILE", help="write the sound that went to the sound device"
    )
    made.add_argument("--headless", action="store_true", help="no page (as with --wav and --report)")
    _add_open(made)
    made.add_argument("--port", type=_port, default=8700, help="of the page; default: %(default)s")

    made = command("run", "the instrument alone, as the daemon runs it")
    _add_instrument(made)
    _add_playing(made, "pi")
    made.add_argument("--state", type=Path, metavar="DIR", help="where its socket goes, for the page")
    made.add_argument("--headless", action="store_true", help="no socket for a page")

    _add_instrument(command("check", "check an instrument file whole, and tell every fault"))
    command("parts", "list every kind of part, with its settings")

    made = command("replay", "play a recorded session into an instrument, without sound")
    _add_replay(made)

    made = command("practise", "let the ghost practise in virtual time: a session to train from")
    _add_instrument(made)
    made.add_argument("--minutes", type=_seconds, default=15.0)
    made.add_argument("--out", type=Path, required=True, metavar="FILE", help="an older one is replaced")

    _add_training(command("train", "learn from what was played here, without disturbing what is playing"))
    _add_learning(command("learn", "learn which MIDI control plays what, by moving it"))
    _add_calibrating(
        command(
            "calibrate",
            "learn where a lever's ends are, or how soon it can sound; stop the instrument first",
        )
    )

    made = command("synth", "the voice alone: the audio process of an instrument")
    _add_instrument(made)
    made.add_argument("--state", type=Path, required=True, metavar="DIR", help="where its ring of sound goes")

    _add_hearing(
        command("hear", "what a microphone hears: level, pitch, centroid, flatness, and where it begins")
    )

    _add_sounds(command("sounds", "hear what a voice can be: each sound plays a phrase"))

    made = command("panel", "the page alone")
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

    made = command(
        "box", "check a box.toml, find boxes; on a box: apply its own, announce it, say its address"
    )
    made.add_argument("action", choices=("check", "find", "apply", "announce", "say"))
    made.add_argument("file", nargs="?", type=Path, default=Path("box.toml"), help="default: %(default)s")
    made.add_argument("--new", action="store_true", help="say only an address that was not said yet")

    made = command("doctor", "look this box over: what is wrong, and its cure")
    made.add_argument("--json", action="store_true", help="for other programs: a list `findings`")
    made.add_argument(
        "--state", type=Path, default=Path("/run/foretone"), metavar="DIR", help="default: %(default)s"
    )
    return whole


def _add_hearing(made: argparse.ArgumentParser) -> None:
    made.add_argument("--pcm", default="default", help="the ALSA device; default: %(default)s")
    made.add_argument("--to", type=int, metavar="FD", help=argparse.SUPPRESS)


def _add_sounds(made: argparse.ArgumentParser) -> None:
    made.add_argument("sound", nargs="*", help="only these; default: all that are shipped")
    made.add_argument("--file", type=Path, metavar="FILE", help="a file of sounds of your own")
    made.add_argument("--pcm", default="default", help="the ALSA device; default: %(default)s")
    made.add_argument("--wav", type=Path, metavar="DIR", help="write a WAV file of each instead")
    made.add_argument("--picture", type=Path, metavar="FILE", help="write an SVG picture of them instead")


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
    # As --set, chosen by `foretone play` for the file as it is: another file gets others.
    made.add_argument("--free", action="append", default=[], help=argparse.SUPPRESS)
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
