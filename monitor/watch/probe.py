"""
The capability probe: asks a server about what Alli's documentation leaves open.

About nine requests, once a day. Everything goes through the list as it comes (`monitor.alli.probing`), so that what
the probe finds does not depend on what the client has taken for true so far.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from monitor.alli.client import Client
from monitor.alli.ids import sibling
from monitor.alli.listing import Order
from monitor.alli.pacing import Priority
from monitor.alli.probing import list_as_it_comes, written
from monitor.errors import ApiRefused, ApiUnclear, RetryableError
from monitor.model.evidence import ChatsSeen, Evidence, FilterSeen, PageSeen

__all__ = ["probe"]

_T = TypeVar("_T")

_PRIORITY = Priority.CONVERSATIONS
_FUTURE = 10 * 365 * 86400.0  # seconds: no chat of a project can be that far ahead
_UNITS = ("ms", "s")  # of filters, where no answer has shown a unit
_NOBODY = "Q29udmVyc2F0aW9uOjAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA=="  # the form of an id, where none was seen


async def probe(client: Client) -> Evidence:
    """
    Ask everything, and return what was answered; a step that fails leaves its answer out and says why.

    Raises what the client raises when the first page of the list cannot be had: then nothing can be learnt.
    """
    return await _Probe(client).run()


class _Probe:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._failures: dict[str, str] = {}

    async def run(self) -> Evidence:
        page = await self._list()
        running = await self._try("running filter", self._list(backgroundRunning="true"))
        idle = await self._try("running filter", self._list(backgroundRunning="false"))
        return Evidence(
            filters=await self._filters(page),
            page=page,
            running=running,
            idle=idle,
            running_row=await self._is_running(running),
            idle_row=await self._is_running(idle),
            chats=await self._chats(page),
            missing=await self._missing(page),
            daily_count=await self._daily_count(),
            probed_at=self._client.server_time.now(),
            clock_offset=self._client.server_time.offset() if self._client.server_time.proven else None,
            failures=self._failures,
        )

    async def _try(self, step: str, asked: Awaitable[_T]) -> _T | None:
        try:
            return await asked
        except (RetryableError, ApiRefused) as error:
            self._failures.setdefault(step, str(error))
            return None

    async def _list(self, **filters: str) -> PageSeen:
        params = {"order": Order.LAST_CHAT_NEWEST_FIRST.value, **filters}
        return await list_as_it_comes(self._client, params, priority=_PRIORITY)

    # Time filters

    async def _filters(self, page: PageSeen) -> tuple[FilterSeen, ...]:
        """Ask in the unit of the answers, and in the others if that one does not behave."""
        times = {row.id: time for row in page.rows if (time := row.active) is not None}
        if not times:
            return ()
        middle = sorted(time.at for time in times.values())[len(times) // 2]
        since = math.floor(middle) - 1.0  # no rounding and no "later than" leaves the row itself out
        wanted = frozenset(id_ for id_, time in times.items() if time.at >= since)
        seen: list[FilterSeen] = []
        for unit in dict.fromkeys((*(time.unit for time in times.values()), *_UNITS)):
            seen.append(await self._filter(unit, since, wanted))
            if seen[-1].selects:
                break
        return tuple(seen)

    async def _filter(self, unit: str, since: float, wanted: frozenset[str]) -> FilterSeen:
        later = written(self._client.server_time.now() + _FUTURE, unit)
        future = await self._try("time filters", self._list(startedAt=later))
        recent = await self._try("time filters", self._list(startedAt=written(since, unit)))
        return FilterSeen(unit=unit, since=since, wanted=wanted, future=future, recent=recent)

    # What names one conversation

    async def _is_running(self, page: PageSeen | None) -> bool | None:
        if page is None or not page.rows:
            return None
        asked = self._client.is_running(page.rows[0].id, priority=_PRIORITY)
        answer = await self._try("running filter", asked)
        return answer.value if answer is not None else None

    async def _chats(self, page: PageSeen) -> ChatsSeen | None:
        """Read the first page of the chats of the longest conversation."""
        longest = max(page.rows, key=lambda row: row.chat_count or 0, default=None)
        if longest is None or not longest.chat_count:
            return None
        answer = await self._try("chat pages", self._client.chats(longest.id, 1, priority=_PRIORITY))
        if answer is None:
            return None
        return ChatsSeen(
            chat_count=longest.chat_count,
            total=answer.value.total,
            shown=len(answer.value.chats) + answer.value.set_aside,
            newest_at=answer.value.chats[-1].at if answer.value.chats else None,
            last_chat_at=longest.last_chat.at if longest.last_chat else None,
        )

    async def _missing(self, page: PageSeen) -> str | None:
        """Ask for a conversation that cannot exist: made this second, by no machine, with no number."""
        digits = f"{int(self._client.server_time.now()):08x}{0:016x}"
        absent = sibling(page.rows[0].id if page.rows else _NOBODY, digits)
        if absent is None:
            self._failures["missing id"] = "ids are of an unknown form"
            return None
        try:
            await self._client.conversation(absent, priority=_PRIORITY)
        except (ApiRefused, ApiUnclear) as error:
            if error.signature is None:
                self._failures["missing id"] = str(error)
            return error.signature
        except RetryableError as error:
            self._failures["missing id"] = str(error)
            return None
        self._failures["missing id"] = "a conversation that cannot exist was shown"
        return None

    # The project as a whole

    async def _daily_count(self) -> bool | None:
        """Ask for yesterday. A refusal, a 403 too, is about this operation alone: it is a GET with a body."""
        yesterday = datetime.fromtimestamp(self._client.server_time.now(), UTC).date() - timedelta(days=1)
        try:
            answer = await self._client.daily_count(yesterday, yesterday, priority=_PRIORITY)
        except ApiRefused as error:
            self._failures["daily count"] = str(error)
            return False
        except RetryableError as error:
            self._failures["daily count"] = str(error)
            return None
        if not answer.value:
            self._failures["daily count"] = "the answer tells no day"
        return True if answer.value else None
