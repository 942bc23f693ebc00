"""Cutting and joining sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from foretone.errors import SessionError
from foretone_training.take import Row, Take, shorten


def merge(takes: Sequence[Take], pause: float) -> Take:
    """One session of several with the same axes, in their order, `pause` seconds between them.

    No silence in it is longer than `pause`. SessionError when the axes differ, two are the same, or a part
    is a source in one and a player in another.
    """
    first = takes[0].header
    seen: dict[tuple[Row, ...], Take] = {}
    for take in takes:
        if take.header.axes != first.axes:
            raise SessionError(
                f"{takes[0].name} has the axes {', '.join(first.axes)}, {take.name} has "
                f"{', '.join(take.header.axes)}; only sessions with the same axes can be one"
            )
        if not take.rows:
            raise SessionError(f"{take.name} has no events; leave it out")
        if seen.setdefault(take.rows, take) is not take:
            raise SessionError(f"{take.name} and {seen[take.rows].name} are the same session; leave one out")
    sources = _each(take.header.sources for take in takes)
    players = _each(take.header.players for take in takes)
    both = sorted(set(sources) & set(players))
    if both:
        raise SessionError(f"{', '.join(both)} is a source in one session and a player in another")
    rows: tuple[Row, ...] = ()
    for take in takes:
        rows += shorten(take.rows, pause, rows[-1][0] + pause if rows else 0.0)
    instrument = " + ".join(_each((take.header.instrument,) for take in takes))
    header = replace(first, instrument=instrument, sources=sources, players=players)
    return Take(takes[0].name, header, rows)


def trim(take: Take, begin: float, end: float) -> Take:
    """The rows from `begin` on and before `end`, in seconds as its first column has them.

    Where every other source stood at the beginning is repeated there, or training would not know it.
    SessionError when no row is between them.
    """
    rows = tuple(row for row in take.rows if begin <= row[0] < end)
    if not rows:
        times = [time for time, _, _ in take.rows] or [0.0]
        raise SessionError(
            f"{take.name} has no event from {begin:g} to {end:g} s; "
            f"its events are from {min(times):.1f} to {max(times):.1f} s"
        )
    return replace(take, rows=(*_standing(take, rows), *rows))


def split(takes: Sequence[Take], share: float, by_session: bool, seed: int) -> tuple[list[Take], list[Take]]:
    """Sessions to learn from, and those held out: about `share` (0..1) of them, chosen by `seed`.

    By session, whole ones are held out. By time, one stretch of each, at a place of its own; what is before
    and after it are sessions by themselves, numbered in their order. SessionError when too little is left.
    """
    random = np.random.default_rng(seed)
    if by_session:
        if len(takes) < 2:
            raise SessionError("one session cannot be split by session; split it by time, or give more")
        count = min(max(round(share * len(takes)), 1), len(takes) - 1)
        held = set(random.permutation(len(takes))[:count].tolist())
        return (
            [take for number, take in enumerate(takes) if number not in held],
            [take for number, take in enumerate(takes) if number in held],
        )
    learned: list[Take] = []
    held_out: list[Take] = []
    for take in takes:
        times = [time for time, _, _ in take.rows]
        if len(times) < 2 or min(times) == max(times):
            raise SessionError(f"{take.name} is too short to be split by time; leave it out")
        length = share * (max(times) - min(times))
        begin = min(times) + random.random() * (max(times) - min(times) - length)
        borders = [-np.inf, begin, begin + length, np.inf]
        for number in range(3):
            low, high = borders[number : number + 2]
            if any(low <= time < high for time in times):
                piece = replace(trim(take, low, high), name=f"{take.name}-{number + 1}")
                (held_out if number == 1 else learned).append(piece)
    if not learned or not held_out:
        raise SessionError("a share so small, or so large, leaves one of the two parts without an event")
    return learned, held_out


def _standing(take: Take, rows: tuple[Row, ...]) -> list[Row]:
    """A row for each source but the first that plays: its last one before `rows`, or else its next."""
    heard = [source for _, source, _ in rows if source in take.header.sources]
    found = []
    for source in take.header.sources:
        own = [row for row in take.rows if row[1] == source and any(row[2])]
        before = [row for row in own if row[0] < rows[0][0]]
        if own and heard and source != heard[0] and (before or source not in heard):
            found.append((rows[0][0], source, (before[-1] if before else own[0])[2]))
    return found


def _each(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Every name once, in the order in which they come."""
    return tuple(dict.fromkeys(chain.from_iterable(groups)))
