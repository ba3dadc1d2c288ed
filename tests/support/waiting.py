"""Waiting for what happens in another process: by looking again and again, never by sleeping and hoping."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, overload

__all__ = ["eventually", "throughout"]

_T = TypeVar("_T")
_BETWEEN_LOOKS = 0.05  # seconds


@overload
async def eventually(look: Callable[[], Awaitable[_T]], what: str, *, within: float = 15.0) -> _T: ...
@overload
async def eventually(look: Callable[[], _T], what: str, *, within: float = 15.0) -> _T: ...
async def eventually(look: Callable[[], Any], what: str, *, within: float = 15.0) -> Any:
    """Return what `look` finds once that is true; fail, saying `what` did not happen, after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not (found := await _result(look)):
        assert loop.time() < deadline, f"not within {within} s: {what}"
        await asyncio.sleep(_BETWEEN_LOOKS)
    return found


@asynccontextmanager
async def throughout(look: Callable[[], object | Awaitable[object]], what: str) -> AsyncIterator[None]:
    """Fail, saying that `what` is not so, if `look` finds something false at any time during the block."""

    async def watch() -> None:
        while True:
            assert await _result(look), f"not at all times: {what}"
            await asyncio.sleep(_BETWEEN_LOOKS)

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        yield
        watching.cancel()


async def _result(look: Callable[[], Any]) -> Any:
    found = look()
    return await found if inspect.isawaitable(found) else found
