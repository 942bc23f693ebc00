"""The answers that Raspberry Pi Imager was given become a box.toml, or a sentence."""

import base64
import stat

import pytest

from foretone.box import imager
from foretone.box.apply import apply
from foretone.box.settings import load

BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()
KEY = f"ssh-ed25519 {BLOB} it's@desk"
QUOTED = KEY.replace("'", "'\"'\"'")
HEX = "0123456789abcdef" * 4
CUSTOM = "/usr/lib/raspberrypi-sys-mods/imager_custom"
SCRIPT = f"""#!/bin/sh

set +e

if [ -f {CUSTOM} ]; then
   {CUSTOM} set_hostname Empi-2
else
   echo Empi-2 >/etc/hostname
fi
if [ -f {CUSTOM} ]; then
   {CUSTOM} enable_ssh -k '{QUOTED}'
else
cat > "$FIRSTUSERHOME/.ssh/authorized_keys" <<'EOF'
{KEY}
EOF
fi
if [ -f /usr/lib/userconf-pi/userconf ]; then
   /usr/lib/userconf-pi/userconf 'lena' '$5$salt$hash'
fi
if [ -f {CUSTOM} ]; then
   {CUSTOM} set_wlan  -h 'Studio "1"' '{HEX}' 'at'
else
cat >/etc/wpa_supplicant/wpa_supplicant.conf <<'WPAEOF'
country=AT
WPAEOF
fi
if [ -f {CUSTOM} ]; then
   {CUSTOM} set_keymap 'de'
   {CUSTOM} set_timezone 'Europe/Vienna'
fi
rm -f /boot/firstrun.sh
sed -i 's| systemd.run.*||g' /boot/cmdline.txt
exit 0
"""
LINE = "console=tty1 root=LABEL=foretone ro rootwait quiet"
ADDED = (
    " systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target"
)


@pytest.fixture
def root(tmp_path):
    """A card that Imager has just written."""
    boot = tmp_path / "boot/firmware"
    boot.mkdir(parents=True)
    (boot / "firstrun.sh").write_text(SCRIPT)
    (boot / "cmdline.txt").write_text(LINE + ADDED + "\n")
    return tmp_path


def start(root):
    """The first start of the box; its exit status and what it says."""
    status = apply(
        root, lambda _: [(root / f"var/lib/box/ssh_host_ed25519_key{x}").touch() for x in ("", ".pub")]
    )
    return status, (root / "boot/firmware/box-status.txt").read_text()


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """No key is made here."""
    monkeypatch.setattr("foretone.box.apply._make_host_key", lambda state, run: None)


def test_what_imager_was_told_is_what_the_box_is(root):
    status, said = start(root)
    assert status == 0, said
    box = load(root / "boot/firmware/box.toml")
    assert (box.hostname, box.ssh_keys, box.time_zone) == ("empi-2", (KEY,), "Europe/Vienna")
    assert (box.wifi.network, box.wifi.password, box.wifi.country) == ('Studio "1"', HEX, "AT")
    assert box.instrument == "empi"
    assert "made of the answers" in said
    assert "no user lena on a box" in said
    assert "keyboard was left out" in said
    assert f"psk={HEX}\n" in (root / "var/lib/box/wpa_supplicant.conf").read_text()


def test_the_next_start_is_an_ordinary_one_and_nothing_secret_stays_in_the_script(root):
    start(root)
    boot = root / "boot/firmware"
    assert (boot / "cmdline.txt").read_text() == LINE + "\n"
    script = boot / "firstrun.sh"
    assert script.read_text() == "#!/bin/sh\n", "it is still run in this start, and does nothing"
    assert stat.S_IMODE(script.stat().st_mode) & 0o100
    again, said = start(root)
    assert (again, "Imager" in said) == (0, False)


def test_a_box_toml_beside_it_is_stronger(root):
    mine = f'hostname = "mine"\nssh_keys = ["{KEY}"]\ntime_zone = "UTC"\ninstrument = "empi"\n'
    (root / "boot/firmware/box.toml").write_text(mine)
    status, said = start(root)
    assert (status, "This box is mine.local" in said, "left alone" in said) == (0, True, True)
    assert (root / "boot/firmware/cmdline.txt").read_text() == LINE + "\n"


def test_a_password_instead_of_a_key_is_refused_with_a_sentence(root):
    lines = SCRIPT.replace(f"enable_ssh -k '{QUOTED}'", "enable_ssh")
    (root / "boot/firmware/firstrun.sh").write_text(lines)
    status, said = start(root)
    assert status == 78
    assert "password does not open a box" in said
    assert "ssh_keys is missing" in said
    assert (root / "boot/firmware/cmdline.txt").read_text() == LINE + "\n", "and it does not start in a ring"


@pytest.mark.parametrize("name", ["user-data", "custom.toml"])
def test_what_imager_wrote_for_others_is_refused_by_name(root, name):
    boot = root / "boot/firmware"
    (boot / "firstrun.sh").unlink()
    (boot / name).write_text("hostname: empi\n")
    status, said = start(root)
    assert status == 78
    assert f"Imager wrote {name}" in said
    assert "foretone.rpi-imager-manifest" in said


@pytest.mark.parametrize(
    "line",
    ["'", f"   {CUSTOM}", f"   {CUSTOM} set_wlan", f"   {CUSTOM} set_hostname 'a", "   /usr/lib/x 'y'"],
)
def test_a_line_that_is_not_understood_is_left_out(line):
    table, said = imager.understand(f"#!/bin/sh\n{line}\n")
    assert (table, said) == (imager.GIVEN, [])
