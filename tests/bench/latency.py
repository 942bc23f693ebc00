"""From a gesture to its answer: floors of the machine first, then ours and IMPSY's above them."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue

from first_sample import lever_to_sample
from instruments import Running, free_port, impsy, ours
from measure import Row, against, quantile, write

from foretone import session

ROUNDS = 400
RATE = 1000  # Hz
SECONDS = 10


def main() -> None:
    """Everything in one run, one after another."""
    wake, echo = wake_floor(), echo_floor()
    with impsy() as peer:
        theirs = round_trips(peer) if peer else None
    with ours() as running:
        mine = round_trips(running)
    stream = stream_at_1_khz()
    ghost = ghost_report("empi", ("osc", "voice", "patch"))
    arms = ghost_report("arms", ("remote", "patch"))
    latency = ghost["latency_ms"]
    sample = lever_to_sample()
    prediction, played = latency["input_to_prediction"], latency["due_to_played"]
    above = max(0.0, prediction["p99"] - wake["p99"])
    rows = [
        Row("floor_wake_p50", wake["p50"], "ms", wake["p50"], None, "one thread wakes another"),
        Row("floor_wake_p99", wake["p99"], "ms", wake["p99"]),
        Row("floor_udp_echo_p50", echo["p50"], "ms", echo["p50"], None, "one process answers another"),
        Row("floor_udp_echo_p99", echo["p99"], "ms", echo["p99"]),
        against("osc_to_prediction_p50_ratio", "ms", mine["p50"], theirs, "p50"),
        against("osc_to_prediction_p99_ratio", "ms", mine["p99"], theirs, "p99"),
        Row(
            "osc_to_prediction_p50_above_floor",
            mine["p50"] - echo["p50"],
            "ms",
            mine["p50"],
            None,
            "budget 0.5 ms",
        ),
        Row("input_to_prediction_p99_above_floor", above, "ms", prediction["p99"], None, "budget 2 ms"),
        Row(
            "arms_read_to_event_p99",
            arms["latency_ms"]["input_to_prediction"]["p99"],
            "ms",
            arms["latency_ms"]["input_to_prediction"]["p99"],
            None,
            "two sensors 100 times a second, from the end of the read; budget 2 ms",
        ),
        Row("due_to_played_p99", played["p99"], "ms", played["p99"], None, "the ghost plays; budget 5 ms"),
        Row("input_to_servo_p99", latency["input_to_servo"]["p99"], "ms", latency["input_to_servo"]["p99"]),
        Row("lever_to_sample_p50", sample["p50"], "ms", sample["p50"], None, sample["profile"]),
        Row("lever_to_sample_p99", sample["p99"], "ms", sample["p99"], None, "budget 10 ms"),
        Row(
            "stream_1khz_lost",
            stream["lost"],
            "events",
            stream["lost"],
            None,
            f"of {RATE * SECONDS}; budget 0",
        ),
        Row("stream_1khz_reordered", stream["reordered"], "events", stream["reordered"], None, "budget 0"),
        Row("stream_1khz_after_the_last", stream["after"], "ms", stream["after"], None, "no backlog"),
    ]
    write("latency", rows)


def wake_floor() -> dict[str, float]:
    """A thread that sleeps on a queue, woken by another: what every hand-over costs on this machine."""
    queue: SimpleQueue[float | None] = SimpleQueue()
    late = []

    def sleeper() -> None:
        while (sent := queue.get()) is not None:
            late.append(1000 * (time.monotonic() - sent))

    thread = threading.Thread(target=sleeper)
    thread.start()
    for _ in range(ROUNDS):
        time.sleep(0.01)
        queue.put(time.monotonic())
    queue.put(None)
    thread.join()
    return {"p50": quantile(late, 0.5), "p99": quantile(late, 0.99)}


ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
print("up", flush=True)
while True:
    data, sender = s.recvfrom(100); s.sendto(data, ("127.0.0.1", int(sys.argv[2])))
"""


def echo_floor() -> dict[str, float]:
    """A Python process that sends back what it hears."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answers:
        answers.bind(("127.0.0.1", 0))
        answers.settimeout(2)
        port = free_port()
        command = [sys.executable, "-c", ECHO, str(port), str(answers.getsockname()[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                return round_trips(Running(process, port, answers, 0.0))  # type: ignore[arg-type]
            finally:
                process.kill()


def gesture(value: float) -> bytes:
    """`/interface f` as OSC."""
    return b"/interface\0\0,f\0\0" + struct.pack(">f", value)


def round_trips(running: Running) -> dict[str, float]:
    """Milliseconds from sending a gesture to the arrival of its first answer."""
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(ROUNDS + 20):
            packet = gesture((number % 100) / 100)
            begin = time.perf_counter()
            sender.sendto(packet, ("127.0.0.1", running.listen))
            running.answers.recv(500)
            times.append(1000 * (time.perf_counter() - begin))
            time.sleep(0.02)
            running.answers.setblocking(False)
            try:
                while running.answers.recv(500):
                    pass
            except BlockingIOError:
                running.answers.settimeout(2)
    return {"p50": quantile(times[20:], 0.5), "p99": quantile(times[20:], 0.99)}


def stream_at_1_khz() -> dict[str, float]:
    """Numbered gestures at 1 kHz for 10 s: how many are lost or out of order in the log, and any backlog."""
    with ours() as running, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        begin = time.monotonic()
        total = RATE * SECONDS
        for number in range(total):
            time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
            sender.sendto(gesture(number / total), ("127.0.0.1", running.listen))
        last = time.monotonic()
        running.answers.settimeout(0.2)
        arrived = last
        try:
            while running.answers.recv(500):
                arrived = time.monotonic()
        except TimeoutError:
            pass
        folder = Path(f"/proc/{running.process.pid}/cwd").resolve()
        time.sleep(1.0)
        (log,) = (folder / "s").glob("*.csv")
        heard = [event.values[0] for event in session.read(log).heard()]
    descents = sum(b < a for a, b in pairwise(heard))
    # What was still in the socket when we began to read came at once; only what came after that is a backlog.
    return {"lost": total - len(heard), "reordered": descents, "after": 1000 * (arrived - last)}


def ghost_report(name: str, sockets: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """`foretone play NAME --ghost` for 20 s, as a person starts it."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        ports = [f"--set={part}.port={free_port()}" for part in sockets]
        subprocess.run(
            [sys.executable, "-m", "foretone", "play", name, "--ghost", "--seconds=20", "--headless",
             "--no-log", *ports, f"--report={report}"],
            check=True, capture_output=True,
        )  # fmt: skip
        answer: dict[str, dict[str, dict[str, float]]] = json.loads(report.read_text())
        return answer


if __name__ == "__main__":
    main()
