"""Boxes on the network: told by a real avahi, asked for by the desk."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from foretone.box import announce, find
from foretone.doctor.machine import Finding, Level, Machine

WELL = Finding("power", Level.GOOD, "the supply is well")
WARM = Finding("heat", Level.WARNING, "warm", "cool it")
MUTE = Finding("voice", Level.BAD, "the voice does not run", "look")
DEAF = Finding("sound card", Level.BAD, "there is none <&>", "plug")


@pytest.fixture
def machine(tmp_path):
    """A box that plays a deployed version."""
    for folder in ("etc/avahi/services", "var/lib/box", "var/opt/foretone"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/box/foretone.env").write_text("INSTRUMENT=empi\n")
    (tmp_path / "var/opt/foretone/current").symlink_to("/var/opt/foretone/versions/0.1.0-1f3a5c77")
    return Machine(tmp_path, tmp_path, lambda _: "", tmp_path)


def test_health_is_the_worst_that_was_found(machine):
    told = announce.records(machine, [WELL, WARM])
    assert told == {"version": "0.1.0-1f3a5c77", "instrument": "empi", "health": "warning", "trouble": "heat"}
    assert announce.records(machine, [WARM, MUTE, DEAF, MUTE])["trouble"] == "voice, sound card"
    assert announce.records(machine, [WELL])["health"] == "good"
    assert "trouble" not in announce.records(machine, [WELL])


def test_the_file_is_written_only_when_something_changed(machine):
    told = announce.announce(machine)
    assert told["health"] == "bad", "nothing plays here"
    file = machine.root / "etc/avahi/services/foretone.service"
    before = file.stat().st_ino
    assert "<txt-record>health=bad</txt-record>" in file.read_text()
    announce.announce(machine)
    assert file.stat().st_ino == before
    file.write_text("older")
    announce.announce(machine)
    assert "health=bad" in file.read_text()


def test_what_is_too_long_for_a_record_is_cut_and_what_is_special_is_not():
    text = announce.service({"trouble": "ä<&" * 200})
    (line,) = [line for line in text.splitlines() if "trouble" in line]
    record = line.strip().removeprefix("<txt-record>").removesuffix("</txt-record>")
    plain = record.replace("&lt;", "<").replace("&amp;", "&")
    assert 252 <= len(plain.encode()) <= 255


def answer(*records):
    """A packet of answers: name, kind, data."""
    packet = b"\0\1\x84\0\0\0" + len(records).to_bytes(2, "big") + bytes(4)
    for name, kind, data in records:
        head = kind.to_bytes(2, "big") + b"\0\1" + bytes(4) + len(data).to_bytes(2, "big")
        packet += b"".join(bytes([len(label)]) + label for label in name) + b"\0" + head + data
    return packet


def test_an_answer_without_an_address_came_from_one():
    boxes = {}
    instance = (b"Lena's \x1b[2Jbox", *find.SERVICE)
    pointer = b"".join(bytes([len(label)]) + label for label in instance) + b"\0"
    packet = answer((find.SERVICE, find.PTR, pointer), (instance, find.TXT, b"\x0bhealth=good\x03odd"))
    find.understand(packet, "10.0.0.7", boxes)
    (box,) = boxes.values()
    assert (box.name, box.addresses) == ("Lena's ?[2Jbox", ["10.0.0.7"])
    assert box.told == {"health": "good", "odd": ""}
    assert find.table([box]).split() == ["Lena's", "?[2Jbox", "10.0.0.7", "good"]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0\1",
        find.question(),
        answer((find.SERVICE, find.PTR, b"\x03abc")),
        answer((find.SERVICE, find.PTR, b"\xc0\x0c"))[:-1],
        b"\0\1\x84\0\0\0\0\1" + bytes(4) + b"\xc0\x0c" + bytes(10),
        b"\0\1\x84\0\0\0\0\1" + bytes(4) + b"\1a\xc0\x0c" + bytes(10),
        b"\0\1\x84\0\xff\xff\xff\xff" + bytes(300),
    ],
)
def test_what_is_no_answer_is_left_alone(packet):
    boxes = {}
    with contextlib.suppress(ValueError):
        find.understand(packet, "10.0.0.7", boxes)
    assert boxes == {}


AVAHI = """
set -e
ip link set lo up
ip link add desk type veth peer name box
ip addr add 10.9.9.1/24 dev desk
ip link set desk up
ip link set box up
mount -t tmpfs tmpfs /run
mount --bind "$1" /etc/avahi
avahi-daemon --no-drop-root --no-rlimits --no-chroot 2>"$1/log" &
trap 'kill $!' EXIT
shift
"$@"
"""
ASK = """
import json, pathlib, sys, time
from foretone.box import announce, find
from foretone.box.files import write
file = pathlib.Path("/etc/avahi/services/foretone.service")
deadline = time.monotonic() + 20.0
for told in ({"health": "good"}, {"version": "0.1.0", "health": "bad", "trouble": "voice"}):
    write(file, announce.service(told))
    while not (boxes := find.find(0.5)) or boxes[0].told != told:
        assert time.monotonic() < deadline, boxes
print(find.table(boxes), end="")
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("avahi-daemon", "unshare", "ip"))),
    reason="a network of one's own needs root, and avahi-daemon",
)
def test_the_desk_finds_what_a_real_avahi_announces_and_how_it_is_a_moment_later(tmp_path):
    (tmp_path / "services").mkdir()
    (tmp_path / "avahi-daemon.conf").write_text(
        "[server]\nhost-name=empi-1\nenable-dbus=no\nallow-interfaces=desk\nuse-ipv6=no\n"
    )
    done = subprocess.run(
        ["unshare", "--net", "--mount", "bash", "-c", AVAHI, "bash", tmp_path, sys.executable, "-c", ASK],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
    assert done.stdout.split() == ["empi-1", "0.1.0", "10.9.9.1", "bad:", "voice"]
