"""What an instrument file says of a mapping's outputs, read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foretone.errors import SettingError
from foretone.mapping.features import expand
from foretone.mapping.project import Output


def faults(axes: tuple[str, ...], settings: dict[str, Any]) -> list[str]:
    """What is wrong with the settings of a mapping that hears these axes, a sentence each."""
    names, chosen = settings.get("outputs"), settings.get("features", ["value"])
    plain = isinstance(names, list) and names and all(isinstance(name, str) and name for name in names)
    if not plain or not isinstance(chosen, list) or not isinstance(settings.get("output", {}), dict):
        return [] if names else ['outputs must name what it plays: outputs = ["cutoff"]']
    assert isinstance(names, list)
    if len({*names, "distance"}) <= len(names):
        return ["each output needs a name of its own, and none is called distance"]
    try:
        outputs(names, settings.get("output"), expand(chosen, axes))
    except ValueError as error:
        return [str(error)]
    return []


def outputs(names: Sequence[str], told: Any, features: tuple[str, ...]) -> tuple[Output, ...]:
    """The outputs as the instrument file has them; SettingError says what is wrong with its tables."""
    told = told or {}
    for name in told:
        if name not in names or not isinstance(told[name], dict):
            raise SettingError(f"output.{name} must be the table of one of {', '.join(names)}")
    made = []
    for name in names:
        try:
            made.append(Output(name=name).changed(told.get(name, {}), features))
        except SettingError as error:
            raise SettingError(f"output.{name}: {error}") from error
    return tuple(made)
