"""
The whole monitor in one process on virtual time: everything real but the network, the schedule and the receivers.

    async with open_rig(tmp_path, rules=RUN_OVER_LIMIT) as rig:
        conversation = rig.talk()
        rig.world.start_run(conversation.id)
        await rig.run_for(100)
        assert rig.inbox.transitions("RunOverLimit") == ["firing", "resolved"]

The simulated project, the monitor and the receivers share one clock that only the rig moves. Server time is own time
unless the options of the world say otherwise.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import stamina
from sqlalchemy import event
from structlog.testing import capture_logs

from monitor.actions.stop import StopHandler, StopTerms
from monitor.alli.client import ApiKey, Client
from monitor.alli.pacing import Pacer
from monitor.announcer import Announcer
from monitor.commit import Commits
from monitor.configured import mute_policy, routing_tree
from monitor.cycle.health import DaemonHealth
from monitor.cycle.project import Project
from monitor.cycle.rhythm import count_request
from monitor.cycle.stops import holds
from monitor.delivery import DeliveryHandler
from monitor.dispatch import Dispatcher
from monitor.metrics import Metrics
from monitor.model.alert import Alert
from monitor.model.intent import IntentKind
from monitor.model.run import Run
from monitor.model.stop import Stop, StopMode
from monitor.outbox import Courier
from monitor.polls import ProjectPolls
from monitor.rules import files as rule_files
from monitor.rules.files import RuleSet
from monitor.settings import Settings
from monitor.simulator.entities import Conversation, RunPlan
from monitor.simulator.options import Options
from monitor.simulator.server import app
from monitor.simulator.world import World
from monitor.storage_alarm import StorageAlarm
from monitor.store import Store
from monitor.tracking.runs import blind_after
from tests.support.clock import ManualClock
from tests.support.rig_inbox import Crash, Inbox
from tests.support.rig_schedule import VirtualJobs

__all__ = ["PROJECT", "START", "Rig", "open_rig"]

PROJECT = "support"
START = 1_800_000_000.0

_SETTINGS: dict[str, Any] = {
    "projects": {PROJECT: {"base_url": "https://alli.test", "api_key": "simulated-key", "requests_per_minute": 6000}},
    "apps": [{"match": "*", "run_limit": "60s"}],
    "auto_stop": {"mode": "enforce", "apps": ["*"]},
    "alerting": {
        "route": {"receiver": "oncall", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"},
        "receivers": [{"name": "oncall"}],
    },
}
"""Stops are real and every alert is a group of its own that is told at once, unless a test says otherwise."""

Intercept = Callable[[str, str], None]
"""Called with method and path of a request to Alli; what it raises is what the request comes to."""

Rewrite = Callable[[str, Any], Any]
"""Called with the path, its query included, and the JSON of a good answer; returns the JSON that arrives."""


class Rig:
    """
    A monitor, the project it watches and who is told; made by `open_rig`.

    `before_request` and `after_request` are called around each request that Alli carries out: to let something happen
    just then, to break the connection by an error of httpx, or to raise `Crash`. `rewrite` changes its answers.
    """

    def __init__(
        self, *, database: Path, settings: Settings, rules: RuleSet, inboxes: Sequence[Inbox], world: World
    ) -> None:
        self.world = world
        self.inbox = inboxes[0]
        self.settings = settings
        self.rules = rules
        self.before_request: Intercept | None = None
        self.after_request: Intercept | None = None
        self.rewrite: Rewrite | None = None
        self.drifts: list[str] = []
        self.logs: Sequence[Mapping[str, Any]] = ()
        self.inboxes = inboxes
        self._url = f"sqlite:///{database}"
        self._clock = world.clock
        self._stack = AsyncExitStack()

    # The life of the daemon

    async def start(self) -> None:
        """Build the daemon on the database and schedule its jobs; none has run yet."""
        self.store = await self._stack.enter_async_context(Store.open(self._url, clock=self.clock))
        event.listen(self.store._engine.sync_engine, "connect", _forget_power_cuts)
        await self.store._engine.dispose()  # what was connected before would still wait for the disk
        http = await self._stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(self._intercepted(app(self.world))))
        )
        self.metrics = Metrics()
        self.jobs = VirtualJobs(self.clock)
        self.awake = asyncio.Event()
        receivers = {
            inbox.receiver: [i for i in self.inboxes if i.receiver == inbox.receiver] for inbox in self.inboxes
        }
        alerting = self.settings.alerting
        self.announcer = Announcer(routing_tree(alerting.route), receivers, _link, mute_policy(alerting))
        self.commits = Commits(self.store, self.announcer, self.metrics, self.awake.set)
        self.client = self._client(http)
        self.client.keep_texts(self.settings.longest_excerpt > 0)
        self.project = Project(
            PROJECT,
            client=self.client,
            settings=self.settings,
            rules=self.rules,
            commits=self.commits,
            clock=self.clock,
        )
        self.polls = ProjectPolls(self.project, jobs=self.jobs, alarm=StorageAlarm(self.announcer, self.clock))
        self._daemon_health = DaemonHealth(self.commits, self.clock)
        self.courier = self._courier()
        await self.courier.release()
        self.polls.schedule()
        self.jobs.every("daemon health", self.settings.polling.evaluation, self._daemon_health.evaluate)
        self._look_at = self.clock.now()

    async def stop(self) -> None:
        """End the daemon as a crash would: what is in flight is cut off, the database stays as it is."""
        await self.courier.abort()
        await self._stack.aclose()

    async def restart(self, *, after: float = 0.0) -> None:
        """Crash, stay away for so many seconds while the world goes on, and come back on the same database."""
        await self.stop()
        self.before_request = self.after_request = None
        self.clock.advance(after)
        await self.start()

    def reload(self, rules: str) -> None:
        """Take other rules, as a reload does."""
        self.rules = self.project.rules = load_rules(self.rules.rules[0].file.parent, rules)

    # The passing of time

    @property
    def clock(self) -> ManualClock:
        """The one clock of this world."""
        assert isinstance(self._clock, ManualClock)
        return self._clock

    @property
    def now(self) -> float:
        """Own time."""
        return self.clock.now()

    async def run_for(self, seconds: float) -> None:
        """
        Let so many seconds pass; each job and each intent is done at its moment, as the daemon's schedule does it.

        A crash ends it at once.
        """
        end = self.now + seconds
        try:
            while True:
                await self._do_what_is_due()
                moment = min(self.jobs.next_at, self._look_at, end)
                if moment >= end:
                    break
                self.clock.advance(max(moment - self.now, 0.0))
        except Crash:
            return
        self.clock.advance(max(end - self.now, 0.0))
        await self._do_what_is_due()

    async def deliver(self) -> None:
        """Do what the outbox holds that is due now."""
        self._look_at = self.now + await self.courier.settle()
        self.awake.clear()

    async def poll_runs(self) -> None:
        """Poll the list of runs now, out of turn."""
        await self._do(f"{PROJECT} runs")

    async def poll_ratings(self) -> None:
        """Poll the conversations that changed now, out of turn."""
        await self._do(f"{PROJECT} conversations")

    async def sweep(self, tier: int = 0) -> None:
        """Sweep one tier of the look-back now, out of turn."""
        younger_than = round(self.settings.polling.ratings[tier].younger_than)
        await self._do(f"{PROJECT} ratings_{younger_than}s")

    async def evaluate(self) -> None:
        """Do now what only the passing of time brings."""
        await self._do(f"{PROJECT} evaluation")
        await self._do("daemon health")

    async def _do(self, job: str) -> None:
        await self.jobs.run(job)
        await self.deliver()

    async def _do_what_is_due(self) -> None:
        while await self.jobs.run_one():
            if self.awake.is_set():
                await self.deliver()
        if self.awake.is_set() or self._look_at <= self.now:
            await self.deliver()

    # The watched project

    def talk(self, *messages: str, app_name: str = "Report", user: str = "user-1") -> Conversation:
        """Let a user begin a conversation with an app; a message that begins with `>` is the app's."""
        app = next((each for each in self.world.apps.values() if each.name == app_name), None)
        conversation = self.world.add_conversation(
            app=app or self.world.add_app(app_name), user=self.world.add_user(user)
        )
        for message in messages or ("question",):
            sender = "BOT" if message.startswith(">") else "USER"
            self.world.add_chat(conversation.id, sender, message.removeprefix(">"))
        return conversation

    def start_run(self, conversation: Conversation | None = None, **plan: Any) -> Conversation:
        """Begin a run in a conversation, a new one if none is given; by default it hangs."""
        conversation = conversation or self.talk()
        self.world.start_run(conversation.id, RunPlan(**plan))
        return conversation

    def requests(self, *operations: str) -> int:
        """Return how often these operations were asked for, all of them if none is named."""
        counts = self.world.record().requests
        return sum(counts.get(name, 0) for name in operations or counts)

    # What the monitor knows

    async def runs(self) -> list[Run]:
        """Return the runs of the ledger, the oldest first."""
        async with self.store.snapshot() as tx:
            found = await tx.runs.newest(PROJECT, limit=1000)
        return sorted(found, key=lambda run: run.began_at)

    async def the_run(self) -> Run:
        """Return the only run there ever was."""
        [run] = await self.runs()
        return run

    async def stops(self) -> list[Stop]:
        """Return the journal of stops, the oldest first."""
        async with self.store.snapshot() as tx:
            return list(reversed(await tx.stops.newest(PROJECT, limit=1000)))

    async def the_stop(self) -> Stop:
        """Return the only stop there ever was."""
        [stop] = await self.stops()
        return stop

    async def open_alerts(self, *rules: str) -> list[Alert]:
        """Return the alerts of these rules that are pending or firing."""
        async with self.store.snapshot() as tx:
            return list((await tx.alerts.open(rules=rules)).values())

    # Building

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:
        """Count one request in the metrics, as the daemon does."""
        count_request()
        self.metrics.requested(project, operation, code, seconds)

    def drifted(self, project: str, kind: str) -> None:
        """Keep what does not fit and let it degrade the project, as the daemon does."""
        self.drifts.append(kind)
        self.metrics.drifted(project, kind)
        self.polls.drifted(kind)

    def _client(self, http: httpx.AsyncClient) -> Client:
        settings = self.settings.projects[PROJECT]
        return Client(
            project=PROJECT,
            base_url=settings.base_url,
            credential=ApiKey("simulated-key"),
            http=http,
            clock=self.clock,
            pacer=Pacer(
                requests_per_minute=settings.requests_per_minute,
                max_in_flight=settings.max_in_flight,
                clock=self.clock,
            ),
            telemetry=self,
            writes=frozenset({"stop_conversation"}),
        )

    def _courier(self) -> Courier:
        auto_stop = self.settings.auto_stop
        terms = StopTerms(
            verify_within=auto_stop.verify_within,
            per_hour=auto_stop.budget.per_hour,
            per_app_per_hour=auto_stop.budget.per_app_per_hour,
            gap=lambda project: blind_after(self.settings.polling_of(project).runs),
            permits=self._permits,
            holds=holds,
        )
        stop = StopHandler(commits=self.commits, clients={PROJECT: self.client}, clock=self.clock, terms=terms)
        deliver = DeliveryHandler(
            store=self.store,
            announcer=self.announcer,
            clock=self.clock,
            metrics=self.metrics,
            jitter=random.Random(0),  # noqa: S311 - to spread retries, not to keep secrets
        )
        return Courier(
            store=self.store,
            dispatcher=Dispatcher(self.store, self.announcer),
            handlers={IntentKind.STOP: stop, IntentKind.NOTIFY: deliver},
            resting=deliver.resting,
            clock=self.clock,
            name="rig",
            awake=self.awake,
        )

    def _permits(self, stop: Stop) -> bool:
        policy = self.settings.app_policy(stop.app, stop.project)
        return policy.stop_mode is StopMode.ENFORCE and self.settings.stop_allowed(stop.app)

    def _intercepted(self, alli: Any) -> Any:
        async def intercepted(scope: Any, receive: Any, send: Any) -> None:
            if self.before_request is not None:
                self.before_request(scope["method"], scope["path"])
            await alli(scope, receive, self._rewritten(scope, send))
            if self.after_request is not None:
                self.after_request(scope["method"], scope["path"])

        return intercepted

    def _rewritten(self, scope: Any, send: Any) -> Any:
        """Return a `send` for an answer of one piece, as the simulator's all are."""
        start: dict[str, Any] = {}

        async def rewritten(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if self.rewrite is not None and start["status"] == HTTPStatus.OK and message.get("body"):
                path = f"{scope['path']}?{scope['query_string'].decode()}"
                message["body"] = json.dumps(self.rewrite(path, json.loads(message["body"]))).encode()
            start["headers"] = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await send(start)
            await send(message)

        return rewritten


def load_rules(directory: Path, rules: str) -> RuleSet:
    """Return the rules in a list of rules as a rule file has it, written into `directory`."""
    file = directory / "rules.yml"
    indented = "".join(f"      {line}\n" for line in rules.strip("\n").splitlines())
    file.write_text(f"groups:\n  - name: tested\n    rules:\n{indented}", encoding="utf-8")
    return rule_files.load([file])


@asynccontextmanager
async def open_rig(
    directory: Path,
    *,
    rules: str,
    options: Options | None = None,
    inboxes: Callable[[ManualClock], Sequence[Inbox]] | None = None,
    **settings: Any,
) -> AsyncIterator[Rig]:
    """
    Yield a started rig that keeps its files in `directory`.

    An exception that the monitor itself did not foresee fails the test, though the daemon would go on.

    `rules` is YAML, the list of rules of one group. `settings` are sections of the configuration, merged into those
    of the rig. `inboxes` makes the receivers out of the clock.
    """
    clock = ManualClock(START)
    chosen = inboxes(clock) if inboxes is not None else [Inbox(clock=clock)]
    rig = Rig(
        database=directory / "monitor.db",
        settings=Settings.model_validate(_merged(_SETTINGS, settings)),
        rules=load_rules(directory, rules),
        inboxes=chosen,
        world=World(clock, options),
    )
    with stamina.set_testing(True, attempts=3), capture_logs() as rig.logs:
        await rig.start()
        try:
            yield rig
        finally:
            await rig.stop()
    assert not [line for line in rig.logs if "exc_info" in line], "something failed that nobody expected"


def _forget_power_cuts(connection: Any, _record: object) -> None:
    """Let the database not wait for the disk: what crashes here is the daemon, never the machine."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


def _link(alert: Alert) -> str:
    return f"https://monitor.test/{alert.fingerprint}"


def _merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `more` laid over it, mappings merged, all else replaced."""
    merged = dict(base)
    for key, value in more.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged
