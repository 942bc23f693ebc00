"""The box says its address where nobody has a screen: its own light blinks it, its voice counts it.

    192.168.1.17     . ......... ..   . ...... ........   .   . .......

A digit is as many short signals, and 0 is one long one. There is a pause after each digit, and a longer one
after each of the four numbers. It is a process of its own, so the instrument never waits for it.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from foretone import instrument
from foretone.box.apply import NEW
from foretone.box.interfaces import addresses
from foretone.datagrams import Sender
from foretone.doctor.machine import Machine
from foretone.errors import InstrumentError
from foretone.packet import Form

SHORT, LONG = 0.15, 1.0
"""Seconds of a signal, and of the one that means 0."""
BETWEEN, DIGIT, NUMBER = 0.2, 0.8, 2.0
"""Seconds of silence after a signal, a digit and a number."""
TIMES = 2
"""How often it is said, because nobody counts the first one."""

KEY, VELOCITY = 76, 0.8
SAID = "run/box.address"
"""The address that was said last."""


class Signal(Protocol):
    """What can be on or off."""

    def turn(self, on: bool) -> None:
        """On, or off."""


def signals(address: str) -> Iterator[tuple[float, float]]:
    """Seconds on and seconds off, again and again, that say an address."""
    for number in address.split("."):
        for place, digit in enumerate(number, 1):
            count, span = (int(digit), SHORT) if digit != "0" else (1, LONG)
            yield from [(span, BETWEEN)] * (count - 1)
            yield span, NUMBER if place == len(number) else DIGIT


def say(machine: Machine, aloud: bool = True, sleep: Callable[[float], object] = time.sleep) -> str:
    """Say the first address with the light, and with the voice where it is to be loud; a sentence of it."""
    there = addresses(machine.root)
    if not there:
        return "This box has no address: it is on no network."
    with contextlib.ExitStack() as after:
        means: list[Signal] = [*_light(machine, after), *(_voice(machine, after) if aloud else [])]
        for on, off in list(signals(there[0])) * TIMES if means else []:
            for one in means:
                one.turn(True)
            sleep(on)
            for one in means:
                one.turn(False)
            sleep(off)
    return f"The address of this box is {' and '.join(there)}."


def say_when_new(machine: Machine, sleep: Callable[[float], object] = time.sleep) -> None:
    """Say an address that is new since the last look; aloud only after a new box.toml, never on a stage."""
    now = " ".join(addresses(machine.root))
    if now == machine.text(SAID):
        return
    if now:
        new = machine.root / NEW
        say(machine, aloud=new.exists(), sleep=sleep)
        new.unlink(missing_ok=True)
    # A cable that was pulled and put back asks for it again.
    (machine.root / SAID).write_text(now)


class Light:
    """The board's own green light, which otherwise follows the card (leds-class of the Linux kernel)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        followed = re.search(r"\[(\S+)\]", (folder / "trigger").read_text())
        self._follows = followed[1] if followed else "none"
        (folder / "trigger").write_text("none")

    def turn(self, on: bool) -> None:
        """Shine, or be dark."""
        (self._folder / "brightness").write_text("1" if on else "0")

    def close(self) -> None:
        """Follow again what it followed before."""
        (self._folder / "trigger").write_text(self._follows)


class Voice:
    """The instrument's first voice strikes a key; it is told as by any other program, without waiting."""

    def __init__(self, voice: str, port: int) -> None:
        self._form = Form(f"/foretone/synth/{voice}/note", "dff")
        self._sender = Sender("127.0.0.1", port)

    def turn(self, on: bool) -> None:
        """Sound, or be silent."""
        self._sender.send(self._form.fill(time.monotonic(), KEY, VELOCITY if on else 0.0))

    def close(self) -> None:
        """Silent."""
        self.turn(False)
        self._sender.close()


def _light(machine: Machine, after: contextlib.ExitStack) -> Iterator[Light]:
    for name in ("ACT", "led0"):
        folder = machine.root / "sys/class/leds" / name
        with contextlib.suppress(OSError):
            light = Light(folder)
            after.callback(light.close)
            yield light
            return


def _voice(machine: Machine, after: contextlib.ExitStack) -> Iterator[Voice]:
    try:
        played = instrument.load(instrument.find(machine.chosen or "empi"))
    except InstrumentError:
        return
    for part in played.of("sink"):
        if part.kind == "synth":
            names = part.settings.get("voices") or ["player"]
            voice = Voice(str(names[0]), int(part.settings.get("port", 7401)))
            after.callback(voice.close)
            yield voice
            return
