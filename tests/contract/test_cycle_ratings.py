"""Ratings: every change is found, told once, and counted for when it happened."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from monitor.model.alert import Resolution
from monitor.model.capabilities import Proof
from monitor.model.conversation import Vote
from monitor.simulator.options import Options, Paging, TimeUnit
from tests.support.clock import ManualClock
from tests.support.rig import START, Rig, open_rig
from tests.support.rig_inbox import Inbox
from tests.support.rig_ratings import SELDOM, answer_of, changes, newest_pass, past_conversation, polling
from tests.support.rig_rules import BURST, NEGATIVE, NEGATIVE_BY_AGENT

HOUR = 3600.0
DAY = 24 * HOUR
VOTES = {True: Vote.POSITIVE, False: Vote.NEGATIVE, None: Vote.NONE}

# Changes


@pytest.mark.parametrize(("by", "rule"), [("user", "NegativeRating"), ("agent", "OperatorNegative")])
async def test_every_change_of_either_rating_is_seen(tmp_path: Path, by: Literal["user", "agent"], rule: str) -> None:
    """All six transitions are recorded; a negative one fires, and any change of it withdraws."""
    async with open_rig(tmp_path, rules=NEGATIVE + NEGATIVE_BY_AGENT, **SELDOM) as rig:
        chat = answer_of(rig.talk("question", ">answer"))
        await rig.run_for(1)
        votes = [False, None, True, False, True, None]
        for vote in votes:
            rig.clock.advance(7)
            rig.world.rate(chat.id, vote, by)
            await rig.sweep()
        seen = await changes(rig)
        assert [change.rating.vote for change in seen] == [VOTES[vote] for vote in votes]
        assert [change.previous for change in seen] == [VOTES[vote] for vote in [None, *votes[:-1]]]
        assert {change.rating.by.value for change in seen} == {by}
        await rig.run_for(5)
        told = rig.inbox.about("NegativeRating", "OperatorNegative")
        assert [f"{each.rule} {each.status}" for each in told] == [f"{rule} firing", f"{rule} resolved"] * 2
        assert {each.resolution for each in told} == {None, Resolution.WITHDRAWN}


async def test_a_change_lies_between_two_looks(tmp_path: Path) -> None:
    """The interval of a change is from the last look without it to the first look with it."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        chat = answer_of(rig.talk("question", ">answer"))
        await rig.run_for(1)
        rig.clock.advance(29)
        await rig.sweep()
        rig.clock.advance(40)
        rig.world.rate(chat.id, False)
        rig.clock.advance(30)
        await rig.sweep()
        [change] = await changes(rig)
        assert (change.rating.not_before - START, change.rating.seen_at - START) == (30, 100)


async def test_a_change_is_not_older_than_its_chat(tmp_path: Path) -> None:
    """A rating of a chat written after the last look happened after the chat was."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        conversation = rig.talk("question")
        await rig.run_for(1)
        rig.clock.advance(60)
        chat = rig.world.add_chat(conversation.id, "BOT", "answer")
        rig.world.rate(chat.id, False)
        rig.clock.advance(30)
        await rig.poll_ratings()
        [change] = await changes(rig)
        assert (change.rating.not_before - START, change.rating.seen_at - START) == (61, 91)


# Finding them


TIERS = [
    {"younger_than": "2h", "every": "5m"},
    {"younger_than": "24h", "every": "12m"},
    {"younger_than": "7d", "every": "40m"},
]


@pytest.mark.parametrize(("ago", "within"), [(HOUR, 300), (3 * HOUR, 720), (2 * DAY, 2400)])
async def test_a_late_rating_is_found_by_its_tier(tmp_path: Path, ago: float, within: float) -> None:
    """A rating that moves no time of the conversation is found as fast as the tier of its age promises."""
    settings = polling(conversations="1h", evaluation="1h", ratings=TIERS)
    async with open_rig(tmp_path, rules=NEGATIVE, **settings) as rig:
        conversation = past_conversation(rig, ago)
        await rig.run_for(60)
        rig.world.rate(answer_of(conversation).id, False)
        await rig.run_for(within - 61)
        assert not rig.inbox.about("NegativeRating")
        await rig.run_for(70)
        assert rig.inbox.transitions("NegativeRating") == ["firing"]


async def test_each_change_is_told_once_by_whichever_poll_finds_it(tmp_path: Path) -> None:
    """Overlapping passes, sweeps and a restart do not tell anything twice."""
    settings = polling(ratings=[{"younger_than": "2h", "every": "1m"}, {"younger_than": "7d", "every": "2m"}])
    async with open_rig(tmp_path, rules=NEGATIVE, **settings) as rig:
        chats = [answer_of(rig.talk(f"question {n}", f">answer {n}")) for n in range(5)]
        await rig.run_for(10)
        for chat in chats:
            rig.world.rate(chat.id, False)
        await rig.run_for(130)
        await rig.restart(after=30)
        await rig.run_for(130)
        fired = [told.entry.labels["chat_id"] for told in rig.inbox.about("NegativeRating")]
        assert sorted(fired) == sorted(chat.id for chat in chats)


async def test_a_pass_begins_before_the_one_before(tmp_path: Path) -> None:
    """The watermark lies 120 seconds before the pass was asked for, so a chat written late is still found."""
    async with open_rig(tmp_path, rules=NEGATIVE, **polling(ratings=[{"younger_than": "7d", "every": "1d"}])) as rig:
        conversation = past_conversation(rig, 2 * DAY)
        await rig.run_for(301)
        done = await newest_pass(rig)
        assert done is not None
        assert done.watermark == done.asked_at - 120 == START + 180
        chat = rig.world.add_chat(conversation.id, "BOT", "written late", at=START + 180)  # exactly at the boundary
        rig.world.rate(chat.id, False)
        await rig.run_for(30)
        assert rig.inbox.transitions("NegativeRating") == ["firing"]


async def test_a_pass_that_breaks_off_is_had_again(tmp_path: Path) -> None:
    """Without its second page a pass does not move the watermark, and the next one finds everything, once."""
    settings = polling(conversations="10m", evaluation="10m", ratings=[{"younger_than": "7d", "every": "1d"}])
    async with open_rig(tmp_path, rules=NEGATIVE, **settings) as rig:
        await rig.run_for(200)
        chats = [answer_of(rig.talk(f"question {n}", f">answer {n}")) for n in range(120)]
        for chat in chats:
            rig.world.rate(chat.id, False)
        before = await newest_pass(rig)

        def break_off(path: str, answer: Any) -> Any:
            if "cursor=" in path:
                raise httpx.ReadError("reset")
            return answer

        rig.rewrite = break_off
        await rig.poll_ratings()
        assert await newest_pass(rig) == before
        rig.rewrite = None
        rig.clock.advance(600)
        await rig.poll_ratings()
        await rig.run_for(2)
        fired = [told.entry.labels["chat_id"] for told in rig.inbox.about("NegativeRating")]
        assert sorted(fired) == sorted(chat.id for chat in chats)


@pytest.mark.parametrize("paging", list(Paging))
async def test_rows_that_move_while_one_pages_are_found(tmp_path: Path, paging: Paging) -> None:
    """A conversation that jumps to the first page behind our back is found by the next pass, and told once."""
    settings = polling(ratings=[{"younger_than": "7d", "every": "1d"}])
    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(paging=paging), **settings) as rig:
        await rig.run_for(200)
        conversations = [rig.talk(f"question {n}", f">answer {n}") for n in range(70)]
        for conversation in conversations:
            rig.world.rate(answer_of(conversation).id, False)

        def move(path: str, answer: Any) -> Any:
            if "startedAt" in path and "cursor=" not in path:
                rig.rewrite = None
                rig.clock.advance(0.1)
                for conversation in conversations[:5]:
                    rig.world.add_chat(conversation.id, "USER", "one more thing")
            return answer

        rig.rewrite = move
        await rig.run_for(70)
        fired = [told.entry.labels["conversation_id"] for told in rig.inbox.about("NegativeRating")]
        assert sorted(fired) == sorted(conversation.id for conversation in conversations)


async def test_chats_that_the_list_does_not_embed_are_read_from_their_pages(tmp_path: Path) -> None:
    """Ratings of old chats of a long conversation are found by a sweep, those of many new ones at once."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        conversation = past_conversation(rig, 60, chats=130)
        await rig.run_for(30)
        rig.world.rate(conversation.chats[5].id, False)
        rig.world.rate(conversation.chats[107].id, False)
        await rig.run_for(300)
        told = [each.entry.labels["chat_id"] for each in rig.inbox.about("NegativeRating")]
        assert told == [conversation.chats[5].id, conversation.chats[107].id]
        for number in range(60):
            rig.world.add_chat(conversation.id, "BOT", f"more {number}")
        rig.world.rate(conversation.chats[133].id, False)
        await rig.poll_ratings()
        await rig.run_for(1)
        assert rig.inbox.about("NegativeRating")[-1].entry.labels["chat_id"] == conversation.chats[133].id


async def test_reading_pages_keeps_to_its_share_of_the_budget(tmp_path: Path) -> None:
    """Sweeps read as many pages as their share of the requests allows, those unread for longest first."""
    settings = {
        **polling(conversations="1h", evaluation="1h", ratings=[{"younger_than": "7d", "every": "5m"}]),
        "projects": {"support": {"requests_per_minute": 20}},  # 30 pages for each sweep
    }
    async with open_rig(tmp_path, rules=NEGATIVE, **settings) as rig:
        conversations = [past_conversation(rig, 60 + n, chats=301) for n in range(11)]  # 4 pages each
        await rig.run_for(290)
        for conversation in conversations:
            rig.world.rate(conversation.chats[0].id, False)
        found, pages = [], []
        for _ in range(3):
            before = rig.requests("list_chats")
            await rig.run_for(300)
            found.append(len(rig.inbox.about("NegativeRating")))
            pages.append(rig.requests("list_chats") - before)
        assert pages == [32, 28, 32]  # what is left of one sweep is added to the next
        assert found == [8, 11, 11]


async def test_a_deleted_conversation_resolves_its_alerts_as_gone(tmp_path: Path) -> None:
    """What is about a conversation that no longer exists is over, for that reason."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        conversation, other = rig.talk("question", ">answer"), rig.talk("question", ">answer")
        await rig.run_for(10)
        rig.world.rate(answer_of(conversation).id, False)
        rig.world.rate(answer_of(other).id, False)
        await rig.run_for(300)
        rig.world.delete_conversation(conversation.id)
        await rig.run_for(310)
        *fired, resolved = rig.inbox.about("NegativeRating")
        assert len(fired) == 2
        assert resolved.entry.labels["conversation_id"] == conversation.id
        assert resolved.resolution is Resolution.GONE


# Expiry


async def test_an_event_expires_where_state_is_kept(tmp_path: Path) -> None:
    """After `resolve_after` a receiver that shows alerts is told, one that people read is not; a change fires again."""

    def both(clock: ManualClock) -> Sequence[Inbox]:
        return [Inbox(clock=clock), Inbox(clock=clock, integration="chat", keeps_state=False)]

    rules = NEGATIVE + "  resolve_after: 10m\n"
    async with open_rig(tmp_path, rules=rules, inboxes=both, **SELDOM) as rig:
        chat = answer_of(rig.talk("question", ">answer"))
        await rig.run_for(10)
        rig.world.rate(chat.id, False)
        await rig.run_for(1500)
        state, people = rig.inboxes
        assert state.transitions("NegativeRating") == ["firing", "resolved"]
        assert state.about("NegativeRating")[-1].resolution is Resolution.EXPIRED
        assert people.transitions("NegativeRating") == ["firing"]
        for vote in (True, False):
            rig.world.rate(chat.id, vote)
            await rig.sweep()
        await rig.run_for(2)
        assert state.transitions("NegativeRating") == ["firing", "resolved", "firing"]
        assert people.transitions("NegativeRating") == ["firing", "firing"]


async def test_a_withdrawal_is_told_to_people_too(tmp_path: Path) -> None:
    """That a rating was taken back is news."""

    def people(clock: ManualClock) -> Sequence[Inbox]:
        return [Inbox(clock=clock, integration="chat", keeps_state=False)]

    async with open_rig(tmp_path, rules=NEGATIVE, inboxes=people, **SELDOM) as rig:
        chat = answer_of(rig.talk("question", ">answer"))
        await rig.run_for(10)
        for vote in (False, None):
            rig.world.rate(chat.id, vote)
            await rig.sweep()
        await rig.run_for(2)
        assert rig.inbox.transitions("NegativeRating") == ["firing", "resolved"]


# Windows


async def rate_many(rig: Rig, ago: float) -> None:
    """Let three users rate six answers negative whose conversations had their last chat some time ago."""
    conversations = [past_conversation(rig, ago + n, user=f"user-{n % 3}") for n in range(6)]
    await rig.run_for(20)
    for conversation in conversations:
        rig.world.rate(answer_of(conversation).id, False)


async def test_a_burst_is_told_when_it_is_seen_and_ends_with_its_window(tmp_path: Path) -> None:
    """It fires with the look that finds the fifth rating and resolves when the window is empty again."""
    async with open_rig(tmp_path, rules=BURST, **SELDOM) as rig:
        await rate_many(rig, 60)
        await rig.run_for(300)
        [fired] = rig.inbox.about("NegativeRatingBurst")
        assert fired.at - START <= 306
        assert fired.entry.labels["app"] == "Report"
        assert fired.entry.annotations["summary"] == "6 negative ratings"
        await rig.run_for(2100)
        assert rig.inbox.transitions("NegativeRatingBurst") == ["firing", "resolved"]


async def test_one_angry_user_is_no_burst(tmp_path: Path) -> None:
    """Many ratings of one user are below `distinct.user`."""
    async with open_rig(tmp_path, rules=BURST, **SELDOM) as rig:
        conversations = [past_conversation(rig, 60 + n) for n in range(8)]
        await rig.run_for(20)
        for conversation in conversations:
            rig.world.rate(answer_of(conversation).id, False)
        await rig.run_for(300)
        assert len(await changes(rig)) == 8
        assert not rig.inbox.about("NegativeRatingBurst")


async def test_a_rating_that_a_slow_tier_finds_is_late_for_a_short_window(tmp_path: Path) -> None:
    """What may have happened any time in forty minutes is counted in no window of thirty."""
    async with open_rig(tmp_path, rules=BURST, **polling(conversations="30m", evaluation="10m", ratings=TIERS)) as rig:
        await rate_many(rig, 2 * DAY)
        await rig.run_for(2430)
        assert len(await changes(rig)) == 6
        assert not rig.inbox.about("NegativeRatingBurst")


async def test_an_outage_makes_no_burst(tmp_path: Path) -> None:
    """Five hundred ratings of three days without the monitor are all recorded, and alarm nobody."""
    async with open_rig(tmp_path, rules=BURST, **SELDOM) as rig:
        conversations = [past_conversation(rig, 60 + n, user=f"user-{n % 50}") for n in range(500)]
        await rig.run_for(20)
        await rig.restart(after=3 * DAY - HOUR)
        await rig.stop()
        for conversation in conversations:
            rig.world.rate(answer_of(conversation).id, False)
        rig.clock.advance(HOUR)
        await rig.start()
        await rig.run_for(400)
        assert len(await changes(rig)) == 500
        assert not rig.inbox.about("NegativeRatingBurst")


# The baseline


async def test_what_was_rated_before_the_first_start_is_recorded_not_told(tmp_path: Path) -> None:
    """One summary says how much; ratings from then on are told, also of old conversations."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        conversations = [past_conversation(rig, HOUR * n) for n in range(1, 71)]
        for conversation in conversations[:60]:
            rig.world.rate(answer_of(conversation).id, False)
        await rig.run_for(20)
        assert not rig.inbox.about("NegativeRating")
        [summary] = rig.inbox.about("BaselineRecorded")
        assert "70 conversations, 60 negative" in summary.entry.annotations["summary"]
        rig.world.rate(answer_of(conversations[60]).id, False)
        await rig.sweep(2)
        await rig.run_for(2)
        [told] = rig.inbox.about("NegativeRating")
        assert told.entry.labels["conversation_id"] == conversations[60].id


async def test_a_baseline_that_breaks_off_is_begun_again(tmp_path: Path) -> None:
    """Half a pass is no baseline: nothing of it is told, and the next complete pass is it."""
    async with open_rig(tmp_path, rules=NEGATIVE, **polling()) as rig:
        for n in range(70):
            rig.world.rate(answer_of(past_conversation(rig, HOUR + n)).id, False)

        def break_off(path: str, answer: Any) -> Any:
            if "cursor=" in path:
                raise httpx.ReadError("reset")
            return answer

        rig.rewrite = break_off
        await rig.run_for(100)
        assert not rig.inbox.about("NegativeRating", "BaselineRecorded")
        rig.rewrite = None
        await rig.run_for(400)
        assert rig.inbox.transitions("BaselineRecorded") == ["firing"]
        assert not rig.inbox.about("NegativeRating")


async def test_the_baseline_is_never_repeated(tmp_path: Path) -> None:
    """After days without the monitor, ratings given meanwhile are told."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        conversation = rig.talk("question", ">answer")
        await rig.run_for(20)
        await rig.stop()
        rig.world.rate(answer_of(conversation).id, False)
        later = past_conversation(rig, 10)
        rig.world.rate(answer_of(later).id, False)
        rig.clock.advance(5 * DAY)
        await rig.start()
        await rig.run_for(900)  # after a long blind time they are gathered first
        told = [each.entry.labels["conversation_id"] for each in rig.inbox.about("NegativeRating")]
        assert sorted(told) == sorted([conversation.id, later.id])
        assert rig.inbox.transitions("BaselineRecorded") == ["firing", "resolved"]  # a day later it is over


async def test_what_is_first_seen_later_is_no_baseline(tmp_path: Path) -> None:
    """A conversation that only appears after the baseline is news, whatever its age."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        await rig.run_for(20)
        rig.world.rate(answer_of(past_conversation(rig, 6 * DAY)).id, False)
        await rig.sweep(2)
        await rig.run_for(2)
        assert rig.inbox.transitions("NegativeRating") == ["firing"]


async def test_the_first_start_can_tell_what_is_recent(tmp_path: Path) -> None:
    """With `tell_since`, negative ratings of chats that are not older are told; the rest is only counted."""
    settings = {**SELDOM, "projects": {"support": {"baseline": {"tell_since": "2h"}}}}
    async with open_rig(tmp_path, rules=NEGATIVE, **settings) as rig:
        recent, old = past_conversation(rig, HOUR), past_conversation(rig, 3 * HOUR)
        for conversation in (recent, old):
            rig.world.rate(answer_of(conversation).id, False)
        await rig.run_for(20)
        [told] = rig.inbox.about("NegativeRating")
        assert told.entry.labels["conversation_id"] == recent.id


async def test_a_baseline_without_a_proven_filter_looks_at_everything(tmp_path: Path) -> None:
    """Where the probe could not try the time filters the baseline sends none: in a wrong unit it would find nothing."""
    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(filter_unit=TimeUnit.SECONDS)) as rig:
        conversation = rig.talk("question", ">answer")
        rig.world.rate(conversation.chats[-1].id, vote=False)
        lists = itertools.count(1)

        def break_the_probe(_method: str, path: str) -> None:
            if path.endswith("/conversations") and 1 < next(lists) < 10:
                raise httpx.ConnectError("not now")

        rig.before_request = break_the_probe
        await rig.run_for(100)
        assert rig.project.capabilities.time_filter is Proof.UNPROVEN
        [told] = rig.inbox.about("BaselineRecorded")
        assert "1 negative" in told.entry.annotations["summary"]
        await rig.run_for(4000)
        assert not rig.inbox.about("NegativeRating")
