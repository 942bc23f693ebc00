"""Wekinator's examples: the ARFF file of its project, with ID, Time, Training round, inputs and outputs.

Weka's format, https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/. An output with
classes is nominal, {0,1,2}, and 0 is no class. The file does not say where the outputs begin: they are called
`outputs` by default, or their number is told.
"""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Sequence

from foretone.errors import SessionError
from foretone.sheet import Row, Table, made

META = ("ID", "Time", "Training round")
TIME = "%Y/%m/%d %H:%M:%S:%f"
_ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)\s+(.*)", re.IGNORECASE)


def read(text: str, name: str, outputs: int | None = None) -> Table:
    """The examples of a text whose last `outputs` columns are outputs; SessionError names the line."""
    attributes: list[tuple[str, str]] = []
    rows: list[tuple[int, str]] = []
    data = False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("%"):
            continue
        if data:
            rows.append((number, bare))
        elif bare.lower().startswith("@data"):
            data = True
        elif match := _ATTRIBUTE.match(bare):
            attributes.append((_bare(match[1]), match[2].strip()))
        elif not bare.lower().startswith("@relation"):
            raise SessionError(f"{name}, line {number}: this is not ARFF: {bare[:40]!r}")
    columns = [k for k, (title, _) in enumerate(attributes) if title not in META]
    if outputs is None:
        outputs = sum("output" in attributes[k][0].lower() or attributes[k][1][:1] == "{" for k in columns)
    if not data or not 1 <= outputs < len(columns):
        raise SessionError(f"{name} does not say which columns are outputs: tell their number")
    heard, played = columns[: len(columns) - outputs], columns[len(columns) - outputs :]
    classes = [_classes(attributes[k][1]) for k in played]
    titles = [title for title, _ in attributes]
    read_rows, takes, times = [], [], []
    for number, row in rows:
        try:
            cells = _cells(row)
            read_rows.append(_row(cells, len(attributes), heard, played, classes))
            takes.append(int(float(cells[titles.index(META[2])])) if META[2] in titles else 1)
            times.append(_seconds(cells[titles.index(META[1])]) if META[1] in titles else 0.0)
        except (ValueError, OverflowError, csv.Error) as error:
            raise SessionError(f"{name}, line {number}: {error}") from error
    inputs, named = [titles[k] for k in heard], [titles[k] for k in played]
    return made(inputs, named, read_rows, takes, times, classes, name)


def write(table: Table) -> str:
    """The text of a table. SessionError for an example of no year from 1 to 9999."""
    lines = ["@relation dataset", "", "@attribute ID numeric"]
    lines += ["@attribute Time date 'yyyy/MM/dd HH:mm:ss:SSS'", "@attribute 'Training round' numeric"]
    lines += [f"@attribute {_quoted(name)} numeric" for name in table.inputs]
    for name, classes in zip(table.outputs, table.classes, strict=True):
        kind = "{" + ",".join(map(str, range(classes + 1))) + "}" if classes else "numeric"
        lines.append(f"@attribute {_quoted(name)} {kind}")
    lines += ["", "@data"]
    parts = zip(table.takes, table.times, table.x, table.y, strict=True)
    for number, (take, time, x, y) in enumerate(parts, 1):
        try:
            moment = datetime.datetime.fromtimestamp(time, datetime.UTC)
        except (ValueError, OverflowError) as error:
            raise SessionError(f"example {number}: no date is {time:g} s after 1970; correct it") from error
        stamp = f"'{moment:%Y/%m/%d %H:%M:%S}:{moment.microsecond // 1000:03}'"
        played = [_value(value, classes) for value, classes in zip(y, table.classes, strict=True)]
        lines.append(",".join([str(number), stamp, str(take), *map(repr, x), *played]))
    return "\n".join(lines) + "\n"


def _row(
    cells: Sequence[str], width: int, heard: Sequence[int], played: Sequence[int], classes: Sequence[int]
) -> tuple[list[float], Row]:
    if len(cells) != width:
        raise ValueError(f"{len(cells)} columns, expected {width}")
    y: list[float | None] = []
    for place, count in zip(played, classes, strict=True):
        missing = cells[place] == "?" or (count and float(cells[place]) == 0)
        y.append(None if missing else float(cells[place]))
    return [float(cells[place]) for place in heard], tuple(y)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], quotechar="'", skipinitialspace=True))]


def _bare(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name[:1] in "'\"" else name


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.:-]+", name) else "'" + re.sub(r"(['\\])", r"\\\1", name) + "'"


def _classes(kind: str) -> int:
    values = [value.strip() for value in kind.strip("{} ").split(",")] if kind.startswith("{") else []
    return max([0, *(int(value) for value in values if value.isdecimal())])


def _seconds(cell: str) -> float:
    if cell == "?":
        return 0.0
    moment = datetime.datetime.strptime(cell + "000", TIME)
    return moment.replace(tzinfo=datetime.UTC).timestamp()


def _value(value: float | None, classes: int) -> str:
    if value is None:
        return "?"
    return str(round(value)) if classes else repr(value)
