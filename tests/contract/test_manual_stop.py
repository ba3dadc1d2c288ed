"""Stops that people ask for, where no rule, mode, app list, budget or brake has a say."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from monitor.cycle.manual_stops import AskedFor, CannotStop, stop_by_hand
from monitor.model.run import Outcome
from monitor.model.stop import StopMode, StopResult, StopState
from monitor.simulator.entities import Conversation, RunKind
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.record import StopEffect
from monitor.store.stops import Brake
from tests.support.rig import Rig, open_rig
from tests.support.rig_inbox import Crash
from tests.support.rig_rules import OVER_LIMIT

LIMIT = 60  # seconds: run_limit in the rig
OFF: dict[str, Any] = {"auto_stop": {"mode": "off"}}


async def ask(rig: Rig, conversation: Conversation, by: str = "alice") -> AskedFor:
    """Ask for a stop by hand, and leave it to the outbox."""
    return await stop_by_hand([rig.project], conversation.id, project=None, asked_by=by)


async def audit(rig: Rig) -> list[tuple[str, str]]:
    """Return what the audit says, oldest first, with its details."""
    async with rig.store.snapshot() as tx:
        return [(line.what, line.detail) for line in reversed(await tx.stops.lines(limit=100))]


async def brake(rig: Rig, kind: str, target: str) -> None:
    """Set a brake as the command line does."""
    async with rig.store.transaction() as tx:
        await tx.stops.set_brake(
            Brake(kind=kind, project="", target=target, until=None, set_at=rig.now, set_by="operator")
        )


def effects(rig: Rig) -> list[StopEffect]:
    """Return what each request to stop did that came to Alli."""
    return [stop.effect for stop in rig.world.record().stops]


def join(rig: Rig) -> None:
    """Do what another task of the daemon does for a person while the outbox waits for Alli."""
    with sqlite3.connect(rig.store._engine.url.database or "") as database:
        [body] = database.execute("SELECT body FROM stops").fetchone()
        database.execute("UPDATE stops SET body = ?", (body.replace('"asked_by":""', '"asked_by":"alice"'),))
    database.close()


def is_stop(method: str, path: str) -> bool:
    """Whether a request asks for a stop."""
    return method == "POST" and path.endswith("/stop")


def is_recheck(method: str, path: str) -> bool:
    """Whether a request reads one conversation: the first half of a re-check."""
    return method == "GET" and path.count("/") == 4  # /webapi/v2/conversations/<id>


async def test_a_run_that_no_rule_may_stop_is_stopped_by_hand_once(tmp_path: Path) -> None:
    """In mode off, without a rule that fires, a run is stopped once, verified, and the audit names who asked."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **OFF) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        asked = await ask(rig, conversation)
        assert (asked.stop.state, asked.stop.kind, asked.brakes) == (StopState.INTENDED, "manual", [])
        await rig.run_for(200)
        assert effects(rig) == [StopEffect.STOPPED]
        stop = await rig.the_stop()
        assert (stop.result, stop.asked_by, stop.requests) == (StopResult.STOPPED, "alice", 1)
        assert (await rig.the_run()).outcome is Outcome.STOPPED
        assert [what for what, _ in await audit(rig)] == ["intended", "requesting", "requested", "stopped"]
        assert (await audit(rig))[0][1] == "asked for by alice"


@pytest.mark.parametrize("settings", [{"mode": "enforce", "apps": ["Other"]}, {"mode": "shadow"}])
async def test_neither_app_list_nor_shadow_holds_it_back(tmp_path: Path, settings: dict[str, Any]) -> None:
    """An app that is not listed, and a project in shadow, are stopped by hand all the same."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop=settings) as rig:
        conversation = rig.start_run()
        await rig.run_for(LIMIT + 5)
        before = (await rig.the_stop()).result
        await ask(rig, conversation)
        await rig.run_for(30)
        assert before in {StopResult.REFUSED, StopResult.SHADOW}
        assert effects(rig) == [StopEffect.STOPPED]
        enforced = [stop for stop in await rig.stops() if stop.mode is StopMode.ENFORCE]
        assert [(stop.result, stop.asked_by) for stop in enforced] == [(StopResult.STOPPED, "alice")]


@pytest.mark.parametrize("kind", ["pause", "protect"])
async def test_the_brake_holds_automatic_stops_only(tmp_path: Path, kind: str) -> None:
    """A pause and a protection do not hold a stop by hand back, but whoever asks is told of them."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await brake(rig, kind, conversation.id if kind == "protect" else "")
        await rig.run_for(LIMIT + 5)
        assert not effects(rig)
        asked = await ask(rig, conversation)
        await rig.run_for(30)
        assert [(each.kind, each.set_by) for each in asked.brakes] == [(kind, "operator")]
        assert effects(rig) == [StopEffect.STOPPED]


async def test_it_spends_no_budget_but_begins_a_cooldown(tmp_path: Path) -> None:
    """What was stopped by hand leaves the budget to the rules, which let the conversation cool down all the same."""
    limits = {"budget": {"per_hour": 1, "per_app_per_hour": 1}, "cooldown": "10m"}
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop=limits) as rig:
        conversation, other = rig.start_run(), rig.talk()
        await rig.run_for(15)
        await ask(rig, conversation)
        await rig.run_for(30)
        rig.start_run(conversation)
        rig.start_run(other)
        await rig.run_for(LIMIT + 60)
        by_conversation = {stop.conversation_id: stop for stop in await rig.stops()}
        assert by_conversation[conversation.id].reason == "cooldown"
        assert by_conversation[other.id].result is StopResult.STOPPED


async def test_it_is_not_held_back_by_a_spent_budget(tmp_path: Path) -> None:
    """Where rules have spent the budget of the hour, a person still asks, as often as a run may be asked for."""
    limits = {"budget": {"per_hour": 1, "per_app_per_hour": 1}, "verify_within": "20s"}
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop=limits) as rig:
        rig.start_run()
        await rig.run_for(15)
        deaf = rig.start_run(stop_lag=math.inf)
        await rig.run_for(LIMIT + 20)
        [refused] = [stop for stop in await rig.stops() if stop.result is StopResult.REFUSED]
        await ask(rig, deaf)
        await rig.run_for(90)
        assert (refused.conversation_id, refused.reason) == (deaf.id, "budget_spent")
        assert effects(rig) == [StopEffect.STOPPED, *[StopEffect.IGNORED] * 3]


async def test_while_it_waits_for_alli_the_budget_is_free(tmp_path: Path) -> None:
    """A stop by hand that Alli has not taken yet reserves nothing of what rules may spend."""
    limits = {"budget": {"per_hour": 1, "per_app_per_hour": 1}}
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop=limits) as rig:
        waits = rig.start_run()
        await rig.run_for(15)
        stop = frozenset({"stop_conversation"})
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, status=503, operations=stop))
        await ask(rig, waits)
        other = rig.start_run()
        await rig.run_for(LIMIT + 10)
        states = {stop.conversation_id: (stop.state, stop.result) for stop in await rig.stops()}
        assert states == {waits.id: (StopState.INTENDED, None), other.id: (StopState.INTENDED, None)}
        rig.world.clear_faults()
        await rig.run_for(30)
        assert [stop.result for stop in await rig.stops()] == [StopResult.STOPPED] * 2


async def test_a_stop_that_goes_on_is_joined(tmp_path: Path) -> None:
    """Whoever asks while a stop of the run is under way joins it: one stop, one request, and both names are noted."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"verify_within": "30s"}) as rig:
        conversation = rig.start_run(stop_lag=20)
        await rig.run_for(LIMIT + 2)
        first = await ask(rig, conversation, "alice")
        second = await ask(rig, conversation, "bob")
        await rig.run_for(60)
        assert first.stop.id == second.stop.id == (await rig.the_stop()).id
        assert effects(rig) == [StopEffect.LAGGING]
        joined = [detail for what, detail in await audit(rig) if what == "joined"]
        assert [detail.partition(";")[0] for detail in joined] == ["asked for by alice", "asked for by bob"]


async def test_joining_lets_a_stop_go_that_the_brake_is_about_to_end(tmp_path: Path) -> None:
    """A stop by a rule that waits for Alli becomes a person's: the pause set meanwhile does not end it."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        stop = frozenset({"stop_conversation"})
        rig.world.set_fault(Fault(kind=FaultKind.THROTTLE, retry_after=30, count=1, operations=stop))
        await rig.run_for(LIMIT + 5)
        await brake(rig, "pause", "")
        await ask(rig, conversation)
        await rig.run_for(60)
        assert effects(rig) == [StopEffect.REFUSED, StopEffect.STOPPED]
        assert (await rig.the_stop()).result is StopResult.STOPPED


async def test_what_is_asked_during_the_recheck_is_not_forgotten(tmp_path: Path) -> None:
    """A person who asks while a rule's stop is being checked again keeps asking, whatever that check writes."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(LIMIT - 1)
        rig.before_request = lambda method, path: join(rig) if is_recheck(method, path) else None
        await rig.run_for(30)
        assert (await rig.the_stop()).asked_by == "alice"
        assert effects(rig) == [StopEffect.STOPPED]


async def test_a_wish_during_the_recheck_is_checked_by_itself(tmp_path: Path) -> None:
    """Where a rule's stop is about to end as it would for a rule, and a person joined it, it is checked once more."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling={"runs": "45s"}) as rig:
        conversation = rig.start_run()
        await rig.run_for(LIMIT - 1)

        def write_and_join(method: str, path: str) -> None:
            if is_recheck(method, path):
                rig.before_request = None
                rig.world.add_chat(conversation.id, "USER", "and?")
                join(rig)

        rig.before_request = write_and_join
        before = rig.requests("get_conversation")
        await rig.run_for(2)
        assert rig.requests("get_conversation") == before + 2
        assert (await rig.the_stop()).result is StopResult.CHANGED


@pytest.mark.parametrize("wrote", [True, False], ids=["the user wrote", "another chat is being written"])
async def test_another_run_is_not_stopped(tmp_path: Path, wrote: bool) -> None:  # noqa: FBT001 - a table
    """Where the run is another one at the re-check than when the person asked, nothing is asked of Alli."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **OFF) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)

        def replace_run(method: str, path: str) -> None:
            if is_recheck(method, path):
                rig.before_request = None
                rig.world.finish_run(conversation.id)
                if wrote:
                    rig.world.add_chat(conversation.id, "USER", "another question")
                rig.start_run(conversation)

        rig.before_request = replace_run
        await ask(rig, conversation)
        await rig.run_for(5)
        assert rig.before_request is None
        assert (await rig.the_stop()).result is StopResult.CHANGED
        assert effects(rig) == []


async def test_a_run_that_ended_is_not_asked_for(tmp_path: Path) -> None:
    """Where the run ends between the person's wish and the re-check, the stop says so and nothing is asked."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **OFF) as rig:
        conversation = rig.start_run(kind=RunKind.FINISHES, duration=16)
        await rig.run_for(15)
        rig.before_request = lambda method, path: rig.clock.advance(2) if is_recheck(method, path) else None
        await ask(rig, conversation)
        await rig.run_for(5)
        assert (await rig.the_stop()).result is StopResult.ALREADY_FINISHED
        assert effects(rig) == []


async def test_a_crash_at_the_request_is_followed_by_a_look(tmp_path: Path) -> None:
    """A daemon killed right after the request left looks at its effect when it is back, and asks no second time."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **OFF) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)

        def crash(method: str, path: str) -> None:
            if is_stop(method, path):
                raise Crash

        rig.after_request = crash
        await ask(rig, conversation)
        await rig.run_for(5)
        await rig.restart(after=5)
        await rig.run_for(60)
        assert effects(rig) == [StopEffect.STOPPED]
        stop = await rig.the_stop()
        assert (stop.result, stop.asked_by) == (StopResult.STOPPED, "alice")


async def test_a_crash_before_the_request_loses_nothing(tmp_path: Path) -> None:
    """A daemon killed once the wish is on disk carries it out when it is back, once it has seen the run again."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **OFF) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        await ask(rig, conversation)
        await rig.restart(after=2)
        await rig.run_for(60)
        assert effects(rig) == [StopEffect.STOPPED]


async def test_three_requests_are_the_most_whoever_asks(tmp_path: Path) -> None:
    """A run that ignores stops is asked three times in all; whoever asks once more is told to act elsewhere."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"mode": "off", "verify_within": "20s"}) as rig:
        conversation = rig.start_run(stop_lag=math.inf)
        await rig.run_for(15)
        await ask(rig, conversation)
        await rig.run_for(120)
        assert effects(rig) == [StopEffect.IGNORED] * 3
        assert rig.inbox.transitions("StopIneffective") == ["firing"]
        with pytest.raises(CannotStop, match=r"^3 requests .* had no effect; end the conversation"):
            await ask(rig, conversation)
        await rig.run_for(120)
        assert effects(rig) == [StopEffect.IGNORED] * 3


async def test_a_rule_may_follow_a_wish_that_came_to_nothing(tmp_path: Path) -> None:
    """A stop by hand that found another run leaves the rule free to stop that one, as a rule's stop."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)

        def write(method: str, path: str) -> None:
            if is_recheck(method, path):
                rig.world.add_chat(conversation.id, "USER", "and?")

        rig.before_request = write
        await ask(rig, conversation)
        await rig.deliver()
        rig.before_request = None
        assert (await rig.the_stop()).result is StopResult.CHANGED
        await rig.run_for(2 * LIMIT)
        stop = (await rig.stops())[-1]
        assert (stop.result, stop.kind, stop.asked_by) == (StopResult.STOPPED, "enforce", "")
        assert effects(rig) == [StopEffect.STOPPED]


async def test_what_cannot_be_stopped_is_said(tmp_path: Path) -> None:
    """Unknown conversations and projects, ended runs and stopped ones are refused, each with its reason."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **OFF) as rig:
        quiet = rig.talk()
        over = rig.start_run(kind=RunKind.FINISHES, duration=5)
        await rig.run_for(30)
        with pytest.raises(CannotStop, match=r"^no run of this conversation is known$") as unknown:
            await ask(rig, quiet)
        with pytest.raises(CannotStop, match=r"^there is no project 'suport'; there are: support$") as misspelled:
            await stop_by_hand([rig.project], over.id, project="suport", asked_by="alice")
        with pytest.raises(
            CannotStop, match=r"^nothing to stop: its newest run is finished, since 2027-.* UTC$"
        ) as ended:
            await ask(rig, over)
        assert [each.value.unknown for each in (unknown, misspelled, ended)] == [True, True, False]
        assert await rig.stops() == []
