"""The outbox on disk: what is to be told and done, by whom it is held, and what is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.model.alert import AlertState, Transition
from monitor.model.intent import Intent, IntentKind, IntentState
from monitor.model.notification import Entry
from monitor.store import Store, Transaction
from monitor.store.groups import NotificationGroup
from monitor.store.outbox import Backlog, Health
from tests.support.build import START, alert, identity

GROUP = NotificationGroup(integration="oncall/webhook[0]", key="{}:{app='한국'}", route="{}", labels={"app": "한국"})
KEY = (GROUP.integration, GROUP.key)
OTHER = NotificationGroup(integration="mail/email[0]", key=GROUP.key, route="{}", labels={})


def entry(fingerprint: str = "f1", status: Transition = Transition.FIRING) -> Entry:
    """Return what is told of an alert."""
    return Entry(fingerprint=fingerprint, status=status, labels={"alertname": "R"}, annotations={}, starts_at=START)


RESOLVE = entry(status=Transition.RESOLVED)


async def add(tx: Transaction, lane: str = "a", due_at: float = START) -> int:
    """Put a notification into a lane."""
    return await tx.outbox.add(
        IntentKind.NOTIFY, lane=lane, destination=f"to {lane}", payload="{}", due_at=due_at, at=START
    )


async def ready(tx: Transaction, now: float = START) -> list[int]:
    """Return the ids of what is ready."""
    return [intent.id for intent in await tx.outbox.ready(now=now, limit=100)]


# Intents


async def test_intent_round_trips(store: Store) -> None:
    """An intent is read as it was put in."""
    async with store.transaction() as tx:
        new = await add(tx)
        assert await tx.outbox.ready(now=START, limit=9) == [
            Intent(
                id=new,
                kind=IntentKind.NOTIFY,
                lane="a",
                destination="to a",
                payload="{}",
                due_at=START,
                attempts=0,
                created_at=START,
            )
        ]


async def test_only_the_first_unfinished_intent_of_a_lane_is_ready(store: Store) -> None:
    """Within a lane one comes after the other, and lanes do not wait for each other."""
    async with store.transaction() as tx:
        first, second, other = await add(tx), await add(tx), await add(tx, lane="b")
        assert await ready(tx) == [first, other]
        await tx.outbox.finish(first, IntentState.DONE, at=START)
        assert await ready(tx) == [second, other]
        await tx.outbox.finish(second, IntentState.FAILED, at=START)
        assert await ready(tx) == [other]


async def test_each_destination_has_one_notification_ready(store: Store) -> None:
    """Of the lanes to one destination the one whose turn it is comes, and none while the destination is busy."""
    async with store.transaction() as tx:
        first, _second = [
            await tx.outbox.add(IntentKind.NOTIFY, lane=lane, destination="chat", payload="{}", due_at=START, at=START)
            for lane in "ab"
        ]
        other = await add(tx, lane="c")
        assert sorted(await ready(tx)) == [first, other]
        busy = await tx.outbox.ready(now=START, limit=9, busy=["chat"])
        assert [intent.id for intent in busy] == [other]
        assert await tx.outbox.next_due_at(busy=["chat", "to c"]) is None


async def test_intent_that_is_not_due_holds_its_lane(store: Store) -> None:
    """What waits for its time is not overtaken by what came after it: a resolve never comes before its firing."""
    async with store.transaction() as tx:
        first, _second = await add(tx, due_at=START + 10), await add(tx)
        assert await ready(tx) == []
        assert await ready(tx, START + 10) == [first]


async def test_ready_is_limited(store: Store) -> None:
    """At most as many as asked for come at once, oldest first."""
    async with store.transaction() as tx:
        ids = [await add(tx, lane=f"lane {n}") for n in range(5)]
        assert [i.id for i in await tx.outbox.ready(now=START, limit=2)] == ids[:2]


async def test_claims_are_exclusive(store: Store) -> None:
    """Of two that claim an intent one gets it; the other neither gets nor sees it."""
    async with store.transaction() as tx:
        new = await add(tx)
        assert await tx.outbox.claim(new, by="one", until=START + 60, now=START)
    async with store.transaction() as tx:
        assert not await tx.outbox.claim(new, by="two", until=START + 60, now=START)
        assert await ready(tx) == []


async def test_claim_runs_out(store: Store) -> None:
    """An intent whose holder was not heard of until the end of its claim can be claimed again."""
    async with store.transaction() as tx:
        new = await add(tx)
        await tx.outbox.claim(new, by="one", until=START + 60, now=START)
        assert await ready(tx, START + 61) == [new]
        assert await tx.outbox.claim(new, by="two", until=START + 120, now=START + 61)
        (attempts,) = {i.attempts for i in await tx.outbox.ready(now=START + 121, limit=1)}
        assert attempts == 2


@pytest.mark.parametrize("state", [IntentState.DONE, IntentState.FAILED])
async def test_finished_intent_cannot_be_claimed(store: Store, state: IntentState) -> None:
    """What is done or set aside is nobody's any more."""
    async with store.transaction() as tx:
        new = await add(tx)
        await tx.outbox.finish(new, state, at=START)
        assert not await tx.outbox.claim(new, by="one", until=START + 60, now=START)


async def test_postponed_intent_comes_back(store: Store) -> None:
    """A postponed intent is free, keeps its lane, and is ready again at its time."""
    async with store.transaction() as tx:
        first, _second = await add(tx), await add(tx)
        await tx.outbox.claim(first, by="one", until=START + 60, now=START)
        await tx.outbox.postpone(first, until=START + 30, error="503")
        assert await ready(tx, START + 29) == []
        assert await ready(tx, START + 30) == [first]
        assert await tx.outbox.next_due_at() == START + 30


async def test_release_all_gives_back_what_a_dead_daemon_held(store: Store) -> None:
    """After a restart nothing is held, and nothing has to wait for a claim to run out."""
    async with store.transaction() as tx:
        ids = [await add(tx, lane=lane) for lane in "ab"]
        for id_ in ids:
            await tx.outbox.claim(id_, by="dead", until=START + 600, now=START)
        await tx.outbox.release_all()
        assert await ready(tx) == ids


async def test_next_due_is_of_what_nobody_holds(store: Store) -> None:
    """The next moment to look at the outbox is the earliest of the first free intents of the lanes."""
    async with store.transaction() as tx:
        assert await tx.outbox.next_due_at() is None
        held = await add(tx, due_at=START)
        await add(tx, lane="b", due_at=START + 20)
        await add(tx, lane="b", due_at=START + 10)
        await tx.outbox.claim(held, by="one", until=START + 60, now=START)
        assert await tx.outbox.next_due_at() == START + 20


# Transitions and groups


async def test_transitions_wait_in_order(store: Store) -> None:
    """What no delivery carries yet waits in the order in which it happened, in its group."""
    async with store.transaction() as tx:
        await tx.groups.tell(GROUP, entry(), at=START, due_at=START)
        await tx.groups.tell(GROUP, RESOLVE, at=START + 5, due_at=START + 5)
        await tx.groups.tell(OTHER, entry(), at=START, due_at=START)
        untold = await tx.groups.untold(*KEY)
        assert [(u.at, u.entry) for u in untold] == [(START, entry()), (START + 5, RESOLVE)]
        assert len(await tx.groups.untold(OTHER.integration, OTHER.key)) == 1
        assert {(g.integration, g.key): g.labels for g in await tx.groups.all()} == {
            KEY: {"app": "한국"},
            (OTHER.integration, OTHER.key): {},
        }


async def test_route_of_a_group_follows_the_configuration(store: Store) -> None:
    """A group that is told again takes the route that tells it now."""
    moved = NotificationGroup(integration=GROUP.integration, key=GROUP.key, route="{}/{new}", labels={"app": "한국"})
    async with store.transaction() as tx:
        await tx.groups.tell(GROUP, entry(), at=START, due_at=START)
        await tx.groups.tell(moved, entry("f2"), at=START, due_at=START)
        assert [group.route for group in await tx.groups.all()] == ["{}/{new}"]


async def test_a_group_is_looked_at_at_its_earliest(store: Store) -> None:
    """What comes later can bring the next look at a group forward, and never puts it off."""
    async with store.transaction() as tx:
        for due_at in (START + 9, START + 5, START + 7):
            await tx.groups.tell(GROUP, entry(), at=START, due_at=due_at)
        assert await tx.groups.next_flush_at(after=START) == START + 5
        assert await tx.groups.all(due=START + 4) == []
        assert [group.key for group in await tx.groups.all(due=START + 5)] == [GROUP.key]
        assert await tx.groups.next_flush_at(after=START + 5) is None


async def test_how_a_group_stands_is_kept(store: Store) -> None:
    """What is written of a group is read again; one that is settled for good is looked at only when told to."""
    stands = replace(GROUP, last_sent_at=START, ticked_at=START - 1, repeats=2, muted={"f1": "silence s1"})
    async with store.transaction() as tx:
        await tx.groups.tell(GROUP, entry(), at=START, due_at=START)
        await tx.groups.settle(stands, flush_at=None)
        assert await tx.groups.all() == [stands]
        assert await tx.groups.find(*KEY) == stands
        assert await tx.groups.muted() == {"f1": ["silence s1"]}
        assert await tx.groups.all(due=START + 99) == []
        await tx.groups.look_again(at=START + 1)
        assert await tx.groups.all(due=START + 1) == [stands]


async def test_what_nobody_is_to_be_told_of_is_forgotten(store: Store) -> None:
    """A dropped transition waits no more and was never told."""
    async with store.transaction() as tx:
        await tx.groups.tell(GROUP, entry(), at=START, due_at=START)
        (waiting,) = await tx.groups.untold(*KEY)
        await tx.groups.drop([waiting.id])
        assert await tx.groups.untold(*KEY) == []
        assert await tx.outbox.backlog() == {}


async def test_an_acknowledgement_leaves_the_alert_firing(store: Store) -> None:
    """Where an acknowledgement was told after the firing, the resolve still belongs."""
    acked = entry(status=Transition.ACKNOWLEDGED)
    async with store.transaction() as tx:
        await tx.groups.tell(GROUP, entry(), at=START, due_at=START)
        await tx.groups.tell(GROUP, acked, at=START + 1, due_at=START + 1)
        assert [told for _, told in await tx.groups.told_of("f1")] == [entry()]


async def test_a_divided_intent_keeps_its_lane_and_its_transitions(store: Store) -> None:
    """Each part carries its own transitions, and they are handled in order and told one after the other."""
    async with store.transaction() as tx:
        for name in ("f1", "f2", "f3"):
            await tx.groups.tell(GROUP, entry(name), at=START, due_at=START)
        whole = await add(tx)
        await tx.groups.carry({each.id: None for each in await tx.groups.untold(*KEY)}, whole)
        assert await tx.outbox.carries(whole) == 3
        [intent] = await tx.outbox.ready(now=START, limit=9)
        await tx.outbox.divide(intent, ["first", "second"], [1, 2], at=START)
        [first] = await tx.outbox.ready(now=START, limit=9)
        assert (first.payload, first.lane, await tx.outbox.carries(first.id)) == ("first", intent.lane, 1)
        await tx.outbox.finish(first.id, IntentState.DONE, at=START + 1)
        [second] = await tx.outbox.ready(now=START, limit=9)
        assert (second.payload, await tx.outbox.carries(second.id)) == ("second", 2)
        assert (await tx.outbox.backlog())[GROUP.integration].pending == 2


async def test_hurry_makes_what_waits_due(store: Store) -> None:
    """What was put off is ready at once when nothing speaks against it any more."""
    async with store.transaction() as tx:
        waiting = await add(tx, due_at=START + 300)
        await tx.outbox.hurry(IntentKind.NOTIFY, at=START)
        assert await ready(tx) == [waiting]


async def test_carried_transitions_are_not_untold(store: Store) -> None:
    """A delivery takes the transitions it carries, and which of its group each was is remembered."""
    async with store.transaction() as tx:
        await tx.groups.tell(GROUP, entry(), at=START, due_at=START)
        (waiting,) = await tx.groups.untold(*KEY)
        await tx.groups.carry({waiting.id: 3}, await add(tx))
        assert await tx.groups.untold(*KEY) == []
        [(_, told)] = await tx.groups.told_of("f1")
        assert told.rank == 3


async def test_resolve_belongs_where_the_firing_was_told(store: Store) -> None:
    """The groups of an alert are those in which its newest transition is a firing."""
    async with store.transaction() as tx:
        for group, what in ((GROUP, entry()), (OTHER, entry()), (OTHER, RESOLVE)):
            await tx.groups.tell(group, what, at=START, due_at=START)
        assert [group.integration for group, _ in await tx.groups.told_of("f1")] == [GROUP.integration]
        assert await tx.groups.told_of("unknown") == []


async def test_told_firing_is_what_is_still_firing(store: Store) -> None:
    """A firing that a delivery carries can be repeated while its alert fires; one that waits was not told yet."""
    firing, over = alert(identity("Firing")), alert(identity("Over"), state=AlertState.RESOLVED)
    async with store.transaction() as tx:
        await tx.alerts.put([firing, over])
        for of in (firing, over):
            await carried(tx, of.fingerprint, IntentState.DONE, START)
        await tx.groups.tell(OTHER, entry(firing.fingerprint), at=START, due_at=START)
        assert await tx.groups.told_firing(*KEY) == [entry(firing.fingerprint)]


async def test_told_firing_knows_whose_resolve_waits(store: Store) -> None:
    """Until the resolve of an alert is carried, its firing is the last that the receiver heard of it."""
    async with store.transaction() as tx:
        await carried(tx, "f1", IntentState.DONE, START)
        await tx.groups.tell(GROUP, RESOLVE, at=START + 5, due_at=START + 5)
        assert await tx.groups.told_firing(*KEY) == [entry()]
        (waiting,) = await tx.groups.untold(*KEY)
        await tx.groups.carry({waiting.id: None}, await add(tx))
        assert await tx.groups.told_firing(*KEY) == []


async def test_told_resolved_is_what_was_accepted(store: Store) -> None:
    """A resolve counts as told from the moment at which its delivery was accepted."""
    async with store.transaction() as tx:
        await tx.groups.tell(GROUP, RESOLVE, at=START, due_at=START)
        (waiting,) = await tx.groups.untold(*KEY)
        delivery = await add(tx)
        await tx.groups.carry({waiting.id: None}, delivery)
        assert await tx.groups.told_resolved(*KEY, since=0) == []
        await tx.outbox.finish(delivery, IntentState.DONE, at=START + 9)
        assert await tx.groups.told_resolved(*KEY, since=START + 9) == [RESOLVE]
        assert await tx.groups.told_resolved(*KEY, since=START + 10) == []


async def carried(tx: Transaction, fingerprint: str, state: IntentState | None, at: float) -> int:
    """Tell of an alert in a delivery of its own that ended in a state, if in any."""
    await tx.groups.tell(GROUP, entry(fingerprint), at=at, due_at=at)
    *_, waiting = await tx.groups.untold(*KEY)
    delivery = await add(tx, lane=fingerprint)
    await tx.groups.carry({waiting.id: None}, delivery)
    if state is not None:
        await tx.outbox.finish(delivery, state, at=at)
    return delivery


async def test_backlog_counts_what_was_not_told(store: Store) -> None:
    """What no delivery carries, and what one still carries, is pending; what was told or set aside is not."""
    async with store.transaction() as tx:
        await carried(tx, "told", IntentState.DONE, START)
        await carried(tx, "set aside", IntentState.FAILED, START)
        await carried(tx, "on its way", None, START + 1)
        await tx.groups.tell(GROUP, entry("new"), at=START + 2, due_at=START + 2)
        assert await tx.outbox.backlog() == {
            GROUP.integration: Backlog(destination=GROUP.integration, pending=2, oldest_at=START + 1)
        }


async def test_prune_keeps_what_open_alerts_were_told(store: Store) -> None:
    """A firing that was told is needed until its resolve, however old it is; nothing else of it is."""
    async with store.transaction() as tx:
        for fingerprint in ("open", "over"):
            await carried(tx, fingerprint, IntentState.DONE, START)
        await tx.outbox.prune(before=START + 1, keep=["open"])
        assert [group.key for group, _ in await tx.groups.told_of("open")] == [GROUP.key]
        assert await tx.groups.told_of("over") == []


async def test_prune_keeps_what_is_not_finished(store: Store) -> None:
    """What waits is never forgotten, however long it waits."""
    async with store.transaction() as tx:
        waiting = await carried(tx, "on its way", None, START)
        await tx.groups.tell(GROUP, entry("new"), at=START, due_at=START)
        await carried(tx, "recent", IntentState.DONE, START + 50)
        await tx.outbox.prune(before=START + 10, keep=[])
        assert await ready(tx) == [waiting]
        assert [len(await tx.groups.told_of(f)) for f in ("on its way", "new", "recent")] == [1, 1, 1]


async def test_prune_forgets_groups_with_nothing_left(store: Store) -> None:
    """A group goes with the last of its transitions."""
    async with store.transaction() as tx:
        await carried(tx, "over", IntentState.DONE, START)
        await tx.outbox.prune(before=START + 1, keep=[])
        assert await tx.groups.all() == []


async def test_what_was_set_aside_is_no_backlog_after_pruning(store: Store) -> None:
    """A transition whose delivery failed for good stays for its open alert, and does not come to look pending."""
    async with store.transaction() as tx:
        await carried(tx, "open", IntentState.FAILED, START)
        await tx.outbox.prune(before=START + 1, keep=["open"])
        assert await tx.outbox.backlog() == {}


async def test_health_is_kept_by_destination(store: Store) -> None:
    """The newest word on how a destination fares counts."""
    failing = Health(destination="oncall", failing_since=START, attempts=3, error="503", permanent=True)
    fine = Health(destination="oncall", delivered_at=START + 9)
    async with store.transaction() as tx:
        await tx.outbox.record_health(failing)
        assert await tx.outbox.health() == {"oncall": failing}
        await tx.outbox.record_health(fine)
        assert await tx.outbox.health() == {"oncall": fine}
