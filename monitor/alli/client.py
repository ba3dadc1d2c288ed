"""The operations of Alli's API that the monitor uses, one typed method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote

import httpx
import stamina

from monitor.alli.answers import content
from monitor.alli.credentials import ApiKey, Bearer, Credential
from monitor.alli.exchange import Exchange, Request, Telemetry, Timed
from monitor.alli.listing import ConversationQuery, Listing, Order, Page
from monitor.alli.pacing import Pacer, Priority
from monitor.alli.units import TimeUnit, Units, object_id
from monitor.alli.wire import ChatPage, ConversationRows, Decoder, UnclearBody, valid_id
from monitor.clock import Clock
from monitor.errors import ApiNotFound, ApiUnavailable, ApiUnclear
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
_CONVERSATIONS = "/webapi/v2/conversations"
_LONGEST_WAIT = 5.0  # seconds between two attempts; a longer Retry-After is for the caller to wait for
_RETRYING = stamina.AsyncRetryingCaller(
    attempts=3, timeout=None, wait_initial=0.2, wait_max=_LONGEST_WAIT, wait_jitter=0.5
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[_T]):
    """A fact, and the server time at which it was asked for and had been answered."""

    value: _T
    asked_at: float
    answered_at: float


class Client:
    """
    A client for one project.

    `base_url` may have a path. `headers` go with every request; none is sent that would make the API act for a user.
    `timeout` is the seconds one request may take; `time_unit` the unit of the API's times, ``auto`` to infer it.

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
    ) -> None:
        self._project = project
        self._telemetry = telemetry
        self._units = Units(time_unit, self._drifted)
        self._decoder = Decoder(self._units, self._drifted)
        self._exchange = Exchange(
            project=project,
            base_url=base_url,
            credential=credential,
            http=http,
            clock=clock,
            pacer=pacer,
            headers=headers,
            timeout=timeout,
            telemetry=telemetry,
        )
        self.server_time = self._exchange.server_time

    @property
    def time_unit_known(self) -> bool:
        """
        Whether an answer has shown the API's unit of time, or it is configured.

        Until then a list with a time filter may be wrongly empty: ask for one without first.
        """
        return self._units.known

    def conversations(self, query: ConversationQuery, *, priority: Priority) -> Listing:
        """Return one pass over the conversations that `query` asks for; nothing is sent before it is iterated."""

        async def fetch(cursor: str | None) -> tuple[ConversationRows, float, float]:
            request = Request(
                operation="list_conversations",
                path=_CONVERSATIONS,
                params=self._params(query, cursor),
                by_id=False,
            )
            answer = await self._get(request, self._decoder.conversations, priority)
            if not all(query.admits(conversation) for conversation in answer.value.conversations):
                self._drifted("filter_ignored")
            return answer.value, answer.asked_at, answer.answered_at

        return Listing(fetch)

    async def conversation(self, conversation_id: str, *, priority: Priority) -> Answer[Conversation]:
        """Return a conversation with its newest chats (at most 20)."""

        def read(text: bytes) -> Conversation:
            return _asked_for(self._decoder.conversation(text), conversation_id)

        request = Request(operation="get_conversation", path=_path(conversation_id))
        return await self._get(request, read, priority)

    async def is_running(self, conversation_id: str, *, priority: Priority) -> Answer[bool]:
        """Return whether the conversation runs in the background."""
        request = Request(operation="get_running", path=f"{_path(conversation_id)}/running")
        return await self._get(request, self._decoder.is_running, priority)

    async def chats(self, conversation_id: str, page: int, *, priority: Priority) -> Answer[ChatPage]:
        """Return one page of the chats of a conversation; pages count from 1."""

        def read(text: bytes) -> ChatPage:
            return self._decoder.chats(text, page)

        request = Request(operation="list_chats", path=f"{_path(conversation_id)}/chats", params={"pageNo": str(page)})
        return await self._get(request, read, priority)

    async def chat(self, conversation_id: str, chat_id: str, *, priority: Priority) -> Answer[Chat]:
        """Return one chat with its intermediate steps."""

        def read(text: bytes) -> Chat:
            return _asked_for(self._decoder.chat(text), chat_id)

        request = Request(operation="get_chat", path=f"{_path(conversation_id)}/chats/{_segment(chat_id)}")
        return await self._get(request, read, priority)

    async def stop(self, conversation_id: str, *, within: float = 5.0) -> Answer[None]:
        """
        Ask Alli to stop what runs in the conversation; returning means that it was accepted, not that it worked.

        It is sent once, and not later than `within` seconds from now, because what was checked before is stale by
        then. When it raises ApiUnavailable, `sent` tells whether Alli may have got it.
        """
        request = Request(operation="stop_conversation", method="POST", path=f"{_path(conversation_id)}/stop")
        timed = await self._exchange.send(request, Priority.STOP, within=within)
        return Answer(value=None, asked_at=timed.asked_at, answered_at=timed.answered_at)

    async def _get(self, request: Request, read: Callable[[bytes], _T], priority: Priority) -> Answer[_T]:
        async def attempt() -> Answer[_T]:
            timed = await self._exchange.send(request, priority)
            return Answer(value=_read(timed, read), asked_at=timed.asked_at, answered_at=timed.answered_at)

        return await _RETRYING(_Patience(), attempt)

    def _params(self, query: ConversationQuery, cursor: str | None) -> dict[str, str]:
        # Filters are repeated with the cursor: nothing says that the cursor remembers them.
        params = {"pageSize": str(query.page_size), "order": query.order.value}
        if query.background_running is not None:
            params["backgroundRunning"] = "true" if query.background_running else "false"
        if query.last_chat_from is not None:
            params["startedAt"] = self._units.filter_value(query.last_chat_from)
        if query.last_chat_to is not None:
            params["endAt"] = self._units.filter_value(query.last_chat_to)
        if cursor is not None:
            params["cursor"] = cursor
        return params

    def _drifted(self, kind: str) -> None:
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


def _read(timed: Timed, read: Callable[[bytes], _T]) -> _T:
    try:
        return read(content(timed.reply))
    except UnclearBody as error:
        raise ApiUnclear(
            f"{timed.reply.operation}: Alli's answer cannot be understood ({error}); nothing was learnt from it"
        ) from None


_Identified = TypeVar("_Identified", Chat, Conversation)


def _asked_for(value: _Identified, id_: str) -> _Identified:
    """Return `value` if it is the object that was asked for, whose id may be written in two ways."""
    if value.id != id_ and (object_id(id_) is None or object_id(value.id) != object_id(id_)):
        raise UnclearBody("it is about another object than asked for")
    return value


def _path(conversation_id: str) -> str:
    return f"{_CONVERSATIONS}/{_segment(conversation_id)}"


def _segment(id_: str) -> str:
    if not valid_id(id_):
        raise ApiNotFound("this cannot be the id of a conversation or chat", code=404)
    return quote(id_, safe="")
