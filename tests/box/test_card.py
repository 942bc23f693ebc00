"""The card that `make image` built, booted under emulation: first start, SSH, a new version, a pulled plug.

QEMU's `virt` board stands for a Pi: the same kernel, file systems and services, another disk and network.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "build/foretone.img.zst"
MISSING = [name for name in ("qemu-system-aarch64", "mcopy", "ssh") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.card,
    pytest.mark.skipif(not IMAGE.exists(), reason="there is no card yet: sudo make image"),
    pytest.mark.skipif(bool(MISSING), reason=f"there is no {', '.join(MISSING)} here"),
]
PATIENCE = 600.0
"""Seconds for a start under emulation, on a machine that may be busy."""


class Pi:
    """A board without a Pi: `boot` gives it power, `pull` takes it."""

    def __init__(self, place):
        self.place, self.card, self.key = place, place / "card.img", place / "key"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        (place / "box.toml").write_text(
            f'hostname = "card"\nssh_keys = ["{self.key.with_suffix(".pub").read_text().strip()}"]\n'
            'time_zone = "Europe/Vienna"\ninstrument = "empi"\n'
        )
        self.card.touch()
        flashed = [sys.executable, ROOT / "deploy/flash.py", self.card, place / "box.toml"]
        subprocess.run(flashed, check=True, stdin=subprocess.DEVNULL)
        for pattern, name in (("vmlinuz*", "kernel"), ("initrd*", "initrd")):
            subprocess.run(
                ["mcopy", "-n", "-i", f"{self.card}@@4M", f"::{pattern}", place / name], check=True
            )
        with self.card.open("r+b") as file:
            file.truncate(file.seek(0, os.SEEK_END) + (1 << 30))  # a card is larger than its image

    def boot(self):
        """Start, and return the seconds until SSH answers."""
        began = time.monotonic()
        self._machine = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2",
             "-m", "1024", "-accel", "tcg,thread=multi", "-nographic", "-nodefaults",
             "-serial", f"file:{self.place}/serial",
             "-kernel", self.place / "kernel", "-initrd", self.place / "initrd",
             "-append", "root=LABEL=foretone ro rootwait console=ttyAMA0 net.ifnames=0",
             "-drive", f"file={self.card},format=raw,if=none,id=card", "-device", "virtio-blk-pci,drive=card",
             "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-:22",
             "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci", "-no-reboot"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.until(lambda: self.run("true").returncode == 0)
        return time.monotonic() - began

    def pull(self):
        """Pull the plug."""
        self._machine.kill()
        self._machine.wait()

    def reach(self):
        """How ssh reaches it."""
        known = f"UserKnownHostsFile={self.place}/known"
        return ["ssh", "-F", "/dev/null", "-p", str(self.port), "-i", str(self.key), "-o", known]

    def run(self, *command):
        """A command as its root."""
        options = ["-o", "StrictHostKeyChecking=accept-new", "-o", "ConnectTimeout=20", "-o", "BatchMode=yes"]
        line = [*self.reach(), *options, "root@127.0.0.1", *command]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def desk(self, *arguments):
        """deploy/box.py for it."""
        return subprocess.run(
            [sys.executable, ROOT / "deploy/box.py", arguments[0], "root@127.0.0.1", *arguments[1:]],
            env={**os.environ, "FORETONE_SSH": " ".join(self.reach())}, cwd=self.place,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def until(self, condition):
        """Wait for something to become true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self._machine.poll() is None, (self.place / "serial").read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, (self.place / "serial").read_text(errors="replace")[-3000:]
            time.sleep(0.5)

    def plays(self):
        """Whether the instrument says so."""
        shown = self.run(
            "systemctl show -p StatusText foretone.service; cat /run/foretone/sound.ring | head -c 1"
        )
        return "EMPI plays" in shown.stdout


@pytest.fixture(scope="module")
def pi(tmp_path_factory):
    """A Pi at its first start, with a simulated lever and servo."""
    pi = Pi(tmp_path_factory.mktemp("pi"))
    try:
        print(f"SSH after {pi.boot():.0f} s")
        yield pi
    finally:
        pi.pull()


def test_a_new_card_becomes_its_box_and_plays(pi):
    pi.until(pi.plays)
    assert pi.run("hostname").stdout == "card\n"
    assert "This box is card.local" in pi.run("cat /boot/firmware/box-status.txt").stdout
    assert pi.run("systemctl --failed --no-legend").stdout == ""
    mounts = pi.run("cat /proc/mounts").stdout
    assert [line.split()[3].split(",")[0] for line in mounts.splitlines() if line.split()[1] == "/"] == ["ro"]
    assert pi.run("touch /usr/x").returncode != 0
    pi.until(lambda: pi.run("test -e /var/lib/box/grown").returncode == 0)
    assert int(pi.run("df --output=size -m /var | tail -n1").stdout) > 1200, (
        "the state took the rest of the card"
    )
    assert pi.run("swapon --show").stdout == ""


def test_the_sound_waits_for_no_network(pi):
    chain = pi.run("systemd-analyze critical-chain foretone-synth.service").stdout
    print(chain, pi.run("systemd-analyze").stdout)
    assert "basic.target" in chain
    assert not [word for word in ("network", "timesync", "wpa", "avahi") if word in chain]


def test_a_new_version_plays_and_the_old_one_again(pi):
    pi.run("echo 'RUN=--board=fake --ghost' >>/var/lib/box/changes.env; systemctl restart foretone")
    deployed = pi.desk("deploy")
    assert deployed.returncode == 0, deployed.stderr
    assert "/var/opt/foretone/versions/" in pi.run("readlink /var/opt/foretone/current").stdout
    back = pi.desk("rollback")
    assert back.returncode == 0, back.stderr
    print(deployed.stdout, back.stdout)
    assert pi.run("readlink /var/opt/foretone/current").stdout == "/opt/foretone/factory\n"


def test_it_starts_again_after_the_plug_was_pulled(pi):
    pi.run("echo kept >/var/lib/foretone/kept; sync")
    pi.pull()
    print(f"SSH after {pi.boot():.0f} s")
    pi.until(pi.plays)
    assert pi.run("cat /var/lib/foretone/kept").stdout == "kept\n"
    assert pi.run("systemctl --failed --no-legend").stdout == ""
