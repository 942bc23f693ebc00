"""The board: its supply and its temperature.

The firmware's flags are those of `vcgencmd get_throttled`
(https://www.raspberrypi.com/documentation/computers/os.html#get_throttled); the kernel's own driver gives the
under-voltage alone (rpi_volt, linux drivers/hwmon/raspberrypi-hwmon.c).
"""

from __future__ import annotations

from collections.abc import Iterator

from foretone.doctor.machine import Check, Finding, Level, Machine

FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
UNDER_VOLTAGE, THROTTLED = 0x1, 0x2 | 0x4 | 0x8
SINCE_START = 16
"""Bits between "now" and "since the start"."""

HOT = 80.0
"""Degrees Celsius at which a Pi begins to slow down."""

SUPPLY = "use the supply that belongs to this Pi, a short thick cable, and a supply of their own for servos"


def power(machine: Machine) -> Iterator[Finding]:
    """Whether the supply held its voltage, and the processor its speed."""
    flags = _flags(machine)
    if flags is None:
        alarm = _alarm(machine)
        if alarm is None:
            where = (
                "this Pi's kernel does not tell"
                if machine.is_pi
                else "this is not a Raspberry Pi, nobody measures"
            )
            yield Finding("power", Level.UNKNOWN, f"{where} its supply")
        elif alarm:
            yield Finding("power", Level.BAD, "the supply gives too little voltage now", SUPPLY)
        else:
            yield Finding("power", Level.GOOD, "the supply gives enough voltage now")
        return
    if flags & UNDER_VOLTAGE:
        yield Finding("power", Level.BAD, "the supply gives too little voltage now", SUPPLY)
    elif flags >> SINCE_START & UNDER_VOLTAGE:
        yield Finding("power", Level.WARNING, "the supply gave too little voltage since the start", SUPPLY)
    else:
        yield Finding("power", Level.GOOD, "the supply held its voltage since the start")
    if (flags | flags >> SINCE_START) & THROTTLED:
        when = "now" if flags & THROTTLED else "since the start"
        yield Finding(
            "power", Level.WARNING, f"the processor was slowed down {when}", "cool it, and look at its supply"
        )


def heat(machine: Machine) -> Iterator[Finding]:
    """How warm the processor is."""
    texts = [machine.text(file) for file in machine.files("sys/class/thermal/thermal_zone*/temp")]
    degrees = [int(text) / 1000 for text in texts if text.lstrip("-").isdigit()]
    if not degrees:
        yield Finding("heat", Level.UNKNOWN, "this machine does not tell how warm it is")
    elif (most := max(degrees)) >= HOT:
        yield Finding(
            "heat", Level.BAD, f"the processor has {most:.0f} °C and slows down",
            "give it air or a heat sink, and keep it out of the sun",
        )  # fmt: skip
    else:
        yield Finding("heat", Level.GOOD, f"the processor has {most:.0f} °C")


def _flags(machine: Machine) -> int | None:
    text = machine.text(FIRMWARE) or machine.run("vcgencmd", "get_throttled").partition("=")[2]
    try:
        return int(text, 16)
    except ValueError:
        return None


def _alarm(machine: Machine) -> bool | None:
    for name in machine.files("sys/class/hwmon/hwmon*/name"):
        alarm = machine.text(name.with_name("in0_lcrit_alarm"))
        if machine.text(name) == "rpi_volt" and alarm:
            return alarm == "1"
    return None


CHECKS: tuple[Check, ...] = (power, heat)
