from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alli.answers import Reply, signature
from monitor.alli.ids import made_at
from monitor.alli.redaction import KEPT_WORDS, WORDY_KEYS, Redaction
from monitor.alli.units import object_id
from tests.unit.alli.kit import START, chat_row, conversation_row, make_id

REDACTION = Redaction(b"a key")
KEYS = ["id", "message", "title", "sender", "type", "userId", "cursor", "errors", "detail", "name", "date", "variables"]
TEXTS = st.one_of(
    st.text(),
    st.sampled_from(
        ["Kim Minji", "a@example.com", "user not found: Kim", "2026-11-22", make_id("Chat", START, 7), "x" * 9]
    ),
    st.from_regex(r"[0-9a-f]{24}", fullmatch=True),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=6),
    max_leaves=25,
)


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a value with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from texts(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, key)


def shape(value: Any) -> Any:
    """Return the kinds of a value, and the lengths of its lists and mappings."""
    if isinstance(value, dict):
        return {"object": [shape(each) for each in value.values()]}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__


def is_allowed(key: str, text: str) -> bool:
    """Whether a text may stay: a word of a known set, a day, or the words of an error."""
    if key in WORDY_KEYS and re.fullmatch(r"[A-Za-z][\w-]{0,31}", text, re.ASCII):
        return True
    if key == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return True
    words = re.findall(r"[^\W\d_]+", text)
    return all(word.lower() in KEPT_WORDS or set(word) == {"x"} for word in words) and not re.search(r"[1-9]", text)


@given(VALUES, st.booleans())
def test_no_text_survives(value: Any, failed: bool) -> None:  # noqa: FBT001 - what Hypothesis hands in
    """No text of more than three characters is left as it was, but for words of known sets."""
    left = texts(REDACTION.body(value, failed=failed))
    originals = {text for _, text in texts(value) if len(text) > 3}
    assert [(key, text) for key, text in left if text in originals and not is_allowed(key, text)] == []


@given(VALUES, st.booleans())
def test_the_shape_stays(value: Any, failed: bool) -> None:  # noqa: FBT001 - what Hypothesis hands in
    """Types and the lengths of lists and mappings are those of the original, and the result is JSON."""
    redacted = REDACTION.body(value, failed=failed)
    assert shape(redacted) == shape(value)
    json.dumps(redacted)


@given(st.text())
def test_texts_that_are_no_json_keep_their_length(text: str) -> None:
    """Of a page of HTML, nothing but punctuation and the words of errors is left, in as many characters."""
    assert len(REDACTION.text(text)) == len(text)


def test_a_conversation_keeps_what_the_monitor_reads() -> None:
    """Times, flags, counts, senders and null stay; names, titles and messages become as many x."""
    row = conversation_row(chats=[chat_row(rating=False)], chatCount=1)
    found = REDACTION.body(row)
    assert found["title"] == "xxxxxxx"
    assert found["llmApp"]["name"] == "xxxxxx"
    assert (found["createdAt"], found["chatCount"], found["variables"]) == (row["createdAt"], 1, None)
    [chat] = found["chats"]
    assert chat | {"id": ""} == chat_row(rating=False) | {"id": "", "message": "xxxxx"}


def test_ids_stay_consistent_in_form_and_in_time() -> None:
    """An id becomes another one of the same form and second, the same everywhere, in bodies and in paths."""
    original = make_id("Conversation", START, 7)
    [other, again, bare] = REDACTION.body([{"id": original}, {"name": original}, {"id": object_id(original)}])
    assert other["id"] == again["name"] != original
    assert object_id(other["id"]) == bare["id"]
    assert made_at(other["id"]) == made_at(original) == START
    path = REDACTION.path(f"/webapi/v2/conversations/{original.replace('=', '%3D')}/running")
    assert path == f"/webapi/v2/conversations/{other['id'].replace('=', '%3D')}/running"


def test_nobody_without_the_key_can_match_ids() -> None:
    """Two recordings give the same object different ids."""
    original = make_id("Chat", START, 7)
    assert REDACTION.body({"id": original}) != Redaction(b"another key").body({"id": original})


def test_ids_of_another_form_and_cursors_become_tokens() -> None:
    """What names something but is no ObjectId is replaced, the same way each time, in parameters too."""
    found = REDACTION.body({"cursor": "opaque", "user": {"userId": "kim@example.com"}, "knowledgeBaseIds": ["kb-1"]})
    assert found["cursor"] == REDACTION.params({"cursor": "opaque"})["cursor"] != "opaque"
    assert len(found["user"]["userId"]) == len("kim@example.com")
    assert found["knowledgeBaseIds"] != ["kb-1"]


def test_parameters_keep_what_was_asked() -> None:
    """Sizes, times, truths and orders stay; what a person may have typed does not."""
    asked = {
        "pageSize": "50",
        "startedAt": "1800000000.500",
        "backgroundRunning": "true",
        "order": "LAST_CHAT_TIME_DESC",
    }
    assert REDACTION.params(asked) == asked
    assert REDACTION.params({"searchTerm": "Kim"}) == {"searchTerm": "xxx"}


def test_variables_lose_their_names_and_numbers() -> None:
    """What users themselves named and filled keeps nothing but its shape."""
    filled = {"variables": {"phone of Kim": 821012345678, "tags": ["vip"], "ok": True, "none": None, "share": 0.5}}
    expected = {"variables": {"key0": 0, "key1": ["xxx"], "key2": True, "key3": None, "key4": 0.0}}
    assert REDACTION.body(filled) == expected


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"detail": "Not Found"}),
        (400, {"error": {"value": 1002, "name": "INVALID_REQUEST"}, "message": "INVALID_REQUEST"}),
        (200, {"result": None, "errors": "Object does not exist."}),
        (404, {"detail": "Conversation 65a1f does not exist"}),
    ],
)
def test_refusals_keep_their_signature(status: int, body: Any) -> None:
    """How a server answers about a missing id is recognised in the recording as it was at the server."""

    def sign(content: Any) -> str | None:
        reply = Reply(
            operation="get_conversation", by_id=True, status=status, headers={}, body=json.dumps(content).encode()
        )
        return signature(reply)

    assert sign(REDACTION.body(body, failed=status != 200)) == sign(body) is not None
