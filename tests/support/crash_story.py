"""
A small world that tests everything a daemon promises to keep over a crash, and the trials of daemons in it.

Seven runs: three overdue ones that must be stopped (the second obeys only after many more looks, so that a killed
daemon comes back to it), one in which the user writes again, so that its age counts anew, a healthy short one, one of
an app that may not be stopped, and a healthy one that begins in a conversation right after the run there was stopped.
Four answers are rated negative; the second of these ratings is taken back once it was told.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from monitor.clock import SystemClock
from monitor.simulator.entities import RunKind, RunPlan
from monitor.simulator.record import Record, StopEffect, StopRecord
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.support.crash import start
from tests.support.receivers import FakeReceiver

__all__ = ["LIMIT", "PATIENCE", "Hook", "Trial", "write_config"]

LIMIT = 1.5
"""Seconds that a run may take."""

PATIENCE = 60.0
"""Seconds that a trial may take: many run at once on few cores."""

_SAME = timedelta(milliseconds=10)  # what an alert's start may differ by between two of its notifications
_PAUSE = 0.05  # seconds between two looks at how a trial goes on
_STOPPED = ("prompt", "lagging", "later", "written")  # conversations whose first run is to be stopped
_VERIFY_WITHIN = 20.0  # seconds
_LISTS_UNTIL_OBEYED = 12  # about three seconds of a daemon's life
_RATED = 4
_WITHDRAWN = 1

_RULES = """
groups:
  - name: crash
    rules:
      - alert: RunOverLimit
        on: run
        expr: run.age > run.limit
        actions: [{stop: {}}]
      - alert: NegativeRating
        on: rating
        expr: rating.value == "negative" && rating.by == "user"
"""


class Hook(FakeReceiver):
    """A webhook that takes everything. A daemon that is killed may well break off in the middle of a request."""

    def complain(self, complaint: str) -> None:
        """Take no offence."""

    @property
    def bodies(self) -> list[tuple[str, dict[str, Any]]]:
        """The different bodies with their keys, in the order in which each came first."""
        return list({r.headers["idempotency-key"]: r.body for r in self.requests}.items())

    @property
    def told(self) -> list[tuple[str, str, dict[str, str]]]:
        """Fingerprint, status and labels of all that was told, in order, repetitions included."""
        return [(a["fingerprint"], a["status"], a["labels"]) for _, body in self.bodies for a in body["alerts"]]


@dataclass(slots=True)
class _World:
    """The simulated world, directed by what the daemon does; conversations and rated chats by name or number."""

    world: World
    conversations: dict[str, str]
    rated: list[str]
    rewritten_at: float = 0.0
    began: bool = False
    went_on: bool = False
    withdrawn: bool = False
    obeys_after: tuple[int, float] | None = None

    def begin(self) -> None:
        """Let the runs begin, and plan all that does not depend on the daemon."""
        world, now = self.world, self.world.clock.now()
        self.began, self.rewritten_at = True, now + 0.9
        plans = {
            "prompt": RunPlan(),
            "lagging": RunPlan(stop_lag=2 * PATIENCE),
            "written": RunPlan(),
            "forbidden": RunPlan(),
            "healthy": RunPlan(kind=RunKind.FINISHES, duration=0.7),
        }
        for name, plan in plans.items():
            world.start_run(self.conversations[name], plan)
        world.at(now + 0.3, lambda: world.start_run(self.conversations["later"], RunPlan()))
        world.at(self.rewritten_at, lambda: world.add_chat(self.conversations["written"], "USER", "Hurry."))
        for number, chat_id in enumerate(self.rated):
            world.at(now + 0.2 + 0.3 * number, lambda chat_id=chat_id: world.rate(chat_id, False))  # type: ignore[misc]

    def go_on(self) -> None:
        """Begin the next run, a healthy one, where the first was just stopped: a second stop would hit it."""
        self.went_on = True
        self.world.add_chat(self.conversations["prompt"], "USER", "Once more.")
        self.world.start_run(self.conversations["prompt"], RunPlan(kind=RunKind.FINISHES, duration=0.7))

    def obey(self) -> None:
        """End the run that lags after so many lists that a blind second stop would have come."""
        lists, now = self.world.record().requests["list_conversations"], self.world.now
        self.obeys_after = self.obeys_after or (lists + _LISTS_UNTIL_OBEYED, now + _VERIFY_WITHIN / 2)
        if lists >= self.obeys_after[0] or now >= self.obeys_after[1]:
            self.world.finish_run(self.conversations["lagging"])

    def withdraw(self) -> None:
        """Take one rating back."""
        self.withdrawn = True
        self.world.rate(self.rated[_WITHDRAWN], None)


def _new_world() -> _World:
    world = World(SystemClock())
    now, user = world.clock.now(), world.add_user("user-1")
    allowed, forbidden = world.add_app("Report writer", app_id="app-1"), world.add_app("Archivist", app_id="app-2")
    conversations = {}
    for name in (*_STOPPED, "healthy", "forbidden"):
        conversation = world.add_conversation(app=forbidden if name == "forbidden" else allowed, user=user, at=now - 90)
        world.add_chat(conversation.id, "USER", "Go.", at=now - 60)
        conversations[name] = conversation.id
    rated = []
    for _ in range(_RATED):
        conversation = world.add_conversation(app=allowed, user=user, at=now - 90)
        world.add_chat(conversation.id, "USER", "Why?", at=now - 60)
        rated.append(world.add_chat(conversation.id, "BOT", "Because.", at=now - 50).id)
    return _World(world=world, conversations=conversations, rated=rated)


@dataclass(slots=True)
class Trial:
    """One story with one daemon; `kills` says how it is killed: at these steps, one after the other."""

    directory: Path
    kills: list[str] = field(default_factory=list)
    killed: int = 0
    problems: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Play the story until its end, killing and restarting the daemon, and collect in `problems` what is wrong."""
        async with AsyncExitStack() as stack:
            story = _new_world()
            base_url = await stack.enter_async_context(serve(story.world))
            hook = await stack.enter_async_context(Hook())
            write_config(self.directory, base_url, f"{hook.url}/hook")
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._play(story, hook)
            except TimeoutError:
                self.problems.append(f"not over in time: {', '.join(self._missing(story, hook))}")
            self._check(story, hook)

    @property
    def steps(self) -> list[str]:
        """The steps that all daemons of this trial took."""
        return (self.directory / "steps").read_text().splitlines()

    @property
    def log(self) -> str:
        """What the daemons logged."""
        return (self.directory / "log").read_text()

    # The daemon

    @property
    def _database(self) -> Path:
        return self.directory / "monitor.db"

    @asynccontextmanager
    async def _daemon(self, kill_at: str | None) -> AsyncIterator[ForkServerProcess]:
        command = ["run", "--config", str(self.directory / "monitor.yml")]
        log = self.directory / "log"
        # in the loop's own thread: to start one process asks after all others, and whether one ended can be read once
        process = start(command, steps=self.directory / "steps", kill_at=kill_at, output=log)
        try:
            yield process
        finally:
            if process.exitcode is None:
                process.terminate()
            while process.exitcode is None:  # noqa: ASYNC110 - its end can be read only by asking
                await asyncio.sleep(_PAUSE)

    async def _play(self, story: _World, hook: Hook) -> None:
        """Play until nothing is missing; a kill may still come while the daemon is told to stop."""
        for kill_at in (*self.kills, None):
            async with self._daemon(kill_at) as process:
                while process.exitcode is None and self._missing(story, hook):
                    await asyncio.sleep(_PAUSE)
                    _direct(story, hook)
            if process.exitcode in {0, -signal.SIGTERM}:  # the latter where it was only just starting again
                return
            if process.exitcode != -signal.SIGKILL:
                self.problems.append(f"the daemon ended with {process.exitcode}")
                return
            self.killed += 1

    # How far it is

    def _missing(self, story: _World, hook: Hook) -> list[str]:
        """Return what still has to happen."""
        told = Counter((labels["alertname"], status) for _, status, labels in _once(hook.told))
        wanted = {
            ("BaselineRecorded", "firing"): 1,
            ("NegativeRating", "firing"): _RATED,
            ("NegativeRating", "resolved"): 1,
            ("RunOverLimit", "firing"): len(_STOPPED) + 1,
            ("RunOverLimit", "resolved"): len(_STOPPED),
        }
        missing = [f"{told[each]} of {count} {' '.join(each)}" for each, count in wanted.items() if told[each] < count]
        if missing or not story.went_on:
            return missing or ["the next run"]
        if any(run.ended is None for run in story.world.record().runs if run.app_name != "Archivist"):
            return ["runs that go on"]
        waiting = len(self._unsent())
        stops = self._read("SELECT count(*) FROM stops WHERE state <> 'done'")[0][0]
        untold = self._read("SELECT count(*) FROM transitions WHERE told_at IS NULL")[0][0]
        left = {"intents": waiting, "transitions": untold, "stops": stops}
        return [f"{count} {what} not done" for what, count in left.items() if count]

    def _unsent(self) -> list[tuple[Any, ...]]:
        """Return the intents that are still to have an effect: all but the look at a stop that a poll saw through."""
        return self._read(
            "SELECT kind, intents.state, error FROM intents LEFT JOIN stops ON kind = 'stop' AND stops.id = payload"
            " WHERE intents.state <> 'done' AND (stops.state IS NULL OR stops.state <> 'done')"
        )

    def _read(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._database, timeout=10)) as connection:
            return connection.execute(query, parameters).fetchall()

    # What must hold

    def _check(self, story: _World, hook: Hook) -> None:
        record = story.world.record()
        checks: list[Callable[[], list[str]]] = [
            lambda: _wrong_stops(record, story),
            lambda: _wrong_bodies(hook, most_duplicates=self.killed),
            lambda: _wrong_order(hook),
            lambda: self._wrong_journal(story),
            self._wrong_outbox,
        ]
        for check in checks:
            self.problems += check()

    def _wrong_journal(self, story: _World) -> list[str]:
        """Return what is wrong unless every stop is done, its requests are accounted for and its audit is whole."""
        wrong = []
        names = {id_: name for name, id_ in story.conversations.items()}
        stops = self._read("SELECT id, conversation_id, state, result FROM stops WHERE mode = 'enforce' ORDER BY id")
        done = sorted(names[stop[1]] for stop in stops if stop[2:] == ("done", "stopped"))
        if done != sorted(_STOPPED):
            wrong.append(f"stopped by the journal: {done}")
        wrong += [f"a stop in limbo: {names[stop[1]]} {stop[2:]}" for stop in stops if stop[2] != "done"]
        for stop_id, conversation_id, _, result in stops:
            lines = [line for (line,) in self._read("SELECT what FROM stop_log WHERE stop_id = ? ORDER BY id", stop_id)]
            if result == "stopped" and not _is_whole(lines):
                wrong.append(f"the audit of {names[conversation_id]}: {lines}")
            answers = Counter(
                row[0] for row in self._read("SELECT answer FROM stop_requests WHERE stop_id = ?", stop_id)
            )
            if result == "stopped" and (answers["accepted"] != 1 or answers["pending"]):
                wrong.append(f"the requests of {names[conversation_id]}: {dict(answers)}")
        outcomes = self._read("SELECT conversation_id, json_extract(body, '$.outcome') FROM runs ORDER BY began_at")
        stopped = sorted(names[id_] for id_, outcome in outcomes if outcome == "stopped")
        return wrong if stopped == sorted(_STOPPED) else [*wrong, f"stopped by the ledger: {stopped}"]

    def _wrong_outbox(self) -> list[str]:
        untold = self._read("SELECT fingerprint, status FROM transitions WHERE told_at IS NULL")
        return [f"left in the outbox: {rest}" for rest in (self._unsent(), untold) if rest]


def write_config(directory: Path, base_url: str, hook: str) -> Path:
    """Write a configuration in which everything is looked at all the time, and return its file."""
    (directory / "rules.yml").write_text(_RULES)
    config = {
        "projects": {"support": {"base_url": base_url, "api_key": "simulated-key", "requests_per_minute": 6000}},
        "apps": [{"match": "*", "run_limit": f"{LIMIT * 1000:.0f}ms"}],
        "polling": {
            "runs": "400ms",
            "conversations": "600ms",
            "evaluation": "1s",
            "ratings": [{"younger_than": "1h", "every": "1s"}],
        },
        "rule_files": ["rules.yml"],
        "auto_stop": {"mode": "enforce", "apps": ["Report*"], "verify_within": f"{_VERIFY_WITHIN:.0f}s"},
        "alerting": {
            "route": {
                "receiver": "hook",
                "group_wait": "50ms",
                "group_interval": "100ms",
                "routes": [{"matchers": ['alertname=~"Watchdog|MonitorBlind"'], "receiver": "nobody"}],
            },
            "receivers": [{"name": "hook", "webhook_configs": [{"url": hook}]}, {"name": "nobody"}],
        },
        "storage": {"url": f"sqlite:///{directory / 'monitor.db'}"},
        "web": {"listen": "127.0.0.1:0"},
    }
    file = directory / "monitor.yml"
    file.write_text(json.dumps(config))
    return file


def _once(told: list[tuple[str, str, dict[str, str]]]) -> list[tuple[str, str, dict[str, str]]]:
    """Return what was told without repetitions."""
    return list({(fingerprint, status): (fingerprint, status, labels) for fingerprint, status, labels in told}.values())


def _direct(story: _World, hook: Hook) -> None:
    """Let happen what depends on what the daemon did."""
    story.world.advance()
    told = {(labels["alertname"], status, labels.get("chat_id")) for _, status, labels in hook.told}
    if not story.began and ("BaselineRecorded", "firing", None) in told:
        story.began = True
        story.begin()
    stopped = {stop.conversation_id for stop in story.world.record().stops}
    if not story.went_on and story.conversations["prompt"] in stopped:
        story.go_on()
    if story.conversations["lagging"] in stopped:
        story.obey()
    if not story.withdrawn and ("NegativeRating", "firing", story.rated[_WITHDRAWN]) in told:
        story.withdraw()


def _wrong_stops(record: Record, story: _World) -> list[str]:
    """Return what is wrong unless each overdue run, and nothing else, got one request, and not too early."""
    names = {id_: name for name, id_ in story.conversations.items()}
    runs = {run.id: run for run in record.runs}
    hit = sorted(names[stop.conversation_id] for stop in record.stops)
    wrong = [] if hit == sorted(_STOPPED) else [f"requests to stop: {hit}"]
    return wrong + [f"a wrong stop: {stop}" for stop in record.stops if not _is_right(stop, runs, story)]


def _is_right(stop: StopRecord, runs: dict[str, Any], story: _World) -> bool:
    if stop.effect not in {StopEffect.STOPPED, StopEffect.LAGGING} or stop.run_id is None:
        return False
    run = runs[stop.run_id]
    counts_from = story.rewritten_at if stop.conversation_id == story.conversations["written"] else run.began
    return run.app_name == "Report writer" and stop.at - counts_from >= LIMIT


def _wrong_bodies(hook: Hook, *, most_duplicates: int) -> list[str]:
    """Return bodies that came again more often than there were crashes, or changed under their key."""
    bodies: dict[str, list[Any]] = {}
    for request in hook.requests:
        bodies.setdefault(request.headers["idempotency-key"], []).append(request.body)
    changed = [key for key, same in bodies.items() if any(body != same[0] for body in same)]
    duplicates = sum(len(same) - 1 for same in bodies.values())
    wrong = [f"{duplicates} duplicates after {most_duplicates} crashes"] if duplicates > most_duplicates else []
    return wrong + [f"another body with the key {key}" for key in changed]


def _wrong_order(hook: Hook) -> list[str]:
    """Return alerts that resolved before they fired, or whose firing came again after their resolve."""
    lives: dict[tuple[str, str], list[tuple[str, datetime]]] = {}
    for _, body in hook.bodies:
        for alert in body["alerts"]:
            life = lives.setdefault((alert["labels"]["alertname"], alert["fingerprint"]), [])
            life.append((alert["status"], datetime.fromisoformat(alert["startsAt"])))
    return [f"{name} told as {life}" for (name, _), life in lives.items() if not _is_ordered(life)]


def _is_ordered(life: list[tuple[str, datetime]]) -> bool:
    """Whether a resolve comes only after a firing, and a firing after a resolve is a new one."""
    return life[0][0] == "firing" and all(
        following[1] - former[1] > _SAME
        for former, following in pairwise(life)
        if (former[0], following[0]) == ("resolved", "firing")
    )


def _is_whole(lines: list[str]) -> bool:
    """Whether the audit of a stop tells what was decided, asked and seen; a crash may have eaten an answer."""
    ranks = {"intended": 0, "changed": 0, "requesting": 1, "not_taken": 1, "requested": 2, "still_running": 3}
    inner = [ranks.get(line, -1) for line in lines[:-1]]
    return lines[0] == "intended" and lines[-1] == "stopped" and "requesting" in lines and -1 not in inner
