"""A fake board whose clock is moved by hand, and whose I2C bus remembers what was said on it."""

import pytest

from foretone.clock import HandClock
from foretone_hardware.fake import FakeBoard
from foretone_hardware.fake.i2c import FakeI2C


class RecordingI2C(FakeI2C):
    """Keeps every write, as (address, bytes), and the number of reads."""

    def __init__(self):
        super().__init__()
        self.written = []
        self.reads = 0

    def writeto(self, address, buffer, *, start=0, end=None):
        super().writeto(address, buffer, start=start, end=end)
        self.written.append((address, bytes(buffer[start:end])))

    def readfrom_into(self, address, buffer, *, start=0, end=None):
        super().readfrom_into(address, buffer, start=start, end=end)
        self.reads += 1


@pytest.fixture
def clock():
    return HandClock(100.0)


@pytest.fixture
def board(clock):
    board = FakeBoard(clock, seed=1)
    board.i2c = RecordingI2C()
    yield board
    board.close()
