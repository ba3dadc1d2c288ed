"""
The JSON API under `/api/v1`: what the command line and other programs read.

Times are RFC 3339 in UTC, durations are seconds, ids are Alli's own. Times of what was observed at Alli are in
Alli's time; those of the daemon itself (`now`, `started_at`, all about projects and receivers) in the daemon's.
Errors are one line of plain text. Every list takes `project`, `conversation_id` and `limit` (1 to 1000, default 100).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from monitor import __version__
from monitor.model.alert import AlertState
from monitor.model.builtin import Builtin
from monitor.store import Transaction
from monitor.tracking.coverage import observed_share
from monitor.web.daemon import Daemon, ProjectView
from monitor.web.drills import DrillApi
from monitor.web.holds import Holds
from monitor.web.on_call import OnCallApi
from monitor.web.orders import Orders
from monitor.web.shapes import (
    action_shape,
    alert_shape,
    audit_shape,
    brake_shape,
    capabilities_shape,
    moment,
    poll_shape,
    rating_shape,
    receiver_shape,
    rule_shape,
    run_shape,
)
from monitor.web.status import is_blind, overall_state, project_state, regret

__all__ = ["Api"]

_MOST = 1000
_DEFAULT = 100
_DAY = 86400.0
_MONTH = 30 * _DAY


class Api:
    """The endpoints."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def routes(self) -> list[Route]:
        """Return what stands below `/api/v1`."""
        return [
            Route("/status", self.status),
            Route("/alerts", self.alerts),
            Route("/runs", self.runs),
            Route("/ratings", self.ratings),
            Route("/actions", self.actions),
            Route("/actions", Orders(self._daemon).act, methods=["POST"]),
            Route("/rules", self.rules),
            *OnCallApi(self._daemon).routes(),
            *DrillApi(self._daemon).routes(),
        ]

    async def status(self, _request: Request) -> Response:
        """
        Answer with how the daemon fares.

        `{"version", "state", "now", "started_at", "unhealthy", "not_ready", "alerts": {"pending", "firing"},
        "projects": [...], "receivers": [...], "brakes": [...]}`. `state` is stuck, auth_failing, blind, starting or
        healthy; `unhealthy` and `not_ready` are reasons or null. A project: `{"name", "base_url", "state",
        "auth_error", "clock_offset_seconds", "coverage": {"last_complete_pass", "blind", "last_24h", "last_30d"},
        "capabilities": see `capabilities_shape`, "probed_at", "polls": see `poll_shape`, "baseline_at", "runs",
        "stop_mode", "stops": {result: count}, "regret": {"regretted", "judged", "rate"}}`, where `rate` is null while
        fewer than ten shadow stops were judged. `last_24h` and `last_30d` are the shares of that time that were
        observed, or of the time since `baseline_at` where that is shorter, and null before. A receiver: see
        `receiver_shape`; what holds automatic stops back: `brake_shape`.
        """
        daemon = self._daemon
        resting = daemon.resting()
        async with daemon.store.snapshot() as tx:
            states = [alert.state for alert in (await tx.alerts.open()).values()]
            backlog, health = await tx.outbox.backlog(), await tx.outbox.health()
            brakes = await tx.stops.brakes(now=daemon.clock.now())
            projects = [await self._project(tx, project) for project in daemon.projects()]
        return JSONResponse(
            {
                "version": __version__,
                "state": overall_state(daemon).value,
                "now": moment(daemon.clock.now()),
                "started_at": moment(daemon.started_at),
                "unhealthy": daemon.unhealthy(),
                "not_ready": daemon.not_ready(),
                "alerts": {state.value: states.count(state) for state in (AlertState.PENDING, AlertState.FIRING)},
                "projects": projects,
                "receivers": [
                    receiver_shape(name, backlog.get(name), health.get(name), resting_until=resting.get(name))
                    for name in daemon.receivers()
                ],
                "brakes": [brake_shape(brake) for brake in brakes],
            }
        )

    async def alerts(self, request: Request) -> Response:
        """
        Answer with open alerts, those of the daemon itself included, or with `state=all` also with resolved ones.

        `{"alerts": [...]}`, the newest change first; see `alert_shape`. The daemon's own have an empty `project`.
        """
        asked = _Asked.of(request, self._daemon)
        state = request.query_params.get("state", "open")
        if state not in {"open", "all"}:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "state should be open or all\n")
        async with self._daemon.store.snapshot() as tx:
            found = await tx.alerts.newest(
                limit=asked.limit,
                project=asked.project,
                conversation_id=asked.conversation_id,
                only_open=state == "open",
            )
            holds = await Holds.read(tx, self._daemon.clock.now())
        return JSONResponse({"alerts": [alert_shape(alert, holds) for alert in found]})

    async def runs(self, request: Request) -> Response:
        """Answer with `{"runs": [...]}`, those going on first, then the newest; see `run_shape`."""
        asked = _Asked.of(request, self._daemon)
        async with self._daemon.store.snapshot() as tx:
            found = [
                (run, project)
                for project in asked.projects
                for run in await tx.runs.newest(project.name, limit=asked.limit, conversation_id=asked.conversation_id)
            ]
        found.sort(key=lambda each: (each[0].ended_at is not None, -each[0].began_at))
        now = self._daemon.clock.now()
        return JSONResponse(
            {
                "runs": [
                    run_shape(run, now=now + project.offset, limit=self._daemon.run_limit(project.name, run.app))
                    for run, project in found[: asked.limit]
                ]
            }
        )

    async def ratings(self, request: Request) -> Response:
        """Answer with `{"ratings": [...]}`, changes of ratings, the newest first; see `rating_shape`."""
        asked = _Asked.of(request, self._daemon)
        async with self._daemon.store.snapshot() as tx:
            found = [
                change
                for project in asked.projects
                for change in await tx.ratings.changes(
                    project.name, limit=asked.limit, conversation_id=asked.conversation_id
                )
            ]
        found.sort(key=lambda change: change.rating.seen_at, reverse=True)
        return JSONResponse({"ratings": [rating_shape(change) for change in found[: asked.limit]]})

    async def actions(self, request: Request) -> Response:
        """
        Answer with what rules and people did to Alli, or rules would have done, and with the audit of it.

        `{"actions": [...], "audit": [...]}`, both the newest first; see `action_shape` and `audit_shape`.
        """
        asked = _Asked.of(request, self._daemon)
        async with self._daemon.store.snapshot() as tx:
            found = [
                stop
                for project in asked.projects
                for stop in await tx.stops.newest(
                    project.name, limit=asked.limit, conversation_id=asked.conversation_id
                )
            ]
            lines = await tx.stops.lines(
                limit=asked.limit, conversation_id=asked.conversation_id, project=asked.project
            )
        found.sort(key=lambda stop: stop.decided_at, reverse=True)
        return JSONResponse(
            {
                "actions": [action_shape(stop) for stop in found[: asked.limit]],
                "audit": [audit_shape(line) for line in lines],
            }
        )

    async def rules(self, _request: Request) -> Response:
        """Answer with `{"rules": [...]}`, in the order of their files; see `rule_shape`."""
        async with self._daemon.store.snapshot() as tx:
            failures = (await tx.alerts.open(rules=[Builtin.RULE_FAILING.value])).values()
        failing: dict[str, list[str]] = {}
        for alert in failures:
            failing.setdefault(dict(alert.identity.subject)["rule"], []).append(alert.identity.project)
        return JSONResponse(
            {"rules": [rule_shape(rule, failing_in=failing.get(rule.name, ())) for rule in self._daemon.rules()]}
        )

    async def _project(self, tx: Transaction, project: ProjectView) -> Mapping[str, Any]:
        now, started_at = self._daemon.clock.now(), self._daemon.started_at
        state = project_state(project, started_at=started_at, now=now)
        judged = regret(await tx.stops.verdicts(project.name))
        return {
            "name": project.name,
            "base_url": project.base_url,
            "state": state.value,
            "auth_error": project.auth_error,
            "clock_offset_seconds": project.offset,
            "coverage": {
                "last_complete_pass": moment(project.runs_completed_at),
                "blind": is_blind(project, started_at=started_at, now=now),
                **await _shares(tx, project, now=now + project.offset),
            },
            "capabilities": capabilities_shape(project.capabilities),
            "probed_at": moment(project.capabilities.probed_at - project.offset) if project.was_probed else None,
            "polls": [poll_shape(poll) for poll in project.polls],
            "baseline_at": moment(await tx.observations.baseline_at(project.name)),
            "runs": len(await tx.runs.open(project.name)),
            "stop_mode": project.stop_mode.value,
            "stops": {result.value: count for result, count in (await tx.stops.results(project.name)).items()},
            "regret": {"regretted": judged.regretted, "judged": judged.judged, "rate": judged.rate},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a request wants to see."""

    projects: tuple[ProjectView, ...]
    project: str | None
    conversation_id: str | None
    limit: int

    @classmethod
    def of(cls, request: Request, daemon: Daemon) -> _Asked:
        """Return what `request` wants; raise an HTTPException when that makes no sense."""
        query = request.query_params
        project = query.get("project")
        projects = {view.name: view for view in daemon.projects()}
        if project is not None and project not in projects:
            names = ", ".join(projects)
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no project {project!r}; there are: {names}\n")
        return cls(
            projects=tuple(projects.values() if project is None else [projects[project]]),
            project=project,
            conversation_id=query.get("conversation_id"),
            limit=_limit(query.get("limit", str(_DEFAULT))),
        )


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)) and 1 <= int(text) <= _MOST):
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"limit should be a number from 1 to {_MOST}\n")
    return int(text)


async def _shares(tx: Transaction, project: ProjectView, *, now: float) -> Mapping[str, float | None]:
    """Return the share of the last day and month in which a project was observed; `now` is server time."""
    began = await tx.observations.baseline_at(project.name)
    blinds = await tx.observations.blind_times(project.name, since=now - _MONTH)
    return {
        name: round(observed_share(blinds, since=max(now - seconds, began), until=now), 6)
        if began is not None
        else None
        for name, seconds in (("last_24h", _DAY), ("last_30d", _MONTH))
    }
