"""What the tests of the API client share: rows as the API sends them, a recording telemetry, a client on a handler."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from monitor.alli.client import ApiKey, Client, Credential
from monitor.alli.pacing import Pacer
from monitor.alli.units import TimeUnit, Units
from monitor.alli.wire import Decoder
from tests.support.clock import ManualClock

START = 1_800_000_000.0
KEY = "key-that-nobody-may-see"

Handler = Callable[[httpx.Request], httpx.Response]


class Recorder:
    """A telemetry that keeps what it is told: operation and code of each request, deviations by kind."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.seconds: list[float] = []
        self.drifts: Counter[str] = Counter()
        self.projects: set[str] = set()

    @property
    def codes(self) -> list[str]:
        """The code of each request."""
        return [code for _, code in self.requests]

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:
        """Keep a request."""
        self.projects.add(project)
        self.requests.append((operation, code))
        self.seconds.append(seconds)

    def drifted(self, project: str, kind: str) -> None:
        """Count a deviation."""
        self.projects.add(project)
        self.drifts[kind] += 1


def make_id(kind: str, at: float, number: int = 0) -> str:
    """Return an id as the API makes them: base64 of the type and an ObjectId made at that time."""
    return base64.b64encode(f"{kind}:{int(at):08x}{number:016x}".encode()).decode()


def chat_row(number: int = 0, *, at: float = START, **fields: Any) -> dict[str, Any]:
    """Return a chat as the API sends it, in milliseconds."""
    return {
        "id": make_id("Chat", at, number),
        "type": "llm",
        "sender": "BOT",
        "message": "hello",
        "source": None,
        "timestamp": at * 1000 + 0.5,
        "completed": True,
        "citations": [],
        "rating": None,
        "agentRating": None,
    } | fields


def conversation_row(number: int = 0, *, at: float = START, **fields: Any) -> dict[str, Any]:
    """Return a conversation as the API sends it, in milliseconds."""
    return {
        "id": make_id("Conversation", at, number),
        "title": "a title",
        "user": {"userId": "u-1", "firstName": "A", "lastName": "B"},
        "createdAt": at * 1000,
        "lastChatTime": at * 1000,
        "isEnd": False,
        "categories": None,
        "memo": None,
        "chats": [],
        "chatCount": 0,
        "llmApp": {"id": "app-1", "name": "Report", "description": None},
        "variables": None,
    } | fields


def make_decoder(drifts: Counter[str] | None = None, unit: TimeUnit = "auto") -> Decoder:
    """Return a decoder that counts its deviations in `drifts`."""
    counter = Counter[str]() if drifts is None else drifts

    def drifted(kind: str) -> None:
        counter[kind] += 1

    return Decoder(Units(unit, drifted), drifted)


def make_client(
    handler: Handler,
    *,
    clock: ManualClock | None = None,
    telemetry: Recorder | None = None,
    credential: Credential | None = None,
    pacer: Pacer | None = None,
    base_url: str = "https://alli.test",
    **options: Any,
) -> Client:
    """Return a client whose requests `handler` answers."""
    clock = clock or ManualClock(START)
    return Client(
        project="support",
        base_url=base_url,
        credential=credential or ApiKey(KEY),
        http=httpx.AsyncClient(transport=httpx.MockTransport(handler), trust_env=False),
        clock=clock,
        pacer=pacer or Pacer(requests_per_minute=6000, max_in_flight=8, clock=clock),
        telemetry=telemetry or Recorder(),
        **{"writes": frozenset({"stop_conversation"}), **options},
    )
