"""A model's card is read back as it was written, and damage is told, never a traceback."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from foretone.card import NAME, Card, read_model
from foretone.errors import MissingModelError, ModelError
from foretone_training.tflite import Graph

CARD = Card(
    kind="mdrnn",
    hears=("lever", "knob é"),
    plays=("lever", "knob é"),
    layers=2,
    units=64,
    mixtures=5,
    seed=7,
    trained_on=({"name": "a.csv", "sha256": "ab" * 32, "events": 12},),
    scores={"held_out_nll": -9.5, "parity": 4e-7},
    made_by="foretone 0.1.0",
)


def file_with(notes: dict[str, bytes]) -> bytes:
    """A .tflite file with these notes in its metadata, beside some weights."""
    graph = Graph()
    x = graph.input("x", 3)
    graph.output(graph.tanh(x), "y")
    return graph.to_bytes(notes)


def test_a_card_comes_back_as_it_was(tmp_path: Path) -> None:
    """From among other notes, as exporters of all kinds leave them."""
    path = tmp_path / "m.tflite"
    data = file_with({"min_runtime_version": b"2.14.0", NAME: CARD.to_json(), "more": b""})
    path.write_bytes(data)
    assert read_model(path) == (data, CARD)


def test_a_missing_model_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match=str(tmp_path / "none.tflite")):
        read_model(tmp_path / "none.tflite")


def test_a_folder_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_model(tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"TFL3", b"\0" * 100, b"not a model at all", b"\0\0\0\0TFL4" + b"\0" * 90]
)
def test_what_is_not_tflite_is_said(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"is not a \.tflite file"):
        read_model(path)


def test_a_model_without_a_card_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(file_with({"other": b"{}"}))
    with pytest.raises(ModelError, match="has no card"):
        read_model(path)


@pytest.mark.parametrize(
    "card",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b"3", b"{}", b'{"kind": "mdrnn"}', b"[" * 100_000]
    + [
        json.dumps({**json.loads(CARD.to_json()), key: value}).encode()
        for key, value in [
            ("hears", 3),
            ("plays", None),
            ("trained_on", 1),
            ("version", 2),
            ("version", "one"),
            ("kind", 3),
            ("made_by", None),
            ("hears", [1, 2]),
            ("plays", [["lever"]]),
            ("layers", "two"),
            ("units", float("nan")),
            ("mixtures", float("inf")),
            ("seed", True),
            ("log_dt", float("nan")),
            ("scores", [1.0]),
            ("scores", {"error": "small"}),
            ("scores", {"error": None}),
            ("trained_on", ["a.csv"]),
        ]
    ],
)
def test_a_card_of_another_form_is_said(card: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(file_with({NAME: card}))
    with pytest.raises(ModelError):
        read_model(path)


def test_a_score_that_is_no_finite_number_is_none(tmp_path: Path) -> None:
    """It would be no JSON, and the page that lists all models would show none."""
    path, told = tmp_path / "m.tflite", json.loads(CARD.to_json())
    told["scores"] |= {"plain_nll": float("nan"), "energy_score": float("-inf")}
    path.write_bytes(file_with({NAME: json.dumps(told).encode()}))
    assert read_model(path)[1] == CARD


def test_a_later_card_may_say_more(tmp_path: Path) -> None:
    """Of the same version: what this Foretone does not know is left alone."""
    path = tmp_path / "m.tflite"
    path.write_bytes(file_with({NAME: json.dumps({**json.loads(CARD.to_json()), "mood": "blue"}).encode()}))
    assert read_model(path)[1] == CARD


def test_damage_anywhere_is_told(tmp_path: Path) -> None:
    """2,000 files with wrong bytes or a part missing: a card is read, or a ModelError says why not."""
    whole, path = file_with({NAME: CARD.to_json()}), tmp_path / "m.tflite"
    chance = random.Random(1)
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(chance.choice([0, 1, 2, 8])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            read_model(path)
        except ModelError:
            continue
