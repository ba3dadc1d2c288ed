"""Transitions of ratings: what a look at some chats says that the last look did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from monitor.model.conversation import Chat, Conversation, Sender, Vote
from monitor.model.rating import Rater, Rating, RatingChange

__all__ = ["RatingKey", "compare", "votes"]

RatingKey = tuple[str, Rater]
"""A chat's id and whose rating of it."""


def compare(
    known: Mapping[RatingKey, Rating],
    conversation: Conversation,
    chats: Iterable[Chat],
    *,
    project: str,
    seen_at: float,
    looked_at: float | None,
) -> list[RatingChange]:
    """
    Return the transitions that this look at `chats` shows, oldest chat first.

    `known` holds the ratings recorded for this conversation; one that is absent is `Vote.NONE`. `looked_at` is when
    these chats were last looked at, None when never: a change happened after that look, after the chat was written
    and after its own last change. A look that is older than what is known says nothing.
    """
    changes: list[RatingChange] = []
    if looked_at is not None and looked_at > seen_at:
        return changes
    question = ""
    for chat in chats:
        question = chat.text if chat.sender is Sender.USER else question
        for by, vote in votes(chat):
            before = known.get((chat.id, by))
            previous = before.vote if before else Vote.NONE
            if vote is previous or (before is not None and before.seen_at > seen_at):
                continue
            bounds = [chat.at, *([looked_at] if looked_at is not None else []), *([before.seen_at] if before else [])]
            rating = Rating(
                project=project,
                conversation_id=conversation.id,
                chat_id=chat.id,
                by=by,
                vote=vote,
                not_before=min(max(bounds), seen_at),
                seen_at=seen_at,
            )
            changes.append(
                RatingChange(
                    rating=rating,
                    previous=previous,
                    app=conversation.app,
                    user_id=conversation.user_id,
                    chat_at=chat.at,
                    question=question,
                    answer=chat.text,
                )
            )
    return changes


def votes(chat: Chat) -> Iterator[tuple[Rater, Vote]]:
    """Yield both ratings of a chat."""
    yield Rater.USER, chat.rating
    yield Rater.AGENT, chat.agent_rating
