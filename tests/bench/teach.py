"""How soon a mapping that is trained is played, what sounds meanwhile, and what a frame costs.

It runs before ordinary processes where that is allowed, as the instrument does: the client is not measured.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import tempfile
import time
from itertools import cycle, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from measure import Row, quantile, write
from pythonosc.osc_message import OscMessage

sys.path.append(str(Path(__file__).parents[1] / "mapping"))  # the client and the recordings of the tests

from client import Box, Client, free_port, message
from recordings import lightpad

from foretone import lite, punctual
from foretone_training import learn, lesson

SHOWN, INPUTS, OUTPUTS, RETRAININGS = 30, 6, 64, 100
FADE = 0.05  # s, the mapping's usual one
LATE = 0.02  # s that the news of a training may be on its way, on a busy machine
REST = 0.15  # s between two trainings: a fade and more

_SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>; Python has no name for it
_MOMENT = struct.Struct("=qq")
_VOICE = b"/foretone/synth/player\0"


def main() -> None:
    """What a frame costs by itself; then a running instrument, trained again and again under real hands."""
    punctual.run_first(punctual.CONDUCTOR - 1)
    write("teach", [*played(), *retrained()])


def played() -> list[Row]:
    """What one frame of 15 inputs and 64 outputs costs."""
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as place:
        told = {"hears": [f"x{k}" for k in range(15)], "outputs": [{"axis": f"y{k}"} for k in range(OUTPUTS)]}
        shown = [[random.random(15).tolist(), random.random(OUTPUTS).tolist()] for _ in range(SHOWN)]
        result = learn.learn(lesson.read(told, shown), Path(place))
        model = lite.Mapping(result.mapping or "")
        hands, times = random.random((5000, 15)).tolist(), []
        for hand in hands:
            begin = time.perf_counter()
            model.play(hand)
            times.append(1e6 * (time.perf_counter() - begin))
    return [
        Row("mapping_15x64_p50_us", quantile(times, 0.5), "us", quantile(times, 0.5)),
        Row("mapping_15x64_p99_us", quantile(times, 0.99), "us", quantile(times, 0.99), None, "budget 60 us"),
    ]


class Frame(NamedTuple):
    """What came out at which moment of the instrument's clock, and for which hand."""

    moment: float
    hand: tuple[float, ...]
    values: tuple[float, ...]


class Stage:
    """A running instrument of 6 inputs and 64 outputs; two players of a LightPad are its two hands."""

    def __init__(self, folder: Path) -> None:
        self.client, self.patch = Client(), free_port()
        self.voice = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.voice.bind(("127.0.0.1", 0))
        file = folder / "wide.toml"
        file.write_text(wide(self.voice.getsockname()[1]))
        ports = (f"patch.port={self.patch}", f"teach.fade={1000 * FADE:g}")
        self.box = Box(folder, self.client, *ports, instrument=file)
        self.mappings = folder / "examples" / "mappings"
        self.frames: list[Frame] = []
        self.answers: list[float] = []
        self.swaps: list[tuple[float, str]] = []
        """When a training was done, and the model that plays since."""
        self.missing = 0
        played = list(lightpad())
        late = played[len(played) // 2 :] + played[: len(played) // 2]
        pairs = zip(played, late, strict=True)
        self._hands = cycle([(wait, (*first, *second)) for (wait, *first), (_, *second) in pairs])
        self.client.outputs.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def teach(self, verb: str, *words: object) -> None:
        """A verb of the mapping, through the patch's port."""
        self.client.asking.sendto(message(f"/foretone/teach/do/{verb}", *words), ("127.0.0.1", self.patch))

    def move(self) -> float | None:
        """One gesture, at its time; returns the moment at which a training was done, if it was meanwhile."""
        wait, hand = next(self._hands)
        done, begin = None, time.monotonic()
        self.client.send("/wek/inputs", *hand)
        answered, until = False, begin + min(wait, 0.1)
        while (left := (until if answered else begin + 1.0) - time.monotonic()) > 0.0:
            self.client.outputs.settimeout(left)
            try:
                packet, told, *_ = self.client.outputs.recvmsg(65535, socket.CMSG_SPACE(_MOMENT.size))
            except TimeoutError:
                break
            address, now = OscMessage(packet).address, time.monotonic()
            if address.endswith("done-training"):
                seconds, nanoseconds = _MOMENT.unpack(told[0][2])
                done = now - max(time.time() - seconds - 1e-9 * nanoseconds, 0.0)
                model = max(self.mappings.iterdir(), key=lambda path: path.stat().st_mtime).name
                self.swaps.append((done, model))
            elif address == "/wek/outputs" and not answered:
                self.answers.append(1e3 * (now - begin))
                answered = True
        self.missing += not answered
        self._sounded(hand)
        return done

    def _sounded(self, hand: tuple[float, ...]) -> None:
        """Take what has come to the voice's port."""
        self.voice.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self.voice.recv(65535)
                if packet.startswith(_VOICE):
                    moment, *values = OscMessage(packet).params
                    self.frames.append(Frame(moment, hand, tuple(values)))

    def sounds(self, rounds: int) -> list[float]:
        """Milliseconds from a gesture to its parameters at the voice's port."""
        times = []
        for _ in range(rounds):
            wait, hand = next(self._hands)
            self._sounded(hand)
            self.voice.settimeout(1.0)
            begin = time.perf_counter()
            self.client.send("/wek/inputs", *hand)
            while not self.voice.recv(65535).startswith(_VOICE):
                pass
            times.append(1e3 * (time.perf_counter() - begin))
            time.sleep(min(wait, 0.02))
        return times

    def close(self) -> None:
        self.box.end()
        self.client.close()
        self.voice.close()


def retrained() -> list[Row]:
    """Train again and again in a running instrument, while hands that were recorded play on."""
    random, trains = np.random.default_rng(2), []
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        stage.box.start()
        try:
            for _ in range(SHOWN):
                stage.client.do("outputs", *random.random(OUTPUTS))
                stage.client.do("startRecording")
                stage.client.send("/wek/inputs", *next(stage._hands)[1])
                stage.client.do("stopRecording")
            stage.client.do("train")
            stage.client.heard("/wekinator/status/done-training")
            stage.client.do("startRunning")
            time.sleep(REST)  # it glides there from what was set
            stage.client.drain()
            for number in range(1, RETRAININGS + 1):
                rest = time.monotonic() + REST
                while time.monotonic() < rest:
                    stage.move()
                stage.teach("set", *random.random(OUTPUTS).tolist())
                stage.teach("example")
                stage.teach("delete", "take", number)
                stage.move()
                begin = time.monotonic()
                stage.client.send("/wekinator/control/train")
                while (done := stage.move()) is None:
                    pass
                trains.append(done - begin)
            jump = largest_jump(stage)
            sounds = stage.sounds(1000)
        finally:
            stage.close()
    late = quantile(stage.answers, 0.99)
    return [
        Row("teach_train_to_playing_p50_s", quantile(trains, 0.5), "s", quantile(trains, 0.5)),
        Row("teach_train_to_playing_p99_s", quantile(trains, 0.99), "s", quantile(trains, 0.99)),
        Row("teach_train_to_playing_max_s", max(trains), "s", max(trains), None, "budget 0.2 s, 30 x 6 x 64"),
        Row("teach_missing_frames", stage.missing, "", stage.missing, None,
            f"of {len(stage.answers)}, in {RETRAININGS} trainings under the LightPad; budget 0"),
        Row("teach_jump_above_fade", jump, "0..1", jump, None, "largest, of any output; budget 0"),
        Row("teach_input_to_output_p99_ms", late, "ms", late, None, "UDP to UDP, also while it trains"),
        Row("teach_input_to_synth_p50_ms", quantile(sounds, 0.5), "ms", quantile(sounds, 0.5)),
        Row("teach_input_to_synth_p99_ms", quantile(sounds, 0.99), "ms", quantile(sounds, 0.99), None,
            "UDP to the voice's parameters; budget 3 ms"),
    ]  # fmt: skip


def largest_jump(stage: Stage) -> float:
    """How much further than hand and fade account for an output moved from one frame to the next.

    What a fade sends by itself may have been taken for the answer to a gesture, so that two moves of the hand
    may come as one.
    """
    models = [lite.Mapping(stage.mappings / name) for _, name in stage.swaps]

    def play(model: lite.Mapping, hand: tuple[float, ...]) -> np.ndarray:
        return np.clip(model.play(hand), 0.0, 1.0)

    largest, swap, away = 0.0, 0, np.zeros(OUTPUTS)
    for eldest, before, frame in zip(stage.frames, stage.frames[1:], stage.frames[2:], strict=False):
        if frame.moment < stage.swaps[0][0] + 2.0 * FADE:
            continue  # what played before the first training is not known
        if swap + 1 < len(models) and frame.moment > stage.swaps[swap + 1][0] - LATE:
            swap += 1
            away = np.zeros(OUTPUTS)
        # Around the news either of the two may play.
        since = frame.moment - stage.swaps[swap][0]
        playing = models[swap - (since < LATE) : swap + 1]
        if since < LATE:
            hands = (eldest.hand, before.hand, frame.hand)
            change = [play(models[swap], hand) - play(models[swap - 1], hand) for hand in hands]
            away = np.maximum(away, np.abs(change).max(axis=0))
        moved = sum(
            np.max([np.abs(play(model, b.hand) - play(model, a.hand)) for model in playing], axis=0)
            for a, b in pairwise((eldest, before, frame))
        )
        step = np.abs(np.array(frame.values) - before.values)
        fading = since - (frame.moment - before.moment) < FADE + LATE
        faded = min(abs(frame.moment - before.moment) / FADE, 1.0) * away if fading else 0.0
        largest = max(largest, float((step - moved - faded).max()))
    return largest


def wide(voice: int) -> str:
    """The shipped instrument, with more inputs and outputs."""
    inputs = ", ".join(f'"in-{k}"' for k in range(INPUTS))
    outputs = ", ".join(f'"out-{k}"' for k in range(OUTPUTS))
    return f"""
axes = [{inputs}]
[source.wekinator]
kind = "wekinator"
teaches = "teach"
[source.patch]
kind = "osc"
[player.teach]
kind = "mapping"
hears = ["wekinator", "patch"]
outputs = [{outputs}]
[sink.outputs]
kind = "wekinator"
plays = ["teach"]
[sink.voice]
kind = "synth"
plays = ["teach"]
port = {voice}
"""


if __name__ == "__main__":
    main()
