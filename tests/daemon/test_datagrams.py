"""Packets to others, and the ports that sending them opens."""

from __future__ import annotations

import socket
from pathlib import Path

from foretone.datagrams import Sender


def test_who_sends_to_this_machine_opens_no_port_to_a_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.settimeout(5.0)
        sender = Sender("localhost", ears.getsockname()[1])
        sender.send(b"/prediction")
        packet, (_, port) = ears.recvfrom(100)
        assert packet == b"/prediction"
        places = [line.split()[1] for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
        assert [place for place in places if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
        sender.close()
