"""Runs, ratings, alerts and observations on disk: every engine does what the docstrings of the store say."""

from __future__ import annotations

from dataclasses import replace

from monitor.model.alert import Alert, AlertState, Resolution
from monitor.model.conversation import Vote
from monitor.model.rating import Rater
from monitor.model.run import Outcome, Run
from monitor.store import Store
from monitor.store.observations import Pass
from monitor.store.ratings import Look
from monitor.tracking.runs import end
from tests.support.build import PROJECT, START, alert, bot, change, identity, rating, run, user

LOOK = Look(id="c1", chat_count=3, last_chat_at=START, looked_at=START, paged_at=None, digest="abc")


async def put_runs(store: Store, *runs: Run) -> None:
    """Write runs in a transaction of their own."""
    async with store.transaction() as tx:
        await tx.runs.put(runs)


async def put_alerts(store: Store, *alerts: Alert) -> None:
    """Write alerts in a transaction of their own."""
    async with store.transaction() as tx:
        await tx.alerts.put(alerts)


def resolved(of: Alert, at: float) -> Alert:
    """Return an alert that recovered at `at`."""
    return replace(of, state=AlertState.RESOLVED, resolved_at=at, resolution=Resolution.RECOVERED)


# Runs


async def test_run_round_trips(store: Store) -> None:
    """A run is read as it was written, with everything that its ages depend on."""
    written = replace(run(START, user("u1", START - 9), bot("b1", START - 8)), absent_since=START + 4)
    await put_runs(store, written)
    async with store.snapshot() as tx:
        assert await tx.runs.get(written.id) == written
        assert await tx.runs.open(PROJECT) == {"c1": written}
        assert await tx.runs.get("unknown") is None


async def test_run_is_written_over(store: Store) -> None:
    """The newest value of a run is the one that counts, and an ended run is not open."""
    await put_runs(store, run())
    await put_runs(store, end(run(), Outcome.STOPPED, at=START + 9))
    async with store.snapshot() as tx:
        found = await tx.runs.get(run().id)
        assert found is not None
        assert (found.outcome, found.ended_at) == (Outcome.STOPPED, START + 9)
        assert await tx.runs.open(PROJECT) == {}


async def test_open_runs_are_of_one_project(store: Store) -> None:
    """The runs of another project are not mixed in."""
    await put_runs(store, run(), replace(run(), id="other", project="sales"))
    async with store.snapshot() as tx:
        assert [r.id for r in (await tx.runs.open("sales")).values()] == ["other"]


async def test_ended_since(store: Store) -> None:
    """The newest end of each conversation at or after a moment is known."""
    ends = [("r1", "c1", 5), ("r2", "c1", 9), ("r3", "c2", 10), ("r4", "c3", 4)]
    await put_runs(
        store, *(replace(end(run(), Outcome.FINISHED, at=START + at), id=id_, conversation_id=c) for id_, c, at in ends)
    )
    async with store.snapshot() as tx:
        assert await tx.runs.ended_since(PROJECT, START + 5) == {"c1": START + 9, "c2": START + 10}


async def test_newest_runs(store: Store) -> None:
    """Open runs come first, then the newest; a limit and a conversation narrow them."""
    old, new = (replace(end(run(START + at), Outcome.FINISHED, at=START + 99), id=f"r{at}") for at in (10, 20))
    still = replace(run(START, id="open"), conversation_id="c2")
    await put_runs(store, old, new, still)
    async with store.snapshot() as tx:
        assert [r.id for r in await tx.runs.newest(PROJECT, limit=9)] == ["open", "r20", "r10"]
        assert [r.id for r in await tx.runs.newest(PROJECT, limit=1)] == ["open"]
        assert [r.id for r in await tx.runs.newest(PROJECT, limit=9, conversation_id="c1")] == ["r20", "r10"]


async def test_prune_runs_keeps_open_ones(store: Store) -> None:
    """Only runs that ended before then are forgotten, and only those of the project."""
    over = end(run(), Outcome.FINISHED, at=START)
    await put_runs(store, over, replace(run(), id="open"), replace(over, id="sales", project="sales"))
    async with store.transaction() as tx:
        await tx.runs.prune(PROJECT, before=START + 1)
    async with store.snapshot() as tx:
        assert [await tx.runs.get(id_) is not None for id_ in (over.id, "open", "sales")] == [False, True, True]


# Ratings


async def test_looks_round_trip(store: Store) -> None:
    """The newest look at a conversation is known, and none at others."""
    async with store.transaction() as tx:
        await tx.ratings.record_looks(PROJECT, [LOOK, replace(LOOK, id="c2")])
        await tx.ratings.record_looks(PROJECT, [replace(LOOK, digest="def", paged_at=START + 1)])
        assert await tx.ratings.looks(PROJECT, ["c1", "c3"]) == {"c1": replace(LOOK, digest="def", paged_at=START + 1)}
        assert await tx.ratings.looks("sales", ["c1"]) == {}
        assert await tx.ratings.looks(PROJECT, []) == {}


async def test_touch_moves_the_time_of_the_look_only(store: Store) -> None:
    """A look that found nothing new moves when that was, for the conversations named."""
    async with store.transaction() as tx:
        await tx.ratings.record_looks(PROJECT, [LOOK, replace(LOOK, id="c2")])
        await tx.ratings.touch(PROJECT, ["c1"], at=START + 60)
        looks = await tx.ratings.looks(PROJECT, ["c1", "c2"])
    assert looks == {"c1": replace(LOOK, looked_at=START + 60), "c2": replace(LOOK, id="c2")}


async def test_ratings_round_trip(store: Store) -> None:
    """Known ratings come by conversation, chat and rater, each in its newest state."""
    by_agent = rating(by=Rater.AGENT, vote=Vote.POSITIVE)
    withdrawn = rating(vote=Vote.NONE, not_before=START + 60, seen_at=START + 90)
    async with store.transaction() as tx:
        await tx.ratings.put([rating(), by_agent])
        await tx.ratings.put([withdrawn])
        known = await tx.ratings.known(PROJECT, ["c1", "c2"])
    assert known == {"c1": {("chat-1", Rater.USER): withdrawn, ("chat-1", Rater.AGENT): by_agent}}


async def test_changes_round_trip(store: Store) -> None:
    """What happened to ratings is read as it was written, in order, with or without an app."""
    first, second = change(), change(rating(seen_at=START + 90), previous=Vote.NEGATIVE, app=None, user_id=None)
    async with store.transaction() as tx:
        await tx.ratings.record_changes([first, second])
        assert await tx.ratings.changes(PROJECT) == [first, second]
        assert await tx.ratings.changes(PROJECT, since=START + 90) == [second]
        assert await tx.ratings.changes(PROJECT, limit=1) == [second]
        assert await tx.ratings.changes(PROJECT, conversation_id="c2") == []
        assert await tx.ratings.changes("sales") == []


async def test_prune_ratings(store: Store) -> None:
    """Old changes and looks go; states of ratings stay a year longer, for a conversation that wakes up again."""
    other = rating("chat-2", conversation_id="c2")
    async with store.transaction() as tx:
        await tx.ratings.record_looks(PROJECT, [LOOK, replace(LOOK, id="c2", looked_at=START + 99)])
        await tx.ratings.put([rating(), other])
        await tx.ratings.record_changes([change(), change(rating(seen_at=START + 99))])
        await tx.ratings.prune(PROJECT, before=START + 99)
        assert [c.rating.seen_at for c in await tx.ratings.changes(PROJECT)] == [START + 99]
        assert list(await tx.ratings.looks(PROJECT, ["c1", "c2"])) == ["c2"]
        assert set(await tx.ratings.known(PROJECT, ["c1", "c2"])) == {"c1", "c2"}
        await tx.ratings.prune(PROJECT, before=START + 99 + 365 * 86400)
        assert await tx.ratings.known(PROJECT, ["c1", "c2"]) == {}


# Alerts


async def test_alert_round_trips(store: Store) -> None:
    """An alert is read as it was written, with its identity and its frozen labels."""
    written = replace(alert(), is_event=True, expires_at=START + 9, labels={"team": "지원", "x": "🙂"})
    await put_alerts(store, written)
    async with store.snapshot() as tx:
        assert await tx.alerts.get(written.fingerprint) == written
        assert await tx.alerts.get("unknown") is None


async def test_open_alerts_can_be_asked_for_by_what_they_are_about(store: Store) -> None:
    """Pending and firing alerts are found by project, rule, conversation and run; resolved ones are not open."""
    pending = alert(identity("Slow", run_id="r1", conversation_id="c1"), state=AlertState.PENDING)
    firing = alert(identity("Bad", conversation_id="c2", chat_id="b1", by="user"))
    over = resolved(alert(identity("Bad", conversation_id="c3")), START)
    sales = alert(identity("Slow", project="sales"))
    await put_alerts(store, pending, firing, over, sales)
    async with store.snapshot() as tx:
        found = {
            "all": await tx.alerts.open(),
            "project": await tx.alerts.open(PROJECT),
            "rules": await tx.alerts.open(PROJECT, rules=["Bad"]),
            "no rules": await tx.alerts.open(PROJECT, rules=[]),
            "conversation": await tx.alerts.open(conversation_id="c2"),
            "run": await tx.alerts.open(run_id="r1"),
        }
    expected = {
        "all": [pending, firing, sales],
        "project": [pending, firing],
        "rules": [firing],
        "no rules": [],
        "conversation": [firing],
        "run": [pending],
    }
    assert found == {name: {a.fingerprint: a for a in alerts} for name, alerts in expected.items()}


async def test_resolved_since_and_newest(store: Store) -> None:
    """Resolved alerts are found by when that was, and all of them by their newest change."""
    early, late = (resolved(alert(identity(f"R{at}")), START + at) for at in (10, 20))
    firing = alert(identity("Firing"), fired_at=START + 15)
    await put_alerts(store, early, late, firing)
    async with store.snapshot() as tx:
        assert await tx.alerts.resolved_since(START + 20) == [late]
        assert await tx.alerts.newest(limit=2) == [late, firing]
        assert await tx.alerts.newest(limit=9, only_open=True) == [firing]
        assert await tx.alerts.newest(limit=9, project="sales") == []


async def test_forget_and_prune_alerts(store: Store) -> None:
    """A pending alert that is no more goes at once, a resolved one with time, a firing one never."""
    pending = alert(identity("P"), state=AlertState.PENDING)
    old, recent = (resolved(alert(identity(f"R{at}")), START + at) for at in (10, 20))
    firing = alert(identity("F"))
    await put_alerts(store, pending, old, recent, firing)
    async with store.transaction() as tx:
        await tx.alerts.forget(pending.fingerprint)
        await tx.alerts.prune(before=START + 20)
        assert {a.identity.rule for a in await tx.alerts.newest(limit=9)} == {"R20", "F"}


# Observations


async def test_passes_are_kept_by_project_and_poll(store: Store) -> None:
    """The newest complete pass of a poll is known, and none where there was none."""
    first = Pass(asked_at=START, completed_at=START + 2, own_at=START + 3, watermark=START - 120)
    second = Pass(asked_at=START + 10, completed_at=START + 12, own_at=START + 13)
    async with store.transaction() as tx:
        await tx.observations.record_pass(PROJECT, "runs", first)
        await tx.observations.record_pass(PROJECT, "runs", second)
        await tx.observations.record_pass(PROJECT, "conversations", first)
        assert await tx.observations.newest_pass(PROJECT, "runs") == second
        assert await tx.observations.newest_pass(PROJECT, "conversations") == first
        assert await tx.observations.newest_pass("sales", "runs") is None


async def test_baseline_is_kept(store: Store) -> None:
    """The baseline of a project is recorded once it was."""
    async with store.transaction() as tx:
        assert await tx.observations.baseline_at(PROJECT) is None
        await tx.observations.record_baseline(PROJECT, START)
        assert await tx.observations.baseline_at(PROJECT) == START
        assert await tx.observations.baseline_at("sales") is None
