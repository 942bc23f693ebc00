"""One output as a file of JSON: how it is learned, its examples, and the mapping that plays it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from foretone.errors import SettingError
from foretone.mapping.project import Frame, Output, Project

VERSION = 1


class Saved(NamedTuple):
    """What a file of one output holds.

    `content` is the file of its mapping, of the given suffix, or empty. `takes` have the frames of each take
    with the one output alone.
    """

    hears: tuple[str, ...]
    output: dict[str, Any]
    takes: tuple[tuple[Frame, ...], ...]
    content: bytes
    suffix: str

    def to_bytes(self) -> bytes:
        """The content of the file."""
        told = {
            "foretone output": VERSION,
            **self._asdict(),
            "content": base64.b64encode(self.content).decode(),
        }
        return json.dumps(told).encode()

    def spread(self, number: int, width: int) -> Iterator[list[Frame]]:
        """The frames of each take as those of a project of `width` outputs, in which this is `number`."""
        blank = (None,) * width
        for take in self.takes:
            yield [
                frame._replace(y=frame.y and (*blank[:number], frame.y[0], *blank[number + 1 :]))
                for frame in take
            ]

    @property
    def name(self) -> str:
        """The name under which the mapping is kept."""
        return hashlib.sha256(self.content).hexdigest()


def pack(project: Project, number: int, content: bytes, suffix: str) -> Saved:
    """Output `number`, from 0, of a project."""
    takes = []
    for take in project.takes:
        frames = tuple(_only(frame, number) for frame in take.frames)
        if any(frame.y is not None for frame in frames):
            takes.append(frames)
    output = asdict(project.outputs[number])
    return Saved(project.features, output, tuple(takes), content, suffix)


def unpack(data: bytes, path: Path) -> Saved:
    """The content of a file; SettingError when it is not one of ours."""
    try:
        told = json.loads(data)
        if told["foretone output"] != VERSION or told["suffix"] not in ("", ".tflite", ".json"):
            raise ValueError("it is of another version")
        takes = tuple(
            tuple(
                Frame(float(time), tuple(map(float, x)), None if y is None else (float(y[0]),))
                for time, x, y in take
            )
            for take in told["takes"]
        )
        Output(name="").changed(told["output"], tuple(told["hears"]))
        content = base64.b64decode(told["content"], validate=True)
        return Saved(tuple(told["hears"]), told["output"], takes, content, told["suffix"])
    except (ValueError, TypeError, LookupError, RecursionError, AttributeError) as error:
        raise SettingError(f"{path} is no file of an output ({error}); save one again") from error


def _only(frame: Frame, number: int) -> Frame:
    value = frame.y[number] if frame.y is not None else None
    return frame._replace(y=None if value is None else (value,))
