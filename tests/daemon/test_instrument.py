"""Instrument files: every fault at once, in a builder's words."""

from pathlib import Path

import pytest

from foretone import catalogue
from foretone.cli import main
from foretone.errors import InstrumentError
from foretone.instrument import find, load

SHIPPED = sorted((Path(__file__).parents[2] / "deploy" / "instruments").glob("*.toml"))

GOOD = """
title = "Patch"
axes = ["x", "y"]

[source.hand]
kind = "osc"
port = 6001

[sink.out]
kind = "osc"
plays = ["hand"]
"""


def faults(tmp_path, text):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(InstrumentError) as caught:
        load(path)
    return caught.value.faults


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_instrument_is_one(path):
    instrument = load(path)
    assert instrument.of("source")
    assert instrument.of("sink")
    assert find(path.stem) == path


def test_a_good_file_is_read(tmp_path):
    path = tmp_path / "good.toml"
    path.write_text(GOOD)
    instrument = load(path, ["hand.port=6002", 'hand.address="/wii"'])
    assert instrument.parts["hand"].settings == {"port": 6002, "address": "/wii"}
    assert instrument.parts["out"].wires == ("hand",)
    assert instrument.parts["out"].axes == ("x", "y")


def test_all_faults_are_told_at_once_with_line_table_range_and_nearest_name(tmp_path):
    told = faults(
        tmp_path,
        """titel = "Wrong"
axes = ["x"]

[source.hand]
kind = "ocs"

[source.foot]
kind = "osc"
port = 99999
hots = "127.0.0.1"

[sink.out]
kind = "osc"
plays = ["foott"]
port = "5000"
""",
    )
    assert told == [
        "line 1, 'titel' is not known here, did you mean 'title'?",
        "line 5, [source.hand] kind 'ocs' is not known, did you mean 'osc'?; foretone parts lists them",
        "line 9, [source.foot] port must be 1 to 65535, not 99999",
        "line 10, [source.foot] 'hots' is not a setting of osc, did you mean 'host'?",
        "line 14, [sink.out] plays 'foott', which is not here, did you mean 'foot'?",
        "line 15, [sink.out] port must be a whole number, not '5000'",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("axes = [", "is not TOML"),
        ("", "axes must name each thing that moves"),
        ('axes = ["x"]', "has no source"),
        ('axes = ["x"]\nsource = 3', "write each source as a table of its own"),
        ('axes = ["x"]\n[source.a]\n', "has no kind"),
        ('axes = ["x"]\n[source.a]\nkind = "pca9685"', "cannot be a source: it does not read"),
        ('axes = ["x", "y"]\n[source.a]\nkind = "ads1115"', "gives 1 axes, but here are 2: x, y"),
        ('axes = ["x"]\n[source.a]\nkind = "osc"\naxes = ["z"]', "axes must be some of the instrument's: x"),
        ('axes = ["x"]\n[source.a]\nkind = "osc"\n[sink.b]\nkind = "osc"', "plays nothing"),
        ('axes = ["x"]\n[source.a]\nkind = "osc"\n[sink.a]\nkind = "osc"\nplays = ["a"]', "already a source"),
        ('axes = ["x"]\n[source."a b"]\nkind = "osc"', "may have letters, digits, - and _ only"),
        ('axes = ["x"]\nseed = "one"\n[source.a]\nkind = "osc"', "seed must be a whole number"),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(tmp_path, text, sentence):
    assert sentence in "\n".join(faults(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 3000,
        'axes = ["x"]\nseed = ' + "1" * 5000,
        'axes = ["x"]\n[source.a]\nkind = "osc"\nport = ' + "1" * 400,
        'axes = ["x"]\n[source.a]\nkind = "osc"\n'
        '[player.p]\nkind = "mdrnn"\nhears = ["a"]\nmodel = "a\\u0000b"',
        'axes = ["x", "x"]\n[source.a]\nkind = "osc"',
        'axes = ["a,b"]\n[source.a]\nkind = "osc"',
        'axes = []\n[source.a]\nkind = "osc"',
        'axes = ["x"]\n[source.a]\nkind = "osc"\n[sink.b]\nkind = "osc"\nplays = ["a", "a"]',
        'axes = ["x", "y"]\n[source.a]\nkind = "osc"\n[sink.b]\nkind = "pca9685"\nplays = ["a"]',
        'axes = ["x"]\n[source.a]\nkind = "replay"\nsession = "gone.csv"',
    ],
    ids=lambda text: text[-40:],
)
def test_an_odd_file_has_faults_and_no_traceback(tmp_path, text):
    assert faults(tmp_path, text)


def test_a_fault_of_a_change_is_told_as_its_own(tmp_path):
    path = tmp_path / "good.toml"
    path.write_text(GOOD)
    with pytest.raises(InstrumentError) as caught:
        load(path, ["hand.port=0", "nobody.x=1", "hand"])
    assert caught.value.faults == [
        "--set nobody.x=1: write part.key=value, with a part of this file",
        "--set hand: write part.key=value, with a part of this file",
        "--set hand.port=0: port must be 1 to 65535, not 0",
    ]


def test_a_copy_of_a_shipped_instrument_finds_its_model(tmp_path):
    copy = tmp_path / "my.toml"
    copy.write_text(find("empi").read_text())
    assert load(copy).parts["duet"].settings["model"] == "empi-s.tflite"


def test_a_folder_of_the_same_name_does_not_hide_a_shipped_instrument(tmp_path, monkeypatch):
    (tmp_path / "empi").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find("empi").is_file()


def test_a_missing_model_says_where_it_looked(tmp_path):
    told = faults(
        tmp_path,
        'axes = ["x"]\n[source.a]\nkind = "osc"\n'
        '[player.p]\nkind = "mdrnn"\nhears = ["a"]\nmodel = "gone.tflite"',
    )
    assert told == [
        f"line 7, [player.p] there is no model at {tmp_path / 'gone.tflite'}; "
        "train one with foretone-train, or correct the path"
    ]


def test_a_model_that_cannot_be_looked_for_is_a_fault_of_its_key(tmp_path):
    (told,) = faults(
        tmp_path,
        'axes = ["x"]\n[source.a]\nkind = "osc"\n'
        f'[player.p]\nkind = "mdrnn"\nhears = ["a"]\nmodel = "{300 * "m"}"',
    )
    assert told.startswith("line 7, [player.p] the model ")
    assert told.endswith("cannot be read: File name too long")


def test_players_that_hear_each_other_are_refused(tmp_path):
    ring = "\n".join(
        f'[player.{name}]\nkind = "mdrnn"\nhears = ["{other}"]\nmodel = "m.tflite"'
        for name, other in (("p", "q"), ("q", "p"))
    )
    assert "hears itself in a ring" in "\n".join(faults(tmp_path, f'axes = ["x"]\n{ring}'))


def test_check_exits_78_and_says_everything(tmp_path, capsys):
    path = tmp_path / "wrong.toml"
    path.write_text("axes = 3\nblah = 1\n")
    assert main(["check", str(path)]) == 78
    told = capsys.readouterr().err
    assert "has 2 faults" in told
    assert "'blah' is not known here" in told


def test_a_name_that_nothing_has_finds_the_nearest(capsys):
    assert main(["check", "empy"]) == 78
    assert "did you mean 'empi'?" in capsys.readouterr().err


def test_check_tells_the_wires(capsys):
    assert main(["check", "empi"]) == 0
    assert "player duet (mdrnn) <- lever, osc" in capsys.readouterr().out


def test_parts_lists_every_kind_with_its_settings():
    text = catalogue.text()
    for kind in ("ads1115", "mcp3008", "pca9685", "pwmled", "osc", "ghost", "replay", "mdrnn", "synth"):
        assert f"  {kind}: " in text
    assert "silence            0.05 to 30 s; default 0.8, while playing" in text
    assert "one of observe, filter, call-response, battle" in text


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('[sink.b]\nkind = "pwmled"\nplays = ["a"]\n[sink.c]\nkind = "pwmled"\nplays = ["a"]', "GPIO17"),
        ('[source.b]\nkind = "ads1115"\n[sink.c]\nkind = "pca9685"\naddress = 0x48\nplays = ["b"]', "0x48"),
        ('[source.b]\nkind = "ads1115"\nlow = 1.0\nhigh = 1.0', "low"),
    ],
)
def test_check_rehearses_on_a_simulated_board(tmp_path, capsys, more, sentence):
    path = tmp_path / "clash.toml"
    path.write_text(f'axes = ["x"]\n[source.a]\nkind = "osc"\n{more}\n')
    assert main(["check", str(path)]) == 78
    told = capsys.readouterr().err
    assert sentence in told
    assert "Traceback" not in told


def test_check_finds_a_damaged_model(tmp_path, capsys):
    model = bytearray(find("empi").with_name("empi-s.tflite").read_bytes())
    model[len(model) // 2] ^= 1
    (tmp_path / "worn.tflite").write_bytes(model)
    assert main(["check", "empi", "--set", f"duet.model={tmp_path / 'worn.tflite'}"]) == 78
    assert "is cut short or damaged" in capsys.readouterr().err


ARMS = """
axes = ["roll", "pitch", "yaw", "roll_rate", "pitch_rate", "yaw_rate"]

[source.left]
kind = "lsm6dsox"

[player.arms]
kind = "forearms"
hears = ["left"]

[sink.light]
kind = "pwmled"
plays = ["arms"]
axes = ["reward"]
"""


def test_a_player_may_play_other_axes_than_it_hears_and_a_sink_take_some_of_them(tmp_path):
    path = tmp_path / "arms.toml"
    path.write_text(ARMS)
    parts = load(path).parts
    assert parts["arms"].axes[0] == "reward"
    assert (parts["light"].axes, parts["light"].picks) == (("reward",), (0,))


def test_axes_that_a_player_cannot_hear_or_a_sink_does_not_get_are_faults(tmp_path):
    wrong = ARMS.replace('axes = ["reward"]', 'axes = ["reward", "left_rol_rate"]')
    assert any("did you mean 'left_roll_rate'?" in told for told in faults(tmp_path, wrong))
    wrong = ARMS.replace('axes = ["reward"]\n', "")
    assert any(
        "pwmled takes 1 axes, but here are 7: reward, left" in told for told in faults(tmp_path, wrong)
    )
    wrong = ARMS.replace('kind = "lsm6dsox"', 'kind = "osc"\naxes = ["roll"]')
    assert any("forearms takes 6 axes, but here are 1: roll" in told for told in faults(tmp_path, wrong))
    wrong = ARMS.replace('axes = ["reward"]', "axes = 3")
    assert any("axes must name what it takes of what it plays" in told for told in faults(tmp_path, wrong))
