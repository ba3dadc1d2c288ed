"""A server that lacks something: what the monitor does is right all the same, and its cost is bounded."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from monitor.alli.pacing import Priority
from monitor.errors import ApiRefused, ApiUnclear
from monitor.model.capabilities import Capabilities, Proof
from monitor.model.run import Clash, Outcome, Run
from monitor.simulator.entities import Conversation, RunKind, RunPlan
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import Missing, Options, TimeUnit
from tests.support.rig import PROJECT, START, Rig, open_rig
from tests.support.rig_ratings import SELDOM, answer_of, changes, newest_pass, past_conversation, polling
from tests.support.rig_rules import NEGATIVE, OVER_LIMIT

HOUR = 3600.0
DAY = 24 * HOUR
TIME_FILTERS = frozenset({"startedAt", "endAt"})
RUNNING_FILTER = frozenset({"backgroundRunning"})
LONG: dict[str, Any] = {"apps": [{"match": "*", "run_limit": "10h"}]}
UNKNOWN_ID = "Q29udmVyc2F0aW9uOjZiNDlkMjAwMDAwMDAwMDAwMDAwMDAwMA=="


def adapt(rig: Rig, **known: Any) -> None:
    """Let the monitor know what a probe would have found, beside what it knows."""
    rig.project.capabilities = dataclasses.replace(rig.project.capabilities, **known)
    rig.client.adapt(rig.project.capabilities)


async def requests_of(rig: Rig, work: Any) -> dict[str, int]:
    """Do some work and return its requests by operation."""
    before = Counter(rig.world.record().requests)
    await work
    return dict(Counter(rig.world.record().requests) - before)


def ended(runs: list[Run]) -> dict[str, Outcome | None]:
    """Return how the runs of each conversation ended."""
    return {run.conversation_id: run.outcome for run in runs}


# What does not exist


async def learn_missing(rig: Rig) -> None:
    """Ask about what does not exist, as the probe does."""
    try:
        await rig.client.conversation(UNKNOWN_ID, priority=Priority.CONVERSATIONS)
    except (ApiRefused, ApiUnclear) as error:
        adapt(rig, missing=error.signature)


@pytest.mark.parametrize("missing", list(Missing))
async def test_a_deleted_conversation_is_gone_however_that_is_said(tmp_path: Path, missing: Missing) -> None:
    """The run of a deleted conversation ends as gone; the one beside it goes on."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(missing=missing)) as rig:
        gone, other = rig.start_run(), rig.start_run()
        await rig.run_for(15)
        await learn_missing(rig)
        rig.world.delete_conversation(gone.id)
        await rig.run_for(15)
        assert ended(await rig.runs()) == {gone.id: Outcome.GONE, other.id: None}
        assert not rig.inbox.about("MonitorApiAuth")


@pytest.mark.parametrize("missing", [Missing.BAD_REQUEST, Missing.FORBIDDEN])
async def test_an_answer_that_nobody_knows_yet_is_unknown(tmp_path: Path, missing: Missing) -> None:
    """Before a probe saw such an answer nothing follows from it, for this run or for the others."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(missing=missing)) as rig:
        gone, other = rig.start_run(), rig.start_run()
        await rig.run_for(15)
        adapt(rig, missing=None)
        rig.world.delete_conversation(gone.id)
        await rig.run_for(30)
        runs = {run.conversation_id: run for run in await rig.runs()}
        assert runs[gone.id].ended_at is None
        assert runs[gone.id].absent_since is not None
        assert rig.now - runs[other.id].seen_at <= 10
        assert not rig.inbox.about("MonitorApiAuth", "MonitorBlind")


async def test_a_key_that_is_revoked_deletes_nothing(tmp_path: Path) -> None:
    """A server that answers 403 to both is taken at its word only if the list works."""
    async with open_rig(tmp_path, rules=NEGATIVE + OVER_LIMIT, options=Options(missing=Missing.FORBIDDEN)) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        await learn_missing(rig)
        rig.world.finish_run(conversation.id)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, status=403))
        await rig.run_for(30)
        assert (await rig.the_run()).ended_at is None
        assert rig.inbox.transitions("MonitorApiAuth") == ["firing"]


# Time filters


@pytest.mark.parametrize(
    ("known", "options"),
    [
        ({"time_filter": Proof.FAILS}, Options(ignored_parameters=TIME_FILTERS)),
        ({"filter_unit": "s", "time_filter": Proof.WORKS}, Options(filter_unit=TimeUnit.SECONDS)),
        ({"time_filter": Proof.FAILS}, Options(filter_unit=TimeUnit.MICROSECONDS)),  # finds nothing, in any known unit
    ],
    ids=["ignored", "another unit", "hides everything"],
)
async def test_every_rating_is_found_whatever_becomes_of_time_filters(
    tmp_path: Path, known: dict[str, Any], options: Options
) -> None:
    """Ratings in each tier are told, old conversations cost nothing, and each pass is complete."""
    tiers = [{"younger_than": "2h", "every": "5m"}, {"younger_than": "24h", "every": "20m"}]
    async with open_rig(tmp_path, rules=NEGATIVE, options=options, **polling(ratings=tiers)) as rig:
        adapt(rig, **known)
        rated = [past_conversation(rig, ago) for ago in (60, HOUR, 3 * HOUR, 20 * HOUR)]
        for number in range(300):
            past_conversation(rig, 2 * DAY + number)
        await rig.run_for(29)
        for conversation in rated:
            rig.world.rate(answer_of(conversation).id, False)
        polls, sweeps = 40, 4 + 1
        assert await requests_of(rig, rig.run_for(1190)) == {"list_conversations": polls + sweeps, "daily_count": 1}
        told = [each.entry.labels["conversation_id"] for each in rig.inbox.about("NegativeRating")]
        assert sorted(told) == sorted(each.id for each in rated)
        for poll in ("conversations", "ratings_7200s", "ratings_86400s"):
            done = await newest_pass(rig, poll)
            assert done is not None
            assert rig.now - done.completed_at <= 1200
        assert "filter_ignored" not in rig.drifts


async def test_changes_beyond_one_page_are_found_without_time_filters(tmp_path: Path) -> None:
    """The pass goes on as long as pages hold what changed, and not one page further."""
    options = Options(ignored_parameters=TIME_FILTERS)
    async with open_rig(tmp_path, rules=NEGATIVE, options=options, **SELDOM) as rig:
        adapt(rig, time_filter=Proof.FAILS)
        conversations = [past_conversation(rig, DAY + number) for number in range(400)]
        await rig.run_for(10)
        rig.clock.advance(200)
        for conversation in conversations[:120]:
            rig.world.rate(rig.world.add_chat(conversation.id, "BOT", "more").id, False)
        assert await requests_of(rig, rig.poll_ratings()) == {"list_conversations": 3}
        assert len(await changes(rig)) == 120


# Which conversations run


def crowd(rig: Rig, count: int) -> list[Conversation]:
    """Add conversations in which nothing runs, their last chats a second apart, the newest first."""
    return [past_conversation(rig, 5 + number) for number in range(count)]


async def test_runs_are_found_among_recent_conversations(tmp_path: Path) -> None:
    """Where the list ignores `backgroundRunning`, only what runs gets a run; the overdue one is stopped, once."""
    options = Options(ignored_parameters=RUNNING_FILTER)
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=options) as rig:
        adapt(rig, running_filter=Proof.FAILS)
        crowd(rig, 120)
        hangs, short = rig.start_run(), rig.start_run(duration=30.0)
        await rig.run_for(200)
        assert ended(await rig.runs()) == {hangs.id: Outcome.STOPPED, short.id: Outcome.FINISHED}
        assert [stop.conversation_id for stop in rig.world.record().stops] == [hangs.id]
        assert rig.inbox.transitions("RunOverLimit") == ["firing", "resolved"]
        assert not rig.inbox.about("MonitorBlind")
        [told] = [line for line in rig.logs if line["event"].startswith("runs are not listed")]
        assert told["recent"] == "2m"  # twice the limit


async def test_asking_for_runs_keeps_to_the_budget(tmp_path: Path) -> None:
    """The newest are asked, so a run is found when it begins, and then followed wherever its conversation stands."""
    options = Options(ignored_parameters=RUNNING_FILTER)
    settings: dict[str, Any] = {"projects": {"support": {"requests_per_minute": 60}}}
    settings |= polling(runs="10s", conversations="1h", evaluation="10s", ratings=[])
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=options, **settings) as rig:
        adapt(rig, running_filter=Proof.FAILS)
        quiet = crowd(rig, 90)
        await rig.run_for(60)
        hangs = rig.start_run()
        await rig.run_for(25)
        for conversation in quiet:
            rig.world.add_chat(conversation.id, "USER", "in the way")
        await rig.run_for(5)
        assert await requests_of(rig, rig.poll_runs()) == {
            "list_conversations": 1,
            "get_running": 5,
            "get_conversation": 1,
        }
        await rig.run_for(60)
        assert ended(await rig.runs()) == {hangs.id: Outcome.STOPPED}
        assert not rig.inbox.about("MonitorBlind")


async def test_a_conversation_that_does_not_say_whether_it_runs_leaves_the_pass_incomplete(tmp_path: Path) -> None:
    """What could not be asked is unknown: the open run is neither ended nor stopped, and blindness is told."""
    options = Options(ignored_parameters=RUNNING_FILTER)
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=options) as rig:
        adapt(rig, running_filter=Proof.FAILS)
        conversation = rig.start_run()
        await rig.run_for(15)
        rig.world.set_fault(Fault(kind=FaultKind.HTML, operations=frozenset({"get_running"})))
        rig.world.finish_run(conversation.id)
        await rig.run_for(90)
        run = await rig.the_run()
        assert (run.ended_at, run.absent_since) == (None, None)
        assert not rig.world.record().stops
        assert rig.inbox.transitions("MonitorBlind") == ["firing"]


async def test_a_filter_that_nobody_tried_yet_begins_no_runs(tmp_path: Path) -> None:
    """What a list shows for the first time runs only if it says so itself; a list of idle ones is told."""
    options = Options(ignored_parameters=RUNNING_FILTER)
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=options) as rig:
        await rig.run_for(5)
        assert rig.project.capabilities.running_filter is Proof.UNPROVEN  # there was nothing to see
        crowd(rig, 20)
        await rig.run_for(15)
        assert await rig.runs() == []
        assert "filter_ignored" in rig.drifts
        hangs = rig.start_run()
        await rig.run_for(100)
        assert ended(await rig.runs()) == {hangs.id: Outcome.STOPPED}
        assert [stop.conversation_id for stop in rig.world.record().stops] == [hangs.id]


@pytest.mark.parametrize(("proof", "asked"), [(Proof.WORKS, 0), (Proof.UNPROVEN, 3)])
async def test_a_list_that_is_known_to_tell_is_not_checked(tmp_path: Path, proof: Proof, asked: int) -> None:
    """One question for each new run is the price of not knowing."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await rig.run_for(5)
        adapt(rig, running_filter=proof)
        for _ in range(3):
            rig.start_run()
        requests = await requests_of(rig, rig.poll_runs())
        assert requests.get("get_running", 0) == asked
        assert len(await rig.runs()) == 3
        assert await requests_of(rig, rig.poll_runs()) == {"list_conversations": 1}


# Chats that the list does not embed


@pytest.mark.parametrize("embed", [0, 1])
async def test_runs_are_read_where_the_list_embeds_little(tmp_path: Path, embed: int) -> None:
    """A run is read when it is new and when chats come, gets the same ages, and is stopped when it is overdue."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(embed=embed)) as rig:
        adapt(rig, running_filter=Proof.WORKS)
        conversation = rig.start_run()
        await rig.run_for(11)
        run = await rig.the_run()
        user, work = conversation.chats
        assert (run.user_chat_id, run.incomplete_chat_id, run.estimate_since) == (user.id, work.id, START)
        assert await requests_of(rig, rig.poll_runs()) == {"list_conversations": 1}
        await rig.run_for(100)
        assert (await rig.the_run()).outcome is Outcome.STOPPED
        assert len(rig.world.record().stops) == 1


@pytest.mark.parametrize("embed", [0, 1, 20])
async def test_the_next_run_is_told_from_the_former_one(tmp_path: Path, embed: int) -> None:
    """A message of the user that stands behind the newest chat makes the chat after it the next run."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(embed=embed)) as rig:
        conversation = rig.start_run()
        await rig.run_for(45)
        rig.world.add_chat(conversation.id, "USER", "another question")
        rig.start_run(conversation)
        await rig.run_for(45)
        first, second = await rig.runs()
        assert (first.outcome, second.outcome) == (Outcome.FINISHED, None)
        assert not rig.world.record().stops  # neither is older than the limit
        await rig.run_for(30)
        assert [run.outcome for run in await rig.runs()] == [Outcome.FINISHED, Outcome.STOPPED]


@pytest.mark.parametrize("embed", [0, 1, 20])
async def test_a_chat_in_front_of_the_one_being_written_hides_no_run(tmp_path: Path, embed: int) -> None:
    """A row that shows another chat alone does not take back that one is being written: it is stopped when due."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(embed=embed)) as rig:
        conversation = rig.start_run()
        await rig.run_for(25)
        rig.world.add_chat(conversation.id, "AGENT", "a colleague steps in")
        await rig.run_for(20)
        assert (await rig.the_run()).incomplete_chat_id == conversation.chats[1].id
        await rig.run_for(30)
        assert (await rig.the_run()).outcome is Outcome.STOPPED
        assert len(rig.world.record().stops) == 1


@pytest.mark.parametrize("embed", [0, 1, 20])
async def test_a_chat_that_is_completed_is_noticed(tmp_path: Path, embed: int) -> None:
    """That the answer is complete while the list shows a run is seen even where that changes no row."""
    settings: dict[str, Any] = {"apps": [{"match": "*", "run_limit": "5m"}]}
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(embed=embed), **settings) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        conversation.chats[-1].completed = True
        await rig.run_for(310)
        run = await rig.the_run()
        assert run.incomplete_chat_id is None
        assert run.contradiction is not None
        assert run.contradiction.clash is Clash.CHAT_COMPLETED
        assert not rig.world.record().stops


async def test_a_read_that_failed_is_made_up_for(tmp_path: Path) -> None:
    """A new run whose chats could not be read begins all the same, and they are read with the next pass."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(embed=0), **LONG) as rig:
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, operations=frozenset({"get_conversation"}), ends=START + 5))
        conversation = rig.start_run()
        await rig.run_for(5)
        assert (await rig.the_run()).incomplete_chat_id is None
        await rig.run_for(10)
        assert (await rig.the_run()).incomplete_chat_id == conversation.chats[1].id


async def test_chats_that_change_without_their_number_are_news(tmp_path: Path) -> None:
    """Where a row shows the newest chat alone, that it is completed, or another one, has the rest read."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(embed=1), **LONG) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        conversation.chats[1].completed = True
        await rig.run_for(10)
        assert (await rig.the_run()).incomplete_chat_id is None
        rig.world.delete_chat(conversation.chats[0].id)
        chat = rig.world.add_chat(conversation.id, "USER", "the same again")
        await rig.run_for(10)
        assert (await rig.the_run()).user_chat_id == chat.id
        rig.world.delete_chat(chat.id)
        rig.start_run(conversation)
        await rig.run_for(10)
        assert (await rig.runs())[-1].incomplete_chat_id == conversation.chats[-1].id


@pytest.mark.parametrize("embed", [0, 1])
async def test_progress_is_seen_where_the_list_embeds_little(tmp_path: Path, embed: int) -> None:
    """Steps of an old run are read once a minute there, too, for two requests."""
    settings: dict[str, Any] = {"apps": [{"match": "*", "run_limit": "10m"}], **polling(runs="20s", ratings=[])}
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(embed=embed), **settings) as rig:
        adapt(rig, running_filter=Proof.WORKS)
        rig.world.start_run(rig.talk().id, RunPlan(kind=RunKind.SLOW))
        await rig.run_for(149)
        assert rig.requests("get_chat") == 0
        await rig.run_for(180)
        assert rig.requests("get_chat") == 3
        run = await rig.the_run()
        assert run.idle_since > START + 149


@pytest.mark.parametrize("embed", [0, 1])
async def test_ratings_are_found_where_the_list_embeds_little(tmp_path: Path, embed: int) -> None:
    """Every rating, of old chats and new ones, is told once; a conversation that changed is read at once."""
    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(embed=embed), **SELDOM) as rig:
        old = [past_conversation(rig, 60 + number, chats=6) for number in range(30)]
        await rig.run_for(200)
        for conversation in old:
            rig.world.rate(conversation.chats[1].id, False)
        changed = rig.world.add_chat(old[0].id, "BOT", "more")
        rig.world.rate(changed.id, False)
        rig.world.add_chat(old[0].id, "USER", "more")
        await rig.poll_ratings()
        assert {each.chat_at for each in await changes(rig)} >= {changed.at}
        await rig.run_for(300)
        told = [each.entry.labels["chat_id"] for each in rig.inbox.about("NegativeRating")]
        assert sorted(told) == sorted([changed.id, *(conversation.chats[1].id for conversation in old)])


async def test_a_rating_that_moves_the_last_chat_is_found_at_once(tmp_path: Path) -> None:
    """Where a rating counts as activity, the conversation is read though it has no new chat."""
    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(embed=0, rating_touches=True), **SELDOM) as rig:
        conversation = past_conversation(rig, HOUR, chats=4)
        await rig.run_for(200)
        rig.world.rate(conversation.chats[1].id, False)
        await rig.poll_ratings()
        assert len(await changes(rig)) == 1


async def test_tiers_stretch_to_the_request_budget(tmp_path: Path) -> None:
    """Not embedding costs a request for each conversation: within the budget, all are read in the time that is told."""
    settings = {
        **polling(conversations="1h", evaluation="1h", ratings=[{"younger_than": "7d", "every": "5m"}]),
        "projects": {PROJECT: {"requests_per_minute": 20}},  # 30 pages for each sweep
    }
    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(embed=0), **settings) as rig:
        conversations = [past_conversation(rig, 600 + number) for number in range(100)]
        await rig.run_for(1)
        rig.clock.advance(300)
        await rig.run_for(10)
        [demand] = rig.polls._ratings.demand().values()
        assert (demand.conversations, demand.requests, demand.every) == (100, 102, 300)
        assert (round(demand.stretched_every), demand.detection_delay) == (1000, 1200)
        assert round(demand.requests_per_hour) == 24 + 360
        for conversation in conversations:
            rig.world.rate(answer_of(conversation).id, False)
        before = rig.requests("list_chats")
        await rig.run_for(1200)
        assert rig.requests("list_chats") - before <= 120
        assert len({each.entry.labels["chat_id"] for each in rig.inbox.about("NegativeRating")}) == 100
        assert [line["detection_delay"] for line in rig.logs if "longer" in line["event"]] == ["20m"]


async def test_a_baseline_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    """Reading each conversation, a failure does not begin all over, and what was rated before is not told."""
    settings = polling(conversations="60s", evaluation="1h", ratings=[{"younger_than": "7d", "every": "1d"}])
    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(embed=0), **settings) as rig:
        conversations = [past_conversation(rig, 600 + number) for number in range(40)]
        for conversation in conversations:
            rig.world.rate(answer_of(conversation).id, False)

        def fail(method: str, path: str) -> None:
            if conversations[30].id.rstrip("=") in path and "chats" in path:
                rig.world.set_fault(Fault(kind=FaultKind.ERROR, count=3))

        rig.before_request = fail
        await rig.run_for(30)
        assert not rig.inbox.about("BaselineRecorded")
        rig.before_request = None
        rig.world.clear_faults()
        before = rig.requests("list_chats")
        await rig.run_for(60)
        assert rig.inbox.transitions("BaselineRecorded") == ["firing"]
        assert rig.requests("list_chats") - before < 40
        assert not rig.inbox.about("NegativeRating")


# Pages


@pytest.mark.parametrize("expired", [400, 422])
async def test_a_cursor_that_expires_breaks_off_the_pass_alone(tmp_path: Path, expired: Any) -> None:
    """What was read is looked at; the pass is not complete, which is said once, and the next one begins anew."""
    options = Options(cursor_pages=1, expired_cursor=expired)
    async with open_rig(tmp_path, rules=NEGATIVE, options=options, **SELDOM) as rig:
        await rig.run_for(10)
        rig.clock.advance(200)
        chats = [answer_of(rig.talk(f"question {n}", f">answer {n}")) for n in range(120)]
        for chat in chats:
            rig.world.rate(chat.id, False)
        before = await newest_pass(rig)
        for _ in range(2):
            await rig.poll_ratings()
        assert len(await changes(rig)) == 100
        assert await newest_pass(rig) == before
        assert "cursor" in rig.polls._ratings.incomplete["conversations"]
        assert len([line for line in rig.logs if line["event"] == "pass is incomplete"]) == 1
        assert not [line for line in rig.logs if line["event"] == "poll fails"]


async def test_chat_pages_may_begin_with_the_newest(tmp_path: Path) -> None:
    """New chats are found on whichever page the server shows them."""

    def newest_first(path: str, answer: Any) -> Any:
        if "/chats?pageNo=" not in path:
            return answer
        every = [chat_rows[chat.id] for chat in reversed(conversation.chats)] if answer["totalCount"] > 150 else None
        if every is None:
            return answer
        number = int(path.rpartition("=")[2])
        return answer | {"chats": every[(number - 1) * 100 : number * 100]}

    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(embed=1), **SELDOM) as rig:
        conversation = past_conversation(rig, HOUR, chats=150)
        await rig.run_for(200)
        added = [rig.world.add_chat(conversation.id, "BOT", f"more {n}") for n in range(3)]
        rig.world.rate(added[0].id, False)
        chat_rows = {
            chat.id: {
                "id": chat.id,
                "timestamp": chat.at * 1000,
                "sender": chat.sender,
                "rating": chat.rating,
                "agentRating": None,
            }
            for chat in conversation.chats
        }
        rig.rewrite = newest_first
        await rig.poll_ratings()
        assert [change.rating.chat_id for change in await changes(rig)] == [added[0].id]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("embed", [1, 20])
async def test_embedded_chats_may_come_in_either_order(tmp_path: Path, embed: int, *, newest_first: bool) -> None:
    """Runs and ratings are the same whichever chat a row shows first."""
    options = Options(embed=embed, embed_newest_first=newest_first)
    async with open_rig(tmp_path, rules=NEGATIVE + OVER_LIMIT, options=options) as rig:
        rated, conversation = rig.talk("question", ">answer"), rig.start_run()
        await rig.run_for(30)
        rig.world.rate(answer_of(rated).id, False)
        await rig.run_for(400)
        assert (await rig.the_run()).outcome is Outcome.STOPPED
        assert [stop.conversation_id for stop in rig.world.record().stops] == [conversation.id]
        assert rig.inbox.transitions("NegativeRating") == ["firing"]


def test_nothing_is_assumed_of_a_server_that_nobody_asked() -> None:
    """The defaults say that nothing is proven, so that a guess is never taken for a fact."""
    assert {value for value in dataclasses.asdict(Capabilities()).values() if isinstance(value, Proof)} == {
        Proof.UNPROVEN
    }
