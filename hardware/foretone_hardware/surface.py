"""All the controls of one MIDI device: what they hear, and what is played on them.

Several drivers of one port share nothing: each has a surface of its own.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from foretone_hardware.control import Control, Knob
from foretone_hardware.message import CONTROL, NOTE_OFF, NOTE_ON

ALL_OFF = (120, 123)
"""Controllers that say "all sound off" and "all notes off"."""


class Surface:
    """`values` has a float in 0..1 for each of `controls`: where it is, as far as it was heard."""

    def __init__(self, controls: Sequence[str], pickup: bool = False) -> None:
        self._controls = [Control.parse(text) for text in controls]
        self._knobs: dict[int, Knob] = {}
        self._keyed: dict[bytes, list[int]] = {}
        """The knobs, by what their messages begin with."""
        self._pads: dict[bytes, int] = {}
        self._keyboards: dict[int, _Keyboard] = {}
        self._notes: dict[int, _Notes] = {}
        self.values = [0.5] * len(controls)
        for axis, control in enumerate(self._controls):
            if control.word not in ("note", "velocity"):
                knob = self._knobs[axis] = Knob(control, pickup)
                for key in knob.keys:
                    self._keyed.setdefault(key, []).append(axis)
                continue
            self._notes.setdefault(control.channel, _Notes(control.channel))
            if control.number is not None:
                self._pads[bytes([control.channel, control.number])] = axis
                self.values[axis] = 0.0
            else:
                keyboard = self._keyboards.setdefault(control.channel, _Keyboard())
                keyboard.axes[control.word] = axis

    @property
    def sounds(self) -> bool:
        """Whether a key is held; true as well where there are none."""
        return not self._keyboards or any(keyboard.held for keyboard in self._keyboards.values())

    def plug(self) -> list[bytes]:
        """The device is new: returns what releases the notes that it may have kept while it was away."""
        for knob in self._knobs.values():
            knob.plug()
        return self.hush()

    def hear(self, message: bytes, now: float, step: float) -> tuple[float, ...] | None:
        """Take one whole message. The values when it changed them, `()` when it let the last key go."""
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind in (NOTE_ON, NOTE_OFF):
            return self._struck(channel, message[1], message[2] if kind == NOTE_ON else 0)
        axes = self._keyed.get(message[:2]) or self._keyed.get(message[:1])
        if axes is None:
            if kind == CONTROL and message[1] in ALL_OFF and self.let_go(channel):
                return ()
            return None
        moved = False
        for axis in axes:
            knob = self._knobs[axis]
            if knob.hear(message, now, step):
                self.values[axis] = knob.at
                moved = True
        return tuple(self.values) if moved else None

    def let_go(self, channel: int | None = None) -> bool:
        """Whether any key or pad was held; none is now."""
        held = False
        for pad, axis in self._pads.items():
            if channel in (None, pad[0]) and self.values[axis]:
                held, self.values[axis] = True, 0.0
        for number, keyboard in self._keyboards.items():
            if channel in (None, number) and keyboard.held:
                held = True
                keyboard.held.clear()
        return held

    def say(self, values: Sequence[float], place: int = 0, without: Container[int] = ()) -> list[bytes]:
        """What plays these values for one origin: only what is new, and no control in `without`."""
        messages: list[bytes] = []
        for axis, knob in self._knobs.items():
            if axis not in without:
                messages += knob.say(values[axis])
        for (channel, number), axis in self._pads.items():
            velocity = self._controls[axis].on_wire(values[axis])
            messages += self._notes[channel].play((place, axis), number, velocity)
        for channel, keyboard in self._keyboards.items():
            pitch, force = keyboard.axes.get("note"), keyboard.axes.get("velocity")
            if pitch is not None:
                velocity = self._controls[pitch].velocity
                if force is not None:
                    velocity = max(1, self._controls[force].on_wire(values[force]))
                note = self._controls[pitch].on_wire(values[pitch])
                messages += self._notes[channel].play((place, pitch), note, velocity)
        return messages

    def hush(self, place: int | None = None) -> list[bytes]:
        """What releases the notes of one origin, or of all."""
        return [message for notes in self._notes.values() for message in notes.hush(place)]

    def _struck(self, channel: int, note: int, velocity: int) -> tuple[float, ...] | None:
        moved = released = False
        pad = self._pads.get(bytes([channel, note]))
        if pad is not None:
            self.values[pad] = self._controls[pad].value(velocity) if velocity else 0.0
            moved = True
        keyboard = self._keyboards.get(channel)
        if keyboard is not None and self._is_key(keyboard, note):
            sounded = keyboard.sounds
            keyboard.held.pop(note, None)
            if velocity:
                keyboard.held[note] = velocity
            now_sounds = keyboard.sounds
            released = sounded is not None and now_sounds is None
            if now_sounds is not None and (velocity or now_sounds != sounded):
                moved = True
                for word, number in zip(("note", "velocity"), now_sounds, strict=True):
                    if (axis := keyboard.axes.get(word)) is not None:
                        self.values[axis] = self._controls[axis].value(number)
        if released:
            return ()
        return tuple(self.values) if moved else None

    def _is_key(self, keyboard: _Keyboard, note: int) -> bool:
        axis = keyboard.axes.get("note")
        if axis is None:
            return True
        low, high = sorted((self._controls[axis].low, self._controls[axis].high))
        return low <= note <= high


class _Keyboard:
    """The keys of one channel that are held, and the axes that hear them."""

    def __init__(self) -> None:
        self.axes: dict[str, int] = {}
        self.held: dict[int, int] = {}
        """Velocities by key, the last one struck at the end: that one sounds."""

    @property
    def sounds(self) -> tuple[int, int] | None:
        """The key that sounds and its velocity."""
        return next(reversed(self.held.items()), None)


class _Notes:
    """What sounds on one channel, and for whom."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._sounding: dict[tuple[int, int], tuple[int, int]] = {}
        """Note and velocity, by place and axis."""

    def play(self, who: tuple[int, int], note: int, velocity: int) -> list[bytes]:
        """Strike a note for someone, after what sounds for them is let go; velocity 0 only lets go."""
        if self._sounding.get(who) == (note, velocity):
            return []
        messages = self._off(who)
        if velocity:
            self._sounding[who] = note, velocity
            messages.append(bytes([NOTE_ON | self._channel, note, velocity]))
        return messages

    def hush(self, place: int | None) -> list[bytes]:
        """Let go what sounds for one place, or for all."""
        whose = [who for who in self._sounding if place in (None, who[0])]
        return [message for who in whose for message in self._off(who)]

    def _off(self, who: tuple[int, int]) -> list[bytes]:
        sounded = self._sounding.pop(who, None)
        if sounded is None or sounded[0] in [note for note, _ in self._sounding.values()]:
            return []
        return [bytes([NOTE_OFF | self._channel, sounded[0], 0])]
