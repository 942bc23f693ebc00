"""A card that Raspberry Pi Imager wrote: the kernel's command line runs its script once, and starts again."""

import subprocess

import pytest

pytestmark = pytest.mark.box

RUN = ["systemd.run=/boot/firstrun.sh", "systemd.unit=kernel-command-line.target"]


def test_a_card_from_imager_is_its_box_at_the_second_start(house):
    if reason := house.missing():
        pytest.skip(reason)
    with house.box("KEY") as container:
        boot = container.root / "boot/firmware"
        key = (boot / "box.toml").read_text()
        (boot / "box.toml").unlink()
        (boot / "cmdline.txt").write_text(f"quiet {' '.join(RUN)} systemd.run_success_action=reboot\n")
        (boot / "firstrun.sh").write_text(
            "#!/bin/sh\n/usr/lib/raspberrypi-sys-mods/imager_custom set_hostname empi-3\n"
            f"/usr/lib/raspberrypi-sys-mods/imager_custom enable_ssh -k '{key}'\n"
            "sed -i 's| systemd.run.*||g' /boot/cmdline.txt\nexit 0\n"
        )
        # Off instead of on again, so that it can be looked at; a script that fails would power off with 1.
        first = subprocess.run(
            ["systemd-nspawn", "-q", "-D", container.root, "--register=no", "--keep-unit", "--console=pipe",
             "--private-network", "--timezone=off", "-b", "fstab=no", *RUN,
             "systemd.run_success_action=exit", "systemd.run_failure_action=exit-force"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
        said = (boot / "box-status.txt").read_text()
        assert first.returncode == 0, said
        assert "made of the answers" in said
        assert (boot / "cmdline.txt").read_text() == "quiet\n"
        container.boot()
        house.until(container.sounds)
        assert container.run("hostname").stdout == "empi-3\n"
        assert container.show("foretone.service", "StatusText").startswith("EMPI")
