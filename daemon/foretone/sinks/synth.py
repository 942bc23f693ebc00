"""To the audio process: gestures as OSC datagrams over loopback."""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from foretone.event import Event
from foretone.packet import Form
from foretone.parts import LIVE, Range

_ROOT = "/foretone/synth"
_VOLUME = Form(f"{_ROOT}/volume", "f")
_START = Form(f"{_ROOT}/clock/start", "")
_REST = Form(f"{_ROOT}/rest", "")
_VOICES = ["player", "model"]
_USUAL: list[str] = []

KEYS = ("key", "velocity")
"""The axes of notes: a MIDI key over 127, and how hard it is struck; 0 releases it."""

_SOON = 0.05
"""The same where nobody listened just now, so that somebody new is not loud for long."""

_REMIND = 1.0
"""Seconds of playing after which the volume is told again, to an audio process that may have started anew."""


class Synth:
    """The sound: a voice for each origin that it plays.

    Conductor thread; nothing here waits or raises.

    voices
        The first origin sounds in the first voice, the second in the second, all others in the last. A voice
        is a sound of that name, among those that `foretone sounds` lists or in the file `sounds`. Where the
        axes are key and velocity, as of a keyboard, an event is no gesture but a note.
    controls
        What the axes turn, in their order: parameters of the voices, "cutoff" or a part of its range, "cutoff
        from 200 to 4000". Without them, what is usual for a voice.
    sounds
        A file of sounds beside the instrument file, where the shipped ones are not enough.
    song
        A file of tracks beside the instrument file, which play by themselves, unless it says `run = "off"`.
    volume
        0 to 1, while playing.
    port
        UDP port on 127.0.0.1 that the audio process listens on.
    pcm, rate, period, periods, lookahead
        For the audio process, which reads the same table. `pcm` is any ALSA name; a block has `period` frames
        and the buffer `periods` blocks; `lookahead` makes the limiter cleaner and everything a period later.
    """

    def __init__(
        self,
        axes: Sequence[str],
        *,
        voices: list[str] = _VOICES,
        controls: list[str] = _USUAL,
        sounds: str = "",
        song: str = "",
        volume: Annotated[float, Range(0, 1), LIVE] = 0.8,
        port: Annotated[int, Range(1024, 65535)] = 7401,
        pcm: str = "default",
        rate: Annotated[int, Range(44100, 48000, "Hz")] = 48000,
        period: Annotated[int, Range(32, 1024, "frames")] = 128,
        periods: Annotated[int, Range(2, 8)] = 3,
        lookahead: bool = True,
    ) -> None:
        self.axes = tuple(axes)
        self.controls, self.sounds, self.song = tuple(controls), sounds, song
        self.pcm, self.rate, self.period, self.periods, self.lookahead = pcm, rate, period, periods, lookahead
        self.port = port
        self.lost = 0
        """Datagrams that nobody took."""
        self._strikes = self.axes == KEYS
        self._voices = tuple(voices) or ("player",)
        self._origins: tuple[str, ...] = ()
        self._told = -math.inf
        self._refused = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))
        self._address_voices()
        self.volume = volume
        if song:
            self._send(_START.fill())

    @staticmethod
    def check(axes: tuple[str, ...], folder: Path, settings: dict[str, Any]) -> list[str]:
        """What is wrong with `controls` and `sounds`, in sentences for the instrument file."""
        faults = []
        controls, sounds = settings.get("controls", []), settings.get("sounds", "")
        if len(controls) > len(axes):
            faults.append(
                f"controls names {len(controls)} parameters, but here are {len(axes)} axes: {', '.join(axes)}"
            )
        for name in (sounds, settings.get("song", "")):
            if name and not (folder / name).is_file():
                faults.append(f"there is no file {folder / name}")
        return faults

    @property
    def origins(self) -> Sequence[str]:
        """Whose events these are: the instrument's `plays`, in its order."""
        return self._origins

    @origins.setter
    def origins(self, names: Sequence[str]) -> None:
        self._origins = tuple(names)
        self._address_voices()

    @property
    def volume(self) -> float:
        """0 to 1."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = value
        self._send(_VOLUME.fill(value))

    def play(self, event: Event) -> None:
        """Sound a gesture when it is due, or release its voice."""
        voice = self._places.get(event.origin, 0)
        if event.lets_go:
            self._send(self._rests[voice].fill())
            return
        if abs(event.time - self._told) >= (_SOON if self._refused else _REMIND):
            self._told, self._refused = event.time, False
            self.volume = self._volume
        try:
            if self._strikes:
                key, velocity = event.values
                self._send(self._notes[voice].fill(event.time, round(127.0 * key), velocity))
            else:
                self._send(self._form(voice, len(event.values)).fill(event.time, *event.values))
        except (OverflowError, struct.error):
            self.lost += 1  # no number, or too large for 32 bits: not a gesture

    def rest(self) -> None:
        """Release every voice."""
        self._send(_REST.fill())

    def close(self) -> None:
        """Release every voice, then the socket."""
        if self._socket.fileno() >= 0:
            self.rest()
        self._socket.close()

    def _address_voices(self) -> None:
        names = self._voices + self._voices[-1:] * len(self._origins)
        self._places = {origin: place for place, origin in enumerate(self._origins)}
        self._names = names
        self._forms: dict[tuple[int, int], Form] = {}
        self._rests = [Form(f"{_ROOT}/{name}/rest", "") for name in names]
        self._notes = [Form(f"{_ROOT}/{name}/note", "dff") for name in names]

    def _form(self, voice: int, count: int) -> Form:
        """The packet of a gesture with so many values for one of the voices."""
        form = self._forms.get((voice, count))
        if form is None:
            form = self._forms[voice, count] = Form(f"{_ROOT}/{self._names[voice]}", "d" + "f" * count)
        return form

    def _send(self, packet: bytes) -> None:
        # A port that nobody listens on is told by the next send, which is not done: count it, and send again.
        for _ in range(2):
            try:
                self._socket.send(packet)
            except ConnectionRefusedError:
                # It may be a new audio process, which must not be loud before it is told how loud.
                self.lost += 1
                self._refused = True
            except OSError:
                self.lost += 1
                return
            else:
                return
