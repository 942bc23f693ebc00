"""`foretone train --here`: the box learns from its own sessions, while it may be playing.

The trainer is `foretone-train`, the same as on a desktop, in a process that the kernel serves last. It
needs numpy alone and 80 MB; the frameworks that were measured need 365 MB and more, and won nothing at the
sizes that a box plays.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from foretone import instrument as files
from foretone import shelf
from foretone.errors import InstrumentError, SessionError
from foretone.instrument import Instrument, Part
from foretone.session import read_header

KINDS = ("mdrnn",)
"""The players whose models are learned from sessions."""


def train(
    instrument: Instrument, player: str | None, sessions: Path, models: Path, asked: Sequence[str] = ()
) -> int:
    """Learn a new model for one of the instrument's players, from all that was played on it here.

    player: its name; None where there is only one. sessions: the folder of session logs. models: the folder
    that gets the model and its report. asked: more arguments for `foretone-train`. This process becomes the
    trainer, so it returns only when that cannot be. InstrumentError or SessionError tells what is missing.
    """
    learner = find(instrument, player)
    paths = of(instrument, learner, sessions)
    out = models / f"{instrument.path.stem}-{learner.name}.tflite"
    if "--progress" in asked:
        print(json.dumps({"player": learner.name, "model": out.name}), flush=True)
    else:
        print(f"{len(paths)} sessions of {instrument.title}, for [player.{learner.name}]. When it is done:")
        print(f"  foretone play {instrument.path} --set {learner.name}.model={out}", flush=True)
    serve_last()
    trainer = [sys.executable, "-m", "foretone_training", learner.kind]
    told = [*map(str, paths), "--axes", *learner.axes, "--out", str(out), *asked]
    return os.execv(sys.executable, [*trainer, *told])


def played_last(sessions: Path) -> Path:
    """The file of the instrument that was played last; SessionError when it is none that we know."""
    for path in sorted(sessions.glob("*.csv"), reverse=True):
        try:
            title = read_header(path).instrument
        except SessionError:
            continue
        for file in shelf.instruments().values():
            if files.load(file, roles=("source",)).title == title:
                return file
        raise SessionError(f"{title} was played last, and no instrument here is called so: name its file")
    raise SessionError(f"nothing was played yet, or not recorded: there is no session in {sessions}")


def find(instrument: Instrument, name: str | None) -> Part:
    """The player to train; InstrumentError lists those that could be when it is not clear."""
    learners = {part.name: part for part in instrument.of("player") if part.kind in KINDS}
    if not learners:
        raise InstrumentError(instrument.path, [f"has no player of kind {' or '.join(KINDS)} to train"])
    if name is None and len(learners) == 1:
        return next(iter(learners.values()))
    if name not in learners:
        said = "has several players to train" if name is None else f"has no player '{name}' to train"
        raise InstrumentError(instrument.path, [f"{said}: choose --player {' or '.join(learners)}"])
    return learners[name]


def of(instrument: Instrument, learner: Part, sessions: Path) -> list[Path]:
    """The session logs in a folder, oldest first, that were played on this instrument with these axes.

    SessionError when there are none. Logs of other instruments may lie there too; a log that cannot be read
    is left for the trainer, which tells what is wrong with it.
    """
    found = []
    for path in sorted(sessions.glob("*.csv")):
        with contextlib.suppress(SessionError):
            header = read_header(path)
            if header.instrument != instrument.title or not set(learner.axes) <= set(header.axes):
                continue
        found.append(path)
    if not found:
        raise SessionError(
            f"{instrument.title} was not played yet, or not recorded: there is no session of it in {sessions}"
        )
    return found


def serve_last() -> None:
    """From now on this process gets what nobody else wants: processor, disk and memory.

    What the kernel does not allow is left as it is.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):
        os.nice(19)
    with contextlib.suppress(OSError):
        # When memory runs out the kernel ends the highest first; the instrument has 0.
        Path("/proc/self/oom_score_adj").write_text("900")
