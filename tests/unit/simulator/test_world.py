"""What can happen in a world, and that all of it is on record."""

from __future__ import annotations

import base64

import pytest

from monitor.simulator.entities import Conversation, Ending, Result, RunKind, RunPlan
from monitor.simulator.options import Options
from monitor.simulator.record import RunRecord, StopEffect
from monitor.simulator.world import World
from tests.support.clock import ManualClock


def the_run(world: World) -> RunRecord:
    """Return the only run on record."""
    (run,) = world.record().runs
    return run


def test_ids_hold_their_second(world: World, conversation: Conversation) -> None:
    """An id is base64 of its type and an ObjectId that begins with the second of creation."""
    kind, object_id = base64.b64decode(conversation.id).decode().split(":")
    assert kind == "Conversation"
    assert len(object_id) == 24
    assert int(object_id[:8], 16) == int(conversation.created_at)


def test_same_seed_same_ids() -> None:
    """The ids of two worlds are equal for equal seeds and differ for others."""
    ids = [World(ManualClock(), seed=seed).add_conversation().id for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


def test_clock_offset_shifts_everything(clock: ManualClock) -> None:
    """The server's clock may be ahead of the world's clock."""
    world = World(clock, Options(clock_offset=30))
    assert world.start == clock.now() + 30
    assert world.add_conversation().created_at == clock.now() + 30


def test_what_is_due_happens_in_order_at_its_own_time(clock: ManualClock, world: World) -> None:
    """However late somebody looks, what is planned happens in the order of time and sees its own time."""
    happened: list[tuple[str, float]] = []
    for name, at in (("second", 5.0), ("first", 2.0), ("third", 5.0), ("not yet", 50.0)):
        world.at(world.start + at, lambda name=name: happened.append((name, world.now - world.start)))  # type: ignore[misc]
    clock.advance(10)
    world.advance()
    assert happened == [("first", 2.0), ("second", 5.0), ("third", 5.0)]
    assert world.now == world.start + 10


def test_a_run_that_finishes(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """It ends exactly after its duration and leaves a completed answer."""
    run = world.start_run(conversation.id, RunPlan(kind=RunKind.FINISHES, duration=3))
    assert run.chat is not None
    assert not run.chat.completed
    clock.advance(60)
    record = the_run(world)
    assert (record.ending, record.age(world.now)) == (Ending.FINISHED, 3.0)
    assert run.chat.completed
    assert run.chat.message
    assert conversation.run is None


def test_a_run_that_hangs(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """It never ends and shows no progress, and the record tells how far beyond a limit it is."""
    run = world.start_run(conversation.id, RunPlan(kind=RunKind.HANGS))
    clock.advance(7200)
    record = the_run(world)
    assert record.ended is None
    assert record.overdue(3600, world.now) == 3600
    assert record.overdue(9000, world.now) == 0
    assert run.chat is not None
    assert (run.chat.message, len(run.chat.steps), len(conversation.chats)) == ("", 1, 1)


def test_a_run_that_loops(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """It keeps adding steps and BOT chats while its first chat stays incomplete."""
    run = world.start_run(conversation.id, RunPlan(kind=RunKind.LOOPS, every=2))
    clock.advance(100)
    assert the_run(world).ended is None
    assert run.chat is conversation.chats[0]
    assert not run.chat.completed
    assert len(run.chat.steps) == 51
    assert [chat.completed for chat in conversation.chats] == [False] + [True] * 50


def test_a_loop_that_replaces_its_chat(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """It leaves each chat completed for a new incomplete one."""
    plan = RunPlan(kind=RunKind.LOOPS, every=2, replaces_chat=True)
    world.start_run(conversation.id, plan)
    clock.advance(5)
    world.advance()
    assert [chat.completed for chat in conversation.chats] == [True, True, False]


def test_a_slow_run(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """It makes progress in steps and text until it ends."""
    run = world.start_run(conversation.id, RunPlan(kind=RunKind.SLOW, every=2, duration=7))
    lengths = []
    for _ in range(3):
        clock.advance(2)
        world.advance()
        assert run.chat is not None
        lengths.append(len(run.chat.message))
    assert lengths == sorted(set(lengths))
    clock.advance(10)
    assert the_run(world).age(world.now) == 7
    assert len(conversation.chats) == 1


def test_a_run_without_any_chat(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """A run need not show a chat: it waits for a message, say."""
    world.start_run(conversation.id, RunPlan(kind=RunKind.SLOW, shows_chat=False))
    clock.advance(60)
    world.advance()
    assert conversation.chats == []
    assert conversation.run is not None


@pytest.mark.parametrize(
    ("result", "completed", "written"),
    [(Result.ANSWER, True, True), (Result.EMPTY, True, False), (Result.INCOMPLETE, False, False)],
)
def test_results(
    clock: ManualClock, world: World, conversation: Conversation, result: Result, *, completed: bool, written: bool
) -> None:
    """A finished run leaves an answer, an empty chat, or one that is never completed."""
    run = world.start_run(conversation.id, RunPlan(kind=RunKind.FINISHES, duration=1, result=result))
    clock.advance(2)
    world.advance()
    assert run.chat is not None
    assert (run.chat.completed, bool(run.chat.message)) == (completed, written)


def test_runs_one_after_another(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """A conversation sees several runs; the next one lets the former finish at that moment."""
    world.start_run(conversation.id)
    clock.advance(4)
    second = world.start_run(conversation.id)
    clock.advance(4)
    first_record, second_record = world.record().runs
    assert (first_record.ending, first_record.ended) == (Ending.FINISHED, second_record.began)
    assert second_record.ended is None
    assert conversation.run is second


def test_a_run_is_finished_by_hand(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """A test can let a run finish now, and it is no error when nothing runs."""
    world.start_run(conversation.id)
    clock.advance(4)
    world.finish_run(conversation.id)
    world.finish_run(conversation.id)
    assert the_run(world).ended == world.now


def test_a_run_that_ends_when_looked_at(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """It finishes the moment its conversation is read by id, once it is old enough."""
    world.start_run(conversation.id, RunPlan(ends_on_check_after=6))
    clock.advance(5.9)
    world.check(conversation.id)
    assert the_run(world).ended is None
    clock.advance(0.1)
    world.check(conversation.id)
    assert (the_run(world).ending, the_run(world).ended) == (Ending.FINISHED, world.now)


@pytest.mark.parametrize(
    ("server_lag", "run_lag", "effect", "ended_after"),
    [
        (0.0, None, StopEffect.STOPPED, 0.0),
        (0.0, 5.0, StopEffect.LAGGING, 5.0),
        (5.0, None, StopEffect.LAGGING, 5.0),
        (5.0, 0.0, StopEffect.STOPPED, 0.0),
        (0.0, float("inf"), StopEffect.IGNORED, None),
        (float("inf"), None, StopEffect.IGNORED, None),
    ],
)
def test_stops(
    clock: ManualClock, server_lag: float, run_lag: float | None, effect: StopEffect, ended_after: float | None
) -> None:
    """A stop works at once, later or never, as the run says, else as the server says; the record tells which."""
    world = World(clock, Options(stop_lag=server_lag))
    run = world.start_run(world.add_conversation().id, RunPlan(stop_lag=run_lag))
    world.stop(run.conversation.id)
    clock.advance(100)
    (stop,) = world.record().stops
    assert (stop.effect, stop.run_id, stop.status) == (effect, run.id, 200)
    assert the_run(world).ended == (None if ended_after is None else stop.at + ended_after)
    assert the_run(world).ending == (None if ended_after is None else Ending.STOPPED)


def test_a_late_stop_leaves_the_next_run_alone(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """A lagging stop ends the run that it hit and not the one that began meanwhile."""
    world.start_run(conversation.id, RunPlan(stop_lag=5))
    world.stop(conversation.id)
    clock.advance(1)
    world.start_run(conversation.id)
    clock.advance(10)
    assert [run.ending for run in world.record().runs] == [Ending.FINISHED, None]


def test_stops_of_nothing(world: World, conversation: Conversation) -> None:
    """To stop an idle conversation has no effect, and one that does not exist answers 404."""
    world.stop(conversation.id)
    world.stop("nowhere")
    assert [(stop.effect, stop.run_id, stop.status) for stop in world.record().stops] == [
        (StopEffect.IDLE, None, 200),
        (StopEffect.MISSING, None, 404),
    ]


def test_ratings_come_flip_and_go(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """Votes of users and agents are apart, flip and are withdrawn; each change is on record, a repeat is not."""
    chat = world.add_chat(conversation.id, "BOT", "Yes.")
    for vote in (True, False, False, None):
        clock.advance(1)
        world.rate(chat.id, vote)
    world.rate(chat.id, vote=False, by="agent")
    assert (chat.rating, chat.agent_rating) == (None, False)
    changes = [(r.by, r.previous, r.vote, r.at - world.start) for r in world.record().ratings]
    assert changes == [
        ("user", None, True, 1),
        ("user", True, False, 2),
        ("user", False, None, 4),
        ("agent", None, False, 4),
    ]


def test_a_rating_does_not_move_the_conversation(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """Whatever is voted, the last chat time stays."""
    chat = world.add_chat(conversation.id, "BOT", "Yes.")
    clock.advance(60)
    world.rate(chat.id, vote=False)
    assert conversation.last_chat_at == chat.at


def test_history_is_written_in_order(world: World, conversation: Conversation) -> None:
    """Chats added with a past time stand where they belong."""
    late = world.add_chat(conversation.id, at=world.start - 10)
    early = world.add_chat(conversation.id, at=world.start - 20)
    assert conversation.chats == [early, late]
    assert (conversation.first_chat_at, conversation.last_chat_at) == (world.start - 20, world.start - 10)


def test_a_deleted_chat(world: World, conversation: Conversation) -> None:
    """A chat that is deleted while a run writes it is gone, and the run goes on."""
    run = world.start_run(conversation.id)
    assert run.chat is not None
    world.delete_chat(run.chat.id)
    assert conversation.chats == []
    assert conversation.last_chat_at is None
    assert conversation.run is run


def test_a_deleted_conversation(clock: ManualClock, world: World, conversation: Conversation) -> None:
    """With a conversation go its chats, and its run ends as deleted."""
    chat = world.add_chat(conversation.id)
    world.start_run(conversation.id, RunPlan(kind=RunKind.LOOPS, every=1))
    clock.advance(3)
    world.delete_conversation(conversation.id)
    clock.advance(3)
    assert (the_run(world).ending, the_run(world).age(world.now)) == (Ending.DELETED, 3)
    assert world.conversations == {}
    assert chat.id not in world.chats
    assert world.chats == {}


def test_an_ended_conversation_may_still_run(world: World, conversation: Conversation) -> None:
    """The end of a conversation is not the end of its run."""
    world.start_run(conversation.id)
    world.end_conversation(conversation.id)
    assert conversation.is_end
    assert conversation.run is not None
