"""
The real command, killed at a chosen step.

A step is an edge between the process and the world: before and after each commit that writes, and before and after
each POST, to Alli or to a receiver. Its name says what it is and how often it has come in this process. Each name is
appended to the log, on disk, before what follows from it; at the one to be killed at, the process sends itself
SIGKILL. Only libraries at the edges are patched, nothing of the monitor.

Each daemon is a process of its own, forked from one that has imported the monitor before: hundreds of them are started,
and importing it anew would take most of their time.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from monitor.cli import main as monitor_main

__all__ = ["Steps", "start"]

_WRITES = re.compile(r"\s*(?:(CREATE)\s|(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+))", re.IGNORECASE)


class Steps:
    """Names the steps of this process, logs them to `log`, and kills the process at the one named `kill_at`."""

    def __init__(self, log: Path, kill_at: str | None) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._kill_at = kill_at
        self._counts: Counter[str] = Counter()

    def take(self, name: str) -> None:
        """Take the next step of this name."""
        self._counts[name] += 1
        step = f"{name} #{self._counts[name]}"
        os.write(self._log, f"{step}\n".encode())
        os.fsync(self._log)
        if step == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch_commits(self) -> None:
        """Take a step before and after each commit that writes; its name lists the tables that are written."""
        do_commit = DefaultDialect.do_commit

        def note(connection: Any, _cursor: object, statement: str, *_: object) -> None:
            if match := _WRITES.match(statement):
                connection.info.setdefault("writes", set()).add(match[2] or "schema")

        def forget(connection: Any) -> None:
            connection.info.pop("writes", None)

        def commit(dialect: DefaultDialect, connection: Any) -> None:
            writes: set[str] = connection.info.pop("writes", set())
            name = f"commit of {'+'.join(sorted(writes - {'alembic_version'}))}"
            if writes:
                self.take(f"before {name}")
            do_commit(dialect, connection)  # type: ignore[no-untyped-call]
            if writes:
                self.take(f"after {name}")

        event.listen(Engine, "before_cursor_execute", note)
        event.listen(Engine, "begin", forget)
        DefaultDialect.do_commit = commit  # type: ignore[method-assign] # there is no event after a commit

    def watch_posts(self) -> None:
        """Take a step before a POST leaves and after its answer came; its name is the last part of the path."""
        send = httpx.AsyncClient.send

        async def watched(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
            if request.method != "POST":
                return await send(client, request, **options)
            name = f"POST {request.url.path.rpartition('/')[2]}"
            self.take(f"before {name}")
            response = await send(client, request, **options)
            self.take(f"after {name}")
            return response

        httpx.AsyncClient.send = watched  # type: ignore[method-assign,assignment]


def start(command: list[str], *, steps: Path, kill_at: str | None, output: Path) -> ForkServerProcess:
    """
    Start the monitor's command line in a process that is to be killed at the step `kill_at`.

    It appends its steps to the file `steps`, and what it prints to the file `output`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "pytest"])  # the latter because the child imports its parent's script
    process = context.Process(target=_run, args=(command, steps, kill_at, output))
    process.start()
    return process


def _run(command: list[str], steps: Path, kill_at: str | None, output: Path) -> None:
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(printed, descriptor)
    watch = Steps(steps, kill_at)
    watch.watch_commits()
    watch.watch_posts()
    sys.argv = ["alli-monitor", *command]
    monitor_main()
