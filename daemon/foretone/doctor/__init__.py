"""`foretone doctor`: what is wrong with this box, in sentences, each with its cure.

A family of checks is a file here, and a check one small function that looks at a `Machine` and yields
findings. What cannot be known is said, not guessed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from foretone.doctor import board, clock, disk, instrument, network, services, settings, sound, versions
from foretone.doctor.machine import Check, Finding, Level, Machine

CHECKS: tuple[Check, ...] = (
    *board.CHECKS,
    *disk.CHECKS,
    *clock.CHECKS,
    *network.CHECKS,
    *sound.CHECKS,
    *instrument.CHECKS,
    *services.CHECKS,
    *settings.CHECKS,
    *versions.CHECKS,
)


def findings(machine: Machine, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Everything that the checks say, in their order. A check that fails says so itself."""
    found: list[Finding] = []
    for check in checks:
        try:
            found += check(machine)
        except Exception as error:  # noqa: BLE001  # one broken check must not hide the others
            found.append(Finding(check.__name__, Level.UNKNOWN, f"could not be looked at: {error}"))
    return found


def main(state: Path, *, as_json: bool) -> int:
    """Look at this machine, and print what was found. 1 when something is bad, else 0."""
    found = findings(Machine(state=state))
    healthy = not any(finding.level is Level.BAD for finding in found)
    if as_json:
        told = [dataclasses.asdict(finding) for finding in found]
        print(json.dumps({"healthy": healthy, "findings": told}, indent=2))
    else:
        for finding in found:
            print(f"{finding.level.value:8} {finding.check:11} {finding.says}")
            if finding.cure:
                print(f"{'':21}-> {finding.cure}")
    return 0 if healthy else 1
