"""Writing a card, onto a disk that is a file."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
needs_mtools = pytest.mark.skipif(
    not (shutil.which("mcopy") and shutil.which("mkfs.vfat") and shutil.which("zstd")),
    reason="there are no mtools, dosfstools or zstd here",
)


@pytest.fixture(scope="module")
def flash():
    """deploy/flash.py."""
    spec = importlib.util.spec_from_file_location("flash", ROOT / "deploy/flash.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def image(tmp_path):
    """A small card: 4 MiB before the boot partition, as on a real one."""
    file = tmp_path / "foretone.img"
    fat = tmp_path / "fat"
    fat.write_bytes(bytes(4 << 20))
    subprocess.run(["mkfs.vfat", fat], check=True, capture_output=True)
    file.write_bytes(b"\xaa" * (4 << 20) + fat.read_bytes())
    subprocess.run(["zstd", "-q", file], check=True)
    return file.with_suffix(".img.zst")


@pytest.fixture
def box(tmp_path):
    """A box.toml."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    key = (tmp_path / "key.pub").read_text().strip()
    (tmp_path / "mine.toml").write_text(
        'title = "M"\naxes = ["x"]\n[source.s]\nkind = "ads1115"\naxes = ["x"]\n'
    )
    text = f'hostname = "a"\nssh_keys = ["{key}"]\ntime_zone = "Europe/Vienna"\ninstrument = "mine.toml"\n'
    (tmp_path / "box.toml").write_text(text)
    return tmp_path / "box.toml"


def run(*arguments):
    command = [sys.executable, ROOT / "deploy/flash.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@needs_mtools
def test_a_card_holds_the_image_and_its_box_toml(image, box, tmp_path):
    card = tmp_path / "card"
    card.write_bytes(b"\xff" * (9 << 20))
    done = run(card, box, "--image", image)
    assert done.returncode == 0, done.stderr
    assert "reading back" in done.stderr
    assert "ssh root@a.local" in done.stdout
    assert card.read_bytes()[: 4 << 20] == b"\xaa" * (4 << 20)
    for name in ("box.toml", "mine.toml"):
        shown = subprocess.run(
            ["mtype", "-i", f"{card}@@4M", f"::{name}"], capture_output=True, check=True
        ).stdout
        assert shown == (tmp_path / name).read_bytes()


@needs_mtools
def test_an_instrument_comes_with_every_file_that_it_names(image, box, tmp_path):
    names = ["mine.toml", "mine.tflite", "band.toml", "songs/one.toml", "songs/one.mid", "kits/a/kick.flac"]
    for name in names[1:]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    (tmp_path / "mine.toml").write_text(
        'title = "M"\naxes = ["x"]\n[source.s]\nkind = "ads1115"\naxes = ["x"]\n'
        '[sink.v]\nkind = "synth"\nplays = ["s"]\nsounds = "band.toml"\nsong = "songs/one.toml"\n'
    )
    (tmp_path / "band.toml").write_text('[kit]\ntables = [{file = "kits/a/kick.flac"}]\n')
    (tmp_path / "songs/one.toml").write_text('[track.a]\nfile = "one.mid"\n')
    card = tmp_path / "card"
    card.write_bytes(b"\xff" * (9 << 20))
    done = run(card, box, "--image", image)
    assert done.returncode == 0, done.stderr
    for name in ["box.toml", *names]:
        shown = subprocess.run(["mtype", "-i", f"{card}@@4M", f"::{name}"], capture_output=True, check=False)
        assert shown.stdout == (tmp_path / name).read_bytes(), name


VOICE = '[sink.v]\nkind = "synth"\nplays = ["s"]\nsong = "../one.toml"\n'
PLAYER = '[player.p]\nkind = "mdrnn"\nhears = ["s"]\nmodel = "own.tflite"\n'


@pytest.mark.parametrize(
    "part, said", [(VOICE, "there is no file ../one.toml"), (PLAYER, "own.tflite")], ids=["song", "model"]
)
def test_an_instrument_that_would_not_be_whole_on_the_card_is_refused(box, tmp_path, monkeypatch, part, said):
    """Its song lies above its folder, or its model among those of this machine."""
    here, card = tmp_path / "here", tmp_path / "card"
    for folder in (here, tmp_path / "home/models"):
        folder.mkdir(parents=True)
    (tmp_path / "one.toml").write_text("")
    shutil.copy(ROOT / "deploy/instruments/empi-s.tflite", tmp_path / "home/models/own.tflite")
    monkeypatch.setenv("FORETONE_HOME", str(tmp_path / "home"))
    (here / "box.toml").write_text(box.read_text())
    (here / "mine.toml").write_text((tmp_path / "mine.toml").read_text() + part)
    card.write_bytes(b"\xff" * 10000)
    done = run(card, here / "box.toml")
    assert done.returncode == 1
    assert "put all that the instrument names into its folder" in done.stderr
    assert said in done.stderr
    assert str(tmp_path) not in done.stderr
    assert card.read_bytes() == b"\xff" * 10000


@needs_mtools
def test_a_card_that_fails_while_it_is_written_leaves_a_sentence(image, box, tmp_path):
    """As one does that is pulled out: here a file may not be longer than 6 MiB."""
    card = tmp_path / "card"
    card.write_bytes(b"\xff" * (9 << 20))
    limit = ["prlimit", f"--fsize={6 << 20}", sys.executable, ROOT / "deploy/flash.py"]
    done = subprocess.run([*limit, card, box, "--image", image], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{card}: File too large; put the card in again" in done.stderr
    assert "Traceback" not in done.stderr


@needs_mtools
def test_a_wrong_box_toml_or_a_damaged_image_leaves_a_sentence(image, box, tmp_path):
    card = tmp_path / "card"
    card.write_bytes(b"\xff" * (9 << 20))
    good = box.read_text()
    box.write_text(good.replace('"a"', '"A b"'))
    done = run(card, box, "--image", image)
    assert (done.returncode, "hostname must be" in done.stderr) == (1, True)
    assert card.read_bytes() == b"\xff" * (9 << 20), "and nothing was written"
    box.write_text(good)
    image.write_bytes(image.read_bytes()[:50])
    done = run(card, box, "--image", image)
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_card_that_forgets_is_found_out(flash, tmp_path, monkeypatch):
    image, card = tmp_path / "image", tmp_path / "card"
    image.write_bytes(b"\x01" * 10000)
    card.write_bytes(bytes(20000))
    flash.write(image, card)
    assert card.read_bytes()[:10000] == image.read_bytes()
    monkeypatch.setattr(flash, "_write_all", lambda target, block: target.write(b"\x02" * len(block)))
    with pytest.raises(flash.FlashError, match="worn out or counterfeit"):
        flash.write(image, card)


@pytest.fixture
def disk(tmp_path):
    """A block device of 9 MiB, made of a file."""
    file = tmp_path / "disk"
    file.write_bytes(b"\xff" * (9 << 20))
    made = subprocess.run(["losetup", "-f", "--show", file], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no block device can be made here: {made.stderr.strip()}")
    yield Path(made.stdout.strip())
    subprocess.run(["losetup", "-d", made.stdout.strip()], check=True)


@needs_mtools
def test_a_real_block_device_is_written_and_read_back(disk, image, box):
    done = run(disk, box, "--image", image)
    assert done.returncode == 0, done.stderr
    assert "reading back" in done.stderr
    assert disk.read_bytes()[: 4 << 20] == b"\xaa" * (4 << 20)


@needs_mtools
def test_a_card_that_is_too_small_is_said(disk, image, box):
    image.unlink()
    image.with_suffix("").write_bytes(bytes(10 << 20))
    done = run(disk, box, "--image", image.with_suffix(""))
    assert (done.returncode, "is too small; it has 0.0 GB" in done.stderr) == (1, True), done.stderr


@needs_mtools
def test_a_mounted_disk_is_left_alone(flash, disk, image, box, tmp_path):
    subprocess.run(["mkfs.ext4", "-q", disk], check=True, capture_output=True)
    place = tmp_path / "mounted"
    place.mkdir()
    subprocess.run(["mount", "-o", "ro", disk, place], check=True)
    try:
        before = disk.read_bytes()
        done = run(disk, box, "--image", image)
        assert (done.returncode, f"then: umount {disk}" in done.stderr) == (1, True), done.stderr
        assert flash._below(disk) == f"{disk} holds {place} of this machine; name another disk"
        assert disk.read_bytes() == before
    finally:
        subprocess.run(["umount", place], check=True)


MOUNTS = "/dev/nvme0n1p2 / ext4 rw 0 0\n/dev/sdb1 /media/me vfat rw 0 0\nproc /proc proc rw 0 0\n"


@pytest.mark.parametrize(
    "device, said",
    [
        ("/dev/nvme0n1", "/dev/nvme0n1p2 is in use"),
        ("/dev/sdb", "umount /dev/sdb1"),
        ("/dev/sdb1", "is in use"),
        ("/dev/sdc1", "name the whole card, /dev/sdc"),
        ("/dev/vda12", "name the whole card, /dev/vda"),
        ("/dev/mmcblk0p1", "name the whole card, /dev/mmcblk0"),
        ("/dev/nvme1n2p3", "name the whole card, /dev/nvme1n2"),
        ("/dev/loop10p1", "name the whole card, /dev/loop10"),
        ("/dev/loop10", ""),
        ("/dev/vda", ""),
        ("/dev/sdd", "/dev/sdd2 is in use"),
        ("/dev/sda", ""),
        ("/dev/nvme0n11", ""),
        ("/dev/mmcblk0", ""),
    ],
)
def test_disks_in_use_are_refused(flash, device, said):
    sentence = flash.refusal(Path(device), MOUNTS, "Filename Type\n/dev/sdd2 partition 1 0 -2\n")
    assert said in sentence
    assert bool(said) == bool(sentence)


def test_imager_is_told_what_the_card_is_and_how_to_pass_its_answers(tmp_path):
    """By the format's required keys: os-list-schema.json of raspberrypi/rpi-imager."""
    image, packed = tmp_path / "foretone.img", tmp_path / "foretone.img.zst"
    image.write_bytes(bytes(5000))
    packed.write_bytes(b"packed")
    command = [sys.executable, ROOT / "deploy/image/manifest.py", image, packed]
    here, there = (
        json.loads(subprocess.run([*command, *url], capture_output=True, check=True).stdout)["os_list"]
        for url in ([], ["https://example.org/f.zst"])
    )
    (entry,) = here
    assert entry["extract_sha256"] == hashlib.sha256(bytes(5000)).hexdigest()
    assert (entry["extract_size"], entry["image_download_size"]) == (5000, 6)
    assert (entry["url"], there[0]["url"]) == (packed.as_uri(), "https://example.org/f.zst")
    required = {"name", "description", "icon", "url", "extract_size", "extract_sha256", "image_download_size"}
    assert required | {"release_date", "devices"} <= entry.keys()
    assert entry["init_format"] == "systemd"
