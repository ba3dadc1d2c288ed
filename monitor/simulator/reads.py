"""The operations that read."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitor.simulator.answers import Refusal, json_response, missing, not_json
from monitor.simulator.entities import Chat, Conversation
from monitor.simulator.options import DailyCount
from monitor.simulator.query import ListQuery, list_page
from monitor.simulator.requests import DailyRange, read_body, read_query
from monitor.simulator.wire import EMBEDDED_CHATS, category_row, chat_detail, chat_row, conversation_row
from monitor.simulator.world import World

__all__ = [
    "daily_count",
    "find_chat",
    "find_conversation",
    "get_chat",
    "get_conversation",
    "get_running",
    "list_categories",
    "list_chats",
    "list_conversations",
]

_CHAT_PAGE = 100


class ChatsQuery(BaseModel):
    """The query parameters of the list of chats."""

    model_config = ConfigDict(alias_generator=to_camel)

    page_no: int = Field(default=1, ge=1)


async def list_conversations(request: Request, world: World) -> Response:
    """Answer one page of conversations."""
    query = read_query(request, ListQuery, world.options.ignored_parameters)
    page, cursor = list_page(query, world)
    if query.background_running is not None:
        world.note_listed(page, running=query.background_running)
    rows = [conversation_row(each, world.options, embed=world.options.embed) for each in page]
    return json_response({"conversations": rows, "cursor": cursor})


async def get_conversation(request: Request, world: World) -> Response:
    """Answer one conversation with its newest 20 chats."""
    conversation = find_conversation(request, world)
    world.check(conversation.id)
    return json_response(conversation_row(conversation, world.options, embed=EMBEDDED_CHATS))


async def list_chats(request: Request, world: World) -> Response:
    """Answer one page of a conversation's chats, oldest first."""
    conversation = find_conversation(request, world)
    page_no = read_query(request, ChatsQuery).page_no
    page = conversation.chats[(page_no - 1) * _CHAT_PAGE : page_no * _CHAT_PAGE]
    rows = [chat_row(chat, world.options) for chat in page]
    return json_response({"chats": rows, "pageNo": page_no, "totalCount": len(conversation.chats)})


async def get_running(request: Request, world: World) -> Response:
    """Answer whether a background run is going on."""
    return json_response({"isRunning": world.is_running(find_conversation(request, world).id)})


async def get_chat(request: Request, world: World) -> Response:
    """Answer one chat with its intermediate steps."""
    return json_response(chat_detail(find_chat(request, world), world.options))


async def list_categories(request: Request, world: World) -> Response:  # noqa: ARG001 - the form of an operation
    """Answer every category."""
    return json_response({"categories": [category_row(each) for each in world.categories.values()]})


async def daily_count(request: Request, world: World) -> Response:
    """Answer how many conversations had their first chat on each day of a range, if the request arrives whole."""
    if world.options.daily_count is DailyCount.FORBIDDEN:
        return HTMLResponse("<title>ERROR</title><p>The request could not be satisfied.</p>", 403)
    if world.options.daily_count is DailyCount.BODY_DROPPED:
        return not_json()
    wanted = await read_body(request, DailyRange)
    zone = ZoneInfo(world.options.timezone)
    counts: Counter[date] = Counter(
        datetime.fromtimestamp(each.first_chat_at, UTC).astimezone(zone).date()
        for each in world.conversations.values()
        if each.first_chat_at is not None
    )
    days = [wanted.start_date + timedelta(days=n) for n in range((wanted.end_date - wanted.start_date).days + 1)]
    totals = [{"date": day.isoformat(), "activeCount": counts[day]} for day in days]
    return json_response(
        {"result": {"dailyTotalCount": totals, "state": "success", "campaignCount": 0}, "errors": None}
    )


def find_conversation(request: Request, world: World) -> Conversation:
    """Return the conversation that the path names; raise Refusal when there is none."""
    conversation = world.conversations.get(request.path_params["conversation_id"])
    if conversation is None:
        raise Refusal(missing(world.options.missing))
    return conversation


def find_chat(request: Request, world: World) -> Chat:
    """Return the chat that the path names, which belongs to the conversation; raise Refusal when there is none."""
    conversation = find_conversation(request, world)
    chat = world.chats.get(request.path_params["chat_id"])
    if chat is None or chat.conversation_id != conversation.id:
        raise Refusal(missing(world.options.missing))
    return chat
