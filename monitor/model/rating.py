"""Ratings of chats and what happens to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.conversation import App, Vote

__all__ = ["Rater", "Rating", "RatingChange"]


class Rater(StrEnum):
    """Whose rating it is: the API's `rating` and `agentRating`."""

    USER = "user"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """
    The state of one rating of one chat.

    It changed to `vote` somewhere in [`not_before`, `seen_at`]: the last look without it and the first look with it.
    """

    project: str
    conversation_id: str
    chat_id: str
    by: Rater
    vote: Vote
    not_before: float
    seen_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingChange:
    """
    A transition of one rating from `previous` to `rating.vote`, with what rules may ask about it.

    `question` and `answer` are the texts of the last chat of the user before and of the rated chat, where texts are
    kept at all; they are there only while the change is new, and never on disk.
    """

    rating: Rating
    previous: Vote
    app: App | None
    user_id: str | None
    chat_at: float
    question: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)
