"""A model's card: what it hears and plays, written inside its own .tflite file.

The card is JSON in the flatbuffer's metadata table under the name `foretone`, so a model is one file and a
swap is one rename. TensorFlow Lite's schema names the slots read here:
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/schema/schema.fbs
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from flatbuffers import encode, number_types
from flatbuffers.table import Table

from foretone.errors import MissingModelError, ModelError

NAME = "foretone"


@dataclass(frozen=True)
class Card:
    """What a model is. `hears` and `plays` name its axes without dt, which always comes first.

    An MDRNN's graph works in natural units: dt in seconds, axes in 0..1. Scaling is folded into its
    weights. `scores` are what its training measured, by name; `trained_on` has one entry for each session:
    name, sha256, number of events.
    """

    kind: str
    hears: tuple[str, ...]
    plays: tuple[str, ...]
    layers: int = 0
    units: int = 0
    mixtures: int = 0
    seed: int = 0
    trained_on: tuple[dict[str, Any], ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    made_by: str = ""
    log_dt: float = 0.0
    """Seconds. Above 0, the mixture's dt is the logarithm of seconds with so many added; else seconds."""
    version: int = 1

    def to_json(self) -> bytes:
        """The card as it is stored."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Card:
        """Read a stored card; ModelError when it is not one we understand."""
        try:
            items = json.loads(data)
            known = {item.name for item in fields(cls)}
            told = {key: value for key, value in items.items() if key in known}
            for key in {"hears", "plays", "trained_on"} & told.keys():
                if not isinstance(told[key], list):
                    raise TypeError(f"{key} is not a list")
                told[key] = tuple(told[key])
            card = cls(**told)
            card._check()
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"the model's card cannot be read ({error}); export the model again") from error
        for name in [name for name, score in card.scores.items() if not math.isfinite(score)]:
            del card.scores[name]
        if card.version != 1:
            raise ModelError(
                f"the model's card is of version {card.version}, and this Foretone reads 1; update it"
            )
        return card

    def _check(self) -> None:
        """TypeError or ValueError when something is of another type than it is declared with."""
        for text in (self.kind, self.made_by, *self.hears, *self.plays):
            if not isinstance(text, str):
                raise TypeError(f"{text!r} is not a text")
        for number in (self.layers, self.units, self.mixtures, self.seed, self.version):
            if not isinstance(number, int) or isinstance(number, bool):
                raise TypeError(f"{number!r} is not a whole number")
        if not _is_number(self.log_dt) or not math.isfinite(self.log_dt):
            raise TypeError(f"log_dt is {self.log_dt!r}, not a finite number")
        if not isinstance(self.scores, dict) or not all(map(_is_number, self.scores.values())):
            raise TypeError("scores are not numbers")
        if not all(isinstance(session, dict) for session in self.trained_on):
            raise TypeError("trained_on are not tables")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_model(path: Path) -> tuple[bytes, Card]:
    """A model file's bytes and its card. MissingModelError, or ModelError, says what is wrong with it."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ModelError(f"the model {path} cannot be read: it is a device, and has no end")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingModelError(
            f"there is no model at {path}; train one with foretone-train, or correct the path"
        ) from error
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror}") from error
    stored = _metadata(data, path)
    if stored is None:
        raise ModelError(f"{path} has no card, so nobody knows what it hears; export it with foretone-train")
    return data, Card.from_json(stored)


def _metadata(data: bytes, path: Path) -> bytes | None:
    if data[4:8] != b"TFL3":
        raise ModelError(f"{path} is not a .tflite file")
    try:
        model = Table(data, encode.Get(number_types.UOffsetTFlags.packer_type, data, 0))
        entries, buffers = _vector(model, 6), _vector(model, 4)
        for entry in entries:
            slot = entry.Offset(4)
            if slot and entry.String(entry.Pos + slot) == NAME.encode():
                index = entry.Offset(6)
                number = entry.Get(number_types.Uint32Flags, entry.Pos + index) if index else 0
                content = buffers[number]
                start = content.Offset(4)
                if not start:
                    return b""
                begin = content.Vector(start)
                return bytes(data[begin : begin + content.VectorLen(start)])
    except (struct.error, IndexError, TypeError) as error:
        raise ModelError(f"{path} is damaged: copy or export it again") from error
    return None


def _vector(table: Table, slot: int) -> list[Table]:
    offset = table.Offset(4 + 2 * slot)
    if not offset:
        return []
    start = table.Vector(offset)
    return [Table(table.Bytes, table.Indirect(start + 4 * index)) for index in range(table.VectorLen(offset))]
