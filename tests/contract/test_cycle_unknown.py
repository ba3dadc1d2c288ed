"""What is unknown resolves nothing and stops nothing, and the monitor says that it does not know."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.model.alert import Resolution
from monitor.model.capabilities import Proof
from monitor.model.run import Outcome
from monitor.simulator.entities import RunKind
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import Novelty, Options
from tests.support.rig import START, Rig, open_rig
from tests.support.rig_ratings import polling
from tests.support.rig_rules import NEGATIVE, OVER_LIMIT, tell

OLD = tell('run.age > duration("20s")', name="Old")
RUNNING = "backgroundRunning=true"
LIST = frozenset({"list_conversations"})


async def assert_nothing_is_concluded(rig: Rig) -> None:
    """Let two minutes pass in which the answers are unknown, over a run that is told about and becomes overdue."""
    await rig.run_for(120)
    assert (await rig.the_run()).ended_at is None
    assert rig.inbox.transitions("Old") == ["firing"]
    assert not rig.world.record().stops


@pytest.mark.parametrize(
    "kind",
    [FaultKind.ERROR, FaultKind.HTML, FaultKind.TRUNCATED, FaultKind.EMPTY, FaultKind.ENVELOPE, FaultKind.DROPPED],
)
async def test_a_failed_poll_is_unknown(tmp_path: Path, kind: FaultKind) -> None:
    """The run has ended meanwhile, but as long as no list says so, it is neither ended nor stopped."""
    async with open_rig(tmp_path, rules=OLD + OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(25)
        rig.world.set_fault(Fault(kind=kind, operations=LIST))
        rig.world.finish_run(conversation.id)
        await assert_nothing_is_concluded(rig)
        rig.world.clear_faults()
        await rig.run_for(10)
        assert rig.inbox.transitions("Old") == ["firing", "resolved"]
        assert (await rig.the_run()).outcome is Outcome.FINISHED


async def test_a_partial_poll_is_unknown(tmp_path: Path) -> None:
    """A list that repeats its cursor did not show everything: what it lacks is not absent, the pass not complete."""
    again = base64.urlsafe_b64encode(msgspec.msgpack.encode((0.0, ""))).decode()

    def repeat(path: str, answer: Any) -> Any:
        return {"conversations": [], "cursor": again} | ({"conversations": [other]} if RUNNING in path else answer)

    async with open_rig(tmp_path, rules=OLD + OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(25)
        other: dict[str, Any] = {"id": "another", "createdAt": START * 1000, "chats": [], "chatCount": 0}
        rig.rewrite = repeat
        await rig.run_for(120)
        first, *_ = await rig.runs()
        assert first.ended_at is None
        assert rig.inbox.transitions("Old")[:1] == ["firing"]
        assert not [told for told in rig.inbox.about("Old") if told.resolution]
        assert rig.inbox.transitions("MonitorBlind") == ["firing"]
        assert first.absent_since is None


async def test_a_list_that_running_contradicts_ends_nothing(tmp_path: Path) -> None:
    """Absent from the list but running by its own word, a run is unknown: kept, not stopped, and the clash is told."""
    async with open_rig(tmp_path, rules=OLD + OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(25)
        rig.rewrite = lambda path, answer: answer | {"conversations": []} if RUNNING in path else answer
        await assert_nothing_is_concluded(rig)
        assert rig.inbox.transitions("MonitorDegraded") == ["firing"]
        assert rig.inbox.transitions("MonitorBlind") == []
        rig.rewrite = None
        await rig.run_for(40)
        run = await rig.the_run()
        assert (run.absent_since, round(run.age_since - START)) == (None, 150)  # what was unknown does not make old
        assert rig.inbox.transitions("MonitorDegraded") == ["firing", "resolved"]


async def test_a_run_that_is_missing_is_ended_only_by_its_own_word(tmp_path: Path) -> None:
    """Where `/running` fails, a run that is absent from the list stays open until it answers."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        conversation = rig.start_run()
        await rig.run_for(25)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, operations=frozenset({"get_running"})))
        rig.world.finish_run(conversation.id)
        await rig.run_for(30)
        assert (await rig.the_run()).ended_at is None
        rig.world.clear_faults()
        await rig.run_for(10)
        run = await rig.the_run()
        assert run.ended_at == START + 30  # when it was first seen absent


async def test_a_row_that_cannot_be_read_is_not_absent(tmp_path: Path) -> None:
    """A bad row is unknown and the page complete for the rest: others end, the run behind it keeps its age."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        conversations = [rig.start_run() for _ in range(3)]
        await rig.run_for(25)
        rig.world.set_fault(Fault(kind=FaultKind.BAD_ROW, operations=LIST, count=2))
        rig.world.finish_run(conversations[2].id)
        await rig.run_for(60)
        ended = {run.conversation_id: run.ended_at is not None for run in await rig.runs()}
        assert ended == {conversations[0].id: False, conversations[1].id: False, conversations[2].id: True}
        assert {run.age_since for run in await rig.runs()} == {START}


async def test_a_deleted_conversation_is_known_to_be_gone(tmp_path: Path) -> None:
    """A 404 is a fact: the run ends as gone and its alerts resolve with that reason."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        conversation = rig.start_run()
        await rig.run_for(25)
        rig.world.delete_conversation(conversation.id)
        await rig.run_for(10)
        assert (await rig.the_run()).outcome is Outcome.GONE
        assert rig.inbox.about("Old")[-1].resolution is Resolution.GONE


# What the monitor says about itself


async def test_blindness_is_told_after_three_intervals(tmp_path: Path) -> None:
    """Without a complete pass for three intervals `MonitorBlind` fires, and it resolves with the next pass."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        await rig.run_for(15)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR))
        await rig.run_for(24)
        assert not rig.inbox.about("MonitorBlind")
        await rig.run_for(16)
        assert rig.inbox.transitions("MonitorBlind") == ["firing"]
        rig.world.clear_faults()
        await rig.run_for(10)
        assert rig.inbox.transitions("MonitorBlind") == ["firing", "resolved"]


async def test_blindness_from_the_start_is_told(tmp_path: Path) -> None:
    """A project that never answered is blind, too."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        rig.world.set_fault(Fault(kind=FaultKind.HTML))
        await rig.run_for(50)
        assert rig.inbox.transitions("MonitorBlind") == ["firing"]


async def test_a_downtime_is_not_blindness(tmp_path: Path) -> None:
    """A daemon that comes back does not tell of the time when it was not there."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        await rig.run_for(15)
        await rig.restart(after=3600)
        await rig.run_for(20)
        assert not rig.inbox.about("MonitorBlind")


async def test_a_refused_credential_is_told_at_once(tmp_path: Path) -> None:
    """`MonitorApiAuth` fires with the first 401 and resolves once the key works again; nothing else is concluded."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        rig.start_run()
        await rig.run_for(25)
        rig.world.revoke_key()
        await rig.run_for(6)
        [told] = rig.inbox.about("MonitorApiAuth")
        assert round(told.at - START) == 30
        assert told.entry.labels["severity"] == "critical"
        requests = rig.requests()
        await rig.run_for(120)
        assert rig.requests() - requests < 20  # a key that is refused is tried rarely
        rig.world.restore_key()
        await rig.run_for(70)
        assert rig.inbox.transitions("MonitorApiAuth") == ["firing", "resolved"]
        assert rig.inbox.transitions("Old") == ["firing"]


async def test_a_filter_that_does_not_work_is_told(tmp_path: Path) -> None:
    """A server that ignores the time filter degrades the project, for ten minutes after the last sign of it."""
    options = Options(ignored_parameters=frozenset({"startedAt"}))
    async with open_rig(tmp_path, rules=OLD, options=options) as rig:
        rig.talk()
        rig.clock.advance(8 * 86400)
        await rig.run_for(60)
        assert rig.inbox.transitions("MonitorDegraded") == ["firing"]


async def test_a_sender_that_nobody_knows_is_told(tmp_path: Path) -> None:
    """Chats of unknown senders may be a user's: the run is not stopped while they come, and that is told."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(novelties=frozenset({Novelty.SENDERS}))) as rig:
        rig.start_run(kind=RunKind.LOOPS, every=5.0)
        await rig.run_for(120)
        assert not rig.world.record().stops
        [told] = rig.inbox.about("MonitorDegraded")
        assert "unknown_sender" in told.entry.annotations["summary"]


async def test_a_rule_that_fails_is_told_and_stays_on(tmp_path: Path) -> None:
    """`RuleFailing` names the rule, its other facts are unknown, and it resolves when the rule works again."""
    rules = tell("10 / run.chats == 10", name="Fragile") + OLD
    async with open_rig(tmp_path, rules=rules) as rig:
        conversation = rig.world.add_conversation()
        rig.start_run(conversation, shows_chat=False)
        await rig.run_for(25)
        [told] = rig.inbox.about("RuleFailing")
        assert told.entry.labels["rule"] == "Fragile"
        assert rig.inbox.transitions("Old") == ["firing"]
        rig.world.add_chat(conversation.id, "BOT", "done so far")
        await rig.run_for(30)
        assert rig.inbox.transitions("RuleFailing") == ["firing", "resolved"]
        assert rig.inbox.transitions("Fragile") == ["firing"]


async def test_a_rating_poll_that_fails_withdraws_nothing(tmp_path: Path) -> None:
    """While the list cannot be read, what was rated stays as it is known."""
    async with open_rig(tmp_path, rules=NEGATIVE, **polling()) as rig:
        conversation = rig.talk("question", ">answer")
        await rig.run_for(10)
        rig.world.rate(conversation.chats[1].id, False)
        await rig.run_for(40)
        assert rig.inbox.transitions("NegativeRating") == ["firing"]
        rig.world.set_fault(Fault(kind=FaultKind.TRUNCATED))
        rig.world.rate(conversation.chats[1].id, None)
        await rig.run_for(320)
        assert rig.inbox.transitions("NegativeRating") == ["firing"]
        rig.world.clear_faults()
        await rig.sweep()
        await rig.run_for(2)
        assert rig.inbox.transitions("NegativeRating") == ["firing", "resolved"]


async def test_a_list_that_never_comes_to_its_end_is_told(tmp_path: Path) -> None:
    """Where cursors expire at once, what lies behind the first pages is unknown: that is told until it is over."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(cursor_pages=1)) as rig:
        await rig.run_for(20)
        for _ in range(3 * 50):
            rig.talk()
        await rig.run_for(700)
        alerts = {alert.labels["cause"]: alert for alert in await rig.open_alerts("MonitorDegraded")}
        assert "ratings_7200s does not get through" in alerts["ratings_7200s"].annotations["summary"]
        for conversation_id in list(rig.world.conversations)[60:]:
            rig.world.delete_conversation(conversation_id)
        await rig.run_for(700)
        assert not await rig.open_alerts("MonitorDegraded")


async def test_a_baseline_that_cannot_be_taken_is_told(tmp_path: Path) -> None:
    """A first look that never comes to its end records nothing, and says that nothing of ratings is watched yet."""
    async with open_rig(tmp_path, rules=NEGATIVE, options=Options(cursor_pages=1)) as rig:
        for _ in range(3 * 50):
            rig.talk()
        await rig.run_for(100)
        [alert] = await rig.open_alerts("MonitorDegraded")
        assert "conversations does not get through" in alert.annotations["summary"]
        assert not await rig.open_alerts("BaselineRecorded")


async def test_each_cause_of_degradation_is_told(tmp_path: Path) -> None:
    """A second cause that comes while the first one stands is an alert of its own, and each ends with its cause."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await rig.run_for(20)
        rig.project.capabilities = replace(rig.project.capabilities, time_filter=Proof.FAILS)
        await rig.run_for(20)
        rig.polls.health.incomplete["ratings_604800s"] = "the cursor is refused"
        await rig.run_for(20)
        causes = [told.entry.labels["cause"] for told in rig.inbox.about("MonitorDegraded")]
        assert causes == ["time_filters", "ratings_604800s"]
        rig.project.capabilities = replace(rig.project.capabilities, time_filter=Proof.WORKS)
        await rig.run_for(20)
        *_, ended = rig.inbox.about("MonitorDegraded")
        assert (ended.status, ended.entry.labels["cause"]) == ("resolved", "time_filters")
        assert "time filters" in ended.entry.annotations["summary"]
