"""A part's place in the instrument: its name and wires, its settings, and what happens when it fails."""

from __future__ import annotations

import logging
import math
from typing import Any

from foretone.event import Event, Setting
from foretone.instrument import Part
from foretone.kinds import settings

log = logging.getLogger("foretone")

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds that a part sits out after its first, second, ... fault in a row; the last one repeats."""

HEALED = 60.0
"""Seconds without a fault after which the pauses begin again with the first."""


QUIET = 5.0
"""Seconds between complaints about one part: a flood from outside must not become a flood of lines."""


class Teller:
    """Says things to whoever reads the log, but not a thousand times a second."""

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._last = -math.inf
        self._kept_quiet = 0

    def say(self, sentence: str, now: float) -> None:
        """Log a sentence, or count it when the last one was said too recently."""
        if now - self._last < QUIET:
            self._kept_quiet += 1
            return
        more = f" (and {self._kept_quiet} more)" if self._kept_quiet else ""
        log.warning("%s", f"{self._name} {sentence}{more}".strip())
        self._last, self._kept_quiet = now, 0


class Seat:
    """Holds one part. `part` is the object itself, None while it could not be opened; `again` is when it may
    next be called.
    """

    timed = False
    """True when whoever plays the part measures its lateness itself (a bus thread)."""

    def __init__(self, made_from: Part, part: Any) -> None:
        self.name, self.role, self.kind = made_from.name, made_from.role, made_from.kind
        self.wires, self.axes, self._picks = made_from.wires, made_from.axes, made_from.picks
        self.part = part
        self.settings = {key: setting for key, setting in settings(made_from.maker).items() if setting.live}
        self.again = -math.inf
        self.fault = ""
        self.faults = 0
        self._row = 0
        self._failed = -math.inf
        self._teller = Teller(self.name)

    @property
    def epoch(self) -> int:
        """The player's epoch: a prediction made in an earlier one has been taken back."""
        return getattr(self.part, "epoch", 0)

    @property
    def waits(self) -> str:
        """What it is waiting for, as a sentence: no fault, only a cable that is not in yet."""
        return getattr(self.target, "waits", "")

    @property
    def target(self) -> Any:
        """The object whose attributes the settings are."""
        return self.part

    def picked(self, event: Event) -> Event:
        """The event as this sink gets it: with the axes that the instrument file chose for it."""
        if not self._picks or event.lets_go:
            return event
        return event._replace(values=tuple([event.values[place] for place in self._picks]))

    def values(self) -> dict[str, Any]:
        """The live settings as they are now."""
        target = self.target
        return {key: getattr(target, key) for key in self.settings if hasattr(target, key)}

    def turn(self, setting: Setting) -> str:
        """Change a live setting; returns why not, or nothing."""
        if (known := self.settings.get(setting.key)) is None:
            return (
                f"it has no such setting to turn while playing; it has {', '.join(self.settings) or 'none'}"
            )
        value: Any = setting.value
        if isinstance(value, float) and known.type is int and value.is_integer():
            value = int(value)
        if known.type is bool and value in (0, 1):
            value = bool(value)  # a patch has no word for true
        if sentence := known.refuses(value):
            return sentence
        target = self.target
        if target is not None:
            setattr(target, setting.key, known.type(value) if known.type is float else value)
        return ""

    def complain(self, sentence: str, now: float) -> None:
        """Say something about this part, now and then."""
        self._teller.say(sentence, now)

    def fail(self, error: Exception, now: float) -> None:
        """The part raised `error`. It sits out a pause that grows with each fault in a row."""
        if now - self._failed > HEALED:
            self._row = 0
        pause = PAUSES[min(self._row, len(PAUSES) - 1)]
        self._row += 1
        self._failed = now
        self.again = now + pause
        self.faults += 1
        sentence = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if sentence != self.fault:
            log.error("%s is out: %s; trying again with growing pauses", self.name, sentence)
        self.fault = sentence

    def heal(self) -> None:
        """The part works again."""
        if self.fault:
            log.info("%s is back", self.name)
        self.fault = ""
        self.again = -math.inf
