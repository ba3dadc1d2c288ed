"""JSON of the API to values."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alli.wire import Decoder, UnclearBody, valid_id
from monitor.model.conversation import LONGEST_TEXT, App, Chat, Conversation, Sender, Step, Vote
from tests.unit.alli.kit import START, chat_row, conversation_row, make_decoder, make_id

EARLIEST, LATEST = 978_307_200.0, 4_102_444_800.0


def encode(value: Any) -> bytes:
    """Return JSON as a server writes it."""
    return json.dumps(value).encode()


def decode(row: Any, decoder: Decoder | None = None) -> Conversation:
    """Read one conversation."""
    return (decoder or make_decoder()).conversation(encode(row))


def test_a_conversation_becomes_a_value_in_seconds() -> None:
    """Every field that is used arrives, in our units and names."""
    chat = chat_row(1, rating=False, agentRating=True, completed=False)
    row = conversation_row(7, lastChatTime=(START + 9) * 1000, isEnd=True, chats=[chat], chatCount=3)
    assert decode(row) == Conversation(
        id=make_id("Conversation", START, 7),
        app=App(id="app-1", name="Report"),
        user_id="u-1",
        created_at=START,
        last_chat_at=START + 9,
        is_end=True,
        chat_count=3,
        chats=(
            Chat(
                id=make_id("Chat", START, 1),
                sender=Sender.BOT,
                at=START + 0.0005,
                completed=False,
                length=5,
                type="llm",
                rating=Vote.NEGATIVE,
                agent_rating=Vote.POSITIVE,
            ),
        ),
    )


def test_nulls_and_missing_fields_have_a_meaning() -> None:
    """What an older server leaves out, and what the API says may be null, does not lose the row."""
    row = conversation_row(lastChatTime=None, user=None, llmApp=None, chats=None, isEnd=None, chatCount=None)
    value = decode(row)
    assert (value.last_chat_at, value.user_id, value.app, value.chats) == (None, None, None, ())
    bare = {"id": "x", "timestamp": START, "rating": None, "agentRating": None}
    chat = decode(conversation_row(chats=[bare])).chats[0]
    assert chat == Chat(id="x", sender=Sender.OTHER, at=START, completed=True)


DAMAGES = pytest.mark.parametrize(
    ("old", "new"),
    [(b"chatCount", b"chatC\xf9unt"), (b'"chatCount"', b'"id": "another", "chatCount"')],
    ids=["a key that is no UTF-8", "a key given twice"],
)


@DAMAGES
def test_a_damaged_row_is_set_aside_and_names_nobody(old: bytes, new: bytes) -> None:
    """What spoils a row where nothing is read spoils all of it: its id may be damaged as well."""
    damaged, sound = encode(conversation_row(1)).replace(old, new), encode(conversation_row(2))
    rows = make_decoder().conversations(b'{"conversations": [' + damaged + b", " + sound + b'], "cursor": null}')
    assert [row.id for row in rows.conversations] == [make_id("Conversation", START, 2)]
    assert (rows.set_aside, rows.unreadable) == (1, ())


@pytest.mark.parametrize("around", [b'"conversations": []', b'"c\xf9rsor": null'])
def test_a_page_that_is_damaged_around_its_rows_says_nothing(around: bytes) -> None:
    """A list that could be another one, and empty, is not taken for a complete one."""
    page = b'{"conversations": [' + encode(conversation_row(1)) + b"], " + around + b"}"
    with pytest.raises(UnclearBody):
        make_decoder().conversations(page)


@pytest.mark.parametrize("text", [b'{"isRunning": true, "isRunning": false}', b'{"isRunning": false, "\xf9": 1}'])
def test_a_damaged_answer_does_not_say_that_nothing_runs(text: bytes) -> None:
    """Of two values for one key neither is believed, and nothing beside bytes that are no UTF-8."""
    with pytest.raises(UnclearBody):
        make_decoder().is_running(text)


@pytest.mark.parametrize("missing", ["rating", "agentRating"])
def test_a_rating_that_is_missing_is_not_a_rating_that_was_withdrawn(missing: str) -> None:
    """Null says that nobody rates the chat; a chat without the key says nothing, and its row is set aside."""
    chat = {"id": "x", "timestamp": START, "rating": None, "agentRating": None}
    del chat[missing]
    with pytest.raises(UnclearBody):
        decode(conversation_row(chats=[chat]))


def test_unknown_keys_are_skipped() -> None:
    """A server may send more than we know."""
    assert decode(conversation_row(brandNew={"deep": [1, {}]})).id == make_id("Conversation", START)


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("USER", Sender.USER),
        ("bot", Sender.BOT),
        ("Agent", Sender.AGENT),
        ("ROBOT", Sender.OTHER),
        (None, Sender.OTHER),
    ],
)
def test_senders_are_read_in_any_case(text: str | None, sender: Sender) -> None:
    """The API's set of senders is open; what is not known is nobody in particular."""
    drifts = Counter[str]()
    value = decode(conversation_row(chats=[chat_row(sender=text)]), make_decoder(drifts))
    assert value.chats[0].sender is sender
    assert drifts["unknown_sender"] == (sender is Sender.OTHER)


@pytest.mark.parametrize("reverse", [False, True])
def test_chats_are_oldest_first_whatever_the_order_of_the_server(*, reverse: bool) -> None:
    """Newest-first servers give the same value, also for chats of the same moment."""
    chats = [chat_row(n, at=START + at) for n, at in enumerate([1, 2, 2, 3])]
    value = decode(conversation_row(chats=chats[::-1] if reverse else chats))
    assert [chat.id for chat in value.chats] == [chat["id"] for chat in chats]


def test_a_chat_that_comes_twice_counts_once() -> None:
    """The last version of the answer holds."""
    value = decode(conversation_row(chats=[chat_row(1, message="a"), chat_row(1, message="abc")]))
    assert [chat.length for chat in value.chats] == [3]


@pytest.mark.parametrize(
    ("message", "length"),
    [
        ("", 0),
        (None, 0),
        ("héllo", 5),
        ('{"blocks":[{"text":"ab","type":"unstyled"},{"text":"c"}],"entityMap":{}}', 4),
        ('{"blocks":[{"text":""}]}', 0),
        ('{"blocks":[{"key":"x"}]}', 0),
        ('{"a": 1}', 8),
        ('{"blocks": "no"}', 16),
        ("{not json", 9),
    ],
)
def test_the_length_of_a_message_is_what_a_person_sees(message: str | None, length: int) -> None:
    """DraftJS is flattened; other text, JSON or not, is measured as it is."""
    assert make_decoder().chat(encode(chat_row(message=message))).length == length


def test_the_text_of_a_message_is_read_only_where_that_is_wanted() -> None:
    """By default a chat has no text, and never more than its beginning; nothing shows it by accident."""
    decoder = make_decoder()
    draft = encode(chat_row(message='{"blocks":[{"text":"ab"},{"text":"c"}]}'))
    assert decoder.chat(draft).text == ""
    decoder.keeps_text = True
    assert decoder.chat(draft).text == "ab\nc"
    assert "ab" not in repr(decoder.chat(draft))
    long = decoder.chat(encode(chat_row(message="x" * 9000)))
    assert (len(long.text), long.length) == (LONGEST_TEXT, 9000)


def test_steps_of_a_chat_are_read() -> None:
    """A chat that is being generated shows its steps."""
    steps = [
        {"key": "a", "createdAt": START * 1000, "completed": True},
        {"key": "b", "createdAt": None, "completed": None},
    ]
    chat = make_decoder().chat(encode(chat_row(intermediateSteps=steps)))
    assert chat.steps == (
        Step(key="a", created_at=START, completed=True),
        Step(key="b", created_at=None, completed=False),
    )


def test_names_hold_no_nul_and_do_not_go_on_for_ever() -> None:
    """What a database would refuse is taken out of texts."""
    row = conversation_row(llmApp={"id": "a", "name": "x\0y" + "z" * 5000}, user={"userId": "u\0"})
    value = decode(row)
    assert value.app is not None
    assert value.app.name.startswith("xyz")
    assert len(value.app.name) == 1000
    assert value.user_id == "u"


@pytest.mark.parametrize("id_", ["", ".", "..", "a\0b", "a\nb", "x" * 513, "\ufffd"])
def test_texts_that_cannot_be_ids_are_refused(id_: str) -> None:
    """An id goes into paths, logs and databases."""
    assert not valid_id(id_)
    with pytest.raises(UnclearBody):
        decode(conversation_row(id=id_))


BAD = [
    conversation_row(createdAt="2027-01-15T08:00:00Z"),
    conversation_row(createdAt=None),
    conversation_row(createdAt=0),
    conversation_row(createdAt=-START),
    conversation_row(createdAt=10**400),
    conversation_row(createdAt=True),
    conversation_row(createdAt=(START + 200_000) * 1000),
    conversation_row(lastChatTime=9e18),
    conversation_row(chatCount=10**30),
    conversation_row(chatCount=-1),
    conversation_row(isEnd="false"),
    conversation_row(chats=[chat_row(), chat_row(1, rating="up")]),
    conversation_row(chats=[chat_row(at=START, timestamp=(START + 200_000) * 1000)]),
    conversation_row(user="u-1"),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_row_is_set_aside_and_its_id_is_told(bad: dict[str, Any]) -> None:
    """One row that cannot be understood loses neither the page nor the knowledge that the conversation is there."""
    drifts = Counter[str]()
    page = {
        "conversations": [conversation_row(1), bad | {"id": make_id("Conversation", START, 9)}, conversation_row(2)]
    }
    rows = make_decoder(drifts).conversations(encode(page | {"cursor": None}))
    assert [c.id for c in rows.conversations] == [make_id("Conversation", START, n) for n in (1, 2)]
    assert (rows.count, rows.set_aside, rows.unreadable) == (3, 1, (make_id("Conversation", START, 9),))
    assert drifts["bad_row"] == 1


@pytest.mark.parametrize("bad", [None, 17, "row", [], {}, {"id": 17}, {"id": ".."}])
def test_a_row_without_an_id_is_only_counted(bad: Any) -> None:
    """What has no id cannot be told, but is counted."""
    rows = make_decoder().conversations(encode({"conversations": [bad, conversation_row()], "cursor": "c"}))
    assert (len(rows.conversations), rows.set_aside, rows.unreadable, rows.cursor) == (1, 1, (), "c")


def test_a_unit_that_the_ids_contradict_is_told_as_such() -> None:
    """Drift of the time unit has its own name."""
    drifts = Counter[str]()
    row = conversation_row(createdAt=START * 1000 - 200_000_000)
    make_decoder(drifts).conversations(encode({"conversations": [row], "cursor": None}))
    assert drifts == {"time_unit": 1, "bad_row": 1}


def test_an_empty_cursor_ends_the_list() -> None:
    """Empty is taken as null."""
    assert make_decoder().conversations(b'{"conversations": [], "cursor": ""}').cursor is None


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"conversations": []}',
        b'{"cursor": null}',
        b'{"conversations": null, "cursor": null}',
        b'{"conversations": {}, "cursor": null}',
        b'{"conversations": [], "cursor": 7}',
        b'{"conversations": [], "cursor": "' + b"x" * 9000 + b'"}',
    ],
)
def test_a_page_of_another_shape_is_unclear(text: bytes) -> None:
    """Without list and cursor nothing is known, least of all that the list is empty."""
    with pytest.raises(UnclearBody):
        make_decoder().conversations(text)


def test_a_page_of_chats_sets_bad_rows_aside() -> None:
    """The good chats of a page are used, the others counted."""
    page = {"chats": [chat_row(2, at=START + 2), {"id": 1}, chat_row(1, at=START + 1)], "pageNo": 3, "totalCount": 203}
    result = make_decoder().chats(encode(page), 3)
    assert [chat.at for chat in result.chats] == [START + 1.0005, START + 2.0005]
    assert (result.page, result.total, result.set_aside) == (3, 203, 1)


def test_a_page_of_chats_without_a_number_is_the_one_asked_for() -> None:
    """Older servers do not number their pages."""
    assert make_decoder().chats(b'{"chats": [], "totalCount": 0}', 4).page == 4


@pytest.mark.parametrize("text", [b'{"isRunning": null}', b"{}", b'{"isRunning": "true"}', b'{"isRunning": 1}'])
def test_running_is_true_or_false_or_unclear(text: bytes) -> None:
    """Whether something runs is never guessed."""
    with pytest.raises(UnclearBody):
        make_decoder().is_running(text)
    assert make_decoder().is_running(b'{"isRunning": true}') is True
    assert make_decoder().is_running(b'{"isRunning": false}') is False


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, 10**400, START, START * 1000, 0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


def mutated(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return rows some of whose fields are anything."""
    return st.dictionaries(st.sampled_from(sorted(row)), json_values, max_size=3).map(lambda fields: row | fields)


chat_rows = mutated(chat_row(intermediateSteps=[{"key": "a", "completed": False}]))
rows_strategy = mutated(conversation_row(chats=[chat_row()])) | json_values
rows_with_chats = st.lists(chat_rows | json_values, max_size=4).map(lambda chats: conversation_row(chats=chats))


def check_sense(conversation: Conversation) -> None:
    """Assert that a value is one that can be stored and compared."""
    times = [conversation.created_at, *(chat.at for chat in conversation.chats)]
    times += [step.created_at for chat in conversation.chats for step in chat.steps if step.created_at is not None]
    assert all(EARLIEST <= at <= LATEST for at in times)
    assert valid_id(conversation.id)
    assert all(valid_id(chat.id) for chat in conversation.chats)
    assert 0 <= conversation.chat_count < 2**31
    assert [chat.at for chat in conversation.chats] == sorted(chat.at for chat in conversation.chats)
    assert "\0" not in str(conversation)


@settings(max_examples=300, deadline=None)
@given(st.lists(rows_strategy | rows_with_chats, max_size=5))
def test_any_rows_give_values_that_make_sense_or_are_set_aside(rows: list[Any]) -> None:
    """Whatever stands in a page, every row is either a sound value or counted, and none is lost."""
    page = make_decoder().conversations(encode({"conversations": rows, "cursor": None}))
    assert len(page.conversations) + page.set_aside == page.count == len(rows)
    for conversation in page.conversations:
        check_sense(conversation)


@settings(max_examples=200, deadline=None)
@given(json_values | rows_strategy | chat_rows)
def test_any_value_is_read_or_unclear(value: Any) -> None:
    """No JSON value makes a reader raise anything but that it is unclear."""
    decoder = make_decoder()
    text = encode(value)
    for read in (
        decoder.conversations,
        decoder.conversation,
        lambda raw: decoder.chats(raw, 1),
        decoder.chat,
        decoder.is_running,
    ):
        try:
            read(msgspec.Raw(text))
        except UnclearBody:
            continue
