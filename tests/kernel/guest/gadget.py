"""A USB-MIDI controller made of the kernel's own USB gadget, plugged into its own dummy host controller."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
from pathlib import Path

from conftest import modprobe, until

GADGETS = Path("/sys/kernel/config/usb_gadget")
SEQUENCER = Path("/sys/bus/snd_seq")


class UsbMidi:
    """One port in, one out. To the host it is a device of these numbers and this name, like any other."""

    def __init__(self, vendor: int, product: int, name: str) -> None:
        modprobe("snd-seq-midi", "dummy_hcd", "libcomposite", "usb_f_midi", "snd-usb-audio")
        # The gadget's own end is a card too. It must not become a port, which Foretone would take from us.
        (SEQUENCER / "drivers_autoprobe").write_text("0")
        if not GADGETS.exists():
            subprocess.run(["mount", "-t", "configfs", "none", "/sys/kernel/config"], check=True)
        self._at = GADGETS / "controller"
        self._rawmidi = -1
        function = self._at / "functions" / "midi.usb0"
        for folder in (self._at / "strings" / "0x409", self._at / "configs" / "c.1", function):
            folder.mkdir(parents=True)
        (self._at / "idVendor").write_text(f"{vendor:#06x}")
        (self._at / "idProduct").write_text(f"{product:#06x}")
        (self._at / "strings" / "0x409" / "product").write_text(name)
        (function / "id").write_text("gadget")
        (self._at / "configs" / "c.1" / "midi.usb0").symlink_to(function)

    def plug(self) -> None:
        """Put the cable in; the port is there when this returns."""
        [controller] = Path("/sys/class/udc").iterdir()
        (self._at / "UDC").write_text(controller.name)
        [device] = Path("/sys/class/udc").glob("*/device/gadget*/sound/card*/midiC*D0")
        self._rawmidi = os.open(f"/dev/snd/{device.name}", os.O_RDWR | os.O_NONBLOCK)
        self.receive()  # its first read starts its input
        until(far_end)
        (SEQUENCER / "drivers" / "snd_seq_midi" / "bind").write_text(far_end().name)

    def unplug(self) -> None:
        """Pull it out; the port is gone when this returns."""
        os.close(self._rawmidi)
        self._rawmidi = -1
        (self._at / "UDC").write_text("\n")
        until(lambda: far_end() is None)

    def send(self, data: bytes) -> None:
        """What the controller's own hardware would send."""
        assert os.write(self._rawmidi, data) == len(data)

    def receive(self, timeout: float = 0.0) -> bytes:
        """What the host has sent to it, empty when nothing came in time."""
        if timeout and not select.select([self._rawmidi], [], [], timeout)[0]:
            return b""
        try:
            return os.read(self._rawmidi, 4096)
        except BlockingIOError:
            return b""


def far_end() -> Path | None:
    """The card that the host made of the cable's other end, when it has, as the sequencer knows it."""
    for card in (SEQUENCER / "devices").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it may go while it is looked at
            if "hcd" in str(card.resolve()):
                return card
    return None
