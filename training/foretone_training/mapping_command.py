"""foretone-train mapping: from examples to a mapping."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretone_training.options import bar, count

if TYPE_CHECKING:
    from foretone_training.examples import Examples
    from foretone_training.mapping import Mapping


def add(kinds: Any) -> None:
    """Add the sub-command to the parsers of `kinds`."""
    kind = kinds.add_parser(
        "mapping",
        help="plays what you showed it, and everything in between",
        description="Trains a model that plays what you showed it in a few dozen examples, "
        "and everything in between. Examples are a CSV file with a header such as in:x,in:y,out:cutoff.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    kind.add_argument("examples", nargs="+", type=Path, help="CSV files of examples, with the same columns")
    kind.add_argument("--out", type=Path, default=Path("mapping.tflite"), help="the file to write")
    kind.add_argument("--joint", action="store_true", help="one model of all outputs, not one of each")
    kind.add_argument("--units", type=count(2, 32), default=16, help="of each layer of a model")
    kind.add_argument("--layers", type=count(1, 2), default=1, help="hidden ones")
    kind.add_argument("--seed", type=count(0, 2**31), default=1, help="the same seed gives the same model")
    kind.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train and write; SessionError, ModelError or OSError says what is wrong."""
    from foretone_training import examples, mapping
    from foretone_training.mapping_export import export

    shown = examples.load(arguments.examples)
    settings = mapping.Settings(arguments.layers, arguments.units, arguments.joint, arguments.seed)
    with bar(mapping.planned(shown, settings), "rounds") as report:
        trained = mapping.train(shown, settings, lambda rounds, _: report(rounds))
    card = export(trained, shown, settings, arguments.out)
    print(_describe(shown, trained))
    print(f"The examples are missed by {100 * card.scores['error']:.1f} % of what an output varies.")
    print(
        f"Wrote {arguments.out}, which differs from what was trained by {card.scores['parity']:.0e} at most."
    )


def _describe(shown: Examples, trained: Mapping) -> str:
    told = [
        f"{len(shown.x)} examples: {', '.join(shown.inputs)} to "
        f"{_some(shown.outputs, len(shown.outputs) > 8)}."
    ]
    still = [name for name, factor in zip(shown.inputs, trained.heard.factor, strict=True) if not factor]
    if still:
        told.append(f"Never changed, so not listened to: {', '.join(still)}.")
    same = [name for name, factor in zip(shown.outputs, trained.played.factor, strict=True) if not factor]
    if same:
        told.append(f"The same in every example, so always played so: {', '.join(same)}.")
    told += [f"{name} ends in half a line, which is left out." for name in shown.cut_off]
    return "\n".join(told)


def _some(names: tuple[str, ...], many: bool) -> str:
    return f"{names[0]}, {names[1]} and {len(names) - 2} more" if many else ", ".join(names)
