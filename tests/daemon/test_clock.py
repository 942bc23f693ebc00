"""The clock of this machine, and waiting by it."""

import threading
from queue import SimpleQueue

from foretone.clock import WallClock


def test_a_wait_that_is_over_before_it_has_begun_ends():
    """For ever is what Python up to 3.12 makes of one in some thousands, after something was taken."""
    queue = SimpleQueue()

    def wait():
        for number in range(50_000):
            queue.put(number)
            assert WallClock.wait(queue, 0.0) == number
            assert WallClock.wait(queue, WallClock.now() + 1e-7 * (number % 40)) is None

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(timeout=60.0)
    assert not waiting.is_alive()


def test_what_comes_ends_the_wait():
    queue = SimpleQueue()
    giver = threading.Thread(target=queue.put, args=("it",))
    giver.start()
    assert WallClock.wait(queue, float("inf")) == "it"
    giver.join()
