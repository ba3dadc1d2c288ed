"""Chats that stay unfinished although their run has ended."""

from __future__ import annotations

from collections import deque

from monitor.commit import Moment
from monitor.cycle.project import Project
from monitor.model.alert import Alert, Resolution
from monitor.model.builtin import Builtin
from monitor.model.run import Outcome, Run
from monitor.watch.cross_check import ChatLeft, ask_running, look_at_chat

__all__ = ["LeftChats"]

_LOOK_AFTER = 300.0  # seconds after the end of a run
_LOOK_BACK = 3600.0  # seconds before its start whose runs a daemon looks at
_LOOK_AGAIN = 300.0
_TOLD_FOR = 86400.0
_MOST_WAITING = 500
_NEVER = float("-inf")


class LeftChats:
    """
    Looks at what runs of one project left behind: one chat, and one that was told about, in each poll.

    A run that ended is looked at once, so what is lost in a burst of more than 500 ends is not looked at.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._waiting: deque[Run] = deque(maxlen=_MOST_WAITING)
        self._ended_until: float | None = None
        self._looked_at: dict[str, float] = {}

    async def look(self) -> None:
        """Look at the next chat, and at one that was told about. Raises ApiAuthError and StorageError."""
        name, now = self._project.name, self._project.client.server_time.now()
        since = self._ended_until if self._ended_until is not None else now - _LOOK_BACK
        async with self._project.commits.store.snapshot() as tx:
            ended = await tx.runs.ended_between(name, since, now - _LOOK_AFTER)
            told = await tx.alerts.open(name, rules=[Builtin.ZOMBIE_CHAT.value])
            open_runs = await tx.runs.open(name) if ended or self._waiting else {}
        self._waiting += [run for run in ended if run.incomplete_chat_id and run.outcome is not Outcome.GONE]
        self._ended_until = max(since, now - _LOOK_AFTER)
        while self._waiting and self._waiting[0].conversation_id in open_runs:
            self._waiting.popleft()  # what goes on there may go on with that chat
        if self._waiting:
            await self._look_at(self._waiting[0])
        self._looked_at = {key: at for key, at in self._looked_at.items() if key in told}
        due = [alert for key, alert in told.items() if now - self._looked_at.get(key, _NEVER) >= _LOOK_AGAIN]
        if due:
            await self._look_again(min(due, key=lambda alert: self._looked_at.get(alert.fingerprint, _NEVER)))

    async def _look_at(self, run: Run) -> None:
        client, chat_id = self._project.client, run.incomplete_chat_id or ""
        left = await look_at_chat(client, run.conversation_id, chat_id)
        running = left is ChatLeft.INCOMPLETE and await self._runs(run.conversation_id)
        self._waiting.popleft()
        if left is ChatLeft.UNKNOWN or running is None:
            self._waiting.append(run)
        elif left is ChatLeft.INCOMPLETE and not running:
            await self._tell(run, chat_id)

    async def _runs(self, conversation_id: str) -> bool | None:
        return (await ask_running(self._project.client, [conversation_id])).get(conversation_id)

    async def _tell(self, run: Run, chat_id: str) -> None:
        async with self._project.commits.begin() as commit:
            await commit.raise_builtin(
                Builtin.ZOMBIE_CHAT,
                project=run.project,
                subject={"conversation_id": run.conversation_id, "chat_id": chat_id},
                labels=self._project.app_labels(run.app),
                summary="Nothing runs any more, but the chat that was being written was never completed.",
                true=True,
                moment=self._project.moment(),
                facts=self._project.facts(),
            )

    async def _look_again(self, alert: Alert) -> None:
        moment, subject = self._project.moment(), dict(alert.identity.subject)
        if moment.server - alert.pending_since >= _TOLD_FOR:
            await self._end(alert, Resolution.EXPIRED, moment)
            return
        left = await look_at_chat(self._project.client, subject["conversation_id"], subject["chat_id"])
        self._looked_at[alert.fingerprint] = moment.server
        resolution = {ChatLeft.COMPLETED: Resolution.RECOVERED, ChatLeft.GONE: Resolution.GONE}.get(left)
        if resolution is not None:
            await self._end(alert, resolution, moment)

    async def _end(self, alert: Alert, resolution: Resolution, moment: Moment) -> None:
        async with self._project.commits.begin() as commit:
            await commit.end_alerts([alert], resolution, moment)
