"""
Whatever JSON Alli answers, the daemon goes on, stops nothing by mistake and takes nothing back that is still so.

The monitor of the rig runs against the simulator, whose answers are replaced or spoilt on the way: what the real
cycles and handlers make of it is judged, and after it an honest answer has to be understood as if nothing had been.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import stamina
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alli.wire import valid_id
from monitor.settings import Settings
from monitor.simulator.entities import Conversation
from monitor.simulator.world import World
from tests.support import rig as rig_module
from tests.support.clock import ManualClock
from tests.support.mutation import Answer
from tests.support.rig import PROJECT, START, Rig, load_rules
from tests.support.rig_inbox import Inbox

RULES = """
- alert: RunOverLimit
  on: run
  expr: run.age > run.limit
  actions: [{stop: {}}]
- alert: RunSlow
  on: run
  expr: run.age_estimate > duration("5s")
- alert: NegativeRating
  on: rating
  expr: rating.value == "negative" && rating.by == "user"
"""

_NAMES_OF_RULES = {"RunOverLimit", "RunSlow", "NegativeRating"}

SETTINGS = {
    "projects": {"support": {"base_url": "https://alli.test", "api_key": "k", "requests_per_minute": 60_000}},
    "auto_stop": {"budget": {"per_hour": 100_000, "per_app_per_hour": 100_000}, "cooldown": "0s"},
}

Spoil = Callable[[Answer], Answer]
"""From the honest answer to the one that arrives."""

many = settings(
    max_examples=125,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class HostileRig(Rig):
    """A rig whose answers pass through `spoil`, while it is set."""

    spoil: Spoil | None = None

    def _intercepted(self, alli: Any) -> Any:
        async def spoilt(scope: Any, receive: Any, send: Any) -> None:
            if self.spoil is None:
                await alli(scope, receive, send)
                return
            messages: list[dict[str, Any]] = []

            async def keep(message: dict[str, Any]) -> None:
                messages.append(message)

            await alli(scope, receive, keep)
            start, *bodies = messages
            headers = tuple(pair for pair in start["headers"] if pair[0] != b"content-length")
            body = b"".join(message.get("body", b"") for message in bodies)
            answer = self.spoil(Answer(status=start["status"], headers=headers, body=body))
            await send(start | {"status": answer.status, "headers": list(answer.headers)})
            await send({"type": "http.response.body", "body": answer.body})

        return super()._intercepted(spoilt)

    async def do(self, job: str) -> None:
        """Do one job of the project now, out of turn, and hand over what it put into the outbox."""
        await self.jobs.run(f"{PROJECT} {job}")
        if self.awake.is_set():
            await self.deliver()

    async def look(self) -> None:
        """Do each kind of poll once, and what the outbox holds."""
        await self.poll_runs()
        await self.poll_ratings()
        await self.sweep()
        await self.evaluate()

    def stop_requests(self) -> int:
        """Return how often Alli was asked to stop anything."""
        return len(self.world.record().stops)


def _new_rig(directory: Path, run_limit: str) -> HostileRig:
    clock = ManualClock(START)
    settings = SETTINGS | {"apps": [{"match": "*", "run_limit": run_limit}]}
    return HostileRig(
        database=directory / "monitor.db",
        settings=Settings.model_validate(rig_module._merged(rig_module._SETTINGS, settings)),
        rules=load_rules(directory, RULES),
        inboxes=[Inbox(clock=clock)],
        world=World(clock),
    )


def _populate(rig: Rig) -> Conversation:
    """Let a user talk, rate the answer negative, and begin a run that never ends: the same each time."""
    conversation = rig.talk("question", ">answer")
    rig.world.rate(conversation.chats[-1].id, vote=False)
    return rig.start_run(conversation)


class Scene:
    """A database of a monitor that watched the project of `_populate` for some seconds, the last at `looks_at[-1]`."""

    def __init__(self, directory: Path, looks_at: Sequence[float], *, run_limit: str = "60s") -> None:
        self._directory = directory
        self._run_limit = run_limit
        self._looked_for = looks_at[-1]
        with asyncio.Runner() as runner, _quick():
            runner.run(self._prepare(_new_rig(directory, run_limit), looks_at))

    async def _prepare(self, rig: HostileRig, looks_at: Sequence[float]) -> None:
        await rig.start()
        await rig.look()
        _populate(rig)
        for seconds in looks_at:
            rig.clock.advance(START + seconds - rig.now)
            await rig.look()
        await rig.stop()

    def play(self, story: Callable[[HostileRig, Conversation], Coroutine[Any, Any, None]]) -> None:
        """Start a monitor on a copy of the database, in the same world at the same time, and play `story` with it."""
        with TemporaryDirectory() as name, asyncio.Runner() as runner, _quick(), _nothing_unexpected():
            shutil.copy(self._directory / "monitor.db", name)
            rig = _new_rig(Path(name), self._run_limit)
            conversation = _populate(rig)
            rig.clock.advance(self._looked_for)
            runner.run(rig.start())
            try:
                runner.run(story(rig, conversation))
            finally:
                runner.run(rig.stop())


def _quick() -> AbstractContextManager[None]:
    """Let failed requests be tried again at once."""
    return stamina.set_testing(True, attempts=2)


@contextmanager
def _nothing_unexpected() -> Iterator[None]:
    """Fail when anything was logged as an exception: the daemon survives those, but they are defects."""
    with structlog.testing.capture_logs() as logs:
        yield
    assert not [line for line in logs if line.get("exc_info") or line["log_level"] == "critical"]


# Any JSON at all

_NAMES = [
    *("conversations", "cursor", "id", "chats", "chatCount", "createdAt", "lastChatTime", "llmApp", "user", "isEnd"),
    *("timestamp", "sender", "completed", "rating", "totalCount", "pageNo", "result", "error", "errors", "message"),
]
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**20, max_value=10**400)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["\ud800", "a\0b", "USER", "BOT", "2026-01-01T00:00:00Z", "x" * 2000])
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=6)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)
_texts = (
    _values.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=50)
    | st.sampled_from([b"", b"[" * 5000, b'{"conversations":' * 3000, b"<html></html>", b'{"result": null}', b"NaN"])
)


def _is_claim(text: bytes) -> bool:
    """Whether a made-up answer says by chance what only Alli may say: nothing runs, the key is wrong, it is gone."""
    return re.search(rb'"conversations": \[\]|not.?found|n.t exist|INVALID_TOKEN', text, re.IGNORECASE) is not None


@pytest.fixture(scope="module")
def overdue(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Provide a run that will be overdue in a moment."""
    return Scene(tmp_path_factory.mktemp("overdue"), (0, 30, 59))


@many
@given(texts=st.lists(_texts.filter(lambda text: not _is_claim(text)), min_size=1, max_size=5))
def test_answers_of_any_content_stop_nothing_and_take_nothing_back(overdue: Scene, texts: list[bytes]) -> None:
    """While every answer is made up, an overdue run is not stopped and no alert ends; honest answers then stop it."""

    async def story(rig: HostileRig, conversation: Conversation) -> None:
        rig.spoil = _in_turn(texts)
        rig.clock.advance(2)
        await rig.evaluate()
        rig.clock.advance(3)
        await rig.look()
        assert rig.stop_requests() == 0
        assert {alert.identity.rule for alert in await rig.open_alerts(*_NAMES_OF_RULES)} == _NAMES_OF_RULES
        rig.spoil = None
        rig.clock.advance(30)
        await rig.poll_runs()
        assert rig.stop_requests() == 1
        assert conversation.run is None

    overdue.play(story)


# Real pages, spoilt

_DUPLICATE, _REMOVE = object(), object()
_replacements = st.sampled_from(
    [
        *(_DUPLICATE, _REMOVE, None, True, False, 0, -1, 1.5, 2**31 - 1, 2**63, 10**400),
        *(float("nan"), float("inf"), 1e300, "", "\ud800", "a\0b", "x" * 2000, "maybe", {}, [[]], {"id": 1}),
        [[[[[[[[[[{}]]]]]]]]]],
    ]
)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Provide a run that is slow, but not overdue."""
    return Scene(tmp_path_factory.mktemp("healthy"), (0, 10))


@many
@given(spoils=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), _replacements), min_size=1, max_size=6))
def test_spoilt_pages_stop_nothing_and_take_nothing_back(healthy: Scene, spoils: list[tuple[float, Any]]) -> None:
    """While pages hold wrong types, holes, duplicates and nonsense, a healthy run stays as it is, and so do alerts."""

    async def story(rig: HostileRig, conversation: Conversation) -> None:
        before = {alert.fingerprint for alert in await rig.open_alerts("RunSlow", "NegativeRating")}
        assert len(before) == 2
        rig.spoil = _spoiling(spoils)
        for _ in range(2):
            rig.clock.advance(5)
            await rig.look()
        rig.spoil = None
        await rig.look()
        assert rig.stop_requests() == 0
        assert (await rig.the_run()).ended_at is None
        assert before == {alert.fingerprint for alert in await rig.open_alerts("RunSlow", "NegativeRating")}
        assert not [told for told in rig.inbox.told if told.status == "resolved" and told.entry.fingerprint in before]
        rig.world.finish_run(conversation.id)
        await rig.poll_runs()
        assert (await rig.the_run()).ended_at == rig.now

    healthy.play(story)


def _in_turn(texts: Sequence[bytes]) -> Spoil:
    turn = iter(range(10**9))
    return lambda honest: replace(honest, body=texts[next(turn) % len(texts)])


def _spoiling(spoils: Sequence[tuple[float, Any]]) -> Spoil:
    turn = iter(range(10**9))

    def spoil(honest: Answer) -> Answer:
        page = {"answer": json.loads(honest.body)}
        position, replacement = spoils[next(turn) % len(spoils)]
        places = [place for place in _places(page) if not _claims(place[0], place[1], replacement)]
        if places:
            container, key = places[int(position * len(places))]
            _replace(container, key, replacement)
        return replace(honest, body=json.dumps(page.get("answer", "")).encode())

    return spoil


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container with every key or index in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _claims(container: Any, key: Any, replacement: Any) -> bool:
    """Whether the answer would still be a good one that says something else: that a rating is none, or nothing runs."""
    if key in {"rating", "agentRating", "isRunning"}:
        return replacement is None or replacement is _REMOVE or isinstance(replacement, bool)
    if key == "id":
        return isinstance(replacement, str) and valid_id(replacement)
    return isinstance(container, list) and replacement is _REMOVE


def _replace(container: Any, key: Any, replacement: Any) -> None:
    if replacement is _DUPLICATE:
        if isinstance(container, list):
            container.insert(key, container[key])
    elif replacement is _REMOVE:
        del container[key]
    else:
        container[key] = replacement
