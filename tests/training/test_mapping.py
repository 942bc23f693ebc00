"""A few dozen examples become a file that plays them, and everything in between."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from foretone import lite
from foretone.card import read_model
from foretone.errors import ModelError, SessionError
from foretone_training import levenberg, mapping, mapping_export, perceptron, projection
from foretone_training.cli import main
from foretone_training.examples import MOST, Examples, load
from foretone_training.mapping import Settings, train

SHAPES = [Settings(), Settings(layers=2, units=8), Settings(joint=True), Settings(2, 8, joint=True)]
each_shape = pytest.mark.parametrize("settings", SHAPES, ids=["each", "each deep", "joint", "joint deep"])


def curve(x: np.ndarray, outputs: int, seed: int = 0) -> np.ndarray:
    """Something smooth, in 0..1, that no straight line follows."""
    random = np.random.default_rng(seed)
    bent = np.tanh(1.4 * (x - 0.5) @ random.normal(size=(x.shape[1], 12)) + random.normal(size=12))
    return 1.0 / (1.0 + np.exp(-0.8 * bent @ random.normal(size=(12, outputs))))


def made(count: int = 30, inputs: int = 3, outputs: int = 5, seed: int = 0) -> Examples:
    x = np.random.default_rng(seed + 99).random((count, inputs))
    names = [tuple(f"{way}{k}" for k in range(n)) for way, n in (("x", inputs), ("y", outputs))]
    source = {"name": "made.csv", "sha256": "0" * 64, "events": count}
    return Examples(names[0], names[1], x, curve(x, outputs, seed), (source,))


def error_of(trained: mapping.Mapping, examples: Examples, seed: int = 0) -> float:
    """Root mean square between the examples, as a share of the deviation of what is played."""
    x = np.random.default_rng(5).random((400, examples.x.shape[1]))
    wanted = curve(x, examples.y.shape[1], seed)
    return float(np.sqrt(np.square((trained.play(x) - wanted) / wanted.std(axis=0)).mean()))


@each_shape
def test_it_plays_the_examples_and_what_lies_between(settings: Settings) -> None:
    """Far better than the best plane through the examples, which leaves a third."""
    examples = made(40)
    x, y = np.column_stack([examples.x, np.ones(40)]), examples.y
    plane, *_ = np.linalg.lstsq(x, y, rcond=None)
    trained = train(examples, settings)
    between = np.column_stack([np.random.default_rng(5).random((400, 3)), np.ones(400)])
    wanted = curve(between[:, :3], 5)
    straight = np.sqrt(np.square((between @ plane - wanted) / wanted.std(axis=0)).mean())
    assert error_of(trained, examples) < 0.75 * straight
    assert np.abs(trained.play(examples.x) - y).max() < 0.1


@each_shape
@pytest.mark.parametrize("runtime", lite.RUNTIMES)
def test_the_file_plays_what_was_trained_on_every_runtime(
    settings: Settings, runtime: str, tmp_path: Path
) -> None:
    """Read twice it plays the same bits; its card says what it is."""
    if runtime not in lite.installed():
        pytest.skip(f"{runtime} is not installed here")
    examples = made(inputs=15, outputs=64)
    trained = train(examples, settings)
    card = mapping_export.export(trained, examples, settings, tmp_path / "m.tflite")
    model, again = (lite.Mapping(tmp_path / "m.tflite", runtime) for _ in range(2))
    for row in examples.x:
        played = model.play(row)
        assert played == pytest.approx(trained.play(row[None])[0], abs=1e-5)
        assert played == again.play(row)
    assert model.card == card
    assert (card.kind, card.hears, card.plays) == ("mapping", examples.inputs, examples.outputs)
    assert (card.layers, card.units) == (settings.layers, settings.units)
    assert card.scores["parity"] < 1e-5
    assert card.trained_on[0]["events"] == 30


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 4), (1, 1), (15, 64)])
def test_few_and_many_columns(inputs: int, outputs: int, tmp_path: Path) -> None:
    examples = made(12, inputs, outputs)
    for joint in (False, True):
        settings = Settings(joint=joint)
        mapping_export.export(train(examples, settings), examples, settings, tmp_path / "m.tflite")
        assert len(lite.Mapping(tmp_path / "m.tflite").play([0.5] * inputs)) == outputs


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("module", [levenberg, projection])
def test_the_training_ends_where_its_cost_is_lowest(
    module: ModuleType, layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After enough rounds no weight can be moved to make it cost less."""
    monkeypatch.setattr(module, "ROUNDS", 150)
    examples = made(10, 2, 1)
    x, y = ((part - part.mean(0)) / part.std(0) for part in (examples.x, examples.y))
    start = perceptron.create(1, 2, [3] * layers, 1, np.random.default_rng(1))
    fitted = module.fit(start, x, y)
    ridge = module.RIDGE if module is projection else levenberg.PRIOR

    def cost(layers: list[perceptron.Layer]) -> float:
        held = sum(
            np.square(w - c).sum() + np.square(b - d).sum()
            for (w, b), (c, d) in zip(layers[:-1], start.layers[:-1], strict=True)
        )
        free_bias = 0.0 if module is projection else levenberg.PRIOR * np.square(layers[-1][1]).sum()
        missed = perceptron.Perceptrons(tuple(layers)).play(x) - y
        return float(
            np.square(missed).sum() + module.PRIOR * held + ridge * np.square(layers[-1][0]).sum() + free_bias
        )

    lowest = cost(list(fitted.layers))
    for number in range(layers + 1):
        for part in range(2):
            for index in range(fitted.layers[number][part].size):
                for way in (1e-3, -1e-3):
                    moved = [(w.copy(), b.copy()) for w, b in fitted.layers]
                    moved[number][part].flat[index] += way
                    assert cost(moved) > lowest


def test_a_constant_input_is_not_listened_to_and_a_constant_output_is_kept(tmp_path: Path) -> None:
    examples = made(20)
    examples.x[:, 1] = 0.1
    examples.y[:, 2] = 440.0
    for joint in (False, True):
        settings = Settings(joint=joint)
        mapping_export.export(train(examples, settings), examples, settings, tmp_path / "m.tflite")
        model = lite.Mapping(tmp_path / "m.tflite")
        assert model.play([0.2, 0.1, 0.9]) == model.play([0.2, 1000.0, 0.9])
        assert model.play([0.2, 0.1, 0.9])[2] == 440.0


def test_columns_of_any_unit(tmp_path: Path) -> None:
    """A frequency of thousands, and positions of a wheel that has been turning for hours."""
    examples = made(30)
    examples.x[:] = 40_000.0 + 3.0 * examples.x
    examples.y[:, 0] *= 12_000.0
    card = mapping_export.export(train(examples, Settings()), examples, Settings(), tmp_path / "m.tflite")
    assert card.scores["error"] < 0.3
    assert lite.Mapping(tmp_path / "m.tflite").play(examples.x[3])[0] == pytest.approx(
        examples.y[3, 0], rel=0.2
    )


def test_the_same_examples_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    examples = made()
    hashes = set()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        settings = Settings(seed=seed)
        mapping_export.export(train(examples, settings), examples, settings, tmp_path / name)
        hashes.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(hashes) == 2


def test_many_examples_are_learned_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batches do not change what is learned, and the rounds that were planned are those reported."""
    examples, told = made(20), []
    whole = train(examples, Settings())
    monkeypatch.setattr(mapping, "BATCH", 2 * 20 * 20)
    parts = train(examples, Settings(), lambda rounds, _: told.append(rounds))
    assert parts.play(examples.x) == pytest.approx(whole.play(examples.x), abs=1e-9)
    assert sum(told) == mapping.planned(examples, Settings())
    told.clear()
    train(examples, Settings(joint=True), lambda rounds, _: told.append(rounds))
    assert sum(told) == projection.ROUNDS


@pytest.mark.parametrize("joint", [False, True])
def test_what_is_reported_on_the_way_is_what_is_missed(joint: bool) -> None:
    examples, told = made(20), []
    learned = train(examples, Settings(joint=joint), lambda _, loss: told.append(loss))
    missed = float(np.sqrt(np.square(learned.play(examples.x) - examples.y).mean()))
    assert told[-1] == pytest.approx(missed, rel=1e-3)
    assert told[-1] < 0.7 * told[0]


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, sessions: Path) -> None:
    main(["mdrnn", str(sessions), "--out", str(tmp_path / "p.tflite"), "--units", "8", "--updates", "5"])
    with pytest.raises(ModelError, match="a model of kind mdrnn, not a mapping"):
        lite.Mapping(tmp_path / "p.tflite")
    examples = made()
    mapping_export.export(train(examples, Settings()), examples, Settings(), tmp_path / "m.tflite")
    with pytest.raises(ModelError, match="kind mapping"):
        lite.Model(tmp_path / "m.tflite")
    (tmp_path / "m.tflite").write_bytes((tmp_path / "m.tflite").read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        lite.Mapping(tmp_path / "m.tflite")


def test_parity_notices_a_wrong_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was there stays."""
    examples, out = made(), tmp_path / "m.tflite"
    trained = train(examples, Settings())
    mapping_export.export(trained, examples, Settings(), out)
    before = out.read_bytes()
    trained.perceptrons.layers[1][1][2] += 1e-3
    assert mapping_export.parity(out, trained, examples, lite.installed()[0]) > 1e-5
    monkeypatch.setattr(mapping_export, "PARITY", 0.0)
    with pytest.raises(ModelError, match="nothing was written"):
        mapping_export.export(trained, examples, Settings(), out)
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


GOOD = "in:x,out:y\n0,0\n1,1\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"in:x,out:y", "is empty"),
        (b"in:x,out:y\n", "no example is too few"),
        (b"in:x,out:y\n0.5,0.5\n", "1 example is too few"),
        (b"in:x,out:y\n0.5,0.5\n0.6,0.", "1 example is too few"),
        (b"in:x,out:y\n0,0\n1,nan\n", "line 3: nan is not a finite number"),
        (b"in:x,out:y\n0,0\n1,1e39\n", "line 3: 1e+39 is not a number below 1e30"),
        (b"in:x,out:y\n0,0\n1,loud\n", "line 3: 'loud' is not a number"),
        (b"in:x,out:y\n0,0\n1,1,1\n", "line 3: 3 columns, expected 2"),
        (b"in:x,out:y\n0,0\n\n1,1\n", "line 3: 1 columns, expected 2"),
        (b"in:x,out:y\n0.5,0\n0.5,1\n", "no input changes"),
        (b"in:x;out:y\n0;0\n1;1\n", "no column is out:NAME"),
        (b"x,y\n0,0\n", "line 1: the column 'x' is not take, time, in:NAME or out:NAME"),
        (b"in:x,in:x,out:y\n0,0,0\n", "two columns in:x"),
        (b"in:,out:y\n0,0\n", "line 1: a column in: has no name"),
        (b"in:x,in:y\n0,0\n", "no column is out:NAME"),
        (b"in:x,out:y,out:z\n0,0,0\n1,,1\n", "line 3: an example needs all outputs"),
        (b"in:x,time,out:y\n0,nan,0\n", "line 2: nan is not a finite number"),
        (",".join(["out:y", *(f"in:{n}" for n in range(65))]).encode() + b"\n", "65 columns are in:NAME"),
        (b"\xff\xfe\x00", "it is not text"),
        (b"\x93NUMPY\x01\x00\x76\x00", "it is not text"),
        (b"in:x,out:y\n" + b"1,2\n" * (MOST + 1), "too many"),
    ],
)
def test_bad_examples_end_in_one_sentence(
    content: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert main(["mapping", str(path), "--out", str(tmp_path / "m.tflite")]) == 65
    said = capsys.readouterr().err
    assert reason in said
    assert "bad.csv" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "m.tflite").exists()


def test_all_faulty_files_are_named_at_once(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("in:x,out:y\n0,zero\n")
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "other.csv").write_text("in:z,out:y\n0,0\n1,1\n")
    with pytest.raises(SessionError, match=r"(?s)a\.csv, line 2.*b\.csv, line 2.*nothing\.csv"):
        load([tmp_path / name for name in ("a.csv", "good.csv", "b.csv", "nothing.csv")])
    with pytest.raises(SessionError, match=r"other\.csv and good\.csv have different columns"):
        load([tmp_path / "good.csv", tmp_path / "other.csv"])


def test_the_command_says_what_it_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Windows' byte order mark and line ends are read; a last line that was cut off is told."""
    path, out = tmp_path / "shown.csv", tmp_path / "new" / "m.tflite"
    text = "in:x, in:still ,out:cutoff,out:gain\r\n0,3,200,1\r\n0.5,3,900,1\r\n1,3,4000,1\r\n0.3,"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert main(["mapping", str(path), "--out", str(out), "--joint", "--layers", "2", "--seed", "4"]) == 0
    said = capsys.readouterr()
    assert "3 examples: x, still to cutoff, gain." in said.out
    assert "not listened to: still" in said.out
    assert "always played so: gain" in said.out
    assert "shown.csv ends in half a line" in said.out
    assert said.err == ""
    card = read_model(out)[1]
    assert (card.seed, card.layers, card.trained_on[0]["name"]) == (4, 2, "shown.csv")


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "shown.csv").write_text(GOOD + "0.5,0.3\n")
    command = [Path(sys.executable).with_name("foretone-train"), "mapping", tmp_path / "shown.csv", "--out"]
    for name in ("a", "b"):
        subprocess.run([*command, tmp_path / name], check=True, timeout=60, capture_output=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
