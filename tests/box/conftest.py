"""One booted box for the tests that leave it as they found it, and empty places for those that do not."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SETTINGS = """
hostname = "empi-1"
ssh_keys = ["KEY"]
time_zone = "Europe/Vienna"
instrument = "empi"
"""


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def house() -> ModuleType:
    """tests/box/container.py."""
    return _module("container")


@pytest.fixture(scope="module")
def box(house: ModuleType) -> Iterator[Any]:
    """A booted box with a simulated board, on which the ghost plays."""
    if reason := house.missing():
        pytest.skip(reason)
    with house.box(SETTINGS) as container:
        extra = container.root / "etc/systemd/system/foretone.service.d"
        extra.mkdir(parents=True)
        (extra / "simulated.conf").write_text('[Service]\nEnvironment=RUN="--board=fake --ghost"\n')
        container.boot()
        house.until(container.sounds)
        yield container


@pytest.fixture(scope="session")
def plug() -> ModuleType:
    """tests/box/plug.py."""
    return _module("plug")


@pytest.fixture(scope="module")
def new_pi(tmp_path_factory: pytest.TempPathFactory, plug: ModuleType) -> Iterator[Any]:
    """An emulated Pi with a new card, and no power yet."""
    card = _module("card")
    if reason := card.missing():
        pytest.skip(reason)
    pi = card.Pi(tmp_path_factory.mktemp("pi"))
    try:
        yield pi
    finally:
        pi.scrap()


@pytest.fixture(scope="module")
def pi(new_pi: Any) -> Any:
    """An emulated Pi at the first start of its card; the ghost's hands are on it."""
    print(f"SSH after {new_pi.boot():.0f} s")
    new_pi.simulate()
    return new_pi
