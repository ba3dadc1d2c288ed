"""The operations that change something or cost something."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from monitor.simulator.answers import Refusal, idle, json_response, missing
from monitor.simulator.entities import Conversation
from monitor.simulator.reads import find_chat, find_conversation
from monitor.simulator.record import StopEffect
from monitor.simulator.requests import (
    BulkUpdate,
    CategoryBody,
    Completion,
    ConversationInfo,
    Feedback,
    TitleBody,
    read_body,
)
from monitor.simulator.wire import EMBEDDED_CHATS, category_row, conversation_row
from monitor.simulator.world import World

__all__ = [
    "bulk_update",
    "chat_completions",
    "create_category",
    "delete_category",
    "delete_chat",
    "post_feedback",
    "set_title",
    "stop_conversation",
    "update_conversation",
]

_COMPLETION = ("This ", "is ", "a ", "simulated ", "answer.")


async def stop_conversation(request: Request, world: World) -> Response:
    """Stop what runs in a conversation; the options say whether it is an error when nothing does."""
    stop = world.stop(request.path_params["conversation_id"])
    if stop.effect is StopEffect.MISSING:
        return missing(world.options.missing)
    return idle() if stop.status == HTTPStatus.CONFLICT else Response()


async def update_conversation(request: Request, world: World) -> Response:
    """Change a conversation."""
    conversation = find_conversation(request, world)
    _change(conversation, await read_body(request, ConversationInfo), world)
    return _conversation(conversation, world)


async def bulk_update(request: Request, world: World) -> Response:
    """Change every conversation that fits all the filters that are given."""
    body = await read_body(request, BulkUpdate)
    for conversation in world.conversations.values():
        if _fits(conversation, body):
            _change(conversation, body.conversation_info, world)
    return Response()


async def set_title(request: Request, world: World) -> Response:
    """Give a conversation a title."""
    conversation = find_conversation(request, world)
    conversation.title = (await read_body(request, TitleBody)).title
    return _conversation(conversation, world)


async def delete_chat(request: Request, world: World) -> Response:
    """Delete a chat."""
    world.delete_chat(find_chat(request, world).id)
    return Response()


async def post_feedback(request: Request, world: World) -> Response:
    """Rate a chat: as the agent whom the `AGENT-EMAIL` header names, else as the user."""
    chat = find_chat(request, world)
    vote = (await read_body(request, Feedback)).rating
    world.rate(chat.id, vote, "agent" if "agent-email" in request.headers else "user")
    return json_response({"conversationId": chat.conversation_id, "chatId": chat.id, "rating": vote})


async def create_category(request: Request, world: World) -> Response:
    """Create a category."""
    return json_response(category_row(world.add_category((await read_body(request, CategoryBody)).name)))


async def delete_category(request: Request, world: World) -> Response:
    """Delete a category and take it off every conversation."""
    category_id = request.path_params["category_id"]
    if world.categories.pop(category_id, None) is None:
        raise Refusal(missing(world.options.missing))
    for conversation in world.conversations.values():
        if category_id in conversation.categories:
            conversation.categories.remove(category_id)
    return Response()


async def chat_completions(request: Request, world: World) -> Response:  # noqa: ARG001 - the form of an operation
    """Answer with a canned text, at once or word by word; the shape of the real answer is not documented."""
    body = await read_body(request, Completion)
    if body.mode == "stream":
        return Response(_events(), media_type="text/event-stream")
    message = {"role": "assistant", "content": "".join(_COMPLETION)}
    return json_response({"model": body.model, "message": message})


def _events() -> bytes:
    pieces = [msgspec.json.encode({"content": piece}) for piece in _COMPLETION]
    return b"".join(b"data: " + piece + b"\n\n" for piece in [*pieces, b"[DONE]"])


def _conversation(conversation: Conversation, world: World) -> Response:
    return json_response(conversation_row(conversation, world.options, embed=EMBEDDED_CHATS))


def _change(conversation: Conversation, info: ConversationInfo, world: World) -> None:
    if info.category_ids is not None:
        if not world.categories.keys() >= set(info.category_ids):
            raise Refusal(missing(world.options.missing))
        conversation.categories = list(info.category_ids)
    if info.state is not None:
        conversation.state, conversation.is_end = info.state, info.state.ends
    if info.assignee is not None:
        conversation.assignee = info.assignee
    if info.title is not None:
        conversation.title = info.title


def _fits(conversation: Conversation, wanted: BulkUpdate) -> bool:
    user_id = conversation.user and conversation.user.id
    app_id = conversation.app and conversation.app.id
    return (
        (wanted.user_ids is None or user_id in wanted.user_ids)
        and (wanted.llm_app_ids is None or app_id in wanted.llm_app_ids)
        and (wanted.category_ids is None or not set(wanted.category_ids).isdisjoint(conversation.categories))
        and (wanted.conversation_ids is None or conversation.id in wanted.conversation_ids)
    )
