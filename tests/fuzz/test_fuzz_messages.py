"""A MIDI cable on which anything may come, chopped up anyhow."""

from itertools import pairwise

from hypothesis import strategies as st

from foretone_hardware.message import Joiner, is_whole

BYTES = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"\x90\x3c\x64", b"\xf0", b"\xf7", b"\x40", b"\xf8", b"\xf2", b"\xb0\x01", b"\xff"]),
    max_size=30,
).map(b"".join)


def check(data, cuts):
    whole, joiner = [], Joiner()
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for begin, end in pairwise(places):
        whole += joiner.take(data[begin:end])
    assert all(map(is_whole, whole))
    assert 0 <= joiner.malformed <= len(data)
    assert whole == Joiner().take(data), "how it was chopped up makes no difference"
    assert Joiner().take(b"".join(whole)) == whole, "what is whole stays as it is"


def test_whatever_comes_what_is_given_is_whole(fuzz):
    fuzz(check, BYTES, st.lists(st.integers(0, 60), max_size=8))
