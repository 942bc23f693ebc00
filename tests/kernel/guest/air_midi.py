"""A MIDI device on Bluetooth Low Energy, and somebody who pairs with it. Runs under the system's own Python.

btvirt gives two radios: the device is on hci1, the instrument's is hci0, and one bluetoothd serves both. It
takes lines on stdin, `connect`, `disconnect` or MIDI in hex to be played, and tells on stdout, in hex, what
was played on it.

Sources: "Specification for MIDI over Bluetooth Low Energy", 1.0; BlueZ, doc/gatt-api.txt and
advertising-api.txt.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "LightPad BLOCK"
SERVICE = "03b80e5a-ede8-4b33-a751-6ce34ec4c700"
CHARACTERISTIC = "7772e5db-3868-4112-a1a9-f2669d106bf3"
OURS, THEIRS = "/org/bluez/hci1", "/org/bluez/hci0"
PROPERTIES = "org.freedesktop.DBus.Properties"
CONNECTION = 60
"""Seconds."""

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()


def bluez(path: str, interface: str) -> dbus.Interface:
    """A part of bluetoothd."""
    return dbus.Interface(bus.get_object("org.bluez", path), f"org.bluez.{interface}")


def say(text: object) -> None:
    """Tell the check."""
    print(text, flush=True)


class Shown(dbus.service.Object):
    """An object whose properties bluetoothd may read."""

    def __init__(self, path: str, interface: str, properties: dict[str, Any]) -> None:
        super().__init__(bus, path)
        self.path, self.properties = path, {f"org.bluez.{interface}": properties}

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface: str) -> dict[str, Any]:  # noqa: N802 -- D-Bus's own names
        return self.properties[interface]


class Midi(Shown):
    """The one characteristic: MIDI in packets with times, both ways."""

    def __init__(self, service: Shown) -> None:
        flags = ["read", "write-without-response", "notify"]
        told = {"Service": dbus.ObjectPath(service.path), "UUID": CHARACTERISTIC, "Flags": flags}
        super().__init__("/midi/service/data", "GattCharacteristic1", told)

    def play(self, message: bytes) -> None:
        """Notify whoever listens: a header and a time, of 13 bits of milliseconds, then the message."""
        now = int(time.monotonic() * 1000) & 0x1FFF
        packet = bytes([0x80 | now >> 7, 0x80 | now & 0x7F]) + message
        self.PropertiesChanged(
            "org.bluez.GattCharacteristic1", {"Value": dbus.Array(packet, signature="y")}, []
        )

    @dbus.service.method("org.bluez.GattCharacteristic1", in_signature="a{sv}", out_signature="ay")
    def ReadValue(self, options: Any) -> Any:  # noqa: N802
        return dbus.Array([], signature="y")

    @dbus.service.method("org.bluez.GattCharacteristic1", in_signature="aya{sv}")
    def WriteValue(self, value: Any, options: Any) -> None:  # noqa: N802
        say(bytes(value)[2:].hex())

    @dbus.service.method("org.bluez.GattCharacteristic1")
    def StartNotify(self) -> None:  # noqa: N802
        say("listened to")

    @dbus.service.method("org.bluez.GattCharacteristic1")
    def StopNotify(self) -> None:  # noqa: N802
        say("left")

    @dbus.service.signal(PROPERTIES, signature="sa{sv}as")
    def PropertiesChanged(self, interface: str, changed: Any, invalidated: Any) -> None:  # noqa: N802
        """The signal itself."""


class Application(dbus.service.Object):
    """What bluetoothd asks for the tree of them."""

    def __init__(self) -> None:
        super().__init__(bus, "/midi")
        self.service = Shown("/midi/service", "GattService1", {"UUID": SERVICE, "Primary": True})
        self.midi = Midi(self.service)

    @dbus.service.method("org.freedesktop.DBus.ObjectManager", out_signature="a{oa{sa{sv}}}")
    def GetManagedObjects(self) -> dict[Any, Any]:  # noqa: N802
        return {dbus.ObjectPath(shown.path): shown.properties for shown in (self.service, self.midi)}


def device() -> dbus.Interface | None:
    """The device as the other radio sees it, once it does."""
    manager = dbus.Interface(bus.get_object("org.bluez", "/"), "org.freedesktop.DBus.ObjectManager")
    for path, interfaces in manager.GetManagedObjects().items():
        if path.startswith(THEIRS) and interfaces.get("org.bluez.Device1", {}).get("Name") == NAME:
            return bluez(path, "Device1")
    return None


def connect() -> bool:
    """Connect to it, when it is seen; True to be called again."""
    found = device()
    if found is not None:
        found.Connect(reply_handler=lambda: say("connected"), error_handler=say, timeout=CONNECTION)
    return found is None


def take(source: Any, condition: Any) -> bool:
    """The check's lines, all that have come."""
    came = os.read(sys.stdin.fileno(), 4096)
    for line in came.decode().splitlines():
        if line == "connect":
            GLib.timeout_add(500, connect)
        elif line == "disconnect":
            device().Disconnect()
        else:
            application.midi.play(bytes.fromhex(line))
    return bool(came)


for radio, name in ((OURS, NAME), (THEIRS, "Foretone")):
    properties = dbus.Interface(bus.get_object("org.bluez", radio), PROPERTIES)
    properties.Set("org.bluez.Adapter1", "Alias", name)
    properties.Set("org.bluez.Adapter1", "Powered", True)
application = Application()
advertisement = {
    "Type": "peripheral",
    "ServiceUUIDs": dbus.Array([SERVICE], signature="s"),
    "LocalName": NAME,
}
shown = Shown("/advertisement", "LEAdvertisement1", advertisement)
handlers = {"reply_handler": lambda: say("ready"), "error_handler": say}
bluez(OURS, "GattManager1").RegisterApplication("/midi", {}, **handlers)
bluez(OURS, "LEAdvertisingManager1").RegisterAdvertisement("/advertisement", {}, **handlers)
scanner = bluez(THEIRS, "Adapter1")
scanner.SetDiscoveryFilter({"Transport": "le"})
scanner.StartDiscovery()
GLib.io_add_watch(sys.stdin, GLib.IO_IN, take)
GLib.MainLoop().run()
