"""What the tests about ratings share: past conversations, polls that come seldom, what is known of ratings."""

from __future__ import annotations

from typing import Any

from monitor.model.rating import RatingChange
from monitor.simulator.entities import Chat, Conversation
from monitor.store.observations import Pass
from tests.support.rig import PROJECT, Rig

__all__ = ["SELDOM", "answer_of", "changes", "newest_pass", "past_conversation", "polling"]


def polling(**keys: Any) -> dict[str, Any]:
    """Return the section about polling with runs, which do not matter here, polled seldom."""
    return {"polling": {"runs": "1h", "conversations": "30s", "evaluation": "30s", **keys}}


SELDOM = polling(conversations="5m", evaluation="5m")


def past_conversation(
    rig: Rig, ago: float, *, chats: int = 2, user: str = "user-1", app_name: str = "Report"
) -> Conversation:
    """Add a conversation whose last chat was written `ago` seconds ago, one of the app after one of the user."""
    app = next((each for each in rig.world.apps.values() if each.name == app_name), None)
    first = rig.now - ago - (chats - 1) * 0.5
    conversation = rig.world.add_conversation(
        app=app or rig.world.add_app(app_name), user=rig.world.add_user(user), at=first
    )
    for number in range(chats):
        sender = "BOT" if number % 2 else "USER"
        rig.world.add_chat(conversation.id, sender, "text", at=first + number * 0.5)
    return conversation


def answer_of(conversation: Conversation) -> Chat:
    """Return the newest chat that the app wrote."""
    return next(chat for chat in reversed(conversation.chats) if chat.sender == "BOT")


async def changes(rig: Rig) -> list[RatingChange]:
    """Return what was seen to happen to ratings, in order."""
    async with rig.store.snapshot() as tx:
        return await tx.ratings.changes(PROJECT)


async def newest_pass(rig: Rig, poll: str = "conversations") -> Pass | None:
    """Return the newest complete pass of a poll."""
    async with rig.store.snapshot() as tx:
        return await tx.observations.newest_pass(PROJECT, poll)
