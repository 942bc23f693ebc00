"""The machine inside a Block that runs LittleFoot programs: whole numbers only, no floats.

Source: WeAreROLI/roli_blocks_basics, littlefoot/roli_LittleFootRunner.h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

HEADER = 10
"""Bytes before the table of functions: checksum, size, functions, globals, heap, two bytes each."""
MOST = 100_000
"""Steps after which a function has taken too long."""

Native = tuple[int, Callable[..., Any]]
"""How many arguments, and what it does; what returns None returns nothing to the program."""

OPERANDS = {0x01: 2, 0x02: 2, 0x03: 2, 0x05: 1, 0x07: 2, 0x0D: 1, 0x0E: 2, 0x0F: 4, 0x18: 1}
"""Bytes that follow an instruction."""
BINARY: dict[int, Callable[[int, int], int]] = {
    0x20: lambda a, b: a + b,
    0x22: lambda a, b: a * b,
    0x24: lambda a, b: a - b,
    0x26: lambda a, b: int(a / b),
    0x28: lambda a, b: a - b * int(a / b),
    0x29: lambda a, b: a | b,
    0x2A: lambda a, b: a & b,
    0x2D: lambda a, b: a << b,
    0x2E: lambda a, b: a >> b,
}


def function_id(signature: str) -> int:
    """The 16 bits by which a function such as `fillPixel/viii` is called; the type it returns is left out."""
    slash = signature.index("/")
    total = 0
    for n, letter in enumerate(signature):
        if n != slash + 1:
            total = total * 31 + ord(letter)
    return (total + len(signature)) & 0xFFFF


class Machine:
    """Runs the functions of a program that lies at the beginning of `memory`, its heap behind it."""

    def __init__(self, memory: bytearray, natives: Mapping[str, Native]) -> None:
        self._memory = memory
        self._natives = {function_id(signature): native for signature, native in natives.items()}

    @property
    def valid(self) -> bool:
        """Whether the program is whole, as its checksum says."""
        size = self._word(2)
        total = size
        for byte in self._memory[2:size]:
            total = (3 * total + byte) & 0xFFFF
        return HEADER <= size <= len(self._memory) and total == self._word(0)

    def run(self, signature: str) -> str:
        """Call one of the program's functions. Returns what went wrong; nothing when it has none of them."""
        for n in range(self._word(4)):
            entry = HEADER + 4 * n
            if self._word(entry) == function_id(signature):
                return self._run(self._word(entry + 2))
        return ""

    def _run(self, at: int) -> str:
        stack = [0, 0]
        for _ in range(MOST):
            op, at = self._memory[at], at + 1
            count = OPERANDS.get(op, 0)
            operand = int.from_bytes(self._memory[at : at + count], "little", signed=op != 0x07)
            at += count
            if op in BINARY:
                b = stack.pop()
                stack.append(BINARY[op](stack.pop(), b))
            elif op == 0x00 or (op == 0x05 and stack[-1] == 0):
                return ""
            elif op in (0x01, 0x02, 0x03):
                if op == 0x01 or bool(stack.pop()) == (op == 0x02):
                    at = operand & 0xFFFF
            elif op == 0x07 and operand & 0xFFFF in self._natives:
                self._call(stack, operand & 0xFFFF)
            elif op == 0x08:
                stack.pop()
            elif op in (0x0B, 0x0C):
                stack.append(op - 0x0B)
            elif op in (0x0D, 0x0E, 0x0F):
                stack.append(operand)
            elif 0x10 <= op <= 0x18:
                stack.append(stack[-1 - (operand if op == 0x18 else op - 0x10)])
            elif op == 0x40:
                first = stack.pop()
                stack.append(self._heap_bits(first, stack.pop()))
            else:
                return f"Illegal instruction {op:#04x}"
        return "Timed-out"

    def _call(self, stack: list[int], function: int) -> None:
        count, native = self._natives[function]
        result = native(*[stack.pop() for _ in range(count)])
        if result is not None:
            stack.append(result)

    def _heap_bits(self, first: int, count: int) -> int:
        heap = self._word(2)
        whole = int.from_bytes(self._memory[heap + first // 8 : heap + (first + count + 7) // 8], "little")
        return whole >> first % 8 & (1 << count) - 1

    def _word(self, at: int) -> int:
        return int.from_bytes(self._memory[at : at + 2], "little")
