"""What is in a folder of sessions, and what is wrong with it, in words for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from foretone.errors import SessionError, UnplayedError
from foretone_training.dataset import PAUSE, STILLNESS, Stream, read_stream, say_torn


@dataclass
class Survey:
    """The sessions that can be read, one remark a line, and the faults of those that cannot."""

    streams: list[Stream] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def survey(paths: Iterable[Path], report: Callable[[int], None] = lambda _: None) -> Survey:
    """Read every session of paths; `report` is told 1 after each."""
    found = Survey()
    for path in paths:
        try:
            stream = read_stream(path)
        except UnplayedError as error:
            found.remarks.append(f"{error}.")
        except SessionError as error:
            found.faults.append(str(error))
        else:
            found.streams.append(stream)
            found.remarks += _remarks(stream)
        report(1)
    found.remarks += _together(found.streams)
    return found


def table(streams: Sequence[Stream]) -> str:
    """One line for each session, and one for all."""
    width = max([len("session"), *(len(stream.name) for stream in streams)])
    heads = ("minutes", "events", "gestures", "dt 50 %", "dt 99 %", "longest", "axes")
    lines = [f"{'session':{width}}" + "".join(f"{head:>10}" for head in heads)]
    lines += [f"{stream.name:{width}}{_figures([stream])}" for stream in streams]
    if len(streams) > 1:
        lines.append(f"{'all':{width}}{_figures(streams)}")
    return "\n".join(lines)


def _figures(streams: Sequence[Stream]) -> str:
    dt = np.concatenate([stream.rows[1:, 0] for stream in streams])
    events = sum(len(stream.rows) for stream in streams)
    gestures = sum(int((stream.rows[:, 0] > STILLNESS).sum()) for stream in streams)
    half, most = np.quantile(dt, [0.5, 0.99]) if len(dt) else (0.0, 0.0)
    widths = sorted({len(stream.axes) for stream in streams})
    return (
        f"{dt.sum(dtype=float) / 60:10.1f}{events:10}{gestures:10}{1e3 * half:7.0f} ms{most:8.2f} s"
        f"{max(stream.longest for stream in streams):8.1f} s{'/'.join(map(str, widths)):>10}"
    )


def _remarks(stream: Stream) -> list[str]:
    told = []
    if stream.torn:
        told.append(f"{say_torn(stream.torn)}.")
    if stream.long_silences:
        many = "a silence" if stream.long_silences == 1 else f"{stream.long_silences} silences"
        told.append(f"{many} of more than {PAUSE:g} s, up to {stream.longest:.1f} s; counts as {PAUSE:g} s.")
    still = [axis for k, axis in enumerate(stream.axes, 1) if not np.ptp(stream.rows[:, k])]
    if still:
        told.append(f"never moved: {', '.join(still)}.")
    if len(stream.rows) < 2:
        told.append("has one event only, which says nothing of time.")
    return [f"{stream.name}: {remark}" for remark in told]


def _together(streams: Sequence[Stream]) -> list[str]:
    told: list[str] = []
    seen: dict[str, Stream] = {}
    for stream in streams:
        other = seen.setdefault(stream.sha256, stream)
        if other is not stream:
            told.append(f"{stream.name} is the same session as {other.name}.")
    groups: dict[tuple[str, ...], list[str]] = {}
    for stream in streams:
        groups.setdefault(stream.axes, []).append(stream.name)
    if len(groups) > 1:
        told.append("These cannot be learned together, unless --axes chooses what all have:")
        told += [f"  {', '.join(axes)}: {', '.join(names)}" for axes, names in groups.items()]
    return told
