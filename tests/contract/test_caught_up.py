"""Ratings that a long blind time hid: all are recorded, and many of them are told as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.simulator.entities import Chat
from monitor.simulator.faults import Fault, FaultKind
from tests.support.rig import Rig, open_rig
from tests.support.rig_ratings import SELDOM, answer_of, changes, past_conversation, polling
from tests.support.rig_rules import BURST, NEGATIVE, NEGATIVE_BY_AGENT

HOUR = 3600.0
DAY = 24 * HOUR
GATHERED = 920.0  # seconds after which what is held is told


async def away(rig: Rig, chats: list[Chat], seconds: float) -> None:
    """Let the daemon be away for so long, while these chats are rated negative at equal distances."""
    await rig.stop()
    for chat in chats:
        rig.clock.advance(seconds / (len(chats) + 1))
        rig.world.rate(chat.id, False)
    rig.clock.advance(seconds / (len(chats) + 1))
    await rig.start()


def answers(rig: Rig, count: int, *, app_name: str = "Report") -> list[Chat]:
    """Return the answers of so many conversations, each with another user."""
    past = [past_conversation(rig, 60 + n, user=f"user-{n}", app_name=app_name) for n in range(count)]
    return [answer_of(conversation) for conversation in past]


async def test_five_hundred_ratings_of_three_days_are_one_summary(tmp_path: Path) -> None:
    """No burst, no single alert is told: one summary says how many there were, and each has its alert."""
    async with open_rig(tmp_path, rules=NEGATIVE + BURST, **SELDOM) as rig:
        chats = answers(rig, 300) + answers(rig, 200, app_name="Archivist")
        await rig.run_for(20)
        await away(rig, chats, 3 * DAY)
        await rig.run_for(HOUR)
        assert not rig.inbox.about("NegativeRating", "NegativeRatingBurst")
        [summary] = rig.inbox.about("RatingsCaughtUp")
        assert (summary.entry.labels["rule"], summary.entry.labels["severity"]) == ("NegativeRating", "info")
        assert "Report 300, Archivist 200" in summary.entry.annotations["summary"]
        assert summary.entry.facts.count == 500
        assert summary.entry.facts.blind_before == pytest.approx(3 * DAY, abs=HOUR)
        assert len(await changes(rig)) == 500
        alerts = await rig.open_alerts("NegativeRating")
        assert len(alerts) == 500
        assert {alert.told_by for alert in alerts} == {summary.entry.fingerprint}


async def test_a_few_are_told_one_by_one(tmp_path: Path) -> None:
    """Five alerts of a rule are told as always, ten minutes after they were found."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        chats = answers(rig, 5)
        await rig.run_for(20)
        await away(rig, chats, DAY)
        await rig.run_for(GATHERED)
        assert sorted(told.entry.labels["chat_id"] for told in rig.inbox.about("NegativeRating")) == sorted(
            chat.id for chat in chats
        )
        assert not rig.inbox.about("RatingsCaughtUp")


async def test_a_short_blind_time_holds_nothing_back(tmp_path: Path) -> None:
    """After less than an hour everything is told at once."""
    async with open_rig(tmp_path, rules=NEGATIVE, **polling(runs="1m")) as rig:
        chats = answers(rig, 8)
        await rig.run_for(20)
        await away(rig, chats, 0.9 * HOUR)
        await rig.run_for(60)
        assert all(told.entry.facts.blind_before > HOUR / 2 for told in rig.inbox.about("NegativeRating"))
        assert len(rig.inbox.about("NegativeRating")) == 8


async def test_each_rule_has_its_summary_with_its_own_labels(tmp_path: Path) -> None:
    """What a rule tells urgently is summed up as urgently, so that it takes the same routes."""
    async with open_rig(tmp_path, rules=NEGATIVE + NEGATIVE_BY_AGENT, **SELDOM) as rig:
        chats = answers(rig, 6)
        await rig.run_for(20)
        for chat in chats:
            rig.world.rate(chat.id, False, "agent")
        await away(rig, chats, DAY)
        await rig.run_for(GATHERED)
        told = {each.entry.labels["rule"]: each.entry.labels["severity"] for each in rig.inbox.about("RatingsCaughtUp")}
        assert told == {"NegativeRating": "info", "OperatorNegative": "warning"}


async def test_what_was_summed_up_ends_in_silence(tmp_path: Path) -> None:
    """A rating that is taken back, or expires, is not resolved where nobody was told that it fires."""
    async with open_rig(tmp_path, rules=NEGATIVE + "  resolve_after: 1h\n", **SELDOM) as rig:
        chats = answers(rig, 6)
        await rig.run_for(20)
        await away(rig, chats, DAY)
        await rig.run_for(GATHERED)
        rig.world.rate(chats[0].id, None)
        await rig.sweep(2)
        assert len(await rig.open_alerts("NegativeRating")) == 5
        await rig.run_for(HOUR)
        assert not await rig.open_alerts("NegativeRating")
        assert not rig.inbox.about("NegativeRating")
        assert rig.inbox.transitions("RatingsCaughtUp") == ["firing"]


async def test_what_is_given_afterwards_is_told_at_once(tmp_path: Path) -> None:
    """A rating of a chat that was looked at since is news, though the summary still stands."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        *chats, later = answers(rig, 7)
        await rig.run_for(20)
        await away(rig, chats, DAY)
        await rig.run_for(GATHERED)
        rig.world.rate(later.id, False)
        await rig.sweep(2)
        await rig.run_for(5)
        assert [told.entry.labels["chat_id"] for told in rig.inbox.about("NegativeRating")] == [later.id]


async def test_a_restart_while_they_are_held_loses_none(tmp_path: Path) -> None:
    """The next daemon tells what the one before had only found."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM) as rig:
        chats = answers(rig, 6)
        await rig.run_for(20)
        await away(rig, chats, DAY)
        await rig.run_for(60)
        assert len(await rig.open_alerts("NegativeRating")) == 6
        assert not rig.inbox.about("RatingsCaughtUp")
        await rig.restart(after=5)
        await rig.run_for(GATHERED)
        [summary] = rig.inbox.about("RatingsCaughtUp")
        assert summary.entry.facts.count == 6
        assert not rig.inbox.about("NegativeRating")


async def test_what_a_later_sweep_finds_is_added(tmp_path: Path) -> None:
    """Another lot of the same outage is told by the same summary with the new number."""
    tiers = [{"younger_than": "3d", "every": "10m"}, {"younger_than": "7d", "every": "2h"}]
    seldom = polling(runs="10m", conversations="10m", evaluation="5m", ratings=tiers)
    async with open_rig(tmp_path, rules=NEGATIVE, **seldom) as rig:
        young = answers(rig, 6)
        old = [answer_of(past_conversation(rig, 5 * DAY + n, user=f"old-{n}")) for n in range(8)]
        await rig.run_for(20)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR))
        await rig.run_for(0.5 * HOUR)
        for chat in (*young, *old):
            rig.world.rate(chat.id, False)
        await rig.run_for(0.75 * HOUR)
        rig.world.clear_faults()
        await rig.run_for(1.1 * HOUR)
        told = rig.inbox.about("RatingsCaughtUp")
        assert [each.entry.facts.count for each in told] == [6, 14]
        assert len({each.entry.fingerprint for each in told}) == 1
        assert not rig.inbox.about("NegativeRating")


async def test_what_expires_soon_is_told_first(tmp_path: Path) -> None:
    """An event is not over before it was told, however short its time is."""
    rule = NEGATIVE + "  resolve_after: 1m\n"
    async with open_rig(tmp_path, rules=rule, **SELDOM) as rig:
        chats = answers(rig, 6)
        await rig.run_for(20)
        await away(rig, chats, DAY)
        await rig.run_for(GATHERED + 600)
        assert not rig.inbox.about("NegativeRating")
        assert rig.inbox.transitions("RatingsCaughtUp") == ["firing"]
        assert not await rig.open_alerts("NegativeRating")
