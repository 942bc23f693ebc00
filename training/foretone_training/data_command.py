"""foretone-train data: see what is recorded, and cut, join and exchange it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from foretone.errors import SessionError
from foretone_training.options import bar, count, number

if TYPE_CHECKING:
    from foretone_training.take import Take

T = TypeVar("T")
A_DAY = 86400.0


def add(kinds: Any) -> None:
    """Add the sub-command, and the verbs below it, to the parsers of `kinds`."""
    kind = kinds.add_parser(
        "data",
        help="shows, checks, joins, cuts, imports and exports what was recorded",
        description="Shows, checks, joins, cuts, imports and exports what was recorded.",
    )
    verbs = kind.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Callable[[argparse.Namespace], None], told: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = verbs.add_parser(
            name,
            help=told,
            description=f"{told[0].upper()}{told[1:]}.",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        parser.set_defaults(run=run)
        return parser

    for name, run, told in (
        ("list", show, "how much playing there is in each session and in all, and what is wrong"),
        ("check", check, "what is wrong, in every file at once"),
    ):
        _sessions(verb(name, run, told))
    parser = verb("merge", merge, "one session of several")
    _sessions(parser)
    _pause(parser)
    _out(parser, "the session to write, a .csv", _session)
    parser = verb("trim", trim, "a part of a session")
    parser.add_argument("session", type=Path, help="a session log or IMPSY .log file")
    seconds = number(0.0, 1e9, "of seconds")
    parser.add_argument("--from", dest="begin", type=seconds, default=0.0, help="s, as in the first column")
    parser.add_argument("--to", dest="end", type=seconds, default=math.inf, help="s; what is there is cut")
    _out(parser, "the session to write, a .csv", _session)
    parser = verb("split", split, "sessions to learn from, and sessions held out to be judged by")
    _sessions(parser)
    parser.add_argument("--by", choices=("session", "time"), default="session", help="what is held out whole")
    parser.add_argument("--share", type=number(0.01, 0.99), default=0.1, help="of all, that is held out")
    parser.add_argument("--seed", type=count(0, 2**31), default=1, help="the same seed chooses the same")
    _out(parser, "a folder: learn/ and held-out/ are made in it")
    parser = verb("import", bring, "sessions of IMPSY .log files and .npz data sets")
    parser.add_argument("files", nargs="+", type=Path, help=".log and .npz files, or folders of them")
    parser.add_argument(
        "--axes", nargs="+", default=(), help="names for the columns, in place of x1, x2, ..."
    )
    _pause(parser)
    _out(parser, "the folder to write sessions into")
    parser = verb("export", export, "IMPSY .log files, or an .npz of plain arrays, of what was played")
    _sessions(parser)
    parser.add_argument("--axes", nargs="+", default=(), help="only these, in this order")
    _out(parser, "the .npz file to write, or a folder for .log files")


def show(arguments: argparse.Namespace) -> None:
    """Print the table and every remark; then SessionError when a file is faulty."""
    from foretone_training import dataset, survey

    paths = dataset.find(arguments.sessions)
    with bar(len(paths), "sessions") as report:
        found = survey.survey(paths, report)
    if found.streams:
        print(survey.table(found.streams))
    print("".join(f"{remark}\n" for remark in found.remarks), end="", flush=True)
    dataset.refuse(found.faults)


def check(arguments: argparse.Namespace) -> None:
    """Print every remark, and how many sessions are sound; then SessionError when a file is faulty."""
    from foretone_training import dataset, survey

    paths = dataset.find(arguments.sessions)
    with bar(len(paths), "sessions") as report:
        found = survey.survey(paths, report)
    print("".join(f"{remark}\n" for remark in found.remarks), end="")
    print(f"{len(paths) - len(found.faults)} of {len(paths)} can be read.", flush=True)
    dataset.refuse(found.faults)


def merge(arguments: argparse.Namespace) -> None:
    """Write one session of several."""
    from foretone_training import editing

    _write([(arguments.out, editing.merge(_takes(arguments.sessions), arguments.pause))])


def trim(arguments: argparse.Namespace) -> None:
    """Write a part of a session."""
    from foretone_training import editing

    _write([(arguments.out, editing.trim(_take(arguments.session), arguments.begin, arguments.end))])


def split(arguments: argparse.Namespace) -> None:
    """Write what is learned from and what is held out."""
    from foretone_training import editing

    takes = _takes(arguments.sessions)
    parts = editing.split(takes, arguments.share, arguments.by == "session", arguments.seed)
    _write(
        [
            (arguments.out / folder / f"{take.name}.csv", take)
            for folder, part in zip(("learn", "held-out"), parts, strict=True)
            for take in part
        ]
    )


def bring(arguments: argparse.Namespace) -> None:
    """Write sessions of what IMPSY recorded."""
    from dataclasses import replace

    from foretone_training import dataset
    from foretone_training.impsy import read_npz
    from foretone_training.take import shorten

    def read(path: Path) -> list[Take]:
        takes = read_npz(path) if path.suffix == ".npz" else [_take(path)]
        takes = [replace(take, rows=shorten(take.rows, arguments.pause)) for take in takes]
        return [take.named(arguments.axes) for take in takes] if arguments.axes else takes

    groups = _each(dataset.find(arguments.files, (".log", ".npz")), read)
    _write([(arguments.out / f"{take.name}.csv", take) for takes in groups for take in takes])


def export(arguments: argparse.Namespace) -> None:
    """Write what a person played for IMPSY."""
    from foretone_training import dataset, impsy
    from foretone_training.files import draft
    from foretone_training.take import unused

    left_out: list[Path] = []
    streams = dataset.load(arguments.sessions, arguments.axes, left_out)
    out: Path = arguments.out
    if out.suffix == ".npz":
        unused([out])
        impsy.write_npz(streams, out)
        print(f"Wrote {out}: {len(streams)} performances as plain arrays, events and lengths.")
    else:
        dimension = 1 + len(streams[0].axes)
        named = [(out / f"{Path(stream.name).stem}-{dimension}d-mdrnn.log", stream) for stream in streams]
        unused(path for path, _ in named)
        with bar(len(named), "sessions") as report:
            for path, stream in named:
                with draft(path) as place:
                    place.write_text(impsy.to_log(stream, datetime(2000, 1, 1)), encoding="utf-8")
                report(1)
        print(f"Wrote {len(named)} .log files to {out}; in IMPSY they have the dimension {dimension}.")
    for path in left_out:
        print(f"{path.name} is left out: nobody played in it.")
    for stream in streams:
        if stream.torn:
            print(f"{stream.name} {dataset.say_torn(stream.torn)}.")


def _takes(paths: Iterable[Path]) -> list[Take]:
    from foretone_training import dataset

    return _each(dataset.find(paths), _take)


def _take(path: Path) -> Take:
    from foretone_training.dataset import say_torn
    from foretone_training.take import read_take

    take = read_take(path)
    if take.torn:
        print(f"{path.name} {say_torn(take.torn)}.")
    return take


def _each(paths: list[Path], read: Callable[[Path], T]) -> list[T]:
    """What every file holds; SessionError with the faults of all of them."""
    from foretone_training.dataset import refuse

    held: list[T] = []
    faults: list[str] = []
    with bar(len(paths), "files") as report:
        for path in paths:
            try:
                held.append(read(path))
            except SessionError as error:
                faults.append(str(error))
            report(1)
    refuse(faults)
    return held


def _write(takes: list[tuple[Path, Take]]) -> None:
    from foretone_training.take import write_takes

    write_takes(takes)
    for path, take in takes:
        print(f"Wrote {path}: {len(take.rows)} events.")


def _sessions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sessions", nargs="+", type=Path, help="session logs, IMPSY .log files, or folders of them"
    )


def _pause(parser: argparse.ArgumentParser) -> None:
    seconds = number(0.1, A_DAY, "of seconds")
    parser.add_argument("--pause", type=seconds, default=5.0, help="s; a longer silence becomes this long")


def _out(parser: argparse.ArgumentParser, told: str, type_: Callable[[str], Path] = Path) -> None:
    parser.add_argument("--out", type=type_, required=True, default=argparse.SUPPRESS, help=told)


def _session(text: str) -> Path:
    if not text.endswith(".csv"):
        raise argparse.ArgumentTypeError(f"{text} does not end in .csv, so nobody would find it")
    return Path(text)
