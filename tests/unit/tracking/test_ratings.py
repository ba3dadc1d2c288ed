from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.conversation import Chat, Conversation, Vote
from monitor.model.rating import Rater, Rating, RatingChange
from monitor.tracking.ratings import RatingKey, compare, votes
from tests.support.build import APP, PROJECT, START, bot, conversation, rating

ANSWER = bot("b1", START - 30, completed=True)
BY_USER = ("b1", Rater.USER)


def look(
    *chats: Chat, known: dict[RatingKey, Rating] | None = None, at: float = START, looked_at: float | None = None
) -> list[RatingChange]:
    """Compare a look at these chats with what is known."""
    return compare(known or {}, conversation(*chats), chats, project=PROJECT, seen_at=at, looked_at=looked_at)


@pytest.mark.parametrize("before", Vote)
@pytest.mark.parametrize("after", Vote)
def test_every_transition_is_told(before: Vote, after: Vote) -> None:
    """A vote that differs from the known one is a change from that one; the same vote is none."""
    known = {BY_USER: rating("b1", before, seen_at=START - 10)}
    changes = look(replace(ANSWER, rating=after), known=known)
    assert [(c.previous, c.rating.vote) for c in changes] == ([(before, after)] if before is not after else [])


def test_unknown_rating_was_none() -> None:
    """A rating that nobody recorded was none, and an answer without one changes nothing."""
    (change,) = look(replace(ANSWER, rating=Vote.NEGATIVE))
    assert (change.previous, look(ANSWER)) == (Vote.NONE, [])


def test_both_raters_are_told_apart() -> None:
    """The user's and the agent's rating of one chat are two ratings."""
    changes = look(replace(ANSWER, rating=Vote.NEGATIVE, agent_rating=Vote.POSITIVE))
    assert [(c.rating.by, c.rating.vote) for c in changes] == [
        (Rater.USER, Vote.NEGATIVE),
        (Rater.AGENT, Vote.POSITIVE),
    ]


def test_change_carries_what_rules_ask_about() -> None:
    """A change knows its conversation, its chat, the app, the user and when the chat was written."""
    (change,) = look(replace(ANSWER, rating=Vote.NEGATIVE))
    assert (change.rating.project, change.rating.conversation_id, change.rating.chat_id) == (PROJECT, "c1", "b1")
    assert (change.app, change.user_id, change.chat_at) == (APP, "user-1", ANSWER.at)


@pytest.mark.parametrize(
    ("looked_at", "known_at", "expected"),
    [
        pytest.param(None, None, ANSWER.at, id="after the chat was written"),
        pytest.param(START - 10, None, START - 10, id="after the last look without it"),
        pytest.param(START - 100, None, ANSWER.at, id="a look before the chat says nothing"),
        pytest.param(START - 20, START - 5, START - 5, id="after its own last change"),
    ],
)
def test_interval_begins_at_the_latest_bound(looked_at: float | None, known_at: float | None, expected: float) -> None:
    """A change happened after the chat was written, after the last look and after the change before it."""
    known = {BY_USER: rating("b1", Vote.POSITIVE, seen_at=known_at)} if known_at else {}
    (change,) = look(replace(ANSWER, rating=Vote.NEGATIVE), known=known, looked_at=looked_at)
    assert (change.rating.not_before, change.rating.seen_at) == (expected, START)


def test_interval_of_a_chat_from_the_future_is_not_reversed() -> None:
    """A chat that Alli dates after the look gives an interval of no length, never one that ends before it begins."""
    (change,) = look(bot("b1", START + 30, completed=True, rating=Vote.NEGATIVE))
    assert (change.rating.not_before, change.rating.seen_at) == (START, START)


@pytest.mark.parametrize(
    ("known", "looked_at"),
    [
        pytest.param({BY_USER: rating("b1", Vote.NEGATIVE, seen_at=START + 1)}, None, id="than the known rating"),
        pytest.param({}, START + 1, id="than the last look"),
    ],
)
def test_older_look_says_nothing(known: dict[RatingKey, Rating], looked_at: float | None) -> None:
    """A look that was overtaken by a newer one cannot bring back what that one saw otherwise."""
    assert look(replace(ANSWER, rating=Vote.POSITIVE), known=known, looked_at=looked_at) == []


def test_chats_are_told_oldest_first() -> None:
    """Changes come in the order of the chats of the look."""
    older, newer = (bot(id_, START - 9, completed=True, rating=Vote.NEGATIVE) for id_ in ("b1", "b2"))
    assert [c.rating.chat_id for c in look(older, newer)] == ["b1", "b2"]


_votes = st.sampled_from(Vote)
_chats = st.dictionaries(st.sampled_from(["b1", "b2", "b3"]), st.tuples(_votes, _votes, st.floats(-100, 100)))


def _conversation(chats: dict[str, tuple[Vote, Vote, float]]) -> Conversation:
    return conversation(
        *(
            bot(id_, START + at, completed=True, rating=by_user, agent_rating=by_agent)
            for id_, (by_user, by_agent, at) in chats.items()
        )
    )


@settings(max_examples=150, deadline=None)
@given(looks=st.lists(st.tuples(_chats, st.floats(0, 100)), max_size=6))
def test_changes_reproduce_every_look(looks: list[tuple[dict[str, tuple[Vote, Vote, float]], float]]) -> None:
    """Applied to what is known, the changes of a look give that look, and its intervals follow each other."""
    known: dict[RatingKey, Rating] = {}
    at, looked_at = START, None
    for chats, later in looks:
        at += later
        seen = _conversation(chats)
        changes = compare(known, seen, seen.chats, project=PROJECT, seen_at=at, looked_at=looked_at)
        for change in changes:
            key = (change.rating.chat_id, change.rating.by)
            before = known.get(key)
            assert change.previous is (before.vote if before else Vote.NONE)
            assert (before.seen_at if before else 0.0) <= change.rating.not_before <= change.rating.seen_at
            known[key] = change.rating
        for chat in seen.chats:
            for by, vote in votes(chat):
                state = known.get((chat.id, by))
                assert (state.vote if state else Vote.NONE) is vote
        assert compare(known, seen, seen.chats, project=PROJECT, seen_at=at, looked_at=at) == []
        looked_at = at
