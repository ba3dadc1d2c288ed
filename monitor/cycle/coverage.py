"""Keeping account of blind time: on disk and in the metrics."""

from __future__ import annotations

from monitor.commit import Commit, Moment
from monitor.cycle.project import Project
from monitor.model.blind import Blind
from monitor.store.observations import Pass
from monitor.tracking.coverage import blind_after_pass, extend

__all__ = ["KEPT", "POLL", "Coverage"]

POLL = "runs"
"""The name of the poll whose complete passes observe a project."""

KEPT = 31 * 86400.0
"""Seconds for which blind times are kept."""


class Coverage:
    """
    Keeps account of the blind time of one project, while it grows and when it ends.

    Time since a pass of this daemon is measured on the monotonic clock, so that a clock that is set, ours or Alli's,
    makes no blind time; only across a restart it is the difference of two server times.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._began = project.clock.monotonic()
        self._seen: float | None = None

    def seen(self) -> None:
        """Note that a complete pass was written just now."""
        self._seen = self._project.clock.monotonic()

    def blind(self, newest: Pass | None, moment: Moment) -> Blind | None:
        """Return the blind time that goes on; `newest` is the newest complete pass, of this daemon or a former one."""
        if self._seen is None and newest is not None:
            elapsed = moment.server - newest.completed_at
        else:
            elapsed = self._project.clock.monotonic() - (self._seen or self._began)
        return blind_after_pass(elapsed, now=moment.server, interval=self._project.polling.runs)

    async def account(self, commit: Commit, newest: Pass | None, moment: Moment) -> None:
        """
        Write and count what of the time since the newest complete pass was blind; call it again as often as you like.

        A restart goes on where the former daemon left off, so the time without a daemon is counted, and nothing twice.
        """
        blind = self.blind(newest, moment)
        if blind is None:
            return
        name = self._project.name
        extended = extend(await commit.tx.observations.newest_blind(name), blind)
        await commit.tx.observations.put_blind(name, extended.blind, forget_before=moment.server - KEPT)
        counter = self._project.metrics.blind_seconds.labels(name)
        commit.after(lambda: counter.inc(extended.added))
