"""Asking `/running` about runs that the list shows, and telling where the sources go on to disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from monitor.commit import Commit, Moment
from monitor.cycle.project import Project
from monitor.model.builtin import Builtin
from monitor.model.run import Clash, Contradiction, Run
from monitor.tracking.contradictions import check_due, is_urgent, stands
from monitor.watch.cross_check import ask_running
from monitor.watch.runs import RunsSeen

__all__ = ["CrossChecks"]

_MOST = 2  # requests to /running in one poll
_NEVER = float("-inf")


class CrossChecks:
    """Holds the list of running conversations of one project against `/running`, within a bounded cost."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._asked_at: dict[str, float] = {}

    async def ask(self, open_runs: Mapping[str, Run], seen: RunsSeen) -> dict[str, bool]:
        """
        Return what `/running` says about some of the open runs that the list showed, by conversation id.

        First come those which something speaks against, then those that were not asked about for longest. Where the
        list does not tell what runs, all of them have just been asked.
        """
        shown = [sighting.conversation.id for sighting in seen.sightings]
        if seen.since is not None:
            return dict.fromkeys(shown, True)
        now = self._project.client.server_time.now()
        due = [run for id_ in shown if (run := open_runs.get(id_)) is not None and self._is_due(run, now)]
        due.sort(key=lambda run: (not is_urgent(run, interval=self._interval), self._asked_at.get(run.id, _NEVER)))
        open_ids = {run.id for run in open_runs.values()}
        self._asked_at = {id_: at for id_, at in self._asked_at.items() if id_ in open_ids}
        self._asked_at |= {run.id: now for run in due[:_MOST]}
        return await ask_running(self._project.client, [run.conversation_id for run in due[:_MOST]])

    async def tell(self, commit: Commit, listed: Iterable[Run], moment: Moment) -> None:
        """Write what became of the alerts about runs that a list showed and other sources deny."""
        told = await commit.tx.alerts.open(self._project.name, rules=[Builtin.GHOST_RUN.value])
        told_about = {dict(alert.identity.subject)["run_id"] for alert in told.values()}
        for run in listed:
            contradiction = run.contradiction
            if contradiction is None:
                if run.id in told_about:
                    await self._raise(commit, run, "", moment, true=False)
            elif stands(contradiction, interval=self._interval):
                await self._raise(commit, run, _summary(contradiction), moment, true=True)

    async def _raise(self, commit: Commit, run: Run, summary: str, moment: Moment, *, true: bool) -> None:
        await commit.raise_builtin(
            Builtin.GHOST_RUN,
            project=run.project,
            subject={"conversation_id": run.conversation_id, "run_id": run.id},
            labels=self._project.app_labels(run.app),
            summary=summary,
            true=true,
            moment=moment,
            facts=self._project.facts_about(run, moment),
        )

    def _is_due(self, run: Run, now: float) -> bool:
        return check_due(
            run,
            asked_at=self._asked_at.get(run.id),
            limit=self._project.settings.app_policy(run.app, run.project).run_limit,
            interval=self._interval,
            now=now,
        )

    @property
    def _interval(self) -> float:
        return self._project.polling.runs


def _summary(contradiction: Contradiction) -> str:
    others = {
        Clash.NOT_RUNNING: "/running says that nothing runs",
        Clash.CHAT_COMPLETED: "its chat is completed and it writes no other",
    }
    since = datetime.fromtimestamp(contradiction.since, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"The list shows a run, but {others[contradiction.clash]}, since {since} UTC. It is not stopped."
