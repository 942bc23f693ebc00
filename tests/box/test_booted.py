"""A booted box: who runs, who listens, and what happens to it on a stage."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.box
SERVICES = ["foretone.service", "foretone-synth.service", "foretone-panel.service"]


@pytest.fixture(autouse=True)
def plays(box, house):
    """Every test begins and ends with the real instrument, and sound."""
    yield
    box.run("systemctl", "stop", "foretone-safe.service")
    box.run("systemctl", "reset-failed", *SERVICES)
    box.run("systemctl", "restart", *SERVICES, check=True)
    house.until(box.sounds)


def test_everything_plays_and_nothing_failed(box):
    assert box.run("systemctl", "--failed", "--no-legend").stdout == ""
    assert [box.show(unit, "SubState") for unit in SERVICES] == ["running"] * 3
    assert box.show("foretone.service", "StatusText") == "EMPI plays"
    assert box.show("foretone-synth.service", "User") == "foretone"
    assert box.show("foretone-synth.service", "LimitRTPRIO") == "95"
    assert box.show("foretone-synth.service", "LimitMEMLOCK") == "infinity"


def test_the_box_is_who_its_box_toml_says(box):
    assert box.run("hostname").stdout == "empi-1\n"
    told = (box.root / "boot/firmware/box-status.txt").read_text()
    assert "This box is empi-1.local; 1 SSH key opens it" in told
    assert "plays the instrument empi" in told
    assert box.run("readlink", "/etc/localtime").stdout.strip() == "/var/lib/box/localtime"


def test_nothing_listens_to_the_network_but_ssh_and_mdns(box):
    table = box.run("ss", "-Hlntup").stdout.splitlines()
    open_to_all = [line for line in table if not re.search(r" (127\.0\.0\.1|\[::1\]):\d+ ", line)]
    assert {re.search(r'\("([^"]+)"', line).group(1) for line in open_to_all} == {"sshd", "avahi-daemon"}


@pytest.fixture
def desk(box):
    """Runs the desk's `foretone` in a network that is one cable to the box."""
    wire = ["ip", "link", "add", "cable", "type", "veth", "peer", "name", "host0"]
    with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as owner:
        there = ["nsenter", "-t", str(owner.pid), "--net", "--"]
        here = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{owner.pid}/ns/net").readlink() == here:
            assert owner.poll() is None
        try:
            for command in (
                [*there, *wire, "netns", str(box.pid)],
                [*there, "ip", "addr", "add", "10.9.9.2/24", "dev", "cable"],
                [*there, "ip", "link", "set", "cable", "up"],
                [*box.inside(), "ip", "addr", "add", "10.9.9.1/24", "dev", "host0"],
                [*box.inside(), "ip", "link", "set", "host0", "up"],
            ):
                subprocess.run(command, check=True)
            run = [*there, sys.executable, "-m", "foretone"]
            yield (
                lambda *command: (
                    subprocess.run([*run, *command], capture_output=True, text=True, check=False).stdout
                )
            )
        finally:
            owner.kill()


def test_the_desk_finds_the_box_and_what_is_wrong_with_it(box, house, desk):
    def found(told):
        box.run("systemctl", "start", "foretone-announce.service", check=True)
        return re.fullmatch(told, " ".join(desk("box", "find").split()))

    house.until(lambda: found(r"empi-1 0\.1\.0 empi 10\.9\.9\.1 bad: room, sound card"), 60)
    assert box.show("foretone-announce.service", "CPUSchedulingPolicy") == "5"
    box.run("systemctl", "stop", "foretone.service", check=True)
    house.until(lambda: found(".* bad: room, sound card, controllers, services"))
    assert "announcement" not in box.run("journalctl", "-b", "-u", "foretone-announce").stdout, "no news"


def test_the_sound_waits_for_nothing_but_local_things(box):
    before = box.run("systemctl", "list-dependencies", "--after", "--plain", "foretone-synth.service").stdout
    assert "local-fs.target" in before
    waits = r"network|wpa|ssh|avahi|time-sync|timesyncd|bluetooth|sysinit|basic|foretone\.service"
    assert [unit for unit in before.split() if re.search(waits, unit)] == []


@pytest.mark.parametrize("unit", SERVICES)
def test_whoever_is_killed_comes_back_and_it_sounds_within_two_seconds(box, house, unit):
    old = box.show(unit, "MainPID")
    before = box.ring().blocks
    assert box.run("kill", "-9", old).returncode == 0
    if unit == "foretone-synth.service":
        house.until(lambda: not box.sounds())
        took = house.until(box.sounds)
        print(f"sounds {took:.2f} s after a kill")
        assert took < 2.0
    else:
        assert box.sounds()
        assert box.ring().blocks >= before, "the voice did not notice"
    house.until(lambda: box.show(unit, "SubState") == "running" and box.show(unit, "MainPID") != old)


def test_whoever_hangs_is_ended_by_the_watchdog(box, house):
    old = box.show("foretone-synth.service", "MainPID")
    box.run("kill", "-STOP", old)
    house.until(lambda: box.show("foretone-synth.service", "MainPID") not in ("0", old), 15)
    house.until(box.sounds)
    assert "watchdog" in box.run("journalctl", "-b", "-u", "foretone-synth").stdout.lower()


def test_a_full_disk_stops_the_recording_only(box, house):
    box.run("dd", "if=/dev/zero", "of=/var/full", "bs=64k")
    try:
        assert box.run("df", "--output=avail", "/var").stdout.split()[-1] == "0"
        house.until(lambda: "not being recorded" in box.run("journalctl", "-b", "-u", "foretone").stdout)
        assert box.sounds()
        box.run("systemctl", "restart", *SERVICES, check=True)
        house.until(box.sounds)
        assert box.show("foretone.service", "StatusText") == "EMPI plays"
    finally:
        box.run("rm", "/var/full")


def test_a_wrong_instrument_leads_to_safe_mode_which_sounds(box, house):
    box.run("sh", "-c", "echo INSTRUMENT=/nowhere.toml > /var/lib/box/foretone.env", check=True)
    try:
        box.run("systemctl", "restart", "foretone.service")
        house.until(lambda: box.show("foretone.service", "StatusText") == "Safe mode plays")
        house.until(box.sounds)
        assert box.show("ssh.service", "SubState") == "running"
        assert "/nowhere.toml" in box.run("journalctl", "-b", "-u", "foretone").stdout
    finally:
        box.run("sh", "-c", "echo INSTRUMENT=empi > /var/lib/box/foretone.env", check=True)


def test_an_instrument_without_a_voice_is_no_fault(box, house):
    box.run("sh", "-c", "echo INSTRUMENT=arms > /var/lib/box/foretone.env", check=True)
    try:
        box.run("systemctl", "restart", *SERVICES, check=True)
        house.until(lambda: box.show("foretone.service", "StatusText") == "Arms plays")
        assert [box.show(unit, "ActiveState") for unit in SERVICES] == ["active"] * 3
        assert box.show("foretone-synth.service", "StatusText") == "Arms has no voice"
        assert box.show("foretone-safe.service", "ActiveState") == "inactive"
    finally:
        box.run("sh", "-c", "echo INSTRUMENT=empi > /var/lib/box/foretone.env", check=True)


def test_an_instrument_may_be_changed_more_often_than_it_may_fail(box, house):
    for _ in range(7):
        old = box.show("foretone.service", "MainPID")
        box.run("kill", old)
        house.until(lambda old=old: box.show("foretone.service", "MainPID") not in ("0", old))
        house.until(lambda: box.show("foretone.service", "StatusText") == "EMPI plays")
    assert box.show("foretone-safe.service", "ActiveState") == "inactive"


@pytest.mark.parametrize("unit", ["foretone.service", "foretone-synth.service"])
def test_what_dies_again_and_again_leads_to_safe_mode(box, house, unit):
    box.run(
        "sh", "-c", "mkdir -p /tmp/bad/bin; printf '#!/bin/sh\\nexit 1\\n' >/tmp/bad/bin/foretone", check=True
    )
    box.run("chmod", "+x", "/tmp/bad/bin/foretone")
    box.run("ln", "-sfn", "/tmp/bad", "/var/opt/foretone/current", check=True)
    try:
        box.run("systemctl", "restart", "--no-block", unit)
        house.until(lambda: box.show("foretone.service", "StatusText") == "Safe mode plays")
        house.until(box.sounds)
    finally:
        box.run("ln", "-sfn", "/opt/foretone/factory", "/var/opt/foretone/current", check=True)
