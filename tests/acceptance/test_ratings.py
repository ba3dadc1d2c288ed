"""Ratings, from a thumb to whoever is told, whenever and wherever it comes."""

from __future__ import annotations

from pathlib import Path

from monitor.simulator.world import World
from tests.acceptance.kit import RULES, Inbox, begin_run, rated_conversation, rounds, settings, write_rules
from tests.support.daemon import running_daemon
from tests.support.waiting import eventually

_DAY = 86400.0
_BURST = """
      - alert: NegativeRatingBurst
        on: rating
        where: rating.value == "negative"
        within: 30m
        by: [app.id]
        expr: count >= 3 && distinct.user >= 2
        labels: {severity: critical}
"""


async def test_a_negative_rating_is_told_and_taken_back(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A thumbs-down fires at once, with the ids of its chat; taking it back resolves it as withdrawn."""
    conversation = rated_conversation(world, None)
    chat = conversation.chats[-1]
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        world.rate(chat.id, vote=False)
        told = await inbox.arrival("NegativeRating")
        world.rate(chat.id, None)
        await inbox.arrival("NegativeRating", "resolved")
        alerts = await daemon.api("alerts", state="all", conversation_id=conversation.id)
        changes = await daemon.api("ratings", conversation_id=conversation.id)
    assert (told.labels["conversation_id"], told.labels["chat_id"]) == (conversation.id, chat.id)
    assert [alert["resolution"] for alert in alerts] == ["withdrawn"]
    assert [(change["previous"], change["value"]) for change in changes] == [
        ("negative", "none"),
        ("none", "negative"),
    ]


async def test_old_chats_and_old_conversations_are_swept(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A rating is found on a chat far beyond the twenty that the list embeds, and on a conversation of days ago."""
    long_one = rated_conversation(world, *[None] * 80)
    old_one = rated_conversation(world, None, ago=5 * _DAY)
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path):
        world.rate(long_one.chats[1].id, vote=False)
        world.rate(old_one.chats[-1].id, vote=False)
        await inbox.arrival("NegativeRating", chat_id=long_one.chats[1].id)
        await inbox.arrival("NegativeRating", chat_id=old_one.chats[-1].id)


async def test_the_first_look_is_a_baseline_and_a_restart_is_not(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """What is rated at the very first start is summed up, once; what is rated while we are down is told."""
    rated = rated_conversation(world, False, True, False)
    later = rated_conversation(world, None, ago=2 * _DAY)
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off"})
    overdue = begin_run(world)
    async with running_daemon(config, tmp_path):
        baseline = await inbox.arrival("BaselineRecorded")
        await inbox.arrival("RunOverLimit", conversation_id=overdue.id)
        await rounds(world, 8)
        assert not inbox.about("NegativeRating")
    world.rate(later.chats[-1].id, vote=False)
    world.rate(rated.chats[3].id, vote=False)
    world.rate(rated.chats[1].id, None)
    young = rated_conversation(world, False)
    async with running_daemon(config, tmp_path) as daemon:
        for chat in (later.chats[-1], rated.chats[3], young.chats[-1]):
            await inbox.arrival("NegativeRating", chat_id=chat.id)
        await eventually(lambda: daemon.metric("alli_ratings_total", value="none"), "the one taken back is seen")
        await rounds(world, 8)
    assert "2 negative and 1 positive" in baseline.annotations["summary"]
    assert len(inbox.about("BaselineRecorded")) == 1
    assert len(inbox.about("NegativeRating", "firing")) == 3
    assert [told.status for told in inbox.about("RunOverLimit")] == ["firing"]


async def test_a_burst_counts_ratings_and_people(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A window rule fires when enough people of one app rate negative; one person alone does not."""
    config = settings(api, tmp_path, inbox.receiver)
    write_rules(tmp_path, RULES + _BURST)
    app, other = world.add_app("Report writer"), world.add_app("Other")
    by_one = [rated_conversation(world, None, None, app=app, user="u-1"), rated_conversation(world, None, app=other)]
    by_two = rated_conversation(world, None, app=app, user="u-2")
    async with running_daemon(config, tmp_path):
        for chat in (*by_one[0].chats[1::2], by_one[1].chats[1]):
            world.rate(chat.id, vote=False)
        await eventually(lambda: len(inbox.about("NegativeRating")) == 3, "three negative ratings are told")
        await rounds(world, 8)
        assert not inbox.about("NegativeRatingBurst")
        world.rate(by_two.chats[1].id, vote=False)
        burst = await inbox.arrival("NegativeRatingBurst")
    assert (burst.labels["app"], burst.labels["app_id"]) == (app.name, app.id)
