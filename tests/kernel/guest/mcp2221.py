"""A Microchip MCP2221, the USB stick that is an I2C bus and four pins, plugged in through /dev/uhid.

The kernel's hid-mcp2221 finds it as it would find a real one, and makes /dev/i2c-N and a gpiochip of it.
What hangs on that bus is a FakeBoard, with its chips.

Sources: Microchip DS20005565, "MCP2221A", section 3.1: a command is a report of 64 bytes, and so is its
answer; linux/uhid.h.
"""

from __future__ import annotations

import os
import struct
import threading

from foretone_hardware.fake import FakeBoard

VENDOR, PRODUCT, USB = 0x04D8, 0x00DD, 3
DESCRIPTOR = bytes.fromhex(
    "0600ff 0901 a101 0902 1500 26ff00 7508 9540 8102 0903 1500 26ff00 7508 9540 9102 c0"
)
"""Vendor-defined: 64 bytes in, 64 bytes out."""
OUTPUT, GET_REPORT, GET_REPORT_REPLY, CREATE, INPUT = 6, 9, 10, 11, 12
REPORT = 64

CANCEL, SET_SPEED = 0x10, 0x20
NOT_ACKNOWLEDGED, ADDRESS_REFUSED, READ_READY = 0x25, 0x40, 0x55
PER_REPORT = 60
"""Bytes of data beside the four of a command."""


class MCP2221:
    """Serves the kernel in a thread, from construction to the end of the process.

    To close it would be to wait for everybody who has opened its bus.
    """

    def __init__(self, board: FakeBoard) -> None:
        self.pins = [0, 0, 0, 0]
        """What the kernel drives them to."""
        self.board = board
        self._refused = False
        self._writing = bytearray()
        self._read = b""
        self._uhid = os.open("/dev/uhid", os.O_RDWR)
        identity = (CREATE, b"MCP2221", b"", b"", len(DESCRIPTOR), USB, VENDOR, PRODUCT, 0, 0, DESCRIPTOR)
        os.write(self._uhid, struct.pack("<I128s64s64sHHIIII4096s", *identity))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            report = os.read(self._uhid, 4380)
            [kind] = struct.unpack_from("<I", report)
            if kind == OUTPUT:
                [size] = struct.unpack_from("<H", report, 4 + 4096)
                answer = self._answer(report[4 : 4 + size].ljust(REPORT, b"\0"))
                os.write(self._uhid, struct.pack("<IH", INPUT, REPORT) + answer)
            elif kind == GET_REPORT:
                [number] = struct.unpack_from("<I", report, 4)
                os.write(self._uhid, struct.pack("<IIHH", GET_REPORT_REPLY, number, 5, 0))

    def _answer(self, command: bytes) -> bytes:
        answer = bytearray(REPORT)  # its second byte: 0 for success
        answer[0] = command[0]
        length, address = int.from_bytes(command[1:3], "little"), command[3] >> 1
        match command[0]:
            case 0x10:  # status
                answer[3] = command[3] if command[3] == SET_SPEED else 0
                if command[2] == CANCEL:
                    self._refused, self._read = False, b""
                    self._writing.clear()
                elif self._refused:
                    answer[8], answer[20] = NOT_ACKNOWLEDGED, ADDRESS_REFUSED
            case 0x90 | 0x94:  # write, with and without a stop
                self._writing += command[4 : 4 + min(PER_REPORT, length - len(self._writing))]
                if len(self._writing) >= length:
                    self._write(address)
            case 0x91 | 0x93:  # read, after a start and after a repeated one
                self._fetch(address, length)
            case 0x40 if self._refused:
                answer[2] = NOT_ACKNOWLEDGED
            case 0x40:  # what was read
                part, self._read = self._read[:PER_REPORT], self._read[PER_REPORT:]
                answer[2:4] = READ_READY, len(part)
                answer[4 : 4 + len(part)] = part
            case 0x50:  # set pins
                for pin in range(4):
                    change, value = command[2 + 4 * pin : 4 + 4 * pin]
                    self.pins[pin] = value if change else self.pins[pin]
                    answer[2 + 4 * pin : 6 + 4 * pin] = command[2 + 4 * pin : 6 + 4 * pin]
            case 0x51:  # look at pins
                answer[2:10] = bytes(byte for value in self.pins for byte in (value, 0))
        return bytes(answer)

    def _write(self, address: int) -> None:
        try:
            self.board.i2c.writeto(address, bytes(self._writing))
            self._refused = False
        except OSError:
            self._refused = True
        self._writing.clear()

    def _fetch(self, address: int, length: int) -> None:
        data = bytearray(length)
        try:
            self.board.i2c.readfrom_into(address, data)
            self._refused, self._read = False, bytes(data)
        except OSError:
            self._refused, self._read = True, b""
