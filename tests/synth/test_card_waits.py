"""How the voice waits for a sound card that has no room yet."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from foretone import pcm
from foretone.synth import alsa


class Full:
    """A PCM of alsaaudio that never has room, and keeps dmix's rule, which ends the process."""

    def __init__(self, descriptors: list[int], **_: Any) -> None:
        self._descriptors = descriptors

    def info(self) -> dict[str, Any]:
        return {
            "rate": 48000, "period_size": 128, "buffer_size": 384, "format_name": "S16_LE", "channels": 2,
        }  # fmt: skip

    def avail(self) -> int:
        return 0

    def polldescriptors(self) -> list[tuple[int, int]]:
        return [(descriptor, 1) for descriptor in self._descriptors]

    def polldescriptors_revents(self, woken: list[tuple[int, int]]) -> int:
        assert len(woken) == len(self._descriptors)
        return 0


@pytest.mark.parametrize("ready", [0, 1, 2])
def test_alsa_is_asked_about_all_its_descriptors_or_none(ready: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of dmix, `pcm_direct.c`, snd1_pcm_direct_poll_revents: assert(pfds && nfds == 1 && revents)."""
    pipes = [os.pipe() for _ in range(2)]
    library = SimpleNamespace(
        PCM=lambda **_: Full([read for read, _ in pipes]),
        ALSAAudioError=ValueError, PCM_PLAYBACK=0, PCM_NORMAL=0, PCM_FORMAT_S16_LE=2,
    )  # fmt: skip
    monkeypatch.setattr(pcm, "library", lambda: library)
    monkeypatch.setattr(alsa, "library", lambda: library)
    card = alsa.Card("default", 48000, 128, 3)
    for _, write in pipes[:ready]:
        os.write(write, b"1")
    card.wait()
    for descriptor in (end for pipe in pipes for end in pipe):
        os.close(descriptor)
