"""The stop protocol against a project that obeys, lags, ignores, refuses or changes under our hands."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.model.alert import Resolution
from monitor.model.capabilities import Proof
from monitor.model.run import Outcome
from monitor.model.stop import StopResult, StopState
from monitor.simulator.entities import Conversation, Ending, RunKind
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.record import StopEffect
from monitor.store.stops import Brake
from tests.support.rig import PROJECT, START, Rig, open_rig
from tests.support.rig_inbox import Crash
from tests.support.rig_rules import OVER_LIMIT

LIMIT = 60  # seconds: run_limit in the rig
SELDOM: dict[str, Any] = {"polling": {"runs": "45s", "conversations": "10m", "evaluation": "45s"}}
"""Polls that leave the looks of the stop protocol to itself: at 45, 90 and 135 seconds."""


def posts(rig: Rig) -> list[tuple[float, StopEffect]]:
    """Return when each request to stop came to Alli, in whole seconds from the start, and what it did."""
    return [(round(stop.at - START), stop.effect) for stop in rig.world.record().stops]


async def answers(rig: Rig) -> list[str]:
    """Return what became of each request, as the budget counts it."""
    file = rig.store._engine.url.database
    assert file is not None
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT answer FROM stop_requests ORDER BY id").fetchall()
    database.close()
    return [answer for (answer,) in rows]


async def audit(rig: Rig) -> list[str]:
    """Return what the audit says, oldest first."""
    async with rig.store.snapshot() as tx:
        return [line.what for line in reversed(await tx.stops.lines(limit=100))]


def is_stop(method: str, path: str) -> bool:
    """Whether a request asks for a stop."""
    return method == "POST" and path.endswith("/stop")


def is_recheck(method: str, path: str) -> bool:
    """Whether a request reads one conversation: the first half of a re-check."""
    return method == "GET" and path.count("/") == 4  # /webapi/v2/conversations/<id>


# The protocol as a whole


async def test_a_stop_is_checked_journalled_asked_and_verified(tmp_path: Path) -> None:
    """Before the request come a look and the intent on disk, after it a look; the alert tells what came of it."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SELDOM) as rig:
        seen: list[str] = []
        journal: list[tuple[str, str]] = []

        def watch(method: str, path: str) -> None:
            seen.append(
                f"{method} {path.rpartition('/')[2] if method == 'POST' or path.endswith('running') else 'read'}"
            )
            if is_stop(method, path):
                with sqlite3.connect(tmp_path / "monitor.db") as database:
                    journal.extend(database.execute("SELECT s.state, r.answer FROM stops s, stop_requests r"))
                database.close()

        conversation = rig.start_run()
        await rig.run_for(59)
        rig.before_request = watch
        await rig.run_for(20)
        assert seen == ["GET read", "GET running", "POST stop", "GET read", "GET running"]
        assert journal == [("requesting", "pending")]
        assert await audit(rig) == ["intended", "requesting", "requested", "stopped"]
        fired, resolved = rig.inbox.about("RunOverLimit")
        assert (fired.action, resolved.action, resolved.resolution) == ("stopped", "stopped", Resolution.ENDED)
        assert fired.entry.labels["conversation_id"] == conversation.id
        assert round(fired.at - START) == LIMIT + 10
        assert (await rig.the_run()).outcome is Outcome.STOPPED


async def test_a_run_is_stopped_once(tmp_path: Path) -> None:
    """However long one looks on, a run that obeyed is asked once and told about once."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(200)
        assert posts(rig) == [(LIMIT, StopEffect.STOPPED)]
        assert rig.inbox.transitions("RunOverLimit") == ["firing", "resolved"]
        assert await answers(rig) == ["accepted"]


@pytest.mark.parametrize(("lag", "known_after"), [(4, 10), (20, 30)])
async def test_a_stop_that_lags_is_seen_to_work(tmp_path: Path, lag: float, known_after: float) -> None:
    """The effect is looked for after 10 and 30 seconds, without asking again, and told when it is seen."""
    polling = {"runs": "59s", "evaluation": "59s"}
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling=polling) as rig:
        rig.start_run(stop_lag=lag)
        await rig.run_for(LIMIT + known_after - 1)
        assert not rig.inbox.about("RunOverLimit")
        await rig.run_for(2)
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["stopped", "stopped"]
        assert posts(rig) == [(LIMIT, StopEffect.LAGGING)]


async def test_a_stop_that_works_just_in_time_is_not_asked_again(tmp_path: Path) -> None:
    """The last look, after `verify_within`, comes before the announcement: a stop that took long is told as stopped."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling={"runs": "190s", "evaluation": "190s"}) as rig:
        rig.start_run(stop_lag=70)
        await rig.run_for(LIMIT + 125)
        assert posts(rig) == [(LIMIT, StopEffect.LAGGING)]
        assert (await rig.the_stop()).result is StopResult.STOPPED
        assert rig.inbox.transitions("RunOverLimit") == ["firing", "resolved"]
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["stopped", "stopped"]
        assert round(rig.inbox.about("RunOverLimit")[0].at - START) == LIMIT + 120
        assert not rig.inbox.about("StopIneffective")


async def test_a_stop_that_is_ignored_is_told_and_given_up_after_three_requests(tmp_path: Path) -> None:
    """After `verify_within` the stop is ineffective; two more requests follow, each after its own verification."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SELDOM) as rig:
        conversation = rig.start_run(stop_lag=math.inf)
        await rig.run_for(LIMIT + 119)
        assert not rig.inbox.about("RunOverLimit")
        await rig.run_for(2)
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["ineffective"]
        assert rig.inbox.transitions("StopIneffective") == ["firing"]
        await rig.run_for(420)
        assert posts(rig) == [(LIMIT + n * 120, StopEffect.IGNORED) for n in range(3)]
        assert rig.inbox.transitions("StopIneffective") == ["firing"]
        stop = await rig.the_stop()
        assert (stop.state, stop.result, stop.requests) == (StopState.DONE, StopResult.INEFFECTIVE, 3)
        rig.world.finish_run(conversation.id)
        await rig.run_for(60)
        assert rig.inbox.transitions("StopIneffective", "RunOverLimit")[2:] == ["resolved", "resolved"]


# Who may be stopped


async def test_the_budget_of_an_hour_holds_back_and_lets_go(tmp_path: Path) -> None:
    """What is overdue beyond the budget is told and waits; once the hour has rolled on, it is stopped after all."""
    settings: dict[str, Any] = {
        "auto_stop": {"budget": {"per_hour": 2}, "cooldown": "0s"},
        "polling": {"runs": "5m", "conversations": "1h", "evaluation": "5m"},
    }
    async with open_rig(tmp_path, rules=OVER_LIMIT, **settings) as rig:
        for _ in range(3):
            rig.start_run()
        await rig.run_for(1000)
        assert [at for at, _ in posts(rig)] == [LIMIT, LIMIT]
        refused = [told for told in rig.inbox.about("RunOverLimit") if told.action == "refused"]
        assert len(refused) == 1
        assert "budget" in refused[0].entry.annotations["action"]
        assert rig.inbox.transitions("StopBudgetSpent") == ["firing"]
        await rig.run_for(3200)
        third = rig.world.record().stops[2]
        assert LIMIT + 3600 <= third.at - START <= LIMIT + 3600 + 300
        assert rig.inbox.transitions("StopBudgetSpent") == ["firing", "resolved"]


async def test_each_request_of_a_stop_is_counted(tmp_path: Path) -> None:
    """A run that ignores its stop spends the budget of others."""
    async with open_rig(
        tmp_path, rules=OVER_LIMIT, auto_stop={"budget": {"per_hour": 2}, "verify_within": "40s"}
    ) as rig:
        rig.start_run(stop_lag=math.inf)
        await rig.run_for(50)
        rig.start_run()
        await rig.run_for(200)
        assert posts(rig) == [(60, StopEffect.IGNORED), (100, StopEffect.IGNORED)]
        assert {stop.result for stop in await rig.stops()} == {StopResult.INEFFECTIVE, StopResult.REFUSED}


async def test_the_budget_of_an_app_is_its_own(tmp_path: Path) -> None:
    """One app that hangs does not use up what others may need."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"budget": {"per_app_per_hour": 1}}) as rig:
        for app_name in ("Report", "Report", "Chat"):
            rig.start_run(rig.talk(app_name=app_name))
        await rig.run_for(100)
        stopped = [run.app_name for run in rig.world.record().runs if run.ending is Ending.STOPPED]
        assert sorted(name or "" for name in stopped) == ["Chat", "Report"]


async def test_a_conversation_cools_down(tmp_path: Path) -> None:
    """The next run of a conversation is stopped only `cooldown` after the last request, and told as refused before."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"cooldown": "2m"}) as rig:
        conversation = rig.start_run()
        await rig.run_for(75)
        rig.start_run(conversation)
        await rig.run_for(70)
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["stopped", "stopped", "refused"]
        await rig.run_for(60)
        first, second = rig.world.record().stops
        assert 120 <= second.at - first.at <= 130


async def test_only_apps_on_the_list_are_stopped(tmp_path: Path) -> None:
    """A run of another app is told about as refused, at once and for good."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"apps": ["Rep*"]}) as rig:
        rig.start_run(rig.talk(app_name="Chat"))
        rig.start_run(rig.talk(app_name="Report"))
        await rig.run_for(100)
        assert [run.app_name for run in rig.world.record().runs if run.ended] == ["Report"]
        [refused] = [told for told in rig.inbox.about("RunOverLimit") if told.entry.labels["app"] == "Chat"]
        assert (refused.action, round(refused.at - START)) == ("refused", LIMIT)


async def test_a_run_without_an_app_is_never_stopped(tmp_path: Path) -> None:
    """`*` means every run that has an app."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.world.add_conversation()
        rig.start_run(conversation)
        await rig.run_for(100)
        assert not rig.world.record().stops
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["refused"]


@pytest.mark.parametrize("mode", ["off", "shadow"])
async def test_outside_enforce_nothing_is_asked(tmp_path: Path, mode: str) -> None:
    """Neither `off` nor `shadow` sends a request, and the alert is told at once."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"mode": mode}) as rig:
        rig.start_run()
        await rig.run_for(200)
        assert rig.requests("stop_conversation") == 0
        [told] = rig.inbox.about("RunOverLimit")
        assert round(told.at - START) == LIMIT
        assert told.action == (None if mode == "off" else "shadow")


@pytest.mark.parametrize("kind", ["pause", "protect"])
async def test_the_brake_holds_and_is_lifted(tmp_path: Path, kind: str) -> None:
    """What is paused or protected is told as refused, and stopped within a poll once that ends."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await brake(rig, kind, conversation, until=START + 105)
        await rig.run_for(104)
        assert not posts(rig)
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["refused"]
        await rig.run_for(10)
        [(at, _)] = posts(rig)
        assert 105 <= at <= 115


async def test_the_brake_holds_a_stop_that_is_under_way(tmp_path: Path) -> None:
    """A pause between the decision and the request prevents the request."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(59)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, ends=START + 61, operations=frozenset({"get_running"})))
        await rig.run_for(2)
        assert (await rig.the_stop()).state is StopState.INTENDED
        await brake(rig, "pause", conversation, until=None)
        await rig.run_for(60)
        assert not posts(rig)
        stop = await rig.the_stop()
        assert (stop.result, stop.reason) == (StopResult.REFUSED, "paused")


async def brake(rig: Rig, kind: str, conversation: Conversation, *, until: float | None) -> None:
    """Set a brake on everything, or on one conversation."""
    target = conversation.id if kind == "protect" else ""
    async with rig.store.transaction() as tx:
        await tx.stops.set_brake(
            Brake(kind=kind, project=PROJECT, target=target, until=until, set_at=rig.now, set_by="alex")
        )


# The re-check


async def test_a_user_who_wrote_meanwhile_prevents_the_stop(tmp_path: Path) -> None:
    """The run is told as changed and left alone, until it is overdue again by its new age."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(59)

        def write(method: str, path: str) -> None:
            if is_recheck(method, path):
                rig.before_request = None
                rig.world.add_chat(conversation.id, "USER", "still there?")

        rig.before_request = write
        await rig.run_for(60)
        assert not posts(rig)
        assert [told.action for told in rig.inbox.about("RunOverLimit")][:1] == ["changed"]
        await rig.run_for(20)
        [(at, _)] = posts(rig)
        assert at == 70 + LIMIT


async def test_another_chat_prevents_the_stop(tmp_path: Path) -> None:
    """A loop that began another chat just now is not what became overdue."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run(kind=RunKind.LOOPS, replaces_chat=True, every=60.0005)
        await rig.run_for(69)
        assert not posts(rig)
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["changed"]


async def test_a_run_that_ends_just_before_is_not_stopped(tmp_path: Path) -> None:
    """What the look right before finds ended is told as changed, and counts as finished by itself."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run(ends_on_check_after=30)
        await rig.run_for(100)
        assert not posts(rig)
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["changed", "changed"]
        assert (await rig.the_stop()).result is StopResult.ALREADY_FINISHED
        assert (await rig.the_run()).outcome is Outcome.FINISHED


async def test_a_deleted_conversation_is_gone_not_stopped(tmp_path: Path) -> None:
    """A 404 at the look is a fact: the run is over and its alerts resolve as gone."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(55)
        rig.world.delete_conversation(conversation.id)
        await rig.run_for(100)
        assert not posts(rig)
        assert (await rig.the_run()).outcome is Outcome.GONE
        told = rig.inbox.about("RunOverLimit")
        assert not told or told[-1].resolution is Resolution.GONE


async def test_a_look_that_became_stale_is_had_again(tmp_path: Path) -> None:
    """A request leaves only within five seconds of the look that allowed it."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SELDOM) as rig:
        rig.start_run()
        await rig.run_for(59)
        slow = Fault(kind=FaultKind.SLOW, delay=6, count=1, operations=frozenset({"get_running"}))
        rig.world.set_fault(slow)
        await rig.run_for(20)
        [(at, effect)] = posts(rig)
        assert (at, effect) == (68, StopEffect.STOPPED)  # 6 seconds late, looked at again 2 seconds later
        assert await answers(rig) == ["refused", "accepted"]


async def test_the_next_run_that_began_in_between_is_noticed(tmp_path: Path) -> None:
    """There is no way to stop only the old run; that the stop may have hit the next one is on record."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SELDOM) as rig:
        conversation = rig.start_run()
        await rig.run_for(59)

        def begin_next(method: str, path: str) -> None:
            if is_stop(method, path):
                rig.before_request = None
                rig.clock.advance(0.5)
                rig.world.finish_run(conversation.id)
                rig.world.add_chat(conversation.id, "USER", "and now this")
                rig.start_run(conversation, stop_lag=math.inf)

        rig.before_request = begin_next
        await rig.run_for(200)
        stop = (await rig.stops())[0]
        assert stop.result is StopResult.STOPPED
        assert "next run" in stop.reason
        first, second = await rig.runs()
        assert (first.id, first.outcome) == (stop.run_id, Outcome.STOPPED)
        assert second.ended_at is None


# Refusals by Alli


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault(kind=FaultKind.THROTTLE, retry_after=17, count=1, operations=frozenset({"stop_conversation"})), 17),
        (Fault(kind=FaultKind.THROTTLE, count=1, operations=frozenset({"stop_conversation"})), 2),
        (Fault(kind=FaultKind.ERROR, retry_after=9, count=1, operations=frozenset({"stop_conversation"})), 9),
        (Fault(kind=FaultKind.ERROR, count=3, operations=frozenset({"stop_conversation"})), 6),
    ],
)
async def test_a_request_that_was_refused_is_made_again_and_counts_for_nothing(
    tmp_path: Path, fault: Fault, seconds: float
) -> None:
    """After Retry-After and a fresh look the stop is tried again, with budget and cooldown untouched."""
    async with open_rig(
        tmp_path, rules=OVER_LIMIT, auto_stop={"budget": {"per_hour": 1, "per_app_per_hour": 1}}, **SELDOM
    ) as rig:
        rig.start_run()
        await rig.run_for(59)
        before = rig.requests("get_running")
        rig.world.set_fault(fault)
        await rig.run_for(50)
        *refused, (at, effect) = posts(rig)
        assert {effect for _, effect in refused} == {StopEffect.REFUSED}
        assert (at, effect) == (LIMIT + seconds, StopEffect.STOPPED)
        assert await answers(rig) == ["refused"] * len(refused) + ["accepted"]
        assert (await rig.the_stop()).requests == 1
        assert rig.requests("get_running") - before >= 2 + len(refused)  # each request has a look of its own


async def test_a_request_that_never_left_is_made_again(tmp_path: Path) -> None:
    """No connection means that nothing was asked."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(59)

        def disconnect(method: str, path: str) -> None:
            if is_stop(method, path):
                rig.before_request = None
                raise httpx.ConnectError("no route")

        rig.before_request = disconnect
        await rig.run_for(30)
        assert posts(rig) == [(LIMIT + 2, StopEffect.STOPPED)]
        assert await answers(rig) == ["refused", "accepted"]


async def test_a_request_without_an_answer_counts_and_is_verified(tmp_path: Path) -> None:
    """A connection that broke may have carried the stop: it is looked at, not asked again."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SELDOM) as rig:
        rig.start_run()
        rig.world.set_fault(Fault(kind=FaultKind.RESET, count=1, operations=frozenset({"stop_conversation"})))
        await rig.run_for(200)
        assert posts(rig) == [(LIMIT, StopEffect.STOPPED)]
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["stopped", "stopped"]


async def test_a_stop_that_alli_will_not_do_needs_a_person(tmp_path: Path) -> None:
    """A 409 while the run goes on ends the stop as an error, told as refused and as ineffective."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        conflict = Fault(kind=FaultKind.ERROR, status=409, operations=frozenset({"stop_conversation"}))
        rig.world.set_fault(conflict)
        await rig.run_for(200)
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["refused"]
        assert rig.inbox.transitions("StopIneffective") == ["firing"]
        assert len(posts(rig)) == 1


# Crashes


async def test_a_crash_before_the_look_loses_nothing(tmp_path: Path) -> None:
    """An intended stop is carried out by the daemon that comes back, after a look of its own."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(59)
        rig.before_request = crash_at(is_recheck)
        await rig.run_for(5)
        assert (await rig.the_stop()).state is StopState.INTENDED
        await rig.restart(after=5)
        await rig.run_for(30)
        [(at, effect)] = posts(rig)
        assert effect is StopEffect.STOPPED
        assert at <= LIMIT + 15
        assert rig.inbox.transitions("RunOverLimit") == ["firing", "resolved"]


async def test_a_crash_after_the_request_is_followed_by_a_look(tmp_path: Path) -> None:
    """A request that arrived and whose answer was lost is never repeated."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(59)
        rig.after_request = crash_at(is_stop)
        await rig.run_for(5)
        assert (await rig.the_stop()).state is StopState.REQUESTING
        await rig.restart(after=5)
        await rig.run_for(200)
        assert posts(rig) == [(LIMIT, StopEffect.STOPPED)]
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["stopped", "stopped"]
        assert (await rig.the_run()).outcome is Outcome.STOPPED


async def test_a_request_that_a_crash_kept_from_leaving_is_made_after_verification(tmp_path: Path) -> None:
    """Found without effect, it counts for nothing: one more request is made even with a budget of one."""
    budget = {"budget": {"per_hour": 1, "per_app_per_hour": 1}}
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop=budget) as rig:
        rig.start_run()
        await rig.run_for(59)
        rig.before_request = crash_at(is_stop)
        await rig.run_for(5)
        assert (await rig.the_stop()).state is StopState.REQUESTING
        await rig.restart(after=5)
        await rig.run_for(150)
        [(at, effect)] = posts(rig)
        assert (at, effect) == (LIMIT + 120, StopEffect.STOPPED)
        assert await answers(rig) == ["without_effect", "accepted"]


async def test_a_crash_while_verifying_goes_on_verifying(tmp_path: Path) -> None:
    """A stop that was asked for is looked at again, at the same moments, and not asked again."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling={"runs": "59s", "evaluation": "59s"}) as rig:
        rig.start_run(stop_lag=20)
        await rig.run_for(65)
        assert (await rig.the_stop()).state is StopState.REQUESTED
        await rig.restart(after=3)
        await rig.run_for(80)
        assert posts(rig) == [(LIMIT, StopEffect.LAGGING)]
        assert [told.action for told in rig.inbox.about("RunOverLimit")] == ["stopped", "stopped"]
        assert round(rig.inbox.about("RunOverLimit")[0].at - START) == LIMIT + 30


def crash_at(matches: Callable[[str, str], bool]) -> Callable[[str, str], None]:
    """Return what lets the daemon die at the first request that `matches`."""

    def crash(method: str, path: str) -> None:
        if matches(method, path):
            raise Crash

    return crash


async def test_nothing_is_stopped_while_times_contradict_ids(tmp_path: Path) -> None:
    """A server whose times cannot be told makes no run old enough to be stopped; the overdue run is told about."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await rig.run_for(20)
        rig.start_run()
        await rig.run_for(20)
        rig.client.adapt(contradicting := replace(rig.project.capabilities, unit_agrees=Proof.FAILS))
        rig.project.capabilities = contradicting
        await rig.run_for(60)
        assert not rig.world.record().stops
        [told] = rig.inbox.about("RunOverLimit")
        assert told.action == "refused"
        assert (await rig.the_stop()).reason == "contradicted"
