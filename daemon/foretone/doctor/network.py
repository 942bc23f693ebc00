"""Wi-Fi: off without a country, and the first thing that is missing on a stage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from foretone.doctor.machine import Check, Finding, Level, Machine

WEAK = -75
"""dBm below which a connection comes and goes."""


def wifi(machine: Machine) -> Iterator[Finding]:
    """Whether the radio is there, allowed, and hears its network."""
    radios = [file.parent.name for file in machine.files("sys/class/net/*/wireless")]
    if not radios:
        yield Finding("wifi", Level.UNKNOWN, "this machine has no Wi-Fi")
        return
    if not machine.files("var/lib/box/wpa_supplicant.conf"):  # which only root may read
        yield Finding("wifi", Level.GOOD, "Wi-Fi is not asked for in box.toml")
        return
    yield from _country(machine)
    if any(machine.text(file) == "1" for file in machine.files("sys/class/rfkill/rfkill*/soft")):
        yield Finding("wifi", Level.BAD, "the radio is switched off", "switch it on: rfkill unblock all")
    name = radios[0]
    if machine.text(f"sys/class/net/{name}/operstate") != "up":
        cure = "look at name and password of the network in box.toml, and whether its router is near"
        yield Finding("wifi", Level.BAD, f"{name} does not find its network", cure)
        return
    signal = re.search(rf"^\s*{name}:\s+\S+\s+\S+\s+(-?\d+)", machine.text("proc/net/wireless"), re.M)
    if signal and int(signal[1]) < WEAK:
        cure = "move the box or the router, or use a cable"
        yield Finding("wifi", Level.WARNING, f"{name} hears its network weakly, {signal[1]} dBm", cure)
    else:
        loud = f", {signal[1]} dBm" if signal else ""
        yield Finding("wifi", Level.GOOD, f"{name} is connected{loud}")


def _country(machine: Machine) -> Iterator[Finding]:
    told = re.search(r"^country (\w\w):", machine.run("iw", "reg", "get"), re.M)
    if told and told[1] == "00":
        cure = "write your country into box.toml and start the box again"
        yield Finding(
            "wifi", Level.WARNING, "the radio does not know its country and uses few channels", cure
        )


CHECKS: tuple[Check, ...] = (wifi,)
