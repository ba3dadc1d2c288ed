"""The cycle of daily counts: how many conversations Alli counted on the last finished day."""

from __future__ import annotations

from datetime import date, timedelta

import structlog

from monitor.alli.pacing import Priority
from monitor.cycle.project import Project
from monitor.errors import ApiAuthError, ApiRefused
from monitor.model.capabilities import Proof
from monitor.tracking.days import last_finished_day

__all__ = ["DAILY_COUNT", "DailyCounts"]

log = structlog.get_logger()

DAILY_COUNT = "daily_count"
_DAYS = 3  # that are asked for: what says nothing of them says nothing of the last
_REFUSED_FOR = 86400.0  # seconds for which a refusal holds


class DailyCounts:
    """Shows the daily count of one project, whose days are those of its time zone."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._shown: date | None = None
        self._refused_at: float | None = None

    async def poll(self) -> None:
        """
        Ask for the last finished day and show it; a count that is not known is not shown.

        An operation that this server refuses is asked again a day later, and is no failure of anything else. Raises
        what the client raises beyond that.
        """
        now, name = self._project.moment(), self._project.name
        if self._project.capabilities.daily_count is Proof.FAILS or self._is_refused():
            return
        day = last_finished_day(now.server, self._project.zone)
        if self._shown is not None and self._shown != day:
            self._project.metrics.daily_conversations.remove(name)
            self._shown = None
        start = day - timedelta(days=_DAYS - 1)
        try:
            answer = await self._project.client.daily_count(start, day, priority=Priority.SWEEP)
        except ApiAuthError:
            raise
        except ApiRefused as error:
            self._refused_at = self._project.clock.monotonic()
            log.info("daily count is not available", project=name, because=str(error))
            return
        for count in answer.value:
            if count.day == day:
                self._project.metrics.daily_conversations.labels(name).set(count.conversations)
                self._shown = day

    def _is_refused(self) -> bool:
        return self._refused_at is not None and self._project.clock.monotonic() - self._refused_at < _REFUSED_FOR
