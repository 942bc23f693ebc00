"""What was done to a project, one action after the other: the one way to change it, live or from the journal.

An action is a list that JSON can hold. Doing all of a journal's actions again gives the same project, with
everything that can be undone and done again.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile
from operator import is_
from typing import Any, NamedTuple

from foretone.errors import SettingError
from foretone.mapping.project import Frame, Output, Project, Take

Action = Sequence[Any]

LONGEST = 100_000
"""Frames in one take; a quarter of an hour at 100 Hz."""


_TAKE = ("take",)


class Step(NamedTuple):
    """From one project to another: what differs, so that a thousand takes are remembered once.

    `takes` stand between the `first` ones and the `last` ones, which both projects have.
    """

    inputs: tuple[str, ...]
    outputs: tuple[Output, ...]
    first: int
    takes: tuple[Take, ...]
    last: int


class History:
    """A project, and the way to it.

        ["take", gesture]              a take begins; ["take", gesture, true] is undone with the one before
        ["frame", time, x, y]          one frame of it; y is null for one that leads up
        ["end"]                        the take is kept, if it holds anything
        ["delete", what, ...]          "take", number; "example", take, place; "output", number; or "all"
        ["output", number, changes]    number from 0
        ["inputs", names]              what the axes are called
        ["trained", models]            a mapping plays: for each output its model and column, or null
        ["other", on]                  what plays is what morphing goes to, or nothing is
        ["run", on]                    the mapping plays, or not
        ["undo"], ["redo"]             as often as you like

    unwritten
        Actions that are in no file yet, oldest first; whoever keeps the journal takes them from any thread.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.unwritten: deque[Action] = deque()
        self.running = False
        """Whether the mapping plays; that is not undone."""
        self._past: list[Step] = []
        self._future: list[Step] = []
        self._frames: list[Frame] | None = None
        self.recorded = 0
        """The examples in the open take, or in the last one."""
        self._gesture = 0
        self._joins = False
        self._last: tuple[Any, ...] = ()

    @property
    def recording(self) -> bool:
        """Whether a take is open."""
        return self._frames is not None

    @property
    def steps(self) -> tuple[int, int]:
        """How many actions can be undone, and done again."""
        return len(self._past), len(self._future)

    def do(self, *action: Any) -> None:
        """Do it, and remember it for the journal. SettingError says why it cannot be done."""
        self.repeat(action)
        self.unwritten.append(action)

    def repeat(self, action: Action) -> None:
        """Do an action that the journal holds already; SettingError when it cannot be done."""
        match action:
            case ["take", int(gesture), *joins]:
                self._end()
                self._frames, self._gesture, self.recorded = [], gesture, 0
                self._joins = joins == [True]
            case ["frame", time, x, y]:
                self._record(Frame(time, tuple(x), None if y is None else tuple(y)))
            case ["end"]:
                self._end()
            case ["run", bool(on)]:
                self.running = on
            case ["undo"]:
                self._end()
                self._swap(self._past, self._future, "there is nothing to undo")
            case ["redo"]:
                self._end()
                self._swap(self._future, self._past, "there is nothing to do again")
            case _:
                # An open take goes on: a mapping may be trained meanwhile, and played.
                changed = self._changed(action)
                # A slider that is drawn across the page is one change, not a hundred.
                same = (action[0], action[1], *action[2]) if action[0] == "output" else ()
                self._keep(changed, same, joins=bool(same))

    def add(self, takes: tuple[Take, ...], actions: Iterable[Action]) -> None:
        """Keep what was `gathered`, however much it is, in one step."""
        if not takes:
            return
        self._end()
        before = self.project.takes
        number = 1 + (before[-1].number if before else 0)
        if takes[0].number != number:
            takes = tuple(replace(take, number=number + place) for place, take in enumerate(takes))
        self._keep(replace(self.project, takes=before + takes), _TAKE, joins=False)
        self.unwritten.extend(actions)

    def _changed(self, action: Action) -> Project:
        project = self.project
        match action:
            case ["delete", "take", int(number)]:
                return project.without_take(number)
            case ["delete", "example", int(number), int(place)]:
                return project.without_example(number, place)
            case ["delete", "output", int(number)]:
                return project.without_output(number)
            case ["delete", "all"]:
                return replace(project, takes=())
            case ["output", int(number), dict(changes)]:
                return project.with_output(number, changes)
            case ["inputs", [*names]]:
                if not all(isinstance(name, str) for name in names):
                    raise SettingError("a name is a text")
                if len(names) != len(project.inputs) or len(set(names)) < len(names):
                    raise SettingError(f"give {len(project.inputs)} different names, one for each input")
                return replace(project, inputs=tuple(names))
            case ["trained", [*models]]:
                outputs = tuple(
                    replace(output, model=str(place[0]), column=int(place[1])) if place else output
                    for output, place in zip(project.outputs, models, strict=True)
                )
                return replace(project, outputs=outputs)
            case ["other", bool(on)]:
                outputs = tuple(
                    replace(output, other=output.model if on else "", other_column=output.column)
                    for output in project.outputs
                )
                return replace(project, outputs=outputs)
        raise SettingError(f"{action[:2]!r} is not an action")

    def _record(self, frame: Frame) -> None:
        if self._frames is None:
            raise SettingError("no take is open")
        if len(self._frames) >= LONGEST:
            raise SettingError(f"a take has at most {LONGEST} frames; begin another one")
        numbers = [frame.time, *frame.x, *(value for value in frame.y or () if value is not None)]
        if len(frame.x) != len(self.project.inputs) or not all(map(math.isfinite, numbers)):
            raise SettingError(f"a frame has {len(self.project.inputs)} finite numbers")
        self._frames.append(frame)
        self.recorded += frame.y is not None

    def _end(self) -> None:
        frames, self._frames = self._frames, None
        if not frames:
            return
        project = self.project
        take = Take(1 + (project.takes[-1].number if project.takes else 0), tuple(frames), self._gesture)
        if take.gesture or take.examples:
            self._keep(replace(project, takes=(*project.takes, take)), _TAKE, self._joins)

    def _keep(self, project: Project, kind: tuple[Any, ...], joins: bool) -> None:
        """Go on with this project; what `joins` one of its kind is undone with it."""
        if not joins or kind != self._last:
            self._past.append(_step(project, self.project))
        self._last = kind
        self._future.clear()
        self.project = project

    def _swap(self, there: list[Step], back: list[Step], otherwise: str) -> None:
        if not there:
            raise SettingError(otherwise)
        inputs, outputs, first, between, last = there.pop()
        takes = self.project.takes
        takes = takes[:first] + between + takes[len(takes) - last :]
        project = replace(self.project, inputs=inputs, outputs=outputs, takes=takes)
        back.append(_step(project, self.project))
        self.project = project
        self._last = ()


def gathered(project: Project, takes: Iterable[Iterable[Frame]]) -> tuple[tuple[Take, ...], deque[Action]]:
    """Takes of examples as `add` wants them, to follow those of this project. Any thread; SettingError."""
    known = project.takes[-1:]
    filled = History(replace(project, takes=known))
    for frames in takes:
        joins = len(filled.project.takes) > len(known)
        filled.do("take", 0, *([True] if joins else ()))
        for frame in frames:
            filled.do("frame", *frame)
        filled.do("end")
    return filled.project.takes[len(known) :], filled.unwritten


def _step(start: Project, end: Project) -> Step:
    few = min(len(start.takes), len(end.takes))
    # A take that was added or undone, which is nearly always, is seen at once.
    first = few if start.takes[:few] == end.takes[:few] else _alike(start.takes, end.takes)
    last = _alike(start.takes[first:][::-1], end.takes[first:][::-1])
    return Step(end.inputs, end.outputs, first, end.takes[first : len(end.takes) - last], last)


def _alike(some: Sequence[Take], others: Sequence[Take]) -> int:
    """How many takes both begin with."""
    return sum(takewhile(bool, map(is_, some, others)))
