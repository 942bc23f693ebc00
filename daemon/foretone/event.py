"""What flows through an instrument: gestures, changes of a setting, and things made ready elsewhere."""

from __future__ import annotations

from typing import NamedTuple


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


Message = Event | Setting | Handover
