"""Looking at conversations: those that changed, those in a band of the look-back, and chats beyond the newest 20."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator

from monitor.alli.client import Client
from monitor.alli.listing import ConversationQuery, Listing, Order
from monitor.alli.pacing import Priority
from monitor.model.capabilities import Proof
from monitor.model.conversation import Chat, Conversation

__all__ = ["CHATS_PER_PAGE", "band", "changed", "chats_from", "digest", "learn_time_unit", "pages_of"]

CHATS_PER_PAGE = 100
"""Fixed by the API."""

_MOST_CHATS = 20_000  # of one conversation that are read: a server that counts without end must not hold up the rest


def changed(client: Client, *, since: float) -> Listing:
    """
    Return a pass over conversations with a chat at or after `since`, server time.

    Newest first: a conversation that gets a chat while one pages jumps to the first page, which is behind us, but
    then its chat is younger than the pass, and the next one finds it. The other way round rows could be skipped.
    """
    query = ConversationQuery(last_chat_from=since, order=Order.LAST_CHAT_NEWEST_FIRST)
    return client.conversations(query, priority=Priority.CONVERSATIONS)


def band(client: Client, *, oldest: float | None, newest: float | None) -> Listing:
    """
    Return a pass over conversations whose last chat lies between two server times, where those are given.

    The order is one that does not move. Where time filters do not work that would be a pass over everything, so it is
    that of `changed`, which ends where the band does; what moves then is what the next `changed` finds.
    """
    filtered = client.capabilities.time_filter is not Proof.FAILS
    order = Order.FIRST_CHAT_OLDEST_FIRST if filtered else Order.LAST_CHAT_NEWEST_FIRST
    query = ConversationQuery(last_chat_from=oldest, last_chat_to=newest, order=order)
    return client.conversations(query, priority=Priority.SWEEP)


async def learn_time_unit(client: Client) -> None:
    """
    See one row before a time filter is sent, for its unit is that of the answers.

    In the wrong unit a filter matches nothing, which would look like a project where nothing happens.
    """
    if client.time_unit_known:
        return
    async for _ in client.conversations(ConversationQuery(page_size=1), priority=Priority.CONVERSATIONS):
        return


def pages_of(conversation: Conversation) -> int:
    """Return how many pages the chats of a conversation fill."""
    return max(math.ceil(conversation.chat_count / CHATS_PER_PAGE), 1)


async def chats_from(
    client: Client, conversation: Conversation, *, page: int = 1, until: int | None = None
) -> AsyncIterator[tuple[Chat, ...]]:
    """
    Yield the chats of a conversation page by page, from `page` to `until`, or to the last one.

    Raises what the client raises.
    """
    while until is None or page <= until:
        answer = (await client.chats(conversation.id, page, priority=Priority.SWEEP)).value
        yield answer.chats
        total = conversation.chat_count if client.capabilities.page_total is Proof.FAILS else answer.total
        if page * CHATS_PER_PAGE >= min(total, _MOST_CHATS) or not answer.chats:
            return
        page += 1


def digest(conversation: Conversation) -> str:
    """Return a text that is the same as long as nothing that ratings depend on changed in what is embedded."""
    parts = [str(conversation.chat_count), str(conversation.last_chat_at)]
    parts += [f"{chat.id} {chat.rating.value} {chat.agent_rating.value}" for chat in conversation.chats]
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
