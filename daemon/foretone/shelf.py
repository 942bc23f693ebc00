"""What is shipped: instruments, and the models that they play."""

from __future__ import annotations

from pathlib import Path

PLACES = (Path(__file__).parent / "instruments", Path(__file__).parents[2] / "deploy" / "instruments")
"""In an installed package, and in a checkout."""


def files(pattern: str) -> list[Path]:
    """The shipped files of that pattern, by name."""
    return sorted(file for place in PLACES for file in place.glob(pattern))


def model(folder: Path, name: str) -> Path:
    """Where a model is: beside the instrument file, else among those that are shipped."""
    beside = folder / name
    shipped = {file.name: file for file in files("*.tflite")}
    return beside if beside.exists() else shipped.get(name, beside)
