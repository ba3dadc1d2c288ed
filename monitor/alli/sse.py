"""Server-sent events out of bytes, as the HTML standard describes them (html.spec.whatwg.org, section 9.2)."""

from __future__ import annotations

import codecs
import io
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from dataclasses import dataclass

__all__ = ["Event", "EventTooLong", "events"]

_LONGEST_EVENT = 1_000_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: `name` is ``message`` unless the server says otherwise; the lines of `data` are joined by newlines."""

    name: str
    data: str


class EventTooLong(ValueError):
    """An event that does not end within a million characters."""


async def events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[Event, None]:
    """
    Yield the events of a stream, however it is cut into chunks; comments and events without data are skipped.

    Bytes that are no UTF-8 are replaced. An event that the end of the stream cuts off is not yielded. Raises
    EventTooLong.
    """
    parser = _Parser()
    async for chunk in chunks:
        for event in parser.feed(chunk):
            yield event
    for event in parser.feed(b"", final=True):
        yield event


class _Parser:
    def __init__(self) -> None:
        # Together they drop a byte order mark, and bring \r and \r\n to \n even where a chunk ends between the two.
        decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._text = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._line: list[str] = []  # the pieces of a line that has not ended
        self._data: list[str] = []
        self._name = ""
        self._length = 0

    def feed(self, chunk: bytes, *, final: bool = False) -> Iterator[Event]:
        *lines, rest = self._text.decode(chunk, final=final).split("\n")
        for line in lines:
            self._grow(line)
            yield from self._end_of_line()
        self._grow(rest)

    def _grow(self, text: str) -> None:
        self._length += len(text)
        if self._length > _LONGEST_EVENT:
            raise EventTooLong
        self._line.append(text)

    def _end_of_line(self) -> Iterator[Event]:
        line = "".join(self._line)
        self._line.clear()
        if not line:
            if self._data:
                yield Event(name=self._name or "message", data="\n".join(self._data))
            self._name, self._data, self._length = "", [], 0
            return
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            self._data.append(value)
        elif key == "event":
            self._name = value
