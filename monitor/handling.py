"""What the outbox asks of its handlers, and what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from monitor.model.intent import Intent
from monitor.store.database import Transaction

__all__ = ["Divide", "Done", "Handled", "Handler", "Later", "Note", "Part", "SetAside"]


Note = Callable[[Transaction], Awaitable[None]]
"""Something more to write, in the transaction that records what came of an intent."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    note: Note | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Done(_Outcome):
    """The intent was carried out, or there is nothing left to do."""


@dataclass(frozen=True, slots=True)
class Later(_Outcome):
    """The intent is to be handled again at `at`, own time; `error` says why if something failed."""

    at: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class SetAside(_Outcome):
    """Trying again the same way cannot help: `error` says why."""

    error: str


@dataclass(frozen=True, slots=True)
class Part:
    """A payload, and how many of the transitions that its intent carries it holds."""

    payload: str
    carries: int


@dataclass(frozen=True, slots=True)
class Divide(_Outcome):
    """The intent is not to be carried out as it is; `parts` take its place, in order."""

    parts: tuple[Part, ...]


Handled = Done | Later | SetAside | Divide


class Handler(Protocol):
    """Carries out intents of one kind. A crash anywhere only means that it is called again."""

    async def handle(self, intent: Intent) -> Handled:
        """Do the next step of an intent."""
