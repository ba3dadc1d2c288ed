"""The operations that change something, over a transport that answers as Alli might."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from monitor.alli.editor import Changes, Editor, FeedbackReason, Which
from monitor.errors import ApiAuthError, ApiNotFound, ApiUnavailable, ApiUnclear, MonitorError, WriteRefused
from monitor.model.conversation import Vote
from tests.unit.alli.kit import START, Recorder, conversation_row, make_client, make_id

ID = make_id("Conversation", START, 1)
CHAT_ID = make_id("Chat", START, 1)
CATEGORY_ID = make_id("Category", START, 1)

CALLS: dict[str, Callable[[Editor], Awaitable[Any]]] = {
    "update_conversation": lambda editor: editor.update_conversation(ID, Changes(title="new")),
    "bulk_update": lambda editor: editor.bulk_update(Which(conversation_ids=[ID]), Changes(title="new")),
    "set_title": lambda editor: editor.set_title(ID, "new"),
    "delete_chat": lambda editor: editor.delete_chat(ID, CHAT_ID),
    "post_feedback": lambda editor: editor.post_feedback(ID, CHAT_ID, Vote.NEGATIVE),
    "create_category": lambda editor: editor.create_category("new"),
    "delete_category": lambda editor: editor.delete_category(CATEGORY_ID),
}
WITHOUT_ANSWER = ["bulk_update", "delete_chat", "delete_category"]
WITH_ANSWER = sorted(CALLS.keys() - set(WITHOUT_ANSWER))


class Desk:
    """An editor whose every request gets the same answer, and what it sent."""

    def __init__(self, answer: httpx.Response | Exception | None = None) -> None:
        self.answer = answer or httpx.Response(200)
        self.asked: list[httpx.Request] = []
        self.telemetry = Recorder()
        client = make_client(self._handle, telemetry=self.telemetry, writes=frozenset(CALLS))
        self.editor = Editor(client.exchange)

    @property
    def bodies(self) -> list[Any]:
        """The bodies that were sent."""
        return [json.loads(request.content) for request in self.asked]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "which",
    [
        Which(),
        Which(conversation_ids=[]),
        Which(user_ids=[], llm_app_ids=[]),
        Which(user_ids=["u"], conversation_ids=[]),
    ],
)
async def test_a_bulk_update_needs_filters_that_filter(which: Which) -> None:
    """Without one every conversation would change; an empty one may be taken for none."""
    desk = Desk()
    with pytest.raises(WriteRefused, match="filter"):
        await desk.editor.bulk_update(which, Changes(title="new"))
    assert desk.asked == []


async def test_changes_must_change_something() -> None:
    """An update without a change is a mistake of the caller, not a request."""
    desk = Desk()
    with pytest.raises(WriteRefused, match="nothing"):
        await desk.editor.update_conversation(ID, Changes())
    with pytest.raises(WriteRefused, match="nothing"):
        await desk.editor.bulk_update(Which(user_ids=["u"]), Changes())
    assert desk.asked == []


async def test_a_bulk_update_names_what_is_given_and_nothing_else() -> None:
    """What is None is not sent: a null might mean something to a server."""
    desk = Desk()
    await desk.editor.bulk_update(Which(llm_app_ids={"app"}), Changes(category_ids=()))
    assert desk.bodies == [{"llmAppIds": ["app"], "conversationInfo": {"categoryIds": []}}]


async def test_feedback_is_sent_as_described() -> None:
    """A withdrawn rating is an explicit null; reasons are the API's words."""
    answer = {"conversationId": ID, "chatId": CHAT_ID}
    desk = Desk(httpx.Response(200, json=answer))
    assert (await desk.editor.post_feedback(ID, CHAT_ID, Vote.NONE)).value.vote is Vote.NONE
    await desk.editor.post_feedback(
        ID, CHAT_ID, Vote.NEGATIVE, reasons=[FeedbackReason.TOO_SLOW, FeedbackReason.OTHER], suggested_answer=""
    )
    assert desk.bodies == [
        {"rating": None},
        {"rating": False, "feedbackSelection": ["too_slow", "etc"], "suggestedAnswer": ""},
    ]


async def test_a_text_that_has_no_utf_8_form_is_sent_all_the_same() -> None:
    """A lone surrogate out of somebody's message is escaped, not an error of the HTTP library."""
    desk = Desk(httpx.Response(200, json=conversation_row(1, title="x")))
    await desk.editor.set_title(ID, "a\ud800b 한")
    assert desk.bodies == [{"title": "a\ud800b 한"}]


async def test_ids_are_encoded() -> None:
    """An id is one segment of the path, and what cannot be an id is not asked for."""
    desk = Desk()
    await desk.editor.delete_category("a/b+c=")
    await desk.editor.delete_chat("a/b", "c?d")
    assert [request.url.raw_path.decode() for request in desk.asked] == [
        "/webapi/v2/conversation_categories/a%2Fb%2Bc%3D",
        "/webapi/v2/conversations/a%2Fb/chats/c%3Fd",
    ]
    for call in (
        lambda: desk.editor.delete_category(".."),
        lambda: desk.editor.delete_chat(ID, ""),
        lambda: desk.editor.set_title("a\nb", "new"),
    ):
        with pytest.raises(ApiNotFound):
            await call()
    assert len(desk.asked) == 2


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (httpx.ConnectError("no"), False),
        (httpx.ConnectTimeout("no"), False),
        (httpx.ReadTimeout("no"), True),
        (httpx.WriteError("no"), True),
        (httpx.RemoteProtocolError("no"), True),
        (httpx.Response(429), False),
        (httpx.Response(503), False),
    ],
)
async def test_a_change_is_sent_once_and_tells_whether_it_may_have_arrived(
    name: str, answer: httpx.Response | Exception, *, sent: bool
) -> None:
    """What may have been carried out is never repeated here; the caller learns what is known of it."""
    desk = Desk(answer)
    with pytest.raises(ApiUnavailable) as caught:
        await CALLS[name](desk.editor)
    assert caught.value.sent is sent
    assert [operation for operation, _ in desk.telemetry.requests] == [name]


@pytest.mark.parametrize("name", WITHOUT_ANSWER)
@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
async def test_nothing_is_an_answer_where_none_is_described(name: str, body: bytes) -> None:
    """A deletion and a bulk update have no documented answer: an empty one is a success."""
    assert (await CALLS[name](Desk(httpx.Response(200, content=body)).editor)).value is None


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, html="<title>Please log in</title>"), ApiUnclear),
        (httpx.Response(200, json={"result": None, "errors": "internal"}), ApiUnclear),
        (httpx.Response(200, json={"error": {"name": "INVALID_TOKEN"}}), ApiAuthError),
    ],
)
async def test_a_success_that_tells_of_an_error_is_none(
    name: str, answer: httpx.Response, error: type[MonitorError]
) -> None:
    """A log-in page or an error inside a 200 is not taken for a change, and the change is not sent again."""
    desk = Desk(answer)
    with pytest.raises(error):
        await CALLS[name](desk.editor)
    assert len(desk.asked) == 1


@pytest.mark.parametrize("name", WITH_ANSWER)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"id": 7, "title": 7, "categories": 7, "categoryId": 7, "name": 7, "conversationId": 7, "chatId": 7}',
    ],
)
async def test_an_answer_that_is_described_is_read_strictly(name: str, body: bytes) -> None:
    """Where the API shows what it changed, nothing and something else are unclear."""
    with pytest.raises(ApiUnclear):
        await CALLS[name](Desk(httpx.Response(200, content=body)).editor)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("set_title", conversation_row(2)),
        ("update_conversation", conversation_row(2)),
        ("post_feedback", {"conversationId": ID, "chatId": make_id("Chat", START, 2)}),
        ("post_feedback", {"conversationId": make_id("Conversation", START, 2), "chatId": CHAT_ID}),
    ],
)
async def test_an_answer_about_another_object_is_unclear(name: str, answer: Any) -> None:
    """A mixed-up answer does not confirm a change."""
    with pytest.raises(ApiUnclear, match="another object"):
        await CALLS[name](Desk(httpx.Response(200, json=answer)).editor)
