"""foretone-train sweep: every size for every player, on as many machines as there are.

Dask keeps the workers, here or on a cluster (https://distributed.dask.org); each runs `foretone-train mdrnn`
on its own. Dask speaks pickle between its processes: point --scheduler at a cluster that you trust.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretone.card import read_model
from foretone.errors import ForetoneError, SessionError
from foretone_training.files import draft
from foretone_training.options import bar, count, number

SIZES = ("xs", "s", "m", "l", "xl")
TOLD = ("held_out_nll", "energy_score", "updates")
COLUMNS = ("player", "size", "seed", *TOLD, "model")


def add(kinds: Any) -> None:
    """Add the sub-command to the parsers of `kinds`."""
    kind = kinds.add_parser(
        "sweep",
        help="trains several sizes for several players, here or on a cluster",
        description="Trains a model of each size for each player, and tells which predicts best.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    kind.add_argument("players", nargs="+", type=Path, help="a folder of sessions for each player")
    kind.add_argument("--sizes", nargs="+", choices=SIZES, default=["xs", "s", "m"])
    kind.add_argument("--seeds", nargs="+", type=count(0, 2**31), default=[1])
    kind.add_argument("--out", type=Path, default=Path("sweep"), help="the folder for models and sweep.csv")
    kind.add_argument("--workers", type=count(1, 256), help="processes on this machine; else one a core")
    kind.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, tcp://HOST:8786")
    kind.add_argument("--axes", nargs="+", help="learn only these axes, in this order")
    kind.add_argument("--seconds", type=number(1, 86400), default=30, help="about how long each may learn")
    kind.add_argument("--updates", type=count(1, 10**7), help="how long exactly, in place of --seconds")
    kind.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train them all; what failed is told at the end. SessionError, ForetoneError or OSError."""
    players = {folder.resolve().name: _sessions(folder) for folder in arguments.players}
    if len(players) < len(arguments.players):
        raise SessionError("two players' folders have the same name: rename one")
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = list(itertools.product(players, arguments.sizes, arguments.seeds))
    more = [f"--seconds={arguments.seconds:g}"]
    more += [f"--updates={arguments.updates}"] if arguments.updates else []
    more += ["--axes", *arguments.axes] if arguments.axes else []
    rows: list[dict[str, Any]] = []
    faults = []
    dask = _dask()
    with _client(dask, arguments) as client, bar(len(runs), "models") as move:
        held = {name: client.scatter(files, broadcast=True) for name, files in players.items()}
        asked = {
            client.submit(learn, held[name], [f"--size={size}", f"--seed={seed}", *more]):
            (name, size, seed)
            for name, size, seed in runs
        }  # fmt: skip
        for done in dask.as_completed(asked):
            name, size, seed = asked[done]
            made, sentence = done.result()
            if sentence:
                faults.append(f"{name}, {size}, seed {seed}: {sentence}")
            else:
                rows.append(_keep(made, arguments.out, name, size, seed))
            move(1)
    rows.sort(key=lambda row: (row["player"], row["held_out_nll"]))
    with draft(arguments.out / "sweep.csv") as place, place.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    print(_describe(rows))
    print(f"All of them: {arguments.out / 'sweep.csv'}")
    if faults:
        raise SessionError("\n  ".join([f"{len(faults)} could not be trained:", *faults]))


def learn(sessions: dict[str, bytes], asked: Sequence[str]) -> tuple[dict[str, bytes], str]:
    """One model of one player's sessions, and its report; on a worker, wherever that is.

    Returns the files that were made, or none and the trainer's own sentence.
    """
    with tempfile.TemporaryDirectory(prefix="foretone-") as place:
        here, out = Path(place, "sessions"), Path(place, "out")
        here.mkdir()
        for name, content in sessions.items():
            (here / name).write_bytes(content)
        command = [sys.executable, "-m", "foretone_training", "mdrnn", str(here), *asked]
        ended = subprocess.run(
            [*command, "--out", str(out / "model.tflite")], capture_output=True, text=True, check=False
        )
        if ended.returncode:
            return {}, ended.stderr.strip().removeprefix("foretone-train: ").replace(f"{here}/", "")
        return {file.name: file.read_bytes() for file in out.iterdir()}, ""


def _sessions(folder: Path) -> dict[str, bytes]:
    files = {file.name: file.read_bytes() for suffix in ("csv", "log") for file in folder.glob(f"*.{suffix}")}
    if not files:
        raise SessionError(f"there is no session in {folder}: give a folder for each player")
    return files


def _keep(made: dict[str, bytes], folder: Path, name: str, size: str, seed: int) -> dict[str, Any]:
    """Put a model and its report into the folder; returns its row of the table."""
    model = folder / f"{name}-{size}-{seed}.tflite"
    for file, content in made.items():
        with draft(folder / f"{model.stem}{file.removeprefix('model')}") as place:
            place.write_bytes(content)
    scores = read_model(model)[1].scores
    told = {key: round(scores[key], 5) for key in TOLD}
    return {"player": name, "size": size, "seed": seed, "model": model.name} | told


def _describe(rows: Sequence[dict[str, Any]]) -> str:
    """The best of each player, in the order of the table."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        best.setdefault(row["player"], row)
    return "\n".join(
        f"{name}: {row['model']} predicts best, {row['held_out_nll']:.2f} nats an event."
        for name, row in best.items()
    )


def _client(dask: Any, arguments: argparse.Namespace) -> Any:
    if not arguments.scheduler:
        here = dask.LocalCluster(
            n_workers=arguments.workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        )
        return dask.Client(here)
    try:
        return dask.Client(arguments.scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise ForetoneError(f"no Dask scheduler answers at {arguments.scheduler}: {error}") from error


def _dask() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ForetoneError(f"a sweep needs Dask ({error}): pip install foretone[sweep]") from error
