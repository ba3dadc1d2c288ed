"""Silences and acknowledgements on disk."""

from __future__ import annotations

from dataclasses import replace

from monitor.model.ack import Ack, AckEnd
from monitor.model.silence import Silence
from monitor.store import Store
from tests.support.build import START, identity

SILENCE = Silence(
    id="1f0e9a3c",
    matchers=('alertname="RunOverLimit"', 'app=~"보고서.*"'),
    author="alice",
    comment="점검 중",
    created_at=START,
    starts_at=START,
    until=START + 3600,
)
ACK = Ack(
    fingerprint="0123456789abcdef",
    identity=identity(run_id="run-1", conversation_id="c1"),
    by="bob",
    comment="looking",
    at=START,
    until=START + 3600,
    fired_at=START - 60,
    known={"fedcba9876543210": START - 90},
)


async def test_silences_hold_while_their_time_lasts(store: Store) -> None:
    """A silence is read as it was written, and is active from its start until its end; before that it is open."""
    later = replace(SILENCE, id="later", created_at=START + 1, starts_at=START + 1800)
    endless = replace(SILENCE, id="endless", created_at=START + 2, until=None)
    async with store.transaction() as tx:
        await tx.silences.put([SILENCE, later, endless])
    async with store.snapshot() as tx:
        assert await tx.silences.get(SILENCE.id) == SILENCE
        assert await tx.silences.get("unknown") is None
        assert await tx.silences.active(START) == [SILENCE, endless]
        assert await tx.silences.active(START + 1800) == [SILENCE, later, endless]
        assert await tx.silences.active(START + 3600) == [endless]
        assert await tx.silences.open(START) == [SILENCE, later, endless]
        assert await tx.silences.newest(limit=2) == [endless, later]


async def test_a_silence_is_written_over(store: Store) -> None:
    """A silence that somebody ended holds no more, and says who ended it."""
    over = replace(SILENCE, ended_at=START + 60, ended_by="carol")
    async with store.transaction() as tx:
        await tx.silences.put([SILENCE])
        await tx.silences.put([over])
        assert await tx.silences.get(SILENCE.id) == over
        assert await tx.silences.active(START + 60) == []


async def test_old_silences_are_forgotten(store: Store) -> None:
    """Only those that ended before then go; those without an end and those still to end stay."""
    endless, later = replace(SILENCE, id="endless", until=None), replace(SILENCE, id="later", until=START + 9000)
    async with store.transaction() as tx:
        await tx.silences.put([SILENCE, endless, later])
        await tx.silences.prune(before=START + 3601)
        assert {each.id for each in await tx.silences.newest(limit=9)} == {"endless", "later"}


async def test_acks_round_trip(store: Store) -> None:
    """An acknowledgement is read as it was written, and a newer one of the same alert takes its place."""
    newer = replace(ACK, by="carol", at=START + 60)
    async with store.transaction() as tx:
        await tx.acks.put([])
        await tx.acks.put([ACK])
        assert await tx.acks.active() == {ACK.fingerprint: ACK}
        await tx.acks.put([newer])
        assert await tx.acks.active() == {ACK.fingerprint: newer}


async def test_acks_that_ended_are_kept_for_a_while(store: Store) -> None:
    """One that ended is not active, but stands in the history until that is pruned."""
    over = replace(ACK, end=AckEnd.TIMED_OUT, ended_at=START + 3600)
    other = replace(ACK, fingerprint="other", at=START - 9)
    async with store.transaction() as tx:
        await tx.acks.put([over, other])
        assert list(await tx.acks.active()) == ["other"]
        assert await tx.acks.newest(limit=9) == [over, other]
        await tx.acks.prune(before=START + 3600)
        assert await tx.acks.newest(limit=1) == [over]
        await tx.acks.prune(before=START + 3601)
        assert await tx.acks.newest(limit=9) == [other]
