"""What exists in a simulated project. Times are the simulated server's: UTC epoch seconds; durations are seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["App", "Category", "Chat", "Conversation", "Ending", "Result", "Run", "RunKind", "RunPlan", "Step", "User"]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An LLM app."""

    id: str
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An end user of an app."""

    id: str
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category that conversations can be put into."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class Step:
    """One intermediate step of a chat that is being generated."""

    key: str
    created_at: float
    completed: bool = False


@dataclass(slots=True, kw_only=True)
class Chat:
    """One message. `rating` is the user's vote and `agent_rating` the agent's: up, down or None."""

    id: str
    conversation_id: str
    sender: str
    message: str
    at: float
    completed: bool = True
    type: str | None = None
    rating: bool | None = None
    agent_rating: bool | None = None
    citations: int = 0
    steps: list[Step] = field(default_factory=list)


class RunKind(StrEnum):
    """How a background run behaves."""

    FINISHES = "finishes"  # ends after its duration
    HANGS = "hangs"  # never ends and shows no progress
    LOOPS = "loops"  # never ends and keeps adding steps and BOT chats
    SLOW = "slow"  # adds a step and some text now and then; ends after its duration, if it has one


class Result(StrEnum):
    """What a run that finishes leaves behind."""

    ANSWER = "answer"
    EMPTY = "empty"  # its chat is completed without text
    INCOMPLETE = "incomplete"  # its chat is never completed


class Ending(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    DELETED = "deleted"  # its conversation was deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """
    What a run will do.

    `duration` is None for a run that never ends by itself; `every` is the time between signs of progress.
    `stop_lag` is how long the run outlives a stop request: 0 obeys at once, infinity ignores it, None does as the
    server's options say. With `ends_on_check_after`, the run finishes the moment somebody reads its conversation by
    id when it is at least that old. A run that `shows_chat` has a BOT chat that stays incomplete while it runs; one
    that `replaces_chat` loops by leaving that chat for a new one.
    """

    kind: RunKind = RunKind.HANGS
    duration: float | None = None
    every: float = 5.0
    stop_lag: float | None = None
    ends_on_check_after: float = math.inf
    shows_chat: bool = True
    replaces_chat: bool = False
    result: Result = Result.ANSWER


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """One background run: the API has no such object, so only the record shows it."""

    id: str
    conversation: Conversation
    plan: RunPlan
    began: float
    chat: Chat | None = None
    ticks: int = 0
    listed_at: float | None = None
    listed_until: float | None = None
    confirmed_at: float | None = None
    ended: float | None = None
    ending: Ending | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Conversation:
    """
    One conversation; `chats` and `runs` are in the order of time, and `run` is the one running now.

    `touched_at` is when something else than a chat was last taken for activity, None while nothing was.
    """

    id: str
    title: str
    created_at: float
    app: App | None = None
    user: User | None = None
    state: str | None = None
    is_end: bool = False
    assignee: str | None = None
    categories: list[str] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    run: Run | None = None
    touched_at: float | None = None

    @property
    def last_chat_at(self) -> float | None:
        """When the newest chat was written, or something was taken for as much; None without chats."""
        if not self.chats:
            return None
        return self.chats[-1].at if self.touched_at is None else max(self.chats[-1].at, self.touched_at)

    @property
    def first_chat_at(self) -> float | None:
        """When the oldest chat was written; None without chats."""
        return self.chats[0].at if self.chats else None

    def run_at(self, moment: float) -> Run | None:
        """Return the run that was running at `moment`, which is not in the future."""
        for run in reversed(self.runs):
            if run.began <= moment:
                return run if run.ended is None or run.ended > moment else None
        return None
