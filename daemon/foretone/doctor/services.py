"""The services: whether each runs, and how often it had to be started again."""

from __future__ import annotations

from collections.abc import Iterator

from foretone.doctor.machine import Check, Finding, Level, Machine

UNITS = ("foretone-synth", "foretone", "foretone-panel")


def services(machine: Machine) -> Iterator[Finding]:
    """What systemd says of each."""
    for unit in UNITS:
        told = machine.run(
            "systemctl", "show", "--property=LoadState,ActiveState,NRestarts", f"{unit}.service"
        )
        shown = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        if shown.get("LoadState") != "loaded":
            yield Finding("services", Level.UNKNOWN, f"{unit} is not a service of this machine")
        elif shown["ActiveState"] != "active":
            cure = f"journalctl -u {unit} says why; systemctl restart {unit} tries again"
            yield Finding("services", Level.BAD, f"{unit} is {shown['ActiveState']}", cure)
        elif (again := shown["NRestarts"]) != "0":
            cure = f"journalctl -u {unit} says why"
            yield Finding(
                "services", Level.WARNING, f"{unit} runs, and was started again {again} times", cure
            )
        else:
            yield Finding("services", Level.GOOD, f"{unit} runs")


def safe_mode(machine: Machine) -> Iterator[Finding]:
    """Whether the box fell back to the instrument that cannot fail."""
    if (
        machine.run("systemctl", "show", "--property=ActiveState", "foretone-safe.service").strip()
        == "ActiveState=active"
    ):
        cure = "see the other findings; then make deploy, make rollback, or start the box again"
        yield Finding("safe mode", Level.BAD, "this box is in safe mode: its instrument could not play", cure)


CHECKS: tuple[Check, ...] = (services, safe_mode)
