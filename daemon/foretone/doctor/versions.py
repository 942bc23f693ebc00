"""What runs here, for whoever is asked for help."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from foretone.doctor.machine import Check, Finding, Level, Machine

RUNTIMES = ("tflite-runtime", "ai-edge-litert")


def versions(machine: Machine) -> Iterator[Finding]:
    """Versions of Foretone, of what it stands on, and which of several on this box plays."""
    named = [
        f"Foretone {version('foretone')}",
        f"Python {platform.python_version()}",
        f"Linux {platform.release()}",
    ]
    for name in (*RUNTIMES, "numpy"):
        try:
            named.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    release = dict(line.split("=", 1) for line in machine.text("etc/os-release").splitlines() if "=" in line)
    named += [release["PRETTY_NAME"].strip('"')] if "PRETTY_NAME" in release else []
    named += [model] if (model := machine.text("proc/device-tree/model")) else []
    yield Finding("versions", Level.GOOD, ", ".join(named))
    current = machine.root / "var/opt/foretone/current"
    if current.is_symlink():
        yield Finding("versions", Level.GOOD, f"{current.readlink().name} is the version that plays")


CHECKS: tuple[Check, ...] = (versions,)
