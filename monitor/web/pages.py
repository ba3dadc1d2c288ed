"""The pages for people: the console and one conversation."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitor import __version__
from monitor.alerting.matchers import quote as quote_label
from monitor.model.alert import Alert, AlertState
from monitor.model.builtin import Builtin
from monitor.model.conversation import Vote
from monitor.model.rating import RatingChange
from monitor.model.run import Run
from monitor.model.stop import Stop
from monitor.notify.http import rfc3339
from monitor.rules.humanize import humanize
from monitor.store import Transaction
from monitor.store.outbox import Backlog, Health
from monitor.web.daemon import Daemon, ProjectView
from monitor.web.holds import Holds
from monitor.web.status import Regret, State, overall_state, project_state, regret

__all__ = ["Pages"]

_TEMPLATES = Path(__file__).parent / "templates"
_MOST_ROWS = 100  # of runs and alerts; the API has them all
_NEWEST = 10
_OF_CONVERSATION = 200
_TAIL = 12  # characters
_SEVERITIES = ("critical", "warning", "info")
_CALM = {"info", "none"}  # severities that are no reason for red
_ABOUT = ("conversation_id", "app_id", "project")  # labels that say what an alert is about, the closest first


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """What the console shows of one project; `now` is its server time."""

    project: ProjectView
    state: State
    now: float
    runs: Sequence[Run]
    alerts: Sequence[Alert]
    stops: Sequence[Stop]
    ratings: Sequence[RatingChange]
    regret: Regret


@dataclass(frozen=True, slots=True, kw_only=True)
class _Destination:
    """What the console shows of one integration of a receiver; it is left alone until `resting_until`, own time."""

    name: str
    backlog: Backlog | None
    health: Health
    resting_until: float | None


class Pages:
    """The endpoints."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            age=_age, rfc3339=rfc3339, quoted=_quoted, tail=_tail, weblink=_weblink, silence=_silence
        )
        self._templates.globals.update(version=__version__, most_rows=_MOST_ROWS, limit_of=self._limit_of)

    async def console(self, request: Request) -> Response:
        """Answer with everything that goes on now."""
        daemon = self._daemon
        async with daemon.store.snapshot() as tx:
            panels = [await self._panel(tx, project) for project in daemon.projects()]
            own = (await tx.alerts.open(project="")).values()
            brakes = await tx.stops.brakes(now=daemon.clock.now())
            silences = await tx.silences.open(daemon.clock.now())
            holds = await Holds.read(tx, daemon.clock.now())
            backlog, health = await tx.outbox.backlog(), await tx.outbox.health()
        resting = daemon.resting()
        destinations = [
            _Destination(
                name=name,
                backlog=backlog.get(name),
                health=health.get(name, Health(destination=name)),
                resting_until=resting.get(name),
            )
            for name in daemon.receivers()
        ]
        own_alerts = _by_urgency(alert for alert in own if alert.identity.rule != Builtin.WATCHDOG)
        alerts = [alert for each in (own_alerts, *(p.alerts for p in panels)) for alert in each]
        firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
        return self._page(
            "console.html",
            request,
            panels=panels,
            own_alerts=own_alerts,
            brakes=brakes,
            silences=silences,
            holds=holds,
            destinations=destinations,
            firing=len(firing),
            alarming=any(alert.labels.get("severity") not in _CALM for alert in firing),
            rules=len(daemon.rules()),
        )

    async def conversation(self, request: Request) -> Response:
        """Answer with all that is known about one conversation; 404 when that is nothing."""
        name, conversation_id = request.path_params["project"], request.path_params["conversation_id"]
        project = next((view for view in self._daemon.projects() if view.name == name), None)
        if project is None:
            raise HTTPException(404, f"there is no project {name!r}\n")
        async with self._daemon.store.snapshot() as tx:
            facts = await _facts(tx, name, conversation_id)
            holds = await Holds.read(tx, self._daemon.clock.now())
        return self._page(
            "conversation.html",
            request,
            status=200 if any(facts.values()) else 404,
            project=project,
            conversation_id=conversation_id,
            server_now=self._daemon.clock.now() + project.offset,
            known=any(facts.values()),
            holds=holds,
            **facts,
        )

    async def _panel(self, tx: Transaction, project: ProjectView) -> _Panel:
        now = self._daemon.clock.now()
        runs = (await tx.runs.open(project.name)).values()
        return _Panel(
            project=project,
            state=project_state(project, started_at=self._daemon.started_at, now=now),
            now=now + project.offset,
            runs=sorted(runs, key=lambda run: run.estimate_since),
            alerts=_by_urgency((await tx.alerts.open(project.name)).values()),
            stops=await tx.stops.newest(project.name, limit=_NEWEST),
            ratings=await tx.ratings.changes(project.name, limit=_NEWEST),
            regret=regret(await tx.stops.verdicts(project.name)),
        )

    def _limit_of(self, run: Run) -> float | None:
        return self._daemon.run_limit(run.project, run.app)

    def _page(self, template: str, request: Request, *, status: int = 200, **values: Any) -> Response:
        daemon = self._daemon
        text = self._templates.get_template(template).render(
            root=_root(request),
            can_mute=daemon.on_call.elsewhere() is None,
            state=overall_state(daemon),
            unhealthy=daemon.unhealthy(),
            not_ready=daemon.not_ready(),
            own_now=daemon.clock.now(),
            started_at=daemon.started_at,
            **values,
        )
        return HTMLResponse(text, status)


async def _facts(tx: Transaction, project: str, conversation_id: str) -> Mapping[str, Any]:
    """Return what the store knows about a conversation, by name; all of it is empty when that is nothing."""
    known = await tx.ratings.known(project, [conversation_id])
    votes = Counter(rating.vote for rating in known.get(conversation_id, {}).values())
    return {
        "runs": await tx.runs.newest(project, limit=_OF_CONVERSATION, conversation_id=conversation_id),
        "alerts": await tx.alerts.newest(limit=_OF_CONVERSATION, project=project, conversation_id=conversation_id),
        "ratings": await tx.ratings.changes(project, limit=_OF_CONVERSATION, conversation_id=conversation_id),
        "stops": await tx.stops.newest(project, limit=_OF_CONVERSATION, conversation_id=conversation_id),
        "lines": await tx.stops.lines(limit=_OF_CONVERSATION, project=project, conversation_id=conversation_id),
        "votes": {vote: votes[vote] for vote in (Vote.POSITIVE, Vote.NEGATIVE) if votes[vote]},
    }


def _by_urgency(alerts: Iterable[Alert]) -> list[Alert]:
    """Return alerts, firing before pending, the gravest first, the newest first."""

    def urgency(alert: Alert) -> tuple[bool, int, float]:
        severity = alert.labels.get("severity", "")
        rank = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
        return alert.state is not AlertState.FIRING, rank, -(alert.fired_at or alert.pending_since)

    return sorted(alerts, key=urgency)


def _root(request: Request) -> str:
    """Return the relative path to the console, which holds behind a proxy that takes a prefix away too."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return "../" * (raw.count(b"/") - 1) or "./"


def _age(seconds: float) -> str:
    return humanize(timedelta(seconds=int(max(seconds, 0.0))))


def _quoted(text: str) -> str:
    """Return an id as one segment of a path."""
    return quote(text, safe="")


def _tail(text: str) -> str:
    """Return the part of a long id that differs: Alli's all begin with the name of their type."""
    return text if len(text) <= _TAIL else f"…{text[-_TAIL:]}"


def _weblink(text: str) -> str | None:
    """Return `text` if it is a link that may stand on a page: other schemes run scripts."""
    try:
        return text if urlsplit(text).scheme in {"http", "https"} else None
    except ValueError:
        return None


def _silence(alert: Alert) -> str:
    """Return the command that silences an alert, and others of its rule about the same."""
    about = next((name for name in _ABOUT if alert.labels.get(name)), None)
    wanted = {"alertname": alert.identity.rule, **({about: alert.labels[about]} if about else {})}
    matchers = [f"{name}={quote_label(value)}" for name, value in wanted.items()]
    return f"alli-monitor silence add {shlex.join(matchers)} --until 2h --comment WHY"
