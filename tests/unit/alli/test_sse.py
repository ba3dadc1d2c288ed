"""Server-sent events out of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alli.sse import EventTooLong, events


async def told(*chunks: bytes) -> list[tuple[str, str]]:
    """Return name and data of the events in a stream that comes in these chunks."""

    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [(event.name, event.data) async for event in events(stream())]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [("message", "a"), ("message", "b")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [("message", "a"), ("message", "b"), ("message", "c")]),
        (b"data: first\ndata:second\ndata\n\n", [("message", "first\nsecond\n")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [("error", "a"), ("message", "b")]),
        (b": keep alive\n\ndata: a\n: comment\nid: 7\nretry: 9\nunknown\n\n", [("message", "a")]),
        (b"data:  two spaces\n\n", [("message", " two spaces")]),
        (b"data: a:b\n\n", [("message", "a:b")]),
        (b"\xef\xbb\xbfdata: after a byte order mark\n\n", [("message", "after a byte order mark")]),
        ("data: 가\u2028나\x0b\x1e\n\n".encode(), [("message", "가\u2028나\x0b\x1e")]),
        (b"data: \xff\n\n", [("message", "\ufffd")]),
        (b"event: x\n\ndata: a\n\n", [("message", "a")]),
        (b"data: a\n\ndata: cut o", [("message", "a")]),
        (b"data: a\n", []),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
async def test_a_stream_is_read_as_the_standard_says(stream: bytes, expected: list[tuple[str, str]]) -> None:
    """Fields, comments, all three line ends, lines of data that belong together, and a cut end."""
    assert await told(stream) == expected


PIECES = st.sampled_from(
    [b"data: ", b"data", b"event: e", b":", b"\r", b"\n", b"\r\n", b"\xef\xbb\xbf", "한".encode(), b"\xff", b"x", b" "]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=40).map(b"".join), st.lists(st.integers(0, 200), max_size=20))
async def test_any_cut_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    """Where a network cuts a stream, within a character or between CR and LF, does not matter."""
    places = sorted({0, *(cut for cut in cuts if cut < len(stream)), len(stream)})
    chunks = [stream[begin:end] for begin, end in pairwise(places)]
    whole = await told(stream)
    assert await told(*chunks) == whole
    assert await told(*(bytes([byte]) for byte in stream)) == whole


async def test_an_event_that_does_not_end_is_cut() -> None:
    """Neither one line without end nor lines without an empty one are kept for ever."""
    read = 0

    async def endless(piece: bytes) -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += len(piece)
            yield piece

    for piece in (b"data: " + b"x" * 994, b"data: x\n" * 125):
        read = 0
        with pytest.raises(EventTooLong):
            async for _ in events(endless(piece)):
                pass
        assert read < 1_200_000


async def test_a_long_stream_of_short_events_is_read() -> None:
    """The limit is on one event, not on all of them."""
    assert len(await told(*[b"data: " + b"x" * 990 + b"\n\n"] * 2000)) == 2000
