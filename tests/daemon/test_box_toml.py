"""box.toml: every mistake is told before a card is written, and what it says is where the system looks."""

import base64
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from foretone.box import parcel, support
from foretone.box.apply import apply
from foretone.box.settings import load
from foretone.cli import main
from foretone.errors import BoxError

BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()
KEY = f"ssh-ed25519 {BLOB} me@desk"
GOOD = f"""
hostname = "empi-1"
ssh_keys = ["{KEY}"]
time_zone = "Europe/Vienna"
instrument = "empi"
sound_card = "sndrpihifiberry"
token = "0123456789abcdef"

[wifi]
country = "AT"
network = "Studio"
password = "lever lever"
"""


def faults(folder, *changes):
    """What is said about the good file, changed."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "box.toml").write_text(text)
    with pytest.raises(BoxError) as caught:
        load(folder / "box.toml")
    return caught.value.faults


def test_a_good_one_is_taken(tmp_path):
    (tmp_path / "box.toml").write_text(GOOD)
    box = load(tmp_path / "box.toml")
    assert (box.hostname, box.instrument, box.wifi.country) == ("empi-1", "empi", "AT")
    assert set(support.secrets(GOOD)) == {KEY, "0123456789abcdef", "lever lever", "Studio"}


def test_only_four_things_are_needed(tmp_path):
    lines = GOOD.splitlines()
    (tmp_path / "box.toml").write_text("\n".join(lines[:5]))
    assert load(tmp_path / "box.toml").wifi is None
    (tmp_path / "box.toml").write_text("")
    with pytest.raises(BoxError) as caught:
        load(tmp_path / "box.toml")
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("hostname", "hostnam", "did you mean 'hostname'?"),
        ("empi-1", "Empi_1", "hostname must be 1 to 63 of a-z"),
        ("empi-1", "empi-", "hostname must be"),
        (f'["{KEY}"]', "[]", "it is the only way in"),
        (KEY, "-----BEGIN OPENSSH PRIVATE KEY-----", "must never leave your machine"),
        (KEY, KEY[:50], "copy the line of the .pub file again"),
        (KEY, KEY.replace("ed25519", "dss"), "must be the line of a .pub file"),
        ("Europe/Vienna", "Europe/Wien", "time_zone must be a place"),
        ('"empi"', '"empy"', "did you mean 'empi'?"),
        ('"empi"', '"../empi.toml"', "beside box.toml"),
        ('"empi"', "7", "instrument must be a text"),
        ("sndrpihifiberry", "hw:1", "short name"),
        ("0123456789abcdef", "short", "at least 16"),
        ('country = "AT"\n', "", "wifi.country is missing"),
        ('"AT"', '"Austria"', "two capital letters"),
        ('"AT"', '"XQ"', "no country of ISO 3166"),
        ("Studio", "S" * 33, "1 to 32 bytes"),
        ("lever lever", "lever", "8 to 63"),
        ("lever lever", "a\\nb\\n}\\nx=1", "ordinary characters"),
        ("[wifi]", "[wlan]", "wlan is not known"),
    ],
)
def test_each_mistake_has_its_sentence(tmp_path, old, new, said):
    assert any(said in fault for fault in faults(tmp_path, (old, new)))


def test_all_mistakes_are_told_at_once(tmp_path):
    assert len(faults(tmp_path, ("empi-1", "-"), ("Europe/Vienna", "x"), ('"AT"', '"at"'))) == 3


@pytest.mark.parametrize("text", ["[", "hostname = ", "\x00", "wifi = 3"])
def test_what_is_no_box_toml_is_no_traceback(tmp_path, text, capsys):
    (tmp_path / "box.toml").write_text(text)
    assert main(["box", "check", str(tmp_path / "box.toml")]) == 78
    assert "box.toml has" in capsys.readouterr().err


def test_an_instrument_beside_it_is_checked_with_it(tmp_path):
    (tmp_path / "mine.toml").write_text('title = "Mine"\naxes = ["x"]\n[source.lever]\nkind = "ads1116"\n')
    said = faults(tmp_path, ('"empi"', '"mine.toml"'))
    assert any("ads1115" in fault for fault in said)


def test_the_key_that_ssh_keygen_makes_is_one(tmp_path):
    for kind in ("ed25519", "ecdsa", "rsa"):
        place = tmp_path / kind
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", place], check=True)
        (tmp_path / "box.toml").write_text(GOOD.replace(KEY, place.with_suffix(".pub").read_text().strip()))
        assert load(tmp_path / "box.toml").ssh_keys


@pytest.fixture
def root(tmp_path):
    """A card at its first boot."""
    (tmp_path / "boot/firmware").mkdir(parents=True)
    (tmp_path / "boot/firmware/box.toml").write_text(GOOD)
    return tmp_path


def keygen(command):
    """What ssh-keygen leaves."""
    place = command[-1]
    for name in (place, f"{place}.pub"):
        Path(name).write_text("a key")


def test_every_setting_is_where_the_system_looks_for_it(root):
    assert apply(root, keygen) == 0
    box = root / "var/lib/box"
    assert (box / "hostname").read_text() == "empi-1\n"
    assert (box / "authorized_keys").read_text().startswith("ssh-ed25519 ")
    assert str((box / "localtime").readlink()) == "/usr/share/zoneinfo/Europe/Vienna"
    assert (box / "foretone.env").read_text() == "INSTRUMENT=empi\nPANEL=--open\n"
    assert 'slave.pcm "hw:CARD=sndrpihifiberry"' in (box / "asound.conf").read_text()
    assert (box / "ssh_host_ed25519_key").exists()
    # wpa_passphrase Studio "lever lever" gives this key.
    network = (box / "wpa_supplicant.conf").read_text()
    assert network.startswith("country=AT\n")
    assert "ssid=53747564696f" in network
    assert "lever lever" not in network


def test_secrets_are_for_root_only(root):
    apply(root, keygen)
    names = [f"box/{name}" for name in ("wpa_supplicant.conf", "authorized_keys", "applied/box.toml")]
    for name in [*names, "foretone/panel.key"]:
        assert stat.S_IMODE((root / "var/lib" / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((root / "var/lib/box/applied").stat().st_mode) == 0o700


def test_it_says_in_plain_words_what_it_did_and_no_secret(root):
    apply(root, keygen)
    told = (root / "boot/firmware/box-status.txt").read_text()
    assert "This box is empi-1.local; 1 SSH key opens it" in told
    assert "It looks for the Wi-Fi Studio, in AT." in told
    assert "lever lever" not in told
    assert "0123456789abcdef" not in told


def test_what_is_taken_out_of_the_file_is_gone_from_the_box(root):
    apply(root, keygen)
    key = (root / "var/lib/box/ssh_host_ed25519_key").read_text()
    (root / "boot/firmware/box.toml").write_text("\n".join(GOOD.splitlines()[:5]))
    assert apply(root, keygen) == 0
    for name in ("box/wpa_supplicant.conf", "foretone/panel.key"):
        assert not (root / "var/lib" / name).exists()
    assert 'slave.pcm "hw:0"' in (root / "var/lib/box/asound.conf").read_text(), (
        "the first card, and no mixer"
    )
    assert (root / "var/lib/box/foretone.env").read_text() == "INSTRUMENT=empi\nPANEL=\n"
    assert (root / "var/lib/box/ssh_host_ed25519_key").read_text() == key, "a box keeps its face"


def test_of_a_wrong_file_nothing_is_applied(root):
    apply(root, keygen)
    before = {file.name: file.read_bytes() for file in (root / "var/lib/box").iterdir() if file.is_file()}
    (root / "boot/firmware/box.toml").write_text(GOOD.replace("empi-1", "Empi 1").replace('"AT"', '"xx"'))
    assert apply(root, keygen) == 78
    assert {
        file.name: file.read_bytes() for file in (root / "var/lib/box").iterdir() if file.is_file()
    } == before
    told = (root / "boot/firmware/box-status.txt").read_text()
    assert "Nothing was changed" in told
    assert "hostname must be" in told
    assert "wifi.country" in told


def test_a_card_without_a_file_still_gets_its_host_key_and_says_what_is_missing(root):
    (root / "boot/firmware/box.toml").unlink()
    assert apply(root, keygen) == 78
    assert "No such file" in (root / "boot/firmware/box-status.txt").read_text()
    assert (root / "var/lib/box/ssh_host_ed25519_key").exists()


def test_an_instrument_of_ones_own_comes_along_with_its_model(root):
    boot = root / "boot/firmware"
    (boot / "mine.toml").write_text(
        'title = "Mine"\naxes = ["x"]\n[source.lever]\nkind = "ads1115"\naxes = ["x"]\n'
    )
    (boot / "mine.tflite").write_bytes(b"a model")
    (boot / "box.toml").write_text(GOOD.replace('"empi"', '"mine.toml"'))
    assert apply(root, keygen) == 0, (boot / "box-status.txt").read_text()
    place = root / "var/lib/foretone/instruments"
    assert {file.name for file in place.iterdir()} == {"mine.toml", "mine.tflite"}
    assert "INSTRUMENT=mine\n" in (root / "var/lib/box/foretone.env").read_text()


def test_its_songs_sounds_and_sessions_come_along_in_their_folders(root):
    boot = root / "boot/firmware"
    (boot / "mine.toml").write_text(
        'title = "kit.toml"\naxes = ["x"]\n[source.s]\nkind = "replay"\nsession = "played/a.csv"\n'
        '[sink.v]\nkind = "synth"\nplays = ["s"]\nsounds = "kit.toml"\nsong = "songs/one.toml"\n'
    )
    names = {
        "kit.toml": '[[hit.tables]]\nfile = "samples/kick.flac"\n[other]\nfile = "mine.toml"\n',
        "songs/one.toml": '[track.a]\nfile = "one.mid"\n[track.b]\nfile = "../no.mid"\n',
        "songs/one.mid": "MThd",
        "samples/kick.flac": "fLaC",
        "played/a.csv": "# foretone session 1\n# sources: s\ntime,origin,x\n0.0,s,0.5\n",
        "of nobody.mid": "MThd",
        "no.mid": "MThd",
    }
    for name, text in names.items():
        (boot / name).parent.mkdir(exist_ok=True)
        (boot / name).write_text(text)
    (boot / "box.toml").write_text(GOOD.replace('"empi"', '"mine.toml"'))
    assert apply(root, keygen) == 0, (boot / "box-status.txt").read_text()
    place = root / "var/lib/foretone/instruments"
    there = {str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()}
    assert there == {"mine.toml", *names} - {"of nobody.mid", "no.mid"}
    assert (place / "songs/one.mid").read_text() == "MThd"


CONDITION = Path(__file__).parents[2] / "deploy/systemd/foretone-box.service"


def is_new(root):
    """Whether the box would apply what is on its boot partition, as its service asks."""
    (line,) = (line for line in CONDITION.read_text().splitlines() if line.startswith("ExecCondition="))
    script = shlex.split(line.partition("=")[2])[2]
    for place in ("/var/lib", "/boot/firmware"):
        script = script.replace(place, f"{root}{place}")
    return subprocess.run(["sh", "-c", script], check=False, stderr=subprocess.DEVNULL).returncode == 0


def test_what_changed_on_the_card_is_taken_and_what_the_page_changed_stays(root):
    boot, place = root / "boot/firmware", root / "var/lib/foretone/instruments"
    text = 'title = "Mine"\naxes = ["x"]\n[source.lever]\nkind = "ads1115"\naxes = ["x"]\n'
    (boot / "mine.toml").write_text(text)
    (boot / "box.toml").write_text(GOOD.replace('"empi"', '"mine.toml"'))
    assert is_new(root)
    assert apply(root, keygen) == 0
    assert not is_new(root)
    (place / "mine.toml").write_text(text.replace("Mine", "Of the page"))
    assert not is_new(root)
    (boot / "box.toml").write_text(
        GOOD.replace('"empi"', '"mine.toml"').replace("lever lever", "other lever")
    )
    assert is_new(root)
    assert apply(root, keygen) == 0
    assert "Of the page" in (place / "mine.toml").read_text(), "it was not changed on the card"
    (boot / "mine.toml").write_text(text.replace("Mine", "Of the card"))
    assert is_new(root)
    assert apply(root, keygen) == 0
    assert "Of the card" in (place / "mine.toml").read_text()
    assert not is_new(root)


@pytest.mark.parametrize("text", ["\\u0000", "x" * 5000, "/etc/hostname", "..", ".", ""])
def test_what_names_no_file_brings_none(tmp_path, text):
    (tmp_path / "mine.toml").write_text(f'title = "{text}"\n')
    assert parcel.files(tmp_path / "mine.toml") == [Path("mine.toml")]


def test_changes_to_a_player_end_with_its_instrument(root):
    apply(root, keygen)
    changes = root / "var/lib/box/changes.env"
    changes.write_text("CHANGES=--set=duet.model=/mine.tflite\n")
    box = root / "boot/firmware/box.toml"
    box.write_text(GOOD.replace("empi-1", "empi-2"))
    apply(root, keygen)
    assert changes.exists(), "another name is no other instrument"
    box.write_text(GOOD.replace('"empi"', '"lightpad"'))
    apply(root, keygen)
    assert not changes.exists()
