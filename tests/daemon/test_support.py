"""The bundle for whoever helps shows how a box is, and nothing that is secret."""

import tarfile

import pytest

from foretone.box.support import bundle, redacted, secrets

OWN = r"""
hostname = "empi-1"
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1 me@desk"]
instrument = "mine.toml"
token = "0123456789abcdef"

[wifi]
country = "AT"
network = "Stüdio"
password = "a\"lever\\b"
"""
SECRET = ["AAAAC3NzaC1lZDI1", "0123456789abcdef", "Stüdio", "lever"]


def packed(folder, **texts):
    """The closing sentence, and the texts in the bundle by their names."""
    texts = {name.replace("_", "."): text.encode() for name, text in texts.items()}
    told = bundle(folder / "help.tar.gz", "empi-1", texts)
    with tarfile.open(folder / "help.tar.gz") as archive:
        return told, {name: archive.extractfile(name).read().decode() for name in archive.getnames()}


def test_a_box_with_an_instrument_of_its_own_keeps_its_secrets(tmp_path):
    """That instrument is not on the desk, and need not be."""
    said = 'Stüdio of "St\\u00fcdio" with a"lever\\b; STATUS 0123456789abcdef, ssh-ed25519 AAAAC3NzaC1lZDI1'
    told, texts = packed(tmp_path, box_toml=OWN, system_log=said, foretone_log=said)
    assert "holds no password, key, token or name of a network" in told
    assert list(texts) == ["empi-1/box.toml", "empi-1/system.log", "empi-1/foretone.log"]
    assert 'hostname = "empi-1"' in texts["empi-1/box.toml"]
    assert "STATUS" in texts["empi-1/system.log"], "a country is no secret"
    for secret in [*SECRET, "u00fc"]:
        assert not [name for name, text in texts.items() if secret in text], secret


@pytest.mark.parametrize("text", ['token = "0123456789abcdef', "\udcff"])
def test_what_cannot_be_read_is_left_out_and_nothing_is_promised(tmp_path, text):
    data = {
        "box.toml": text.encode(errors="surrogateescape"),
        "system.log": b"secret",
        "status.txt": b"plays",
    }
    told = bundle(tmp_path / "help.tar.gz", "empi-1", data)
    with tarfile.open(tmp_path / "help.tar.gz") as archive:
        assert archive.getnames() == ["empi-1/status.txt"]
    assert "holds no password" not in told
    assert "Look at the rest before you give it away" in told


def test_where_no_settings_were_applied_nothing_is_hidden(tmp_path):
    told, texts = packed(tmp_path, box_toml="", system_log="nothing to hide")
    assert texts["empi-1/system.log"] == "nothing to hide"
    assert "holds no password" in told


def test_settings_of_another_shape_are_no_fault():
    assert secrets('token = 3\nssh_keys = "a key"\nwifi = "Studio"\n') == ["a key", "Studio"]


def test_what_calls_itself_a_secret_is_hidden():
    said = redacted("password: lever-lever token=abc 12:34:56:78:9a:bc ssh-rsa AAAAB3 x", [])
    assert said == "password: [hidden] token=[hidden] [hidden] ssh-rsa [hidden] x"
