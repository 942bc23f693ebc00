"""What flows through an instrument: gestures, settings, commands, and things made ready elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One gesture, or one prediction of a gesture.

    time
        Seconds on the instrument's monotonic clock. A time ahead of now makes it a prediction: the
        conductor holds it until it is due.
    origin
        The name of the part that made it, as written in the instrument file.
    values
        Floats in 0..1, in the order of the origin's axes. None at all means that the origin lets go:
        whatever sounds or moves for it comes to rest.
    """

    time: float
    origin: str
    values: tuple[float, ...]

    @property
    def lets_go(self) -> bool:
        """Whether the origin stopped playing, and should be released."""
        return not self.values


class Setting(NamedTuple):
    """A person turned a knob: the part's key takes the value while the instrument plays."""

    part: str
    key: str
    value: object


class Handover(NamedTuple):
    """Something that took time to make ready, such as a model from the disk: the part's `take` gets it."""

    part: str
    thing: object


class Command(NamedTuple):
    """A person asks a part to do something: record, train, undo.

    `words` are what the verb is told. `reply` is called on the conductor thread, and must not block: with
    what came of it, or with the SettingError that says why nothing did.
    """

    part: str
    verb: str
    words: tuple[Any, ...] = ()
    reply: Callable[[Any], None] | None = None


Message = Event | Setting | Handover | Command
