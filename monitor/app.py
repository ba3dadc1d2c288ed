"""The composition root: builds everything from the settings, starts it, and stops it in reverse order."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookiejar import DefaultCookiePolicy

import httpx
import stamina.instrumentation
import structlog

from monitor import __version__
from monitor.actions.stop import StopHandler, StopTerms
from monitor.alli.client import Client
from monitor.alli.pacing import Pacer
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.commit import Commits
from monitor.configured import credential, load_rules, routing_tree
from monitor.cycle.health import DaemonHealth
from monitor.cycle.project import Project
from monitor.cycle.runs import POLL
from monitor.cycle.stops import holds
from monitor.dead_man import DeadMan
from monitor.delivery import DeliveryHandler
from monitor.dispatch import Dispatcher
from monitor.errors import ConfigErrors
from monitor.jobs import Jobs
from monitor.links import Links
from monitor.metrics import Metrics
from monitor.model.builtin import Builtin
from monitor.model.conversation import App as AlliApp
from monitor.model.intent import IntentKind
from monitor.model.stop import Stop, StopMode
from monitor.notify import build as notify_build
from monitor.outbox import Courier
from monitor.polls import ProjectPolls
from monitor.resend import Resender
from monitor.rules.files import RuleSet
from monitor.rules.rule import Rule
from monitor.settings import Project as ProjectSettings
from monitor.settings import Settings
from monitor.storage_alarm import StorageAlarm
from monitor.store import Store
from monitor.store.database import StorageError
from monitor.tracking.runs import blind_after
from monitor.web.app import build as build_web
from monitor.web.daemon import ProjectView
from monitor.web.server import WebServer

__all__ = ["App"]

log = structlog.get_logger()

_GRACE = 6.0  # seconds that what is in flight has to end after SIGTERM
_STUCK_AFTER = 60.0
_RESEND_EVERY = 60.0
_RETENTION_EVERY = 3600.0
_OUTBOX_LATE = 60.0
_TROUBLE = {Builtin.MONITOR_API_AUTH, Builtin.MONITOR_BLIND, Builtin.RULE_FAILING, Builtin.RECEIVER_FAILING}


class App:
    """
    The daemon; `started` is set once it listens and its schedule runs.

    Use as ``async with App.open(settings, clock) as app: await app.run(stopped)``. `config` is the file that a reload
    reads the rules of again.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        store: Store,
        rules: RuleSet,
        http: httpx.AsyncClient,
    ) -> None:
        self.store = store
        self.metrics = Metrics()
        self.started = asyncio.Event()
        self.started_at = clock.now()
        self._settings = settings
        self.clock = clock
        self._rules = rules
        self._jobs = Jobs(clock)
        self._http = http
        self.web = WebServer(build_web(self, settings.web), settings.web)
        links = Links(settings)
        receivers = notify_build.build(
            settings.alerting.receivers, http=http, clock=clock, external_url=links.external_url
        )
        self.announcer = Announcer(routing_tree(settings.alerting.route), receivers, links.to)
        self._dispatcher = Dispatcher(store, self.announcer)
        self._clients = {name: self._client(name, project) for name, project in settings.projects.items()}
        self._awake = asyncio.Event()
        self._commits = Commits(store, self.announcer, self.metrics, self._awake.set)
        self._alarm = StorageAlarm(self.announcer, clock)
        self._polls = [ProjectPolls(self._project(name), jobs=self._jobs, alarm=self._alarm) for name in self._clients]
        self._courier = self._build_courier()
        self._daemon_health = DaemonHealth(self._commits, clock)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, clock: Clock) -> AsyncIterator[App]:
        """
        Check the rules, open the database and build everything; nothing runs yet.

        Raises ConfigErrors, ConfigError and StartError.
        """
        stamina.instrumentation.set_on_retry_hooks([])  # a retried request is no event: what fails in the end is logged
        rules = await asyncio.to_thread(load_rules, settings)
        routing_tree(settings.alerting.route)
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store.open(settings.storage.url))
            limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
            http = await stack.enter_async_context(httpx.AsyncClient(limits=limits))
            http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # nobody's cookies reach another
            yield cls(settings=settings, clock=clock, store=store, rules=rules, http=http)

    async def run(self, stopped: asyncio.Event) -> None:
        """Run until `stopped` is set; then let what is in flight end, for at most 10 s. Raises StartError."""
        await self.web.start()
        await self._courier.release()
        courier = asyncio.create_task(self._courier.run(), name="courier")
        self._loaded()
        self._schedule()
        self._jobs.start()
        self.started.set()
        log.info(
            "started",
            version=__version__,
            listen=self.web.url,
            projects=sorted(self._clients),
            rules=len(self._rules.rules),
            receivers=sorted(self.announcer.integrations),
        )
        try:
            await stopped.wait()
        finally:
            log.info("stopping")
            self._courier.close()
            await asyncio.gather(self._jobs.stop(within=_GRACE), asyncio.wait([courier], timeout=_GRACE))
            courier.cancel()
            await asyncio.gather(courier, self._courier.abort(), return_exceptions=True)
            await self.web.stop()
            log.info("stopped")

    async def settle(self) -> None:
        """Deliver what is due now. For the end of a demo. Raises StorageError."""
        await self._courier.settle()

    # What the web asks

    def unhealthy(self) -> str | None:
        """Return why the daemon is stuck, None when it is not."""
        now = self.clock.monotonic()
        beats = {"schedule": self._jobs.beat_at, "outbox": self._courier.beat_at}
        stuck = [
            f"the {name} has not moved for {now - at:.0f} s" for name, at in beats.items() if now - at > _STUCK_AFTER
        ]
        return "; ".join(stuck) or None

    def not_ready(self) -> str | None:
        """Return which polls were not attempted yet, None when each was."""
        waiting = [
            f"{polls.project.name}: {', '.join(polls.unattempted)}" for polls in self._polls if polls.unattempted
        ]
        return f"not attempted yet: {'; '.join(waiting)}" if waiting else None

    async def reload(self) -> None:
        """Load the rule files again, all or nothing: ConfigErrors keeps the old set."""
        try:
            rules = await asyncio.to_thread(load_rules, self._settings)
        except ConfigErrors as error:
            self.metrics.reload_successful.set(0)
            log.error("reload refused; the old rules stay", errors=[str(each) for each in error.errors])  # noqa: TRY400 - the message says it all
            raise
        self._rules = rules
        for polls in self._polls:
            polls.project.rules = rules
        self._loaded()
        log.info("rules loaded", rules=len(rules.rules), digest=rules.digest)

    def rules(self) -> Sequence[Rule]:
        """Return the rules in force."""
        return self._rules.rules

    def receivers(self) -> Sequence[str]:
        """Return the names of all configured integrations."""
        return list(self.announcer.integrations)

    def run_limit(self, project: str, app: AlliApp | None) -> float | None:
        """Return how many seconds a run of this app may take, None for a project that is not configured."""
        if project not in self._settings.projects:
            return None
        return self._settings.app_policy(app, project).run_limit

    def projects(self) -> list[ProjectView]:
        """Return what there is to say about each project."""
        return [
            ProjectView(
                name=polls.project.name,
                base_url=self._settings.projects[polls.project.name].base_url,
                auth_error=polls.health.auth_error,
                offset=polls.project.moment().offset,
                runs_completed_at=polls.completed_at.get(POLL),
                runs_every=self._settings.polling.runs,
                stop_mode=self._settings.projects[polls.project.name].auto_stop.mode or self._settings.auto_stop.mode,
            )
            for polls in self._polls
        ]

    # What the clients tell

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:
        """Count one request to the Alli API."""
        self.metrics.requested(project, operation, code, seconds)

    def drifted(self, project: str, kind: str) -> None:
        """Count something in an answer that does not fit, and let it degrade its project."""
        self.metrics.drifted(project, kind)
        for polls in self._polls:
            if polls.project.name == project:
                polls.health.drifted(kind)

    # Building

    def _client(self, name: str, project: ProjectSettings) -> Client:
        return Client(
            project=name,
            base_url=project.base_url,
            credential=credential(project),
            http=self._http,
            clock=self.clock,
            pacer=Pacer(
                requests_per_minute=project.requests_per_minute,
                max_in_flight=project.max_in_flight,
                clock=self.clock,
            ),
            headers={header: value.get_secret_value() for header, value in project.headers.items()},
            timeout=project.timeout,
            time_unit=project.time_unit,
            telemetry=self,
        )

    def _project(self, name: str) -> Project:
        return Project(
            name,
            client=self._clients[name],
            settings=self._settings,
            rules=self._rules,
            commits=self._commits,
            clock=self.clock,
        )

    def _build_courier(self) -> Courier:
        auto_stop = self._settings.auto_stop
        terms = StopTerms(
            verify_within=auto_stop.verify_within,
            per_hour=auto_stop.budget.per_hour,
            per_app_per_hour=auto_stop.budget.per_app_per_hour,
            gap=blind_after(self._settings.polling.runs),
            permits=self._permits,
            holds=holds,
        )
        stop = StopHandler(commits=self._commits, clients=self._clients, clock=self.clock, terms=terms)
        deliver = DeliveryHandler(
            store=self.store,
            announcer=self.announcer,
            clock=self.clock,
            metrics=self.metrics,
            jitter=random.Random(),  # noqa: S311 - to spread retries, not to keep secrets
        )
        return Courier(
            store=self.store,
            dispatcher=self._dispatcher,
            handlers={IntentKind.STOP: stop, IntentKind.NOTIFY: deliver},
            clock=self.clock,
            name=secrets.token_hex(8),
            awake=self._awake,
        )

    def _permits(self, stop: Stop) -> bool:
        """Whether the configuration still wants runs like this one stopped."""
        policy = self._settings.app_policy(stop.app, stop.project)
        return policy.stop_mode is StopMode.ENFORCE and self._settings.stop_allowed(stop.app)

    def _schedule(self) -> None:
        for polls in self._polls:
            polls.schedule()
            self.metrics.leader.labels(polls.project.name).set(1)
        resender = Resender(self.store, self.announcer, self.clock)
        evaluation = self._settings.polling.evaluation
        self._jobs.every("daemon health", evaluation, lambda: self._guarded(self._daemon_health.evaluate))
        self._jobs.every("resend", _RESEND_EVERY, lambda: self._guarded(resender.resend))
        self._jobs.every("retention", _RETENTION_EVERY, lambda: self._guarded(self._prune), delay=_RETENTION_EVERY)
        if (url := self._settings.dead_man.url) is not None:
            dead_man = DeadMan(url, self._http, self._find_trouble)
            self._jobs.every("dead man", self._settings.dead_man.every, dead_man.ping)

    # Small work of its own

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what needs only the storage, and tell if that fails."""
        try:
            await work()
        except StorageError as error:
            await self._alarm.failed(error)

    async def _prune(self) -> None:
        before = self.clock.now() - self._settings.storage.retention
        async with self.store.transaction() as tx:
            keep = list(await tx.alerts.open())
            await tx.outbox.prune(before=before, keep=keep)
            await tx.alerts.prune(before=before)

    async def _find_trouble(self) -> str | None:
        """Return why the newest round was not a good one, None when it was."""
        now = self.clock.now()
        async with self.store.snapshot() as tx:
            alerts = (await tx.alerts.open()).values()
            backlog = (await tx.outbox.backlog()).values()
        ours = sorted({alert.identity.rule for alert in alerts} & _TROUBLE)
        if ours:
            return f"firing: {', '.join(ours)}"
        late = [each.destination for each in backlog if now - each.oldest_at > _OUTBOX_LATE + self._slowest_group()]
        if late:
            return f"not delivered for long: {', '.join(late)}"
        return self.not_ready() or self.unhealthy()

    def _slowest_group(self) -> float:
        tree = self.announcer.tree
        return max(max(route.group_wait, route.group_interval) for route in (*tree.children, tree.root))

    def _loaded(self) -> None:
        self.metrics.reload_successful.set(1)
        self.metrics.reload_timestamp.set(self.clock.now())
