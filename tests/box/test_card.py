"""The card that `make image` built: its first start, SSH, a new version, a pulled plug."""

import re

import pytest

pytestmark = pytest.mark.card
LOCAL = (
    r"foretone-\w+\.service|local-fs(-pre)?\.target|.*\.mount|systemd-fsck@.*|dev-.*\.device|system\.slice"
    r"|systemd-(remount-fs|fsck-root|journald|journal-flush|tmpfiles-setup(-dev)?)\.service|-\.slice"
    r"|kmod-static-nodes\.service|systemd-journald(-\w+)*\.socket"
)
"""What is ours, or a local file system: also that of the devices, and the log, which is in memory."""


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


def test_the_sound_waits_for_nothing_but_file_systems_and_ourselves(pi):
    pi.until(lambda: pi.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"))
    chain = pi.run("systemd-analyze critical-chain foretone-synth.service").stdout
    print(chain, pi.run("systemd-analyze").stdout)
    units = re.findall(r"^[ └─]*(\S+\.[a-z]+)(?= @| \+|$)", chain, re.M)
    assert units[0] == "foretone-synth.service"
    assert [unit for unit in units if not re.fullmatch(LOCAL, unit)] == []


def test_nothing_listens_to_the_network_but_ssh_and_mdns(pi):
    table = pi.run("ss -Hlntup").stdout.splitlines()
    open_to_all = [line for line in table if not re.search(r" (127\.[\d.]+|\[::1\])(%lo)?:\d+ ", line)]
    # networkd holds the port on which a DHCP server answers it.
    known = r'"(sshd|avahi-daemon)"|:68 .*"systemd-network"'
    assert [line for line in open_to_all if not re.search(known, line)] == []
    assert any('"sshd"' in line for line in open_to_all)


def test_a_new_version_plays_and_the_old_one_again(pi):
    deployed = pi.desk("deploy")
    assert deployed.returncode == 0, deployed.stderr
    assert " plays; it took" in deployed.stdout, (deployed.stdout, deployed.stderr)
    assert "/var/opt/foretone/versions/" in pi.run("readlink /var/opt/foretone/current").stdout
    pi.until(pi.plays)
    back = pi.desk("rollback")
    assert back.returncode == 0, back.stderr
    print(deployed.stdout, back.stdout)
    assert pi.run("readlink /var/opt/foretone/current").stdout == "/opt/foretone/factory\n"
    pi.until(pi.plays)


def test_it_starts_again_after_the_plug_was_pulled(pi):
    pi.run("echo kept >/var/lib/foretone/kept; sync")
    print(pi.pull())
    print(f"SSH after {pi.boot():.0f} s")
    pi.until(pi.plays)
    assert pi.run("cat /var/lib/foretone/kept").stdout == "kept\n"
    assert pi.run("systemctl --failed --no-legend").stdout == ""
