"""The state of a training beside its model, so that it can go on another day.

One .npz file of plain arrays, readable without pickle. The entry `told` is JSON: counters, the state of the
random numbers, the settings, and which sessions are learned from.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import ModelError
from foretone_training.dataset import Stream
from foretone_training.files import draft

ARRAYS = ("values", "average", "best_values", "mean", "square", "states", "scale")

UNFIT = "the training state does not fit; begin again without --resume"
"""Of a state that another version wrote, or for a network of another shape."""


@dataclass(frozen=True)
class State:
    """All that the next update of a training depends on: arrays by name, and the rest as JSON has it."""

    arrays: dict[str, NDArray[Any]]
    told: dict[str, Any]


def beside(model: Path) -> Path:
    """Where the training state of a model is kept."""
    return model.with_suffix(".training.npz")


def save(state: State, path: Path, about: dict[str, Any], streams: Sequence[Stream]) -> None:
    """Write a state, all of it or nothing, with its sessions and what else is to be kept about it."""
    told = {**state.told, "about": about, "sessions": _identity(streams)}
    kept: dict[str, Any] = {"told": np.array(json.dumps(told)), **state.arrays}
    with draft(path) as place, place.open("wb") as file:
        np.savez(file, **kept)


def load(path: Path, streams: Sequence[Stream]) -> tuple[State, dict[str, Any]]:
    """A state and what was kept about its training; ModelError when it is not one of these sessions."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            told = json.loads(str(file["told"]))
            arrays = {name: file[name] for name in ARRAYS}
        about, sessions = told.pop("about"), told.pop("sessions")
    except FileNotFoundError as error:
        raise ModelError(f"there is no training to go on with at {path}; begin without --resume") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is damaged: begin again without --resume") from error
    if sessions != _identity(streams):
        raise ModelError(
            f"the training in {path} learned from other sessions or axes; name the same ones, or begin "
            "without --resume"
        )
    return State(arrays, told), about


def _identity(streams: Sequence[Stream]) -> list[list[Any]]:
    return [[stream.sha256, len(stream.rows), list(stream.axes)] for stream in streams]
