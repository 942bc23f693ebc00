"""What a mapping is taught: its outputs, and the takes of examples that were shown to it.

A project never changes: every action makes a new one that shares what stayed the same, so that any thread may
read it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from foretone import kinds
from foretone.errors import SettingError
from foretone.parts import Range

Learn = Literal[
    "mlp", "linear", "polynomial", "knn", "surface",
    "class-knn", "class-svm", "class-mlp", "dtw", "class-dtw",
    "follow", "class-follow", "phase", "speed",
]  # fmt: skip

SPOTTED, FOLLOWED = ("dtw", "class-dtw"), ("follow", "class-follow", "phase", "speed")
"""What is learned from gestures over time: that one was made, or where one is while it is being made."""


class Frame(NamedTuple):
    """What the hand did at one moment, and what should sound with it.

    time: seconds of the clock, which means something only within its take. x: 0..1, one number for each
    axis. y: one number in 0..1 for each output, None for one that was not being recorded; or None for a
    frame that only led up to the examples.
    """

    time: float
    x: tuple[float, ...]
    y: tuple[float | None, ...] | None = None


@dataclass(frozen=True)
class Take:
    """What was recorded in one go. `gesture` is the kind of movement, from 1; 0 for a take of examples."""

    number: int
    frames: tuple[Frame, ...]
    gesture: int = 0

    @cached_property
    def examples(self) -> int:
        """How many examples it holds."""
        return sum(frame.y is not None for frame in self.frames)


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output: how it is learned, and what becomes of what was learned on its way out.

    name
        What people call it; its axis keeps the name that the instrument file gave it.
    learn
        `mlp`, `linear`, `polynomial`, `knn` and `surface` play a number. `class-knn`, `class-svm` and
        `class-mlp` play one of `classes` classes, numbered from 1, as its share of their count; 0 is none.
        `class-dtw` plays the gesture that was just made in the same way, and `dtw` how far its own gesture is
        from being made: below 0.5 it is. The first output of `dtw` has the gesture 1, and so on.
        While a gesture is being made, `follow` plays how likely it is its own, numbered in the same way,
        `class-follow` which one is likeliest, `phase` how far that has come, 0..1, and `speed` how fast it
        goes: 0.5 is as fast as it was shown, 1 twice as fast or faster. `phase` and `speed` stay where they
        are between gestures; of how many `classes` they are need only be said where no other output does.
    record, run
        Whether its value is recorded with the next example, and whether the mapping plays it.
    inputs
        The features that it listens to; none is all of them.
    low, high, limit
        It stays between these: `hard` cuts off what lies beyond, `soft` bends towards the edges.
    steps
        How many equal steps it plays from low to high; 0 for no steps.
    curve
        The exponent on the way from low to high: 1 is straight, 2 leaves more room at the low end.
    smooth
        The time constant of its smoothing, in seconds.
    glide
        Seconds that it takes from 0 to 1 at the fastest; 0 is at once.
    neighbours
        Of `knn`.
    degree
        Of `polynomial`.
    model, column
        The mapping that plays it, by the SHA-256 of its file, and the first of its columns there.
    other, other_column
        The mapping that `morph` goes to, in the same way.
    """

    name: str
    learn: Learn = "mlp"
    classes: Annotated[int, Range(0, 100)] = 0
    record: bool = True
    run: bool = True
    inputs: list[str] | None = None
    low: Annotated[float, Range(0, 1)] = 0.0
    high: Annotated[float, Range(0, 1)] = 1.0
    limit: Literal["hard", "soft"] = "hard"
    steps: Annotated[int, Range(0, 1000)] = 0
    curve: Annotated[float, Range(0.1, 10)] = 1.0
    smooth: Annotated[float, Range(0, 10, "s")] = 0.0
    glide: Annotated[float, Range(0, 60, "s")] = 0.0
    neighbours: Annotated[int, Range(1, 50)] = 3
    degree: Annotated[int, Range(1, 5)] = 2
    model: str = ""
    column: int = 0
    other: str = ""
    other_column: int = 0

    @property
    def width(self) -> int:
        """Its columns in a mapping: its classes, or one."""
        return self.classes if self.learn.startswith("class") else 1

    @property
    def over_time(self) -> str:
        """How it is learned from gestures over time, `spotted` or `followed`; empty for examples."""
        return "spotted" if self.learn in SPOTTED else "followed" if self.learn in FOLLOWED else ""

    def changed(self, changes: dict[str, Any], features: tuple[str, ...]) -> Output:
        """The output with these keys changed; SettingError says why it cannot be."""
        for key, value in changes.items():
            if (known := KEYS.get(key)) is None:
                raise SettingError(f"an output has no '{key}'{kinds.nearest(key, KEYS)}")
            if sentence := known.refuses(value):
                raise SettingError(f"{key} {sentence}")
        new = replace(self, **changes)
        if "model" not in changes and (new.width, new.over_time) != (self.width, self.over_time):
            # What was learned as a number says nothing of a class.
            new = replace(new, model="", other="")
        if new.low >= new.high:
            raise SettingError(f"low must be below high, and {new.low:g} is not below {new.high:g}")
        for name in new.inputs or ():
            if name not in features:
                raise SettingError(f"there is no input '{name}'{kinds.nearest(name, features)}")
        if new.learn.startswith("class") and new.classes < 2:
            raise SettingError(f"{new.learn} needs two classes or more: set classes too")
        return new


KEYS = kinds.settings(Output)
"""What may be said of an output."""


@dataclass(frozen=True)
class Project:
    """Everything that is kept. `inputs` are what people call the axes that are heard."""

    inputs: tuple[str, ...]
    outputs: tuple[Output, ...]
    features: tuple[str, ...]
    takes: tuple[Take, ...] = ()

    @cached_property
    def examples(self) -> int:
        """How many examples there are."""
        return sum(take.examples for take in self.takes)

    def with_output(self, number: int, changes: dict[str, Any]) -> Project:
        """With output `number`, from 0, changed; SettingError when it cannot be."""
        if not 0 <= number < len(self.outputs):
            raise SettingError(f"there is no output {number + 1}; there are {len(self.outputs)}")
        new = self.outputs[number].changed(changes, self.features)
        return replace(self, outputs=(*self.outputs[:number], new, *self.outputs[number + 1 :]))

    @property
    def gestures(self) -> int:
        """How many kinds of gestures there are."""
        each = [sum(output.learn == learn for output in self.outputs) for learn in ("dtw", "follow")]
        named = [max(output.classes, 1) for output in self.outputs if output.over_time]
        return max([*each, *named], default=0)

    def without_take(self, number: int) -> Project:
        """Without one take."""
        if not any(take.number == number for take in self.takes):
            raise SettingError(f"there is no take {number}")
        return replace(self, takes=tuple(take for take in self.takes if take.number != number))

    def without_example(self, number: int, place: int) -> Project:
        """Without the example in this place of this take; what it leads up to keeps its history."""
        for take in self.takes:
            if take.number == number and 0 <= place < len(take.frames):
                frames = list(take.frames)
                frames[place] = frames[place]._replace(y=None)
                return self._with(replace(take, frames=tuple(frames)))
        raise SettingError(f"there is no example {place} in take {number}")

    def without_output(self, number: int) -> Project:
        """Without any example of output `number`, from 0."""
        if not 0 <= number < len(self.outputs):
            raise SettingError(f"there is no output {number + 1}; there are {len(self.outputs)}")
        takes = tuple(
            replace(take, frames=tuple(_forgotten(frame, number) for frame in take.frames))
            for take in self.takes
        )
        return replace(self, takes=tuple(take for take in takes if take.examples or take.gesture))

    def _with(self, changed: Take) -> Project:
        takes = (changed if take.number == changed.number else take for take in self.takes)
        return replace(self, takes=tuple(take for take in takes if take.examples or take.gesture))


def _forgotten(frame: Frame, number: int) -> Frame:
    if frame.y is None:
        return frame
    y = (*frame.y[:number], None, *frame.y[number + 1 :])
    return frame._replace(y=None if all(value is None for value in y) else y)


def label(output: Output, word: Any) -> float:
    """What is kept of a value that somebody gives: 0..1; a class is given by its number. SettingError."""
    if isinstance(word, bool) or not isinstance(word, int | float) or not math.isfinite(word):
        raise SettingError(f"{output.name} takes a number, not {word!r}")
    if output.width > 1:
        if word != int(word) or not 1 <= word <= output.classes:
            raise SettingError(f"{output.name} takes a class of 1 to {output.classes}, not {word:g}")
        return float(word) / output.classes
    if not 0.0 <= word <= 1.0:
        raise SettingError(f"{output.name} takes a number of 0 to 1, not {word:g}")
    return float(word)
