"""One background execution inside a conversation, as the run ledger keeps it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from monitor.model.blind import Blind
from monitor.model.conversation import App, Step

__all__ = ["Break", "Clash", "Contradiction", "Outcome", "Progress", "Run", "run_id"]


class Outcome(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    GONE = "gone"  # its conversation was deleted


class Break(StrEnum):
    """Why `Run.age_since` began again."""

    USER_CHAT = "user_chat"
    CHAT_REPLACED = "chat_replaced"
    BLIND_GAP = "blind_gap"
    REAPPEARED = "reappeared"  # absent from one complete list, yet still running


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """
    What changes while a run makes progress: a later value that differs is a sign of life.

    The counts of steps are None until the steps of this chat were read.
    """

    chat_id: str | None = None
    steps: int | None = None
    steps_completed: int | None = None
    length: int = 0


class Clash(StrEnum):
    """How `/running` or the chats disagree with a list that shows a run."""

    NOT_RUNNING = "not_running"  # `/running` says no
    CHAT_COMPLETED = "chat_completed"  # the chat it was writing is completed and it writes no other


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What the sources disagree about: seen first at `since`, last at `until`, server time, in so many `polls`."""

    clash: Clash
    since: float
    until: float
    polls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """
    One run. The API has no run object, so all of this is what the monitor observed, in server time.

    `age_since`, `busy_since` and `idle_since` are where the ages of the same names count from; `estimate_since` is the
    earliest start that chats and steps give evidence of and is never later than `age_since`; `not_running_at` is when
    the conversation was last observed not running, None when that is unknown.

    `last_step` is the newest step that was read of what the app writes, `contradiction` what the sources disagree about
    now, and `blind` the newest time without observation in which the run began or went on; None for none.
    """

    id: str
    project: str
    conversation_id: str
    app: App | None
    user_id: str | None
    began_at: float
    age_since: float
    estimate_since: float
    busy_since: float
    idle_since: float
    not_running_at: float | None
    seen_at: float
    incomplete_chat_id: str | None  # the chat the app is writing now
    former_chat_id: str | None  # the chat the app was last seen writing
    user_chat_id: str | None  # the newest known USER chat
    user_chat_at: float | None
    user_chat_pending: bool = False  # a new USER chat came; another incomplete chat now is the next run
    follows_at_once: bool = False  # only chats tell it from the run before; nothing was seen not to run between them
    chat_count: int = 0
    progress: Progress = Progress()
    last_step: Step | None = None
    absent_since: float | None = None  # missing from a complete list, its end not confirmed yet
    ended_at: float | None = None
    outcome: Outcome | None = None
    contradiction: Contradiction | None = None
    blind: Blind | None = None


def run_id(project: str, conversation_id: str, began_at: float) -> str:
    """Return the id of the run that was first seen at `began_at`: the same for the same facts."""
    facts = f"{project}\n{conversation_id}\n{began_at:.6f}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(facts, digest_size=8).hexdigest()
