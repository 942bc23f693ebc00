"""What can go wrong, in a player's words.

Every error is also the builtin that it is, so a caller who does not know Foretone can still catch it.
The message is a sentence, and says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

WRONG_FILE = 78
"""Exit status of a wrong file (EX_CONFIG of sysexits.h): systemd does not start it again."""

RENEWED = 75
"""Exit status of an instrument whose file was changed: start it again (EX_TEMPFAIL of sysexits.h)."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as a shell gives it."""


class ForetoneError(Exception):
    """Anything that Foretone itself raises."""


class WrongFileError(ForetoneError, ValueError):
    """A file that a person wrote is wrong; `faults` has every reason, one line each."""

    def __init__(self, path: object, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n  ".join([f"{path} has {count}:", *self.faults]))


class InstrumentError(WrongFileError):
    """An instrument file does not describe an instrument."""


class BoxError(WrongFileError):
    """A box.toml does not describe a box."""


class ModelError(ForetoneError, ValueError):
    """A model file cannot be played, or does not fit the wires around it."""


class MissingModelError(ModelError, FileNotFoundError):
    """No model where the instrument says there is one. Nothing is put in its place."""


class SessionError(ForetoneError, ValueError):
    """A session log cannot be read; the message names the line."""


class UnplayedError(SessionError):
    """A session in which nobody played; there is nothing wrong with it, and nothing to learn."""


class SettingError(ForetoneError, ValueError):
    """A setting does not exist, cannot change while playing, or is out of its range."""


class CalibrationError(ForetoneError, ValueError):
    """Nothing could be learned; nothing was written."""


class PacketError(ForetoneError, ValueError):
    """A packet from outside is not one we understand."""


class SoundError(ForetoneError, OSError):
    """The sound device cannot be used as asked."""


class SoundBusyError(SoundError):
    """The sound cannot be had now, and perhaps later: another program has it, or it was unplugged."""
