"""The composition root: builds everything from the settings, starts it, and stops it in reverse order."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import stamina.instrumentation
import structlog

from monitor import __version__
from monitor.actions.stop import StopHandler, StopTerms
from monitor.alli.transport import Connections
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.commit import Commits
from monitor.configured import load_rules, mute_policy, routing_tree
from monitor.cycle.health import DaemonHealth
from monitor.cycle.manual_stops import AskedFor, stop_by_hand
from monitor.cycle.stops import holds
from monitor.cycle.storage import StorageHealth
from monitor.dead_man import DeadMan
from monitor.delivery import DeliveryHandler
from monitor.dispatch import Dispatcher
from monitor.drills import Drills
from monitor.errors import ConfigError, ConfigErrors
from monitor.jobs import Jobs
from monitor.links import Links
from monitor.metrics import Metrics
from monitor.model.builtin import Builtin
from monitor.model.conversation import App as AlliApp
from monitor.model.intent import IntentKind
from monitor.model.stop import Stop, StopMode
from monitor.notify import build as notify_build
from monitor.on_call import OnCall
from monitor.outbox import Courier
from monitor.projects import Projects
from monitor.resend import Resender
from monitor.rules.files import RuleSet
from monitor.rules.rule import Rule
from monitor.settings import HttpConfig, Settings, Web
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
_TIDY_AFTER = 10.0  # seconds from the start: by then the servers have mostly told their time
_OUTBOX_LATE = 60.0
_TROUBLE = {Builtin.MONITOR_API_AUTH, Builtin.MONITOR_BLIND, Builtin.RULE_FAILING, Builtin.RECEIVER_FAILING}


class App:
    """
    The daemon; `started` is set once it listens and its schedule runs.

    Use as ``async with App.open(settings, clock) as app: await app.run(stopped)``. `settings` are those in force.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        rules: RuleSet,
        source: Callable[[], Settings],
        prepare: Callable[[Settings], object],
        clock: Clock,
        store: Store,
        connections: Connections,
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.metrics = Metrics()
        self.started = asyncio.Event()
        self.started_at = clock.now()
        self._rules = rules
        self._source = source
        self._prepare = prepare
        self._reloading = asyncio.Lock()
        self._connections = connections
        self._jobs = Jobs(clock)
        self.web = WebServer(build_web(self, self._web_settings), settings.web)
        self._awake = asyncio.Event()
        alerting = settings.alerting
        self.announcer = Announcer(routing_tree(alerting.route), {}, Links(settings).to, mute_policy(alerting))
        self._commits = Commits(store, self.announcer, self.metrics, self._awake.set)
        self._alarm = StorageAlarm(self.announcer, clock)
        self._daemon_health = DaemonHealth(self._commits, clock)
        self._storage_health = StorageHealth(self._commits, clock)
        self._projects = Projects(
            commits=self._commits, jobs=self._jobs, alarm=self._alarm, clock=clock, connections=self._connections
        )
        self._stop = StopHandler(commits=self._commits, clients={}, clock=clock, terms=self._stop_terms())
        self._delivery = DeliveryHandler(
            store=store,
            announcer=self.announcer,
            clock=clock,
            metrics=self.metrics,
            jitter=random.Random(),  # noqa: S311 - to spread retries, not to keep secrets
        )
        self.on_call = OnCall(store, self.announcer, clock, offset=self._projects.offset, wake=self._awake.set)
        self.drills = Drills(self._commits, clock)
        self._courier = self._build_courier()
        self._dead_man = DeadMan(self._connections.by(HttpConfig()), self._find_trouble)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        clock: Clock,
        *,
        source: Callable[[], Settings] | None = None,
        prepare: Callable[[Settings], object] = lambda _: None,
    ) -> AsyncIterator[App]:
        """
        Check the rules, open the database and build everything; nothing runs yet.

        A reload reads the settings from `source`, which raises ConfigErrors, and hands them to `prepare` when they
        are in force; without a source only the rules are loaded again. Raises ConfigErrors, ConfigError and StartError.
        """
        stamina.instrumentation.set_on_retry_hooks([])  # a retried request is no event: what fails in the end is logged
        rules = await asyncio.to_thread(load_rules, settings)
        routing_tree(settings.alerting.route)
        async with AsyncExitStack() as stack:
            connections = Connections()
            stack.push_async_callback(connections.aclose)
            store = await stack.enter_async_context(Store.open(settings.storage.url, clock=clock))
            app = cls(
                settings=settings,
                rules=rules,
                source=source or (lambda: settings),
                prepare=prepare,
                clock=clock,
                store=store,
                connections=connections,
            )
            await app._adopt(settings, rules)
            yield app

    async def run(self, stopped: asyncio.Event) -> None:
        """Run until `stopped` is set; then let what is in flight end, for at most 10 s. Raises StartError."""
        await self.web.start()
        await self._courier.release()
        courier = asyncio.create_task(self._courier.run(), name="courier")
        self._loaded()
        self._schedule()
        self._jobs.at({"tidy": self.clock.now() + _TIDY_AFTER}, self._tidy, prefix="start")
        self._jobs.start()
        self.started.set()
        log.info(
            "started",
            version=__version__,
            listen=self.web.url,
            projects=sorted(self._projects.polls),
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

    # Reloading

    async def reload(self) -> None:
        """Load configuration and rules again, all or nothing: ConfigErrors keeps what is in force."""
        async with self._reloading:
            try:
                settings = await asyncio.to_thread(self._source)
                self._refuse_what_needs_a_restart(settings)
                rules = await asyncio.to_thread(load_rules, settings)
                routing_tree(settings.alerting.route)
                for project in settings.projects.values():
                    self._connections.by(project.http_config)  # reads the files of its TLS settings
            except ConfigError as error:
                self._refused(error)
                raise
            before = set(self._projects.polls)
            await self._adopt(settings, rules)
            self._prepare(settings)
            self._loaded()
            self._schedule()
            await self._guarded(self._delivery.forget)
            await self._tidy()
            now = set(self._projects.polls)
            log.info(
                "reloaded",
                projects=sorted(now),
                added=sorted(now - before),
                removed=sorted(before - now),
                rules=len(rules.rules),
                digest=rules.digest,
            )

    def _refuse_what_needs_a_restart(self, settings: Settings) -> None:
        present = self.settings
        changed = {
            "storage.url": settings.storage.url != present.storage.url,
            "web.listen": settings.web.listen != present.web.listen,
        }
        if keys := [key for key, differs in changed.items() if differs]:
            raise ConfigErrors([ConfigError(f"{key}: a reload cannot change this; restart instead") for key in keys])

    def _refused(self, error: ConfigError) -> None:
        self.metrics.reload_successful.set(0)
        errors = error.errors if isinstance(error, ConfigErrors) else [error]
        log.error("reload refused; what was in force stays", errors=[str(each) for each in errors])

    async def _adopt(self, settings: Settings, rules: RuleSet) -> None:
        """Work by these settings and rules, which are known to be good, from now on."""
        links = Links(settings)
        receivers = notify_build.build(
            settings.alerting.receivers,
            http=self._connections.by(HttpConfig()),
            clock=self.clock,
            external_url=links.external_url,
            language=settings.alerting.language,
            excerpt_chars=settings.privacy.excerpt_chars,
        )
        await self._projects.adopt(settings, rules)
        self.settings, self._rules = settings, rules  # from here on nothing waits: nobody sees the half of it
        alerting = settings.alerting
        self.announcer.adopt(routing_tree(alerting.route), receivers, links.to, mute_policy(alerting))
        self._stop.adopt(self._projects.clients, self._stop_terms())

    def _loaded(self) -> None:
        self.metrics.reload_successful.set(1)
        self.metrics.reload_timestamp.set(self.clock.now())

    def _web_settings(self) -> Web:
        return self.settings.web

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
        polls = self._projects.polls.items()
        waiting = [f"{name}: {', '.join(each.unattempted)}" for name, each in polls if each.unattempted]
        return f"not attempted yet: {'; '.join(waiting)}" if waiting else None

    async def stop(self, conversation_id: str, *, project: str | None, asked_by: str) -> AskedFor:
        """Begin to stop the run of a conversation because a person asks for it. Raises CannotStop and StorageError."""
        projects = [polls.project for polls in self._projects.polls.values()]
        return await stop_by_hand(projects, conversation_id, project=project, asked_by=asked_by)

    def rules(self) -> Sequence[Rule]:
        """Return the rules in force."""
        return self._rules.rules

    def receivers(self) -> Sequence[str]:
        """Return the names of all configured integrations."""
        return list(self.announcer.integrations)

    def resting(self) -> Mapping[str, float]:
        """Return the integrations that are left alone now, and until when, in own time."""
        return self._delivery.resting()

    def run_limit(self, project: str, app: AlliApp | None) -> float | None:
        """Return how many seconds a run of this app may take, None for a project that is not configured."""
        if project not in self.settings.projects:
            return None
        return self.settings.app_policy(app, project).run_limit

    def projects(self) -> list[ProjectView]:
        """Return what there is to say about each project."""
        return self._projects.views()

    # Building

    def _stop_terms(self) -> StopTerms:
        auto_stop = self.settings.auto_stop
        return StopTerms(
            verify_within=auto_stop.verify_within,
            per_hour=auto_stop.budget.per_hour,
            per_app_per_hour=auto_stop.budget.per_app_per_hour,
            gap=lambda project: blind_after(self.settings.polling_of(project).runs),
            permits=self._permits,
            holds=holds,
        )

    def _build_courier(self) -> Courier:
        return Courier(
            store=self.store,
            dispatcher=Dispatcher(self.store, self.announcer),
            handlers={IntentKind.STOP: self._stop, IntentKind.NOTIFY: self._delivery},
            resting=self._delivery.resting,
            clock=self.clock,
            name=secrets.token_hex(8),
            awake=self._awake,
        )

    def _permits(self, stop: Stop) -> bool:
        """Whether the configuration still wants runs like this one stopped."""
        policy = self.settings.app_policy(stop.app, stop.project)
        return policy.stop_mode is StopMode.ENFORCE and self.settings.stop_allowed(stop.app)

    def _schedule(self) -> None:
        """Put all work into the schedule, or change what the settings now want otherwise."""
        self._projects.schedule()
        resender = Resender(self.store, self.announcer, self.clock)
        evaluation = self.settings.polling.evaluation
        self._jobs.every("daemon health", evaluation, lambda: self._guarded(self._daemon_health.evaluate))
        self._jobs.every("drills", evaluation, lambda: self._guarded(self.drills.end_old))
        self._jobs.every("resend", _RESEND_EVERY, lambda: self._guarded(resender.resend))
        self._jobs.every("retention", _RETENTION_EVERY, lambda: self._guarded(self._prune), delay=_RETENTION_EVERY)
        self._jobs.every("storage", _RETENTION_EVERY, lambda: self._guarded(self._keep_size))
        self._jobs.every("dead man", self.settings.dead_man.every, self._ping)

    # Small work of its own

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what needs only the storage, and tell if that fails."""
        try:
            await work()
        except StorageError as error:
            await self._alarm.failed(error)

    async def _tidy(self) -> None:
        await self._guarded(self._projects.tidy)
        self._awake.set()

    async def _ping(self) -> None:
        await self._dead_man.ping(self.settings.dead_man.url)

    async def _prune(self) -> None:
        before = self.clock.now() - self.settings.storage.retention
        async with self.store.transaction() as tx:
            keep = list(await tx.alerts.open())
            await tx.outbox.prune(before=before, keep=keep)
            await tx.alerts.prune(before=before)
            await tx.silences.prune(before=before)
            await tx.acks.prune(before=before)

    async def _keep_size(self) -> None:
        """Keep the database below its largest size, without what cooldowns and windows look back to."""
        windows = [rule.within for rule in self._rules.rules if rule.within is not None]
        keep = max([self.settings.auto_stop.cooldown, *windows])
        await self._storage_health.evaluate(limit=self.settings.storage.max_size, keep=keep)

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
        return max(max(route.group_wait, route.group_interval) for route in self.announcer.routes())
