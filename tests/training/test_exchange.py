"""Examples and mappings of other programs come in and go out, and nothing is lost on the way."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.mapping.recordings import GESTURES, needed

from foretone import lite, sheet
from foretone.errors import ModelError, SessionError
from foretone_training import mapping
from foretone_training.cli import main
from foretone_training.examples import Examples, load
from foretone_training.exchange import arff, flucoma, flucoma_model, learner, modelset, network


@pytest.fixture
def table():
    random = np.random.default_rng(1)
    rows = [
        (random.random(2).tolist(), [float(random.random()), float(number % 3 + 1)]) for number in range(12)
    ]
    return sheet.made(
        ["x", "it's y"], ["cut off", "kind"], rows, [1 + n // 4 for n in range(12)],
        [1.6e9 + n / 8 for n in range(12)], (0, 3),
    )  # fmt: skip


def holed(table):
    """With examples of which one output was not recorded."""
    y = ((None, *table.y[0][1:]), (table.y[1][0], None), *table.y[2:])
    return sheet.made(
        table.inputs,
        table.outputs,
        list(zip(table.x, y, strict=True)),
        table.takes,
        table.times,
        table.classes,
    )


def test_arff_there_and_back(table):
    whole = holed(table)
    assert arff.read(arff.write(whole), "a", 2) == whole


def test_an_arff_file_of_wekinators(tmp_path):
    text = """@relation dataset

@attribute ID numeric
@attribute Time date 'yyyy/MM/dd HH:mm:ss:SSS'
@attribute 'Training round' numeric
@attribute inputs-1 numeric
@attribute inputs-2 numeric
@attribute outputs-1 numeric
@attribute outputs-2 {0,1,2,3}

@data
1,'2015/11/26 11:12:54:132',1,0.1,0.2,0.5,3
2,'2015/11/26 11:12:54:232',2,0.3,0.4,?,0
"""
    read = arff.read(text, "a")
    assert (read.inputs, read.outputs, read.classes) == (
        ("inputs-1", "inputs-2"),
        ("outputs-1", "outputs-2"),
        (0, 3),
    )
    assert read.x == ((0.1, 0.2), (0.3, 0.4))
    assert read.y == ((0.5, 3.0), (None, None))
    assert read.takes == (1, 2)
    assert read.times[1] - read.times[0] == pytest.approx(0.1, abs=1e-3)


def test_csv_there_and_back(table):
    read = sheet.read(sheet.write(holed(table)), "a")
    assert (read.inputs, read.outputs, read.x, read.y) == (
        table.inputs,
        table.outputs,
        table.x,
        holed(table).y,
    )
    assert read.takes == table.takes
    assert read.times == pytest.approx(table.times)


def test_learner_there_and_back(table):
    read = learner.read(learner.write(table), "a")
    assert (read.x, read.y, read.takes) == (table.x, table.y, table.takes)


def test_flucoma_there_and_back(table):
    read = flucoma.read(*flucoma.write(table), "a")
    assert (read.x, read.y) == (table.x, table.y)
    with pytest.raises(SessionError, match="has no place"):
        flucoma.write(holed(table))


@pytest.fixture
def trained():
    random = np.random.default_rng(2)
    x = random.random((20, 3))
    y = np.column_stack([np.sin(3 * x[:, 0]), x[:, 1] * x[:, 2]])
    return mapping.train(Examples(("a", "b", "c"), ("p", "q"), x, y, ()), mapping.Settings(units=5))


X = np.random.default_rng(3).random((50, 3))


def test_a_mapping_as_flucomas_network(trained):
    text = flucoma_model.write(network.of(trained))
    assert [layer["activation"] for layer in json.loads(text)["layers"]] == [3, 0]
    assert flucoma_model.read(text, "a").play(X) == pytest.approx(trained.play(X))


def test_a_mapping_as_flucomas_network_with_its_scalers():
    """Also of an input and an output that never change."""
    x = np.column_stack([X[:20, 0], np.full(20, 0.3)])
    y = np.column_stack([np.sin(3 * x[:, 0]), np.full(20, 0.7)])
    made = mapping.train(Examples(("a", "b"), ("p", "q"), x, y, ()), mapping.Settings(units=5))
    texts = flucoma_model.write_apart(network.of(made), made.heard, made.played)
    assert flucoma_model.read(texts[0], "a", *texts[1:]).play(X[:, :2]) == pytest.approx(made.play(X[:, :2]))
    assert json.loads(texts[1]).keys() == {"cols", "mean", "std"}


def test_what_flucoma_wrote_is_written_again_as_it_was(trained):
    text = flucoma_model.write(network.of(trained))
    assert json.loads(flucoma_model.write(flucoma_model.read(text, "a"))) == json.loads(text)


@pytest.mark.parametrize(
    "told",
    [
        {"cols": 2, "data_min": [2, 5], "data_max": [4, 9], "min": -1, "max": 1},
        {"cols": 2, "mean": [10, 1], "std": [2, 0.5]},
        {"cols": 2, "median": [3, 0], "range": [2, 1], "low": 25, "high": 75},
    ],
)
def test_every_scaler_goes_there_and_back(told):
    text = json.dumps(told)
    there, back = flucoma_model.scaler(text), flucoma_model.unscaler(text)
    scaled = X[:, :2] @ there.weights + there.bias
    assert scaled @ back.weights + back.bias == pytest.approx(X[:, :2])


def test_a_mapping_as_wekinators_model_set(trained):
    inputs, models = modelset.read(modelset.write(("a", "b", "c"), network.of(trained)), "a")
    assert inputs == ("a", "b", "c")
    played = np.column_stack([model.play(X)[:, 0] for model, _, _ in models])
    assert played == pytest.approx(trained.play(X))


def test_flucomas_scalers():
    x = np.array([[2.0, 5.0], [4.0, 5.0]])
    one = {"layers": [{"weights": [[1], [1]], "biases": [0], "activation": 0, "rows": 2, "cols": 1}]}
    normalize = {"cols": 2, "data_min": [2, 5], "data_max": [4, 5], "min": 0, "max": 1}
    standard = {"cols": 1, "mean": [10], "std": [2]}
    net = flucoma_model.read(json.dumps(one), "a", json.dumps(normalize), json.dumps(standard))
    assert net.play(x).ravel().tolist() == [10.0, 12.0]
    robust = {
        "cols": 2,
        "median": [3, 0],
        "range": [2, 1],
        "low": 25,
        "high": 75,
        "data_low": [2, 0],
        "data_high": [4, 1],
    }
    assert flucoma_model.read(json.dumps(one), "a", json.dumps(robust)).play(x).ravel().tolist() == [4.5, 5.5]


@needed
def test_a_real_project_of_wekinators_becomes_mappings_that_play(tmp_path, capsys):
    source = GESTURES / "rapidlib_wekinator_modelSetDescription.json"
    assert main(["convert", str(source), "--out", str(tmp_path / "m.tflite")]) == 0
    first, second = (lite.Mapping(tmp_path / f"m-{number}.tflite") for number in (1, 2))
    assert first.card.plays == ("outputs-1",)
    # By hand from the numbers of the file, x = (0.2, 0.7) scaled to -1..1.
    low, high = -5.204648 + 0.6 * 35.582672 + 0.4 * 36.966877, -4.911764 - 0.6 * 36.99981 - 0.4 * 36.991137
    linear = -0.6012397 + 1.5588477 / (1 + np.exp(-low)) + 1.7682988 / (1 + np.exp(-high))
    assert first.play([0.2, 0.7])[0] == pytest.approx(0.5 + 0.5 * linear, abs=1e-4)
    examples = json.loads(source.read_text())["modelSet"][1]["examples"]
    right = 0
    for example in examples:
        chances = second.play([float(value) for value in example["features"]])
        right += int(np.argmax(chances)) + 1 == int(example["class"])
    assert right > 0.97 * len(examples)


def test_the_command_goes_from_each_to_each(table, tmp_path, capsys):
    source = tmp_path / "a.csv"
    source.write_text(sheet.write(table))
    for names in (["b.arff"], ["c.json"], ["x.json", "y.json"]):
        out = [str(tmp_path / name) for name in names]
        format_ = ["--as", "learner"] if names == ["c.json"] else []
        assert main(["convert", str(source), "--out", *out, *format_]) == 0
        back = tmp_path / "back.csv"
        assert main(["convert", *out, "--out", str(back), "--outputs", "2"]) == 0
        read = sheet.read(back.read_text(), "back")
        assert (read.x, read.y) == (table.x, table.y)
    for format_ in ("flucoma-model", "wekinator-model"):
        model = tmp_path / "model.json"
        assert main(["convert", str(source), "--out", str(model), "--as", format_]) == 0
        assert main(["convert", str(model), "--out", str(tmp_path / "m.tflite")]) == 0
    scalers = [str(tmp_path / name) for name in ("in.json", "out.json")]
    assert (
        main(["convert", str(source), "--out", str(model), "--as", "flucoma-model", "--scalers", *scalers])
        == 0
    )
    assert main(["convert", str(model), "--out", str(tmp_path / "s.tflite"), "--scalers", *scalers]) == 0
    apart = lite.Mapping(tmp_path / "s.tflite")
    assert apart.play([0.3, 0.6])[0] == pytest.approx(
        lite.Mapping(tmp_path / "m-1.tflite").play([0.3, 0.6])[0], abs=1e-4
    )
    assert "12 examples: x, it's y to cut off, kind." in capsys.readouterr().out


def test_converted_examples_are_learned_as_they_are(table, tmp_path, capsys):
    source, shown = tmp_path / "currentData.arff", tmp_path / "shown.csv"
    source.write_text(arff.write(table))
    assert main(["convert", str(source), "--outputs", "2", "--out", str(shown)]) == 0
    assert main(["mapping", str(shown), "--out", str(tmp_path / "m.tflite")]) == 0
    assert "12 examples: x, it's y to cut off, kind." in capsys.readouterr().out
    read = load([shown])
    assert np.array_equal(read.x, np.array(table.x))
    assert np.array_equal(read.y, np.array(table.y))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.csv", "--out", "b.csv", "c.csv"], "name one file after --out"),
        (["a.csv", "--out", "b.arff", "c.arff", "d.arff"], "name one file after --out"),
        (["a.csv", "--out", "one.json", "--as", "flucoma"], "are two files: name both after --out"),
        (["a.csv", "a.csv", "a.csv", "--out", "b.csv"], "convert one file at a time"),
        (["a.csv", "a.csv", "--out", "b.tflite"], "convert one file at a time"),
        (["a.csv", "--out", "b.csv", "--scalers", "c", "d"], "leave --scalers out"),
    ],
)
def test_a_file_too_many_or_too_few_is_said_before_any_is_written(
    arguments, reason, table, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(sheet.write(table))
    assert main(["convert", *arguments]) == 65
    assert reason in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_is_written_is_read_again_whatever_the_locale(tmp_path):
    source = [tmp_path / "inputs.csv", tmp_path / "back.csv"]
    source[0].write_text("in:h\u00f6he,out:y\n0.5,1.0\n", encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
    command = [Path(sys.executable).with_name("foretone-train"), "convert", source[0], "--out", source[1]]
    subprocess.run(command, check=True, timeout=60, capture_output=True, env=ascii_only)
    assert sheet.read(source[1].read_text(encoding="utf-8"), "back").inputs == ("h\u00f6he",)


ARFF = """@attribute 'Training round' numeric
@attribute inputs-1 numeric
@attribute outputs-1 numeric
@data
"""


@pytest.mark.parametrize("row", ["1e999,0,0", "nan,0,0", f"1,0,{'9' * 131_073}", "1,0,1e999", "1,0"])
def test_a_row_that_is_no_example_is_named(row):
    with pytest.raises(SessionError, match=r"a(, line 6|: example 2)"):
        arff.read(f"{ARFF}1,0,0\n{row}\n", "a")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (learner.read, '[{"input": [1], "output": [1], "recordingRound": 1e999}]'),
        (learner.read, '[{"input": [1], "output": [1%s]}]' % ("0" * 400)),
        (lambda t, n: flucoma.read(t, t, n), '{"cols": 1, "data": {"0": [1%s]}}' % ("0" * 400)),
        (modelset.read, '{"metadata": {"inputNames": ["a"]}, "modelSet": [{"inputNames": ["a"], "modelType": '
                        '"kNN classification", "numClasses": 1e999}]}'),
        (flucoma_model.read, '{"layers": [{"weights": [1%s], "biases": [0], "activation": 0, "rows": 1, '
                             '"cols": 1}]}' % ("0" * 400)),
    ],
)  # fmt: skip
def test_a_number_that_is_too_large_is_said(read, text):
    with pytest.raises((SessionError, ModelError), match=r"^a.*(has no|is no|cannot be read)"):
        read(text, "a")


@pytest.mark.parametrize("time", [1e20, -1e20, 1e12])
def test_a_time_that_has_no_date_is_no_arff(time):
    table = sheet.made(["x"], ["y"], [([0.0], [0.0])] * 2, times=[0.0, time])
    with pytest.raises(SessionError, match="example 2: no date is"):
        arff.write(table)


@pytest.mark.parametrize("number", [-1, 0, 4])
def test_a_neighbour_of_no_class_is_refused(number):
    examples = [{"features": [n / 3], "class": n} for n in (1, 2, 3)]
    model = {"inputNames": ["a"], "modelType": "kNN classification", "numClasses": 3, "k": 1}
    told = {"metadata": {"inputNames": ["a"]}, "modelSet": [{**model, "examples": examples}]}
    assert modelset.read(json.dumps(told), "a")[1][0][2] == 3
    examples[1]["class"] = number
    with pytest.raises(ModelError, match=f"model 1 .*the class {number}, and there are 1 to 3"):
        modelset.read(json.dumps(told), "a")


@pytest.mark.parametrize(
    "text", ["", "{}", "[", "[1]", '[{"input": 1}]', '{"data": 3}', "[" * 9000, "\x00", "@data", "@data\n1"]
)
def test_what_is_none_of_these_is_refused_in_a_sentence(text):
    for read in (learner.read, arff.read, sheet.read, lambda t, n: flucoma.read(t, t, n)):
        with pytest.raises(SessionError):
            read(text, "a")
    for read in (modelset.read, flucoma_model.read):
        with pytest.raises(ModelError):
            read(text, "a")
