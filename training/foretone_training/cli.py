"""The command foretone-train: from sessions to a model."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from foretone.errors import ForetoneError, SessionError
from foretone_training import data_command, exchange_command, mapping_command, sweep_command
from foretone_training.options import count as _count

if TYPE_CHECKING:
    from foretone_training.mdrnn import Progress

DATA_ERROR = 65  # EX_DATAERR of sysexits.h


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 65 when the sessions cannot be learned from, or 1 for any other reason."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except SessionError as error:
        return _fail(str(error), DATA_ERROR)
    except ForetoneError as error:
        return _fail(str(error))
    except OSError as error:
        place = error.filename or getattr(arguments, "out", "what it says")
        return _fail(f"{place} cannot be written: {error.strerror}")
    except KeyboardInterrupt:
        return _fail("stopped before it was done; no half file was written")
    return 0


def _mdrnn(arguments: argparse.Namespace) -> None:
    from foretone_training.mdrnn_command import run

    run(arguments, _lines if arguments.progress else _bar)


def _serve(_: argparse.Namespace) -> None:
    from foretone_training.serve import run

    run()


def _import(arguments: argparse.Namespace) -> None:
    from foretone_training.adopt import take

    card = take(arguments.model, arguments.out, arguments.axes)
    print(f"It plays {', '.join(card.plays)}, with {card.layers} x {card.units} units.")
    print(
        f"Wrote {arguments.out}, which differs from {arguments.model} by {card.scores['parity']:.0e} at most."
    )


@contextmanager
def _lines() -> Iterator[Callable[[Progress], None]]:
    """Progress as lines of JSON on standard output, for a program that shows it."""

    def report(progress: Progress) -> None:
        print(json.dumps(asdict(progress)), flush=True)

    yield report


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal's standard error; elsewhere, or without tqdm, nothing."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda _: None
        return
    with tqdm(unit=" updates", disable=None, leave=False) as bar:

        def report(progress: Progress) -> None:
            bar.total = progress.planned
            bar.set_postfix_str(
                f"loss {progress.loss:.2f}, held out {progress.held_out:.2f}, best {progress.best:.2f}",
                refresh=False,
            )
            bar.update(progress.done - bar.n)

        yield report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="foretone-train", description="Trains a model from your own playing."
    )
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    kind = kinds.add_parser(
        "mdrnn",
        help="predicts your next gesture and when it comes",
        description="Trains a network that predicts your next gesture and when it comes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    kind.add_argument(
        "sessions", nargs="+", type=Path, help="session logs, IMPSY .log files, or folders of them"
    )
    kind.add_argument("--out", type=Path, default=Path("model.tflite"), help="the file to write")
    kind.add_argument("--report", type=Path, help="its report; beside the model where not given")
    kind.add_argument("--axes", nargs="+", default=(), help="learn only these axes, in this order")
    kind.add_argument(
        "--size",
        choices=("xs", "s", "m", "l", "xl"),
        default="s",
        help="32, 64, 128, 256 or 512 units a layer",
    )
    kind.add_argument("--units", type=_count(4, 1024), help="of each layer, in place of --size")
    kind.add_argument("--layers", type=_count(1, 8), default=2, help="of memory")
    kind.add_argument("--mixtures", type=_count(1, 64), default=5, help="alternatives for the next event")
    kind.add_argument("--plain", action="store_true", help="the network of IMPS, as it was")
    kind.add_argument("--compare", action="store_true", help="with the plain network too, in the report")
    kind.add_argument(
        "--weights", choices=("float32", "float16", "int8"), default="float32", help="smaller is less exact"
    )
    kind.add_argument("--seed", type=_count(0, 2**31), default=1, help="the same seed gives the same model")
    kind.add_argument("--seconds", type=_seconds, default=30.0, help="about how long to learn")
    kind.add_argument("--updates", type=_count(1, 10**7), help="how long exactly, in place of --seconds")
    kind.add_argument("--progress", action="store_true", help="tell it in lines of JSON, not as a bar")
    more = kind.add_mutually_exclusive_group()
    more.add_argument(
        "--resume", action="store_true", help="go on with the training of --out that was stopped, as it began"
    )
    more.add_argument(
        "--from", dest="begin", type=Path, metavar="MODEL", help="teach this model the sessions too"
    )
    kind.set_defaults(run=_mdrnn)
    kind = kinds.add_parser(
        "import",
        help="takes over a model that IMPSY has trained",
        description="Writes a .tflite model of IMPSY's as one that Foretone plays, checked against it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    kind.add_argument("model", type=Path, help="IMPSY's .tflite file")
    kind.add_argument("--out", type=Path, required=True, help="the file to write")
    kind.add_argument("--axes", nargs="+", default=(), help="names for its axes; else x1, x2 and so on")
    kind.set_defaults(run=_import)
    mapping_command.add(kinds)
    exchange_command.add(kinds)
    kind = kinds.add_parser("serve", help="waits for lessons of a mapping on its standard input, in JSON")
    kind.set_defaults(run=_serve)
    data_command.add(kinds)
    sweep_command.add(kinds)
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1.0 <= seconds <= 86400.0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 1 to 86400")
    return seconds


def _fail(sentence: str, code: int = 1) -> int:
    print(f"foretone-train: {sentence}", file=sys.stderr)
    return code
