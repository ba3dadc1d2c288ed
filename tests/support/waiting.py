"""Waiting for what happens in another process: by looking again and again, never by sleeping and hoping."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

__all__ = ["eventually", "throughout"]

_T = TypeVar("_T")
_BETWEEN_LOOKS = 0.05  # seconds


async def eventually(look: Callable[[], _T | Awaitable[_T]], what: str, *, within: float = 15.0) -> _T:
    """Return what `look` finds once that is true; fail, saying `what` did not happen, after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not (found := await _result(look)):
        assert loop.time() < deadline, f"not within {within} s: {what}"
        await asyncio.sleep(_BETWEEN_LOOKS)
    return found


async def throughout(
    look: Callable[[], object | Awaitable[object]], what: str, *, until: Awaitable[_T], rest: float = _BETWEEN_LOOKS
) -> _T:
    """Fail if `look` finds something false at any time before `until` is done; return what that comes to."""
    waiting = asyncio.ensure_future(until)
    try:
        while not waiting.done():
            assert await _result(look), what
            await asyncio.wait([waiting], timeout=rest)
    finally:
        waiting.cancel()
    return await waiting


async def _result(look: Callable[[], _T | Awaitable[_T]]) -> _T:
    found = look()
    return await found if inspect.isawaitable(found) else cast("_T", found)
