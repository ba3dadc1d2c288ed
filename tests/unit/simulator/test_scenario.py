"""Scenario files: what they can express, and how mistakes in them are told."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.simulator.entities import Ending, RunPlan
from monitor.simulator.faults import FaultKind
from monitor.simulator.loading import load_scenario, parse_scenario
from monitor.simulator.options import DailyCount, Missing, Novelty, Options, Paging, TimeUnit
from monitor.simulator.record import Record
from monitor.simulator.scenario import PlanSpec, ServerSpec
from monitor.simulator.script import build_world
from monitor.simulator.world import World
from tests.support.clock import ManualClock


def play(text: str, seconds: float) -> World:
    """Return the world of a scenario after some seconds."""
    clock = ManualClock()
    world = build_world(parse_scenario(text), clock)
    clock.advance(seconds)
    world.advance()
    return world


def timeline(record: Record) -> list[tuple[float, float | None, str | None]]:
    """Return begin and end of each run as offsets from the start, and how it ended."""
    return [
        (run.began - record.start, None if run.ended is None else run.ended - record.start, run.ending)
        for run in record.runs
    ]


def test_options_and_plans_have_the_same_keys_in_yaml() -> None:
    """Whatever a world can be told in Python can be told in YAML."""
    assert set(ServerSpec.model_fields) == {field.name for field in fields(Options)}
    assert set(PlanSpec.model_fields) == {field.name for field in fields(RunPlan)}


def test_server_options() -> None:
    """Every option of the server can be set."""
    text = """
    server:
      api_key: secret
      time_unit: s
      clock_offset: -1m30s
      embed: 0
      embed_newest_first: true
      paging: offset
      date_header: false
      stop: ignored
      ignored_parameters: [backgroundRunning]
      timezone: Asia/Tokyo
      filter_unit: us
      cursor_lifetime: 30s
      cursor_pages: 5
      expired_cursor: 400
      endless_cursor: true
      running_filter_lag: 20s
      running_lag: 10s
      stop_completes: false
      idle_stop: 409
      rating_touches: true
      missing: errors
      daily_count: body_dropped
      result_wrapper: true
      novelties: [fields, senders]
      nulls: [Conversation.lastChatTime, Chat.type]
      lacks: [Chat.completed]
    """
    assert build_world(parse_scenario(text), ManualClock()).options == Options(
        api_key="secret",
        time_unit=TimeUnit.SECONDS,
        clock_offset=-90,
        embed=0,
        embed_newest_first=True,
        paging=Paging.OFFSET,
        date_header=False,
        stop_lag=math.inf,
        ignored_parameters=frozenset({"backgroundRunning"}),
        timezone="Asia/Tokyo",
        filter_unit=TimeUnit.MICROSECONDS,
        cursor_lifetime=30,
        cursor_pages=5,
        expired_cursor=400,
        endless_cursor=True,
        running_filter_lag=20,
        running_lag=10,
        stop_completes=False,
        idle_stop=409,
        rating_touches=True,
        missing=Missing.ERRORS,
        daily_count=DailyCount.BODY_DROPPED,
        result_wrapper=True,
        novelties=frozenset({Novelty.FIELDS, Novelty.SENDERS}),
        nulls=frozenset({"Conversation.lastChatTime", "Chat.type"}),
        lacks=frozenset({"Chat.completed"}),
    )


def test_an_empty_scenario_is_an_empty_world() -> None:
    """A file without anything in it has all the defaults."""
    world = play("", 1)
    assert world.conversations == {}
    assert world.options == Options()


def test_runs() -> None:
    """Runs of one conversation come one after another, each in its own way; a stop can be set for each."""
    world = play(
        """
        apps: [{id: report, name: 보고서}]
        users: [{id: kim, first_name: 민준}]
        conversations:
          - app: report
            user: kim
            runs:
              - {at: 2s, kind: finishes, duration: 3s}
              - {at: 6s, kind: slow, every: 1s, duration: 2s}
              - {at: 10s, kind: loops, every: 1s, stop: 5s}
              - {at: 20s, kind: hangs, stop: at_once, ends_on_check_after: 4s}
            chats: [{at: 21s, message: 빨리요}]
        """,
        60,
    )
    record = world.record()
    assert timeline(record) == [
        (2, 5, Ending.FINISHED),
        (6, 8, Ending.FINISHED),
        (10, 20, Ending.FINISHED),
        (20, None, None),
    ]
    assert {(run.app_id, run.app_name) for run in record.runs} == {("report", "보고서")}
    (conversation,) = world.conversations.values()
    assert conversation.created_at == world.start + 2
    assert conversation.run is not None
    assert (conversation.run.plan.stop_lag, conversation.run.plan.ends_on_check_after) == (0, 4)
    assert [chat.at for chat in conversation.chats if chat.sender == "USER"] == [world.start + 21]


def test_ratings_and_deletions() -> None:
    """Chats are counted from 1 or from the newest, also beyond the newest 20; votes flip and are withdrawn."""
    world = play(
        """
        conversations:
          - title: long
            growth: {at: -2h, every: 1m, exchanges: 30}
            ratings:
              - {at: -1h, chat: 2, vote: negative}
              - {at: 1s, chat: 2, vote: positive}
              - {at: 2s, chat: 2, vote: none}
              - {at: 3s, vote: negative, by: agent}
            deleted_chats: [{at: 5s, chat: 1}, {at: 6s, chat: -1}]
        """,
        60,
    )
    changes = [(each.at - world.start, each.by, each.vote) for each in world.record().ratings]
    assert changes == [(-3600, "user", False), (1, "user", True), (2, "user", None), (3, "agent", False)]
    (conversation,) = world.conversations.values()
    assert len(conversation.chats) == 58
    assert conversation.chats[0].sender == "BOT"
    assert conversation.last_chat_at == world.start - 7200 + 29 * 60


def test_growth_without_end() -> None:
    """A conversation can grow for ever, by a question and an answer each time."""
    world = play("conversations: [{growth: {at: 1s, every: 2s, question: Q, answer: A}}]", 10)
    (conversation,) = world.conversations.values()
    assert [(chat.sender, chat.message) for chat in conversation.chats] == [("USER", "Q"), ("BOT", "A")] * 5


def test_ends_and_deletions_of_conversations() -> None:
    """A conversation ends and is deleted when scripted; nothing of its script happens afterwards."""
    text = """
    conversations:
      - growth: {at: 0s, every: 1s}
        runs: [{at: 1s, kind: hangs}, {at: 20s, kind: hangs}]
        ends: 5s
        deleted: 10s
    """
    (conversation,) = play(text, 7).conversations.values()
    assert conversation.is_end
    assert conversation.run is not None
    world = play(text, 30)
    assert world.conversations == {}
    assert timeline(world.record()) == [(1, 10, Ending.DELETED)]


def test_a_chat_that_is_not_there() -> None:
    """A vote for a chat that does not exist at that moment is the scenario's mistake."""
    with pytest.raises(ConfigError, match="'lost' has no chat 3 at 4s"):
        play("conversations: [{title: lost, chats: [{at: 1s}], ratings: [{at: 4s, chat: 3, vote: none}]}]", 5)


def test_faults() -> None:
    """Faults have their windows, operations, chance and count."""
    world = play(
        """
        faults:
          - {kind: throttle, at: 10s, lasts: 5s, retry_after: 3s, retry_after_date: true, operations: [list_chats]}
          - {kind: slow, at: 20s, delay: 2s, count: 1}
        """,
        0,
    )
    struck = {at: world.faults.strike("list_chats", world.start + at) for at in (9.9, 10.0, 14.9, 15.0, 20.0, 21.0)}
    assert {at: fault.kind if fault else None for at, fault in struck.items()} == {
        9.9: None,
        10.0: FaultKind.THROTTLE,
        14.9: FaultKind.THROTTLE,
        15.0: None,
        20.0: FaultKind.SLOW,
        21.0: None,
    }
    assert world.faults.strike("get_running", world.start + 12) is None


GENERATED = """
seed: {seed}
apps: [{{id: faq, name: FAQ}}]
users: [{{id: kim}}, {{id: lee}}]
generators:
  - app: faq
    users: [kim, lee]
    conversations: 200
    at: -10m
    during: 20m
    exchanges: 3
    rated: 0.5
    negative: 0.2
    runs:
      - {{share: 0.5, kind: finishes, duration: 4s}}
      - {{share: 0.1, kind: hangs}}
"""


def test_generated_traffic() -> None:
    """A generator gives about the traffic asked for: conversations, chats, votes and runs of each kind."""
    world = play(GENERATED.format(seed=1), 1200)
    record = world.record()
    assert len(world.conversations) == 200
    assert {each.user.id for each in world.conversations.values() if each.user} == {"kim", "lee"}
    assert 70 < sum(run.ending is Ending.FINISHED for run in record.runs) < 130
    assert 8 < sum(run.ended is None for run in record.runs) < 40
    assert all(2 <= run.age(world.now) <= 4 for run in record.runs if run.ended is not None)
    answers = sum(chat.sender == "BOT" and not chat.steps for chat in world.chats.values())
    assert 0.4 < len(record.ratings) / answers < 0.6
    assert 0.1 < sum(each.vote is False for each in record.ratings) / len(record.ratings) < 0.3


def test_same_seed_same_world() -> None:
    """Two plays of one seed are equal however often somebody looks; another seed gives another world."""
    clock = ManualClock()
    world = build_world(parse_scenario(GENERATED.format(seed=1)), clock)
    for _ in range(1000):
        clock.advance(1)
        world.advance()
    assert world.record() == play(GENERATED.format(seed=1), 1000).record()
    assert world.record() != play(GENERATED.format(seed=2), 1000).record()


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: [", 1, 5, "not YAML"),
        ("seed: 1\nseed: 2", 2, 1, "duplicate key"),
        ("[]", 1, 1, "valid dictionary"),
        ("seed: [1, \x07]", 0, 0, "not YAML"),
        ("generators: [{conversations: 0}]", 1, 30, "greater than or equal to 1"),
        ("speed: 3", 1, 8, "speed: unknown key"),
        ("apps:\n  - {id: a, nam: b}", 2, 5, "apps.0.name: Field required"),
        ("conversations:\n  - chats:\n      - at: 5", 3, 13, "an offset is text with a unit"),
        ("conversations: [{app: x}]", 1, 1, "there is no app with the id 'x'"),
        ("generators: [{users: [x], conversations: 1, during: 1s}]", 1, 1, "there is no user with the id 'x'"),
        ("apps: [{id: a, name: a}, {id: a, name: b}]", 1, 1, "'a' stands there twice"),
        ("conversations: [{at: 2s, chats: [{at: 1s}]}]", 1, 17, "happens before it is created"),
        ("conversations: [{runs: [{at: 1s, kind: finishes}]}]", 1, 25, "needs a duration"),
        ("conversations: [{runs: [{at: 1s, kind: hangs, duration: 1s}]}]", 1, 25, "hangs has no duration"),
        ("conversations: [{runs: [{at: 1s, kind: hangs, every: 1s}]}]", 1, 25, "only runs that loop or are slow"),
        ("conversations: [{runs: [{at: 1s, kind: slow, replaces_chat: true}]}]", 1, 25, "only a looping run"),
        ("faults: [{kind: html, status: 500}]", 1, 10, "status does not belong to the kind html"),
        ("faults: [{kind: slow}]", 1, 10, "needs a delay"),
        ("faults: [{kind: html, lasts: 1s}]", 1, 10, "needs an at"),
        ("faults: [{kind: html, operations: [list]}]", 1, 36, "no such operation"),
        ("server: {stop: 5}", 1, 16, "stop is at_once, ignored, or how long it lags"),
        ("server: {stop: soon}", 1, 16, "'soon' is not a duration"),
        ("server: {timezone: Mars}", 1, 20, "'Mars' is not a time zone"),
        ("server: {ignored_parameters: [x]}", 1, 31, "the list has no parameter 'x'"),
        ("server: {lacks: [completed]}", 1, 18, "no field 'completed' is known; a name is that of type and field"),
        ("server: {nulls: [Chat.id]}", 1, 18, "no field 'Chat.id' may be null; known are Chat.agentRating, "),
        (
            "generators: [{conversations: 1, during: 1s, runs: [{share: 1, kind: hangs}, {share: 0.1, kind: hangs}]}]",
            1,
            14,
            "add up to more than 1",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, line: int, column: int, message: str) -> None:
    """A mistake in a file is told with file, line, column and what to do about it."""
    file = tmp_path / "world.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_scenario(file)
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"{file}:{line}:{column}: " if line else f"{file}: ")
    assert message in first


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8 are told by name."""
    with pytest.raises(ConfigError, match="cannot read the scenario"):
        load_scenario(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot read the scenario"):
        load_scenario(tmp_path / "latin.yaml")
