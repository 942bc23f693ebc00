"""foretone-train convert: examples and mappings from other programs, and for them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretone import sheet
from foretone.errors import ModelError, SessionError
from foretone.sheet import Table
from foretone_training.files import draft
from foretone_training.options import count

if TYPE_CHECKING:
    from foretone_training.exchange.network import Network
    from foretone_training.mapping import Mapping
    from foretone_training.nearest import Nearest

FORMATS = ("csv", "arff", "learner", "flucoma", "flucoma-model", "wekinator-model")


def add(kinds: Any) -> None:
    """Add the sub-command to the parsers of `kinds`."""
    kind = kinds.add_parser(
        "convert",
        help="takes over examples and mappings of other programs, and writes them for these",
        description="Examples: .csv, Wekinator's .arff, Learner.js' .json, FluCoMa's data sets (two .json, "
        "the inputs first). Mappings: Wekinator's model set and FluCoMa's network become a .tflite; examples "
        "become either with --as.",
    )
    kind.add_argument("source", nargs="+", type=Path, help="the file, or FluCoMa's two")
    kind.add_argument(
        "--out", nargs="+", type=Path, required=True, help="the file to write, or FluCoMa's two"
    )
    kind.add_argument("--as", dest="format", choices=FORMATS, help="where the suffix does not say it")
    kind.add_argument("--outputs", type=count(1, 256), help="how many of an .arff file's last columns")
    kind.add_argument(
        "--scalers", nargs=2, type=Path, metavar=("IN", "OUT"), help="of FluCoMa's network, read or written"
    )
    kind.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Convert; SessionError, ModelError or OSError says what is wrong."""
    wanted = arguments.format or {".arff": "arff", ".csv": "csv", ".tflite": "tflite"}.get(
        arguments.out[0].suffix, "flucoma" if len(arguments.out) == 2 else ""
    )
    _check(arguments, wanted)
    texts = [_text(path) for path in arguments.source]
    name = str(arguments.source[0])
    if wanted == "tflite":
        models = _models(texts[0], name, [_text(path) for path in arguments.scalers or ()])
        for column, (path, hears) in enumerate(_drawn(models, arguments.out[0]), 1):
            print(f"Wrote {path}: model {column}, which hears {', '.join(hears)}.")
        return
    table = _examples(texts, arguments.source, arguments.outputs)
    apart = wanted == "flucoma-model" and arguments.scalers
    written = _written(table, "flucoma-apart" if apart else wanted)
    for path, text in zip([*arguments.out, *(arguments.scalers or ())], written, strict=True):
        with draft(path) as place:
            place.write_text(text, encoding="utf-8")
    print(f"{len(table.x)} examples: {', '.join(table.inputs)} to {', '.join(table.outputs)}.")


def _check(arguments: argparse.Namespace, wanted: str) -> None:
    """SessionError unless every file that was named is read or written."""
    if len(arguments.source) > (1 if wanted == "tflite" else 2):
        raise SessionError("convert one file at a time: only FluCoMa's data sets are two, the inputs first")
    if wanted == "flucoma" and len(arguments.out) != 2:
        raise SessionError("FluCoMa's data sets are two files: name both after --out, the inputs first")
    if wanted != "flucoma" and len(arguments.out) != 1:
        raise SessionError("name one file after --out: only FluCoMa's data sets are two")
    if arguments.scalers and wanted not in ("flucoma-model", "tflite"):
        raise SessionError("only FluCoMa's network has scalers: leave --scalers out")


def _examples(texts: list[str], paths: list[Path], outputs: int | None) -> Table:
    from foretone_training.exchange import arff, flucoma, learner

    name = str(paths[0])
    if len(texts) == 2:
        return flucoma.read(texts[0], texts[1], name)
    match paths[0].suffix:
        case ".arff":
            return arff.read(texts[0], name, outputs)
        case ".json":
            return learner.read(texts[0], name)
    return sheet.read(texts[0], name)


def _written(table: Table, wanted: str) -> list[str]:
    from foretone_training.exchange import arff, flucoma, flucoma_model, learner, modelset, network

    match wanted:
        case "csv":
            return [sheet.write(table)]
        case "arff":
            return [arff.write(table)]
        case "learner":
            return [learner.write(table)]
        case "flucoma":
            return list(flucoma.write(table))
        case "flucoma-model":
            return [flucoma_model.write(network.of(_learned(table)))]
        case "flucoma-apart":
            learned = _learned(table)
            return list(flucoma_model.write_apart(network.of(learned), learned.heard, learned.played))
        case "wekinator-model":
            return [modelset.write(table.inputs, network.of(_learned(table)))]
    raise SessionError("say what to write with --as, or a suffix that says it")


def _learned(table: Table) -> Mapping:
    import numpy as np

    from foretone_training import mapping
    from foretone_training.examples import Examples

    y = np.array(table.y, np.float64)
    if not len(y) or not np.isfinite(y).all():
        raise SessionError("a network of all outputs needs examples that have all of them")
    examples = Examples(table.inputs, table.outputs, np.array(table.x), y, ())
    return mapping.train(examples, mapping.Settings())


def _models(text: str, name: str, scalers: list[str]) -> Any:
    from foretone_training.exchange import flucoma_model, modelset

    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name} is no model: {error}") from error
    if isinstance(told, dict) and "modelSet" in told:
        return modelset.read(text, name)[1]
    network = flucoma_model.read(text, name, *scalers)
    inputs = tuple(sheet.names("inputs", len(network.layers[0].weights)))
    return [(network, inputs, 0)]


def _drawn(models: Any, out: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Every model as a file of its own, since each hears inputs of its own."""
    written = []
    for number, (model, hears, classes) in enumerate(models, 1):
        path = out if len(models) == 1 else out.with_stem(f"{out.stem}-{number}")
        _draw(model, hears, classes, number, path)
        written.append((path, hears))
    return written


def _draw(model: Network | Nearest, hears: tuple[str, ...], classes: int, number: int, path: Path) -> None:
    import numpy as np

    from foretone import lite
    from foretone.card import NAME, Card
    from foretone_training.tflite import Graph

    graph = Graph()
    graph.output(model.draw(graph, graph.input("x", len(hears))), "y")
    width = model.play(np.zeros((1, len(hears)))).shape[1]
    output = f"outputs-{number}"
    plays = [f"{output}={kind}" for kind in range(1, classes + 1)] or [
        output if width == 1 else f"outputs-{column}" for column in range(1, width + 1)
    ]
    card = Card("mapping", hears, tuple(plays), made_by="converted")
    with draft(path) as place:
        place.write_bytes(lite.seal(graph.to_bytes({NAME: card.to_json()})))
        file = lite.Mapping(place)
        for x in np.random.default_rng(0).random((20, len(hears))).astype(np.float32):
            away = np.abs(np.array(file.play(x)) - model.play(x[None].astype(np.float64))[0]).max()
            if not away <= 1e-3 * max(1.0, float(np.abs(model.play(x[None])).max())):
                raise ModelError(f"the file differs from the model by {away:.1e}; nothing was written")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SessionError(f"there is no file at {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"{path} cannot be read: {error}") from error
