"""The file of gestures that were learned: the templates themselves, as JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretone.errors import MissingModelError, ModelError

Array = NDArray[np.float64]


class Gestures(NamedTuple):
    """What was learned: templates [frames, inputs] of the kinds 1, 2 and so on, taken every `step` seconds.

    Inputs are scaled by `factor` [inputs]. `thresholds` has for each kind the distance below which it is one.
    Those that are not to be spotted but followed have `near`, how far a hand usually is from their templates.
    """

    hears: tuple[str, ...]
    step: float
    factor: Array
    kinds: tuple[int, ...]
    templates: tuple[Array, ...]
    thresholds: tuple[float, ...]
    near: float = 0.0

    def to_bytes(self) -> bytes:
        """The content of a file of gestures."""
        told = {
            **self._asdict(),
            "foretone gestures": 1,
            "factor": self.factor.tolist(),
            "templates": [template.tolist() for template in self.templates],
        }
        return json.dumps(told, sort_keys=True).encode()


def read(path: Path) -> Gestures:
    """A file of gestures, which is named after its SHA-256. MissingModelError, or ModelError, says what is
    wrong with it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingModelError(f"there are no gestures at {path}; train again") from error
    except OSError as error:
        raise ModelError(f"the gestures {path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise ModelError(f"{path} is cut short or damaged: copy it or train again")
    try:
        told = json.loads(data)
        if told.pop("foretone gestures", None) == 1:
            return Gestures(
                hears=tuple(told["hears"]),
                step=told["step"],
                factor=np.array(told["factor"]),
                kinds=tuple(told["kinds"]),
                templates=tuple(np.array(template) for template in told["templates"]),
                thresholds=tuple(told["thresholds"]),
                near=told.get("near", 0.0),
            )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path} holds no gestures ({error}); train again") from error
    raise ModelError(f"{path} is no file of gestures of this version; update Foretone")
