"""Where this machine can be reached."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from pathlib import Path

ASK_ADDRESS, ASK_FLAGS = 0x8915, 0x8913
"""SIOCGIFADDR and SIOCGIFFLAGS of netdevice(7)."""
IS_UP, IS_LOOPBACK = 0x1, 0x8


def addresses(root: Path = Path("/")) -> list[str]:
    """The IPv4 addresses of this machine's interfaces, by their names, without 127.0.0.1.

    It takes some microseconds and no name server, so a display may ask four times a second.
    """
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for place in sorted((root / "sys/class/net").glob("*")):
            name = struct.pack("256s", place.name.encode()[:15])
            # One without an address, or that is gone since.
            with contextlib.suppress(OSError):
                (flags,) = struct.unpack_from("H", fcntl.ioctl(asking, ASK_FLAGS, name), 16)
                if flags & (IS_UP | IS_LOOPBACK) == IS_UP:
                    found.append(socket.inet_ntoa(fcntl.ioctl(asking, ASK_ADDRESS, name)[20:24]))
    return found
