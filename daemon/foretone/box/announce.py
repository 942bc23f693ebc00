"""`foretone box announce`: tell the network that this box is here, who it is and how it is.

A timer of the box's runs it every minute. avahi reads what stands in /etc/avahi/services, and says so by mDNS
when it changes (avahi.service(5)); the read-only root has a file system in memory there.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from xml.sax.saxutils import escape

from foretone.box.files import write
from foretone.doctor import findings
from foretone.doctor.machine import Finding, Level, Machine

SERVICES = Path("etc/avahi/services")
LONGEST = 255
"""Bytes of one "key=value" (RFC 6763, 6.1)."""


def records(machine: Machine, found: Sequence[Finding]) -> dict[str, str]:
    """What the box says of itself: version, instrument, health, and what is wrong by the doctor's own words.

    `health` is good, warning or bad, as the worst finding; `trouble` names the checks that found it, and
    nothing that only this box's owner should know.
    """
    levels = {finding.level for finding in found}
    health = next((level for level in (Level.BAD, Level.WARNING) if level in levels), Level.GOOD)
    trouble = dict.fromkeys(finding.check for finding in found if finding.level is health is not Level.GOOD)
    current = machine.root / "var/opt/foretone/current"
    name = current.readlink().name if current.is_symlink() else ""
    told = {
        "version": name if name.startswith(version("foretone")) else version("foretone"),
        "instrument": machine.chosen,
        "health": health.value,
        "trouble": ", ".join(trouble),
    }
    return {key: value for key, value in told.items() if value}


def service(told: dict[str, str]) -> str:
    """The file of avahi for these records. The port is SSH's, which is how a box is kept alive."""
    texts = (f"{key}={value}".encode()[:LONGEST].decode(errors="ignore") for key, value in told.items())
    lines = "".join(f"    <txt-record>{escape(text)}</txt-record>\n" for text in texts)
    return (
        "<?xml version=\"1.0\" standalone='no'?>\n"
        '<!DOCTYPE service-group SYSTEM "avahi-service.dtd">\n'
        '<service-group>\n  <name replace-wildcards="yes">%h</name>\n'
        f"  <service>\n    <type>_foretone._tcp</type>\n    <port>22</port>\n{lines}  </service>\n"
        "</service-group>\n"
    )


def announce(machine: Machine) -> dict[str, str]:
    """Look the box over, and let avahi say what changed. OSError where its folder cannot be written."""
    told = records(machine, findings(machine))
    place, text = machine.root / SERVICES / "foretone.service", service(told)
    # avahi says everything anew whenever it is touched.
    if machine.text(place) != text.strip():
        write(place, text)
    return told
