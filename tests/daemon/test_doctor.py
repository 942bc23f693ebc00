"""The doctor, on machines made of files, and on a playing instrument."""

import base64
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from foretone.doctor import findings, instrument
from foretone.doctor.machine import Machine
from foretone.ring import Ring

BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()
BOX = f'hostname = "a"\nssh_keys = ["ssh-ed25519 {BLOB}"]\ntime_zone = "UTC"\ninstrument = "empi"\n'
FLAGS = "sys/devices/platform/soc/soc:firmware/get_throttled"
PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    FLAGS: "0",
    "sys/class/thermal/thermal_zone0/temp": "48312",
    "proc/mounts": "/dev/mmcblk0p2 / ext4 ro 0 0\n/dev/mmcblk0p3 /var ext4 rw,noatime 0 0\n",
    "run/systemd/timesync/synchronized": "",
    "sys/class/net/wlan0/wireless/x": "",
    "sys/class/net/wlan0/operstate": "up",
    "proc/net/wireless": "Inter-| sta-|   Quality\n wlan0: 0000   58.  -52.  -256        0\n",
    "proc/asound/cards": " 0 [sndrpihifiberry]: HifiberryDac - snd_rpi_hifiberry_dac\n",
    "var/lib/box/asound.conf": 'pcm.!default { type plug slave.pcm "hw:CARD=sndrpihifiberry" }',
    "var/lib/box/wpa_supplicant.conf": "country=AT",
    "var/lib/box/foretone.env": "INSTRUMENT=empi",
    "var/lib/foretone/sessions/x.csv": "",
    "boot/firmware/box.toml": BOX,
    "var/lib/box/applied/box.toml": BOX,
}
RUNS = "LoadState=loaded\nActiveState=active\nNRestarts=0\n"
COMMANDS = {
    "dmesg": "[    1.2] mmc0: new high speed SDHC card at address aaaa",
    "iw": "global\ncountry AT: DFS-ETSI\n",
    "systemctl": RUNS,
}


@pytest.fixture
def look(tmp_path):
    """What the doctor says of a healthy Pi with these files and commands changed."""

    def look(files=None, commands=None):
        for name, text in (PI | (files or {})).items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
        told = COMMANDS | (commands or {})
        found = findings(
            Machine(
                tmp_path,
                tmp_path / "run",
                lambda command: told.get(command[0], ""),
                tmp_path / "var/lib/foretone",
            )
        )
        return {finding.says: finding for finding in found}

    return look


def one(found, part):
    """The one finding whose sentence has that part."""
    (only,) = [finding for says, finding in found.items() if part in says]
    return only


def test_a_healthy_pi_is_healthy(look):
    found = look()
    silent = {"voice", "controllers", "lateness", "safe mode"}
    wrong = [finding for finding in found.values() if finding.level != "good" and finding.check not in silent]
    assert wrong == []
    assert one(found, "held its voltage").level == "good"
    assert one(found, "48 °C").level == "good"
    assert one(found, "-52 dBm").level == "good"


@pytest.mark.parametrize(
    "files, level, said, cure",
    [
        ({FLAGS: "50005"}, "bad", "too little voltage now", "supply"),
        ({FLAGS: "50000"}, "warning", "gave too little", "supply"),
        ({FLAGS: "80008"}, "warning", "slowed down now", "cool"),
        ({"sys/class/thermal/thermal_zone0/temp": "83000"}, "bad", "83 °C", "heat sink"),
        ({"sys/fs/ext4/mmcblk0p3/errors_count": "4"}, "bad", "mmcblk0p3 found errors", "new card"),
        ({"proc/mounts": "/dev/mmcblk0p3 /var ext4 ro 0 0\n"}, "bad", "can only be read", "new card"),
        ({"run/systemd/timesync/synchronized": None}, "warning", "nobody set the clock", "network"),
        ({"sys/class/net/wlan0/operstate": "down"}, "bad", "does not find its network", "box.toml"),
        ({"sys/class/rfkill/rfkill0/soft": "1"}, "bad", "switched off", "rfkill"),
        ({"proc/net/wireless": " wlan0: 0000   28.  -82.  -256 0\n"}, "warning", "weakly, -82 dBm", "router"),
        ({"proc/asound/cards": " 0 [Headphones     ]: bcm2835\n"}, "bad", "there is Headphones", "overlay"),
        ({"proc/asound/cards": "--- no soundcards ---"}, "bad", "there is none", "plug"),
        ({"var/lib/box/foretone.env": "INSTRUMENT=empy"}, "bad", "did you mean 'empi'", "take back"),
        ({"boot/firmware/box.toml": BOX.replace('"a"', '"A"')}, "bad", "refused: hostname", "correct"),
        ({"boot/firmware/box.toml": BOX.replace('"a"', '"b"')}, "warning", "not applied yet", "start"),
        ({"boot/firmware/box.toml": None}, "warning", "that is gone", "applied/box.toml"),
        ({"var/lib/box/applied/songs/a.mid": "MThd"}, "warning", "songs/a.mid was changed", "start"),
    ],
)  # fmt: skip
def test_each_trouble_has_its_sentence_and_its_cure(look, files, level, said, cure):
    finding = one(look(files), said)
    assert finding.level == level
    assert cure in finding.cure


@pytest.mark.parametrize(
    "commands, level, said",
    [
        ({"dmesg": "[9.1] mmcblk0: error -110 sending status command"}, "bad", "made 1 errors"),
        ({"dmesg": "[9.1] I/O error, dev mmcblk0, sector 8 op 0x0"}, "bad", "made 1 errors"),
        ({"dmesg": "[9.1] EXT4-fs error (device mmcblk0p3): bad inode"}, "bad", "made 1 errors"),
        ({"dmesg": "", "journalctl": ""}, "unknown", "messages cannot be read"),
        ({"iw": "global\ncountry 00: DFS-UNSET\n"}, "warning", "does not know its country"),
        ({"systemctl": RUNS.replace("0", "3")}, "warning", "foretone-synth runs, and was"),
        ({"systemctl": RUNS.replace("=active", "=failed")}, "bad", "foretone-panel is failed"),
        ({"systemctl": "ActiveState=active"}, "bad", "safe mode"),
    ],
)  # fmt: skip
def test_what_commands_tell_is_understood(look, commands, level, said):
    assert one(look(commands=commands), said).level == level


def test_without_the_firmware_the_kernel_or_a_command_is_asked(look):
    no_file = {FLAGS: None}
    assert one(look(no_file, {"vcgencmd": "throttled=0x1\n"}), "too little voltage now").level == "bad"
    alarm = {"sys/class/hwmon/hwmon1/name": "rpi_volt", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1"}
    assert one(look(no_file | alarm), "too little voltage now").level == "bad"
    alarm["sys/class/hwmon/hwmon1/name"] = "cpu_thermal"
    assert one(look(no_file | alarm), "kernel does not tell its supply").level == "unknown"


def test_what_is_no_pi_is_not_guessed_about(tmp_path):
    found = findings(Machine(tmp_path, tmp_path, lambda _: "", tmp_path / "gone"))
    by_check = {finding.check: finding for finding in found}
    for check in ("power", "heat", "card", "room", "writable", "wifi", "services", "instrument", "box.toml"):
        assert by_check[check].level == "unknown", check


def test_a_changed_instrument_is_told_by_its_lines(look):
    text = 'title = "Mine"\naxes = ["x"]\n[source.lever]\nkind = "ads1115"\naxes = ["x"]\n'
    own = {
        "var/lib/box/foretone.env": "INSTRUMENT=mine",
        "var/lib/foretone/instruments/mine.toml": text,
        "var/lib/foretone/instruments/.mine.toml.earlier": text,
    }
    assert "Mine is an instrument" in look(own)
    own["var/lib/foretone/instruments/mine.toml"] = text.replace("Mine", "Ours")
    assert one(look(own), '+ title = "Ours"').level == "good"
    own["var/lib/foretone/instruments/mine.toml"] = text.replace("ads1115", "ads1116")
    assert one(look(own), "did you mean 'ads1115'").level == "bad"


def says(tmp_path, **state):
    """What the doctor says of an instrument that tells this."""
    machine = Machine(tmp_path, tmp_path, lambda _: "", tmp_path)
    machine.instrument = {
        "about": {"title": "Teach", "parts": [{"name": "pad"}, {"name": "teach"}]},
        "state": state,
    }
    return {finding.says: finding for finding in findings(machine, instrument.CHECKS)}


def test_what_was_lost_on_the_way_is_told(tmp_path):
    counts = {"dropped": 3, "unrecorded": 70, "malformed": 2, "overflowed": 5, "played": 9}
    found = says(tmp_path, counts=counts)
    assert "room on the card" in one(found, "70 events are in no session log").cure
    assert one(found, "3 messages came faster").level == "warning"
    assert one(found, "2 messages were malformed").level == "warning"
    assert one(found, "5 messages were overflowed").level == "warning"
    assert len([finding for finding in found.values() if finding.level == "warning"]) == 4


def test_who_waits_for_a_cable_is_told_and_is_no_fault(tmp_path):
    found = says(tmp_path, waits=["pad: waiting for LightPad to be plugged in"])
    waits = one(found, "pad: waiting for LightPad")
    assert waits.level == "unknown"
    assert "plug it in" in waits.cure
    assert one(found, "Teach plays; teach answer").level == "good"
    assert all(finding.level != "bad" for finding in found.values())
    out = says(tmp_path, faults=["pad: [Errno 5] no answer"])
    assert one(out, "no answer").level == "bad"


def test_interruptions_and_silence_of_the_voice(look, tmp_path):
    (tmp_path / "run").mkdir()
    ring = Ring.create(tmp_path / "run/sound.ring", 48000, "hw:CARD=sndrpihifiberry", paced=False)
    for _ in range(2):
        ring.write(np.zeros((64, 2), np.int16))
    ring.beat(time.monotonic(), 0.0, 7, 0)
    found = look()
    assert one(found, "plays on hw:CARD=sndrpihifiberry").level == "good"
    assert one(found, "interrupted 7 times").level == "warning"
    assert "power and heat" in one(found, "interrupted 7 times").cure
    ring.cost(400.0, 900.0, 3000.0, 2)
    assert "fewer notes" in one(look(), "interrupted 7 times").cure, "64 frames are 1333 us"
    ring.beat(time.monotonic() - 10.0, 0.0, 7, 0)
    assert one(look(), "the voice does not run").level == "bad"
    ring.finish()


def test_a_playing_instrument_answers_for_itself(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "foretone", "run", "empi", "--board=fake", "--no-log", "--state", tmp_path,
         "--set", "osc.port=5998"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while not (told := Machine(tmp_path, tmp_path, lambda _: "").instrument):
            assert time.monotonic() < deadline
        assert told["about"]["title"] == "EMPI"
        command = [sys.executable, "-m", "foretone", "doctor", "--json", "--state", tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    said = json.loads(done.stdout)
    assert done.returncode == 1, "there is no voice here"
    assert not said["healthy"]
    (plays,) = [one for one in said["findings"] if one["check"] == "controllers"]
    assert plays["level"] == "good"
    assert "EMPI plays; lever, osc, duet" in plays["says"]
