"""The operations of Alli's API that the monitor uses, one typed method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from http import HTTPStatus
from typing import TypeVar

import httpx
import stamina

from monitor.alli.credentials import ApiKey, Bearer, Credential
from monitor.alli.exchange import Exchange, Request, Telemetry, Witness
from monitor.alli.listing import ConversationQuery, Listing, Order, Page
from monitor.alli.operations import (
    CATEGORIES,
    CONVERSATIONS,
    Answer,
    chat_path,
    conversation_path,
    require_same,
    understood,
)
from monitor.alli.pacing import Pacer, Priority
from monitor.alli.records import Category, DailyCount, read_categories, read_daily_counts
from monitor.alli.server_time import ServerTime
from monitor.alli.units import TimeUnit, Units
from monitor.alli.wire import ChatPage, ConversationRows, Decoder
from monitor.clock import Clock
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused, ApiUnavailable, ApiUnclear
from monitor.model.capabilities import Capabilities, Proof
from monitor.model.conversation import Chat, Conversation

__all__ = [
    "Answer",
    "ApiKey",
    "Bearer",
    "ChatPage",
    "Client",
    "ConversationQuery",
    "Credential",
    "Listing",
    "Order",
    "Page",
    "Telemetry",
]

_T = TypeVar("_T")
_LONGEST_WAIT = 5.0  # seconds between two attempts; a longer Retry-After is for the caller to wait for
_RETRYING = stamina.AsyncRetryingCaller(
    attempts=3, timeout=None, wait_initial=0.2, wait_max=_LONGEST_WAIT, wait_jitter=0.5
)


class Client:
    """
    A client for one project.

    `base_url` may have a path. `headers` go with every request; none is sent that would make the API act for a user.
    `timeout` is the seconds one request may take; `time_unit` the unit of the API's times, ``auto`` to infer it.
    `server_time` is what is known already of that server's clock. `writes` and `witness` are as in `Exchange`, and
    `exchange` is what other clients of the same project send with.

    Reading is tried up to three times, with waits of a few seconds; a longer Retry-After goes to the caller. Each
    method raises ApiUnavailable, ApiUnclear, ApiRefused, ApiAuthError and, where it names an object, ApiNotFound.
    """

    def __init__(
        self,
        *,
        project: str,
        base_url: str,
        credential: Credential,
        http: httpx.AsyncClient,
        clock: Clock,
        pacer: Pacer,
        headers: Mapping[str, str] = {},
        timeout: float = 20.0,
        time_unit: TimeUnit = "auto",
        telemetry: Telemetry,
        server_time: ServerTime | None = None,
        writes: frozenset[str] = frozenset(),
        witness: Witness | None = None,
    ) -> None:
        self._project = project
        self._telemetry = telemetry
        self.capabilities = Capabilities()
        self._units = Units(time_unit, self.drifted)
        self._decoder = Decoder(self._units, self.drifted)
        self.exchange = Exchange(
            project=project,
            base_url=base_url,
            credential=credential,
            http=http,
            clock=clock,
            pacer=pacer,
            headers=headers,
            timeout=timeout,
            telemetry=telemetry,
            server_time=server_time,
            writes=writes,
            witness=witness,
        )
        self.server_time = self.exchange.server_time

    @property
    def time_unit_known(self) -> bool:
        """
        Whether an answer has shown the API's unit of time, or it is configured.

        Until then a list with a time filter may be wrongly empty: ask for one without first.
        """
        return self._units.known

    def adapt(self, capabilities: Capabilities) -> None:
        """
        Take notice of what a probe found out about the server.

        Time filters are written in the unit that it was seen to honour, and left out if in none. An answer that looks
        as this server's answers about what does not exist is taken for one, once a list shows that the credential is
        not what is wrong.
        """
        self.capabilities = capabilities
        self._units.write_filters_in(capabilities.filter_unit)

    def keep_texts(self, kept: bool) -> None:  # noqa: FBT001 - a switch
        """Read the text of chats from now on, or, as at first, only how long it is."""
        self._decoder.keeps_text = kept

    def conversations(self, query: ConversationQuery, *, priority: Priority) -> Listing:
        """Return one pass over the conversations that `query` asks for; nothing is sent before it is iterated."""

        async def fetch(cursor: str | None) -> tuple[ConversationRows, float, float]:
            request = Request(
                operation="list_conversations",
                path=CONVERSATIONS,
                params=self._params(query, cursor),
                by_id=False,
            )
            answer = await self._get(request, self._decoder.conversations, priority)
            known = self.capabilities.time_filter is Proof.FAILS
            if not known and not all(query.admits(conversation) for conversation in answer.value.conversations):
                self.drifted("filter_ignored")
            return answer.value, answer.asked_at, answer.answered_at

        return Listing(query, fetch)

    async def conversation(self, conversation_id: str, *, priority: Priority) -> Answer[Conversation]:
        """Return a conversation with its newest chats (at most 20)."""

        def read(text: bytes) -> Conversation:
            return _asked_for(self._decoder.conversation(text), conversation_id)

        request = Request(operation="get_conversation", path=conversation_path(conversation_id))
        return await self._get(request, read, priority)

    async def is_running(self, conversation_id: str, *, priority: Priority) -> Answer[bool]:
        """Return whether the conversation runs in the background."""
        request = Request(operation="get_running", path=f"{conversation_path(conversation_id)}/running")
        return await self._get(request, self._decoder.is_running, priority)

    async def chats(self, conversation_id: str, page: int, *, priority: Priority) -> Answer[ChatPage]:
        """Return one page of the chats of a conversation; pages count from 1."""

        def read(text: bytes) -> ChatPage:
            return self._decoder.chats(text, page)

        path = f"{conversation_path(conversation_id)}/chats"
        request = Request(operation="list_chats", path=path, params={"pageNo": str(page)})
        return await self._get(request, read, priority)

    async def chat(self, conversation_id: str, chat_id: str, *, priority: Priority) -> Answer[Chat]:
        """Return one chat with its intermediate steps."""

        def read(text: bytes) -> Chat:
            return _asked_for(self._decoder.chat(text), chat_id)

        request = Request(operation="get_chat", path=chat_path(conversation_id, chat_id))
        return await self._get(request, read, priority)

    async def categories(self, *, priority: Priority) -> Answer[tuple[Category, ...]]:
        """Return the categories that conversations of this project can be in."""
        request = Request(operation="list_categories", path=CATEGORIES, by_id=False)
        return await self._get(request, read_categories, priority)

    async def daily_count(self, start: date, end: date, *, priority: Priority) -> Answer[tuple[DailyCount, ...]]:
        """
        Return how many conversations there were on each day from `start` to `end`, both included, oldest day first.

        In which zone a day begins, and what counts, is not documented. A day that is not told is missing. This is a GET
        with a body, which proxies are known to drop or to refuse: a 403 is ApiRefused, and says nothing about the
        credential.
        """

        def read(text: bytes) -> tuple[DailyCount, ...]:
            return read_daily_counts(text, start, end)

        request = Request(
            operation="daily_count",
            path="/webapi/conversation_daily_count",
            body={"startDate": start.isoformat(), "endDate": end.isoformat()},
            by_id=False,
            may_be_barred=True,
        )
        return await self._get(request, read, priority)

    async def stop(self, conversation_id: str, *, within: float = 5.0) -> Answer[None]:
        """
        Ask Alli to stop what runs in the conversation; returning means that it was accepted, not that it worked.

        It is sent once, and not later than `within` seconds from now, because what was checked before is stale by
        then. When it raises ApiUnavailable, `sent` tells whether Alli may have got it.
        """
        path = f"{conversation_path(conversation_id)}/stop"
        request = Request(operation="stop_conversation", method="POST", path=path, answer_read=False)
        timed = await self.exchange.send(request, Priority.STOP, within=within)
        return Answer(value=None, asked_at=timed.asked_at, answered_at=timed.answered_at)

    async def _get(self, request: Request, read: Callable[[bytes], _T], priority: Priority) -> Answer[_T]:
        async def attempt() -> Answer[_T]:
            return understood(await self.exchange.send(request, priority), read)

        try:
            return await _RETRYING(_Patience(), attempt)
        except (ApiRefused, ApiUnclear) as error:
            if request.by_id and (meant := await self._meant(error, priority)) is not None:
                raise meant from None
            raise

    async def _meant(self, error: ApiRefused | ApiUnclear, priority: Priority) -> ApiRefused | None:
        """
        Return what an error about one object means, None if nothing but what it says.

        Servers are free to answer 403 both for a refused credential and for what does not exist. With a refused
        credential the list fails, too, and that failure is raised.
        """
        missing = error.signature is not None and error.signature == self.capabilities.missing
        forbidden = isinstance(error, ApiAuthError) and error.code == HTTPStatus.FORBIDDEN
        if isinstance(error, ApiNotFound) or not (missing or forbidden):
            return None
        async for _ in self.conversations(ConversationQuery(page_size=1), priority=priority):
            break
        code = error.code if isinstance(error, ApiRefused) else HTTPStatus.OK
        if missing:
            text = f"Alli answered {code}, as it does about what does not exist (any more)"
            return ApiNotFound(text, code=code, signature=error.signature)
        text = f"Alli answered {code} about this object alone: the credential works for the list"
        return ApiRefused(text, code=code, signature=error.signature)

    def _params(self, query: ConversationQuery, cursor: str | None) -> dict[str, str]:
        # Filters are repeated with the cursor: nothing says that the cursor remembers them.
        params = {"pageSize": str(query.page_size), "order": query.order.value}
        if query.background_running is not None:
            params["backgroundRunning"] = "true" if query.background_running else "false"
        # What does not select as it should may just as well hide what is asked for.
        selects = self.capabilities.time_filter is not Proof.FAILS
        if query.last_chat_from is not None and selects:
            params["startedAt"] = self._units.filter_value(query.last_chat_from)
        if query.last_chat_to is not None and selects:
            params["endAt"] = self._units.filter_value(query.last_chat_to)
        if cursor is not None:
            params["cursor"] = cursor
        return params

    def drifted(self, kind: str) -> None:
        """Tell that an answer, or several together, deviate from the API's description."""
        self._telemetry.drifted(self._project, kind)


class _Patience:
    """Decides whether a failed GET is worth another try; an answer that was not understood gets one."""

    def __init__(self) -> None:
        self._unclear = 0

    def __call__(self, error: Exception) -> bool:
        if isinstance(error, ApiUnclear):
            self._unclear += 1
            return self._unclear == 1
        return isinstance(error, ApiUnavailable) and (error.retry_after or 0.0) <= _LONGEST_WAIT


_Identified = TypeVar("_Identified", Chat, Conversation)


def _asked_for(value: _Identified, id_: str) -> _Identified:
    """Return `value` if it is the object that was asked for, whose id may be written in two ways."""
    require_same(value.id, id_)
    return value
