"""Tables of numbers out of numpy's pickled arrays of arrays, read as data: nothing in them is run.

A pickle is a program for a small machine. Two of its commands are dangerous, to look a name up and to call
it, and here they do neither: a name stays a string, and a call stays a note of what would have been called.
Only commands that numpy writes are known. What comes out must be, word for word, how numpy (1.x and 2.x,
pickle protocols 2 to 4) writes a list of tables of floats; anything else is refused.

    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARRAY = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
FLOATS = ("f2", "f4", "f8")

SAID_BY_ARGUMENT = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "GLOBAL"),
}
Table = NDArray[np.floating[Any]]


@dataclass(eq=False)
class _Note:
    """What a pickle asks to be made: a name to call, its arguments, and the state to put into the result."""

    name: object
    arguments: Any
    state: Any = None


def tables(pickled: bytes) -> list[Table]:
    """The tables, each of two axes; ValueError when there is anything else in it, or it is damaged.

    One table, or several of the same length, numpy writes number by number, and others as their bytes.
    """
    try:
        shape, kind, _, held = _array(_note(pickled))
        if not kind.startswith("O") or not isinstance(held, list):
            raise ValueError("it is not a list of arrays")
        if len(shape) == 3 and all(type(one) is float for one in held):
            return list(np.array(held).reshape(shape))  # in this order, whichever the array itself had
        if len(shape) != 1 or len(held) != shape[0]:
            raise ValueError("it is not a list of tables")
        return [_table(one) for one in held]
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("it is not as numpy writes it") from error


class _Machine:
    """The small machine, with the two dangerous commands taken out."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memory: dict[Any, Any] = {}

    def push(self, thing: Any) -> None:
        self.stack.append(thing)

    def take(self, count: int) -> list[Any]:
        """The last `count` things, no longer on the stack."""
        if not 0 <= count <= len(self.stack):
            raise IndexError("more is taken than was put")
        start = len(self.stack) - count
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def above_mark(self) -> list[Any]:
        return self.take(len(self.stack) - self.marks.pop())

    def build(self) -> None:
        (state,) = self.take(1)
        self.stack[-1].state = state


Command = Callable[[_Machine, Any], None]
COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda _m, _a: None),
    **dict.fromkeys(SAID_BY_ARGUMENT, lambda m, a: m.push(a)),
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "TUPLE1": lambda m, _: m.push(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.push(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.push(tuple(m.take(3))),
    "MARK": lambda m, _: m.marks.append(len(m.stack)),
    "TUPLE": lambda m, _: m.push(tuple(m.above_mark())),
    "APPEND": lambda m, _: _list(m.stack[-2]).extend(m.take(1)),
    "APPENDS": lambda m, _: _list(m.stack[m.marks[-1] - 1]).extend(m.above_mark()),
    "BINPUT": lambda m, a: m.memory.update({a: m.stack[-1]}),
    "LONG_BINPUT": lambda m, a: m.memory.update({a: m.stack[-1]}),
    "MEMOIZE": lambda m, _: m.memory.update({len(m.memory): m.stack[-1]}),
    "BINGET": lambda m, a: m.push(m.memory[a]),
    "LONG_BINGET": lambda m, a: m.push(m.memory[a]),
    "STACK_GLOBAL": lambda m, _: m.push(" ".join(m.take(2))),
    "REDUCE": lambda m, _: m.push(_Note(*m.take(2))),
    "BUILD": lambda m, _: m.build(),
}


def _note(pickled: bytes) -> Any:
    """What the program leaves, as notes, strings, numbers, lists and tuples."""
    machine = _Machine()
    with warnings.catch_warnings():  # pickletools complains of escapes in strings that are refused anyway
        warnings.simplefilter("ignore", DeprecationWarning)
        for command, argument, _ in pickletools.genops(pickled):
            if command.name == "STOP":
                return machine.take(1)[0]
            if command.name not in COMMANDS:
                raise ValueError(f"it has the command {command.name}")
            COMMANDS[command.name](machine, argument)
    raise ValueError("it has no end")


def _list(thing: Any) -> list[Any]:
    if not isinstance(thing, list):
        raise TypeError("something is appended to what is no list")
    return thing


def _array(note: Any) -> tuple[tuple[int, ...], str, bool, Any]:
    """Shape, kind of number with its byte order, whether columns come first, and content."""
    if note.name not in ARRAY or note.arguments[0] != "numpy ndarray":
        raise ValueError("it holds something other than arrays")
    _, shape, kind, columns_first, held = note.state
    if kind.name != "numpy dtype" or kind.state[1] not in ("<", ">", "|"):
        raise ValueError("it holds an array of an unknown kind")
    order = "" if kind.state[1] == "|" else kind.state[1]
    return shape, order + kind.arguments[0], columns_first, held


def _table(note: Any) -> Table:
    shape, kind, columns_first, held = _array(note)
    if len(shape) != 2 or kind[:1] not in ("<", ">") or kind[1:] not in FLOATS:
        raise ValueError("it holds an array that is not a table of floats")
    if isinstance(held, _Note):  # protocol 2 has no bytes, and writes them as text to be encoded
        text, encoding = held.arguments
        if held.name != "_codecs encode" or encoding != "latin1":
            raise ValueError("it holds bytes in an unknown encoding")
        held = text.encode("latin1")
    return np.frombuffer(held, np.dtype(kind)).reshape(shape, order="F" if columns_first else "C")
