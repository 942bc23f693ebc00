"""The card that `make image` built: its first start, SSH, a new version, a pulled plug."""

import pytest

pytestmark = pytest.mark.card


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
    pi.until(lambda: pi.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"))
    chain = pi.run("systemd-analyze critical-chain foretone-synth.service").stdout
    print(chain, pi.run("systemd-analyze").stdout)
    assert "basic.target" in chain
    assert not [word for word in ("network", "resolved", "timesync", "wpa", "avahi") if word in chain]


def test_a_new_version_plays_and_the_old_one_again(pi):
    # The servo's library does not know QEMU's board, and must not ask for it.
    pi.run("systemctl set-environment BLINKA_FORCEBOARD=GENERIC_LINUX_PC BLINKA_FORCECHIP=GENERIC_X86")
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
